//! Commands that change the machine, with their parameters: from Chocolatey's own source, from
//! `chocolatey-core.extension`, and from Windows PowerShell's reference.

use fleetmend_model::effect::EffectKind;

use super::parameters::{Parameter, mandatory, switch, value};

/// A command with an effect.
pub(super) struct EffectCommand {
    pub(super) names: &'static [&'static str],
    pub(super) kind: EffectKind,
    pub(super) parameters: &'static [Parameter],
    /// Whether it swallows arguments that it does not know.
    pub(super) takes_rest: bool,
    /// The parameter that the pipeline is bound to.
    pub(super) piped: Option<&'static str>,
}

/// What a helper takes for an operand that decides where its change holds, where it is not given.
pub(super) fn default_scope(command: &str) -> Option<(&'static str, &'static str)> {
    match command {
        "install-chocolateypath" | "uninstall-chocolateypath" => Some(("pathtype", "User")),
        "install-chocolateyenvironmentvariable" | "uninstall-chocolateyenvironmentvariable" => {
            Some(("variabletype", "User"))
        }
        _ => None,
    }
}

const fn helper(
    names: &'static [&'static str],
    kind: EffectKind,
    parameters: &'static [Parameter],
) -> EffectCommand {
    EffectCommand {
        names,
        kind,
        parameters,
        takes_rest: true,
        piped: None,
    }
}

const fn cmdlet(
    names: &'static [&'static str],
    kind: EffectKind,
    parameters: &'static [Parameter],
    piped: &'static str,
) -> EffectCommand {
    EffectCommand {
        names,
        kind,
        parameters,
        takes_rest: false,
        piped: Some(piped),
    }
}

/// Those of commands that change files; by its place a value is taken where `value_at` says so.
const fn of_files(value_at: Option<u8>) -> [Parameter; 15] {
    [
        value("path", Some(0), &["literalpath", "filepath", "pspath"]),
        value("value", value_at, &[]),
        value("depth", None, &[]),
        switch("notypeinformation", &["nti"]),
        value("itemtype", None, &["type"]),
        value("name", None, &[]),
        value("encoding", None, &[]),
        value("include", None, &[]),
        value("exclude", None, &[]),
        value("filter", None, &[]),
        value("inputobject", None, &[]),
        switch("force", &[]),
        switch("recurse", &[]),
        switch("nonewline", &[]),
        switch("append", &[]),
    ]
}

static FILES: [Parameter; 15] = of_files(Some(1));

/// Of those that take nothing else by its place than a path: more is an error.
static ITEMS: [Parameter; 15] = of_files(None);

static MOVES: [Parameter; 9] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("destination", Some(1), &["newname"]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("filter", None, &[]),
    switch("force", &[]),
    switch("recurse", &[]),
    switch("container", &[]),
    switch("passthru", &[]),
];

static PROPERTY: [Parameter; 7] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("name", Some(1), &["psproperty"]),
    value("value", Some(2), &[]),
    value("propertytype", None, &["type"]),
    value("newname", None, &[]),
    switch("force", &[]),
    switch("passthru", &[]),
];

static STOP_PROCESS: [Parameter; 5] = [
    value("name", None, &["processname"]),
    value("id", Some(0), &[]),
    value("inputobject", None, &[]),
    switch("force", &[]),
    switch("passthru", &[]),
];

/// Both filters are regular expressions of which a part of the name, or of the path, must fit one.
static REMOVE_PROCESS: [Parameter; 4] = [
    value("namefilter", Some(0), &[]),
    value("pathfilter", Some(1), &[]),
    value("waitfor", None, &[]),
    switch("withchildren", &[]),
];

static SERVICE: [Parameter; 8] = [
    value("name", Some(0), &["servicename"]),
    value("displayname", None, &[]),
    value("startuptype", None, &["startmode"]),
    value("status", None, &[]),
    value("inputobject", None, &[]),
    switch("force", &[]),
    switch("passthru", &[]),
    switch("nowait", &[]),
];

static SHORTCUT: [Parameter; 9] = [
    mandatory("shortcutfilepath", Some(0), &[]),
    mandatory("targetpath", Some(1), &[]),
    value("workingdirectory", Some(2), &[]),
    value("arguments", Some(3), &[]),
    value("iconlocation", Some(4), &[]),
    value("description", Some(5), &[]),
    value("windowstyle", Some(6), &[]),
    switch("runasadmin", &[]),
    switch("pintotaskbar", &[]),
];

static PATH_ENTRY: [Parameter; 2] = [
    mandatory("pathtoinstall", Some(0), &["pathtouninstall", "path"]),
    value("pathtype", Some(1), &["scope", "type"]),
];

static VARIABLE: [Parameter; 3] = [
    value("variablename", Some(0), &["name"]),
    value("variablevalue", Some(1), &["value"]),
    value("variabletype", Some(2), &["scope"]),
];

static REMOVED_VARIABLE: [Parameter; 2] = [
    mandatory("variablename", Some(0), &[]),
    value("variabletype", Some(1), &[]),
];

static SHIM: [Parameter; 4] = [
    mandatory("name", Some(0), &[]),
    mandatory("path", Some(1), &[]),
    value("command", None, &[]),
    switch("usestart", &["isgui"]),
];

static REMOVED_SHIM: [Parameter; 2] =
    [mandatory("name", Some(0), &[]), value("path", Some(1), &[])];

static ASSOCIATION: [Parameter; 3] = [
    mandatory("extension", Some(0), &[]),
    mandatory("executable", Some(1), &[]),
    value("arguments", Some(2), &[]),
];

static MENU_ITEM: [Parameter; 4] = [
    mandatory("menukey", Some(0), &[]),
    value("menulabel", Some(1), &[]),
    value("command", Some(2), &[]),
    value("type", Some(3), &[]),
];

static PINNED: [Parameter; 1] = [mandatory("targetfilepath", Some(0), &[])];

static APP_PATH: [Parameter; 2] = [
    mandatory("exepath", Some(0), &["path"]),
    value("name", Some(1), &[]),
];

static EDITOR_EXTENSION: [Parameter; 2] = [
    value("extensionid", Some(0), &[]),
    value("channel", None, &[]),
];

static ZIP: [Parameter; 2] = [
    mandatory("packagename", Some(0), &[]),
    mandatory("zipfilename", Some(1), &[]),
];

static FIREWALL: [Parameter; 20] = [
    value("displayname", None, &[]),
    value("name", None, &["instanceid"]),
    value("displaygroup", None, &[]),
    value("group", None, &["rulegroup"]),
    value("description", None, &[]),
    value("direction", None, &[]),
    value("action", None, &[]),
    value("program", None, &["applicationpath"]),
    value("service", None, &[]),
    value("protocol", None, &[]),
    value("localport", None, &["localportrange"]),
    value("remoteport", None, &["remoteportrange"]),
    value("localaddress", None, &["localip"]),
    value("remoteaddress", None, &["remoteip"]),
    value("profile", None, &["profiles"]),
    value("enabled", None, &[]),
    value("edgetraversalpolicy", None, &[]),
    value("interfacetype", None, &[]),
    value("inputobject", None, &[]),
    value("icmptype", None, &[]),
];

static FEATURE: [Parameter; 9] = [
    value("featurename", Some(0), &["name", "features"]),
    value("source", None, &[]),
    value("packagename", None, &[]),
    switch("online", &[]),
    switch("all", &["includeallsubfeature"]),
    switch("norestart", &[]),
    switch("limitaccess", &[]),
    switch("includemanagementtools", &[]),
    switch("remove", &[]),
];

static APP_PACKAGE: [Parameter; 6] = [
    value("package", Some(0), &["packagename", "packagefullname"]),
    value("user", None, &[]),
    switch("allusers", &[]),
    switch("online", &[]),
    switch("preserveapplicationdata", &[]),
    switch("preserveroamableapplicationdata", &[]),
];

static FONT: [Parameter; 2] = [
    value(
        "paths",
        Some(0),
        &["path", "fontpathandfilename", "fontfiles"],
    ),
    switch("multiple", &[]),
];

static NEW_SERVICE: [Parameter; 8] = [
    value("name", Some(0), &["servicename"]),
    value("binarypathname", Some(1), &["path"]),
    value("displayname", None, &[]),
    value("description", None, &[]),
    value("startuptype", None, &[]),
    value("dependson", None, &[]),
    value("credential", None, &[]),
    value("securitydescriptorsddl", None, &["sd"]),
];

static POWERSHELL_COMMAND: [Parameter; 8] = [
    value("packagename", Some(0), &[]),
    mandatory("psfilefullpath", Some(1), &["file", "filefullpath"]),
    value("url", Some(2), &[]),
    value("url64bit", Some(3), &["url64"]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("checksum64", None, &[]),
    value("checksumtype64", None, &[]),
];

static SCHEDULED_TASK: [Parameter; 3] = [
    value("taskname", Some(0), &[]),
    value("taskpath", Some(1), &[]),
    value("inputobject", None, &[]),
];

pub(super) static COMMANDS: [EffectCommand; 27] = [
    cmdlet(
        &["set-content", "add-content", "out-file"],
        EffectKind::Files,
        &FILES,
        "path",
    ),
    cmdlet(
        &[
            "remove-item",
            "clear-content",
            "new-item",
            "new-folder",
            "clear-item",
        ],
        EffectKind::Files,
        &ITEMS,
        "path",
    ),
    cmdlet(
        &["copy-item", "move-item", "rename-item"],
        EffectKind::Files,
        &MOVES,
        "path",
    ),
    cmdlet(
        &[
            "new-itemproperty",
            "set-itemproperty",
            "remove-itemproperty",
            "rename-itemproperty",
        ],
        EffectKind::Registry,
        &PROPERTY,
        "path",
    ),
    cmdlet(
        &["stop-process"],
        EffectKind::StopProcess,
        &STOP_PROCESS,
        "inputobject",
    ),
    helper(
        &["remove-process"],
        EffectKind::StopProcess,
        &REMOVE_PROCESS,
    ),
    cmdlet(
        &[
            "start-service",
            "stop-service",
            "restart-service",
            "set-service",
            "suspend-service",
            "resume-service",
        ],
        EffectKind::Service,
        &SERVICE,
        "inputobject",
    ),
    helper(
        &["install-chocolateyshortcut"],
        EffectKind::Shortcut,
        &SHORTCUT,
    ),
    helper(
        &[
            "install-chocolateydesktoplink",
            "install-chocolateypinnedtaskbaritem",
        ],
        EffectKind::Shortcut,
        &PINNED,
    ),
    helper(
        &["install-chocolateypath", "uninstall-chocolateypath"],
        EffectKind::SearchPath,
        &PATH_ENTRY,
    ),
    helper(
        &[
            "install-chocolateyenvironmentvariable",
            "set-environmentvariable",
        ],
        EffectKind::EnvironmentVariable,
        &VARIABLE,
    ),
    helper(
        &["uninstall-chocolateyenvironmentvariable"],
        EffectKind::EnvironmentVariable,
        &REMOVED_VARIABLE,
    ),
    helper(
        &["install-binfile", "add-binfile", "generate-binfile"],
        EffectKind::Shim,
        &SHIM,
    ),
    helper(
        &["uninstall-binfile", "remove-binfile"],
        EffectKind::Shim,
        &REMOVED_SHIM,
    ),
    helper(
        &["install-chocolateyfileassociation"],
        EffectKind::FileAssociation,
        &ASSOCIATION,
    ),
    helper(
        &["install-chocolateyexplorermenuitem"],
        EffectKind::MenuItem,
        &MENU_ITEM,
    ),
    helper(
        &["register-application", "unregister-application"],
        EffectKind::AppPath,
        &APP_PATH,
    ),
    helper(
        &["install-vscodeextension", "uninstall-vscodeextension"],
        EffectKind::EditorExtension,
        &EDITOR_EXTENSION,
    ),
    helper(&["uninstall-chocolateyzippackage"], EffectKind::Files, &ZIP),
    cmdlet(
        &[
            "new-netfirewallrule",
            "set-netfirewallrule",
            "remove-netfirewallrule",
            "enable-netfirewallrule",
            "disable-netfirewallrule",
        ],
        EffectKind::Firewall,
        &FIREWALL,
        "inputobject",
    ),
    cmdlet(
        &[
            "enable-windowsoptionalfeature",
            "disable-windowsoptionalfeature",
            "install-windowsfeature",
            "add-windowsfeature",
            "uninstall-windowsfeature",
            "remove-windowsfeature",
            "add-windowscapability",
            "remove-windowscapability",
        ],
        EffectKind::WindowsFeature,
        &FEATURE,
        "featurename",
    ),
    cmdlet(
        &["remove-appxpackage", "remove-appxprovisionedpackage"],
        EffectKind::AppPackage,
        &APP_PACKAGE,
        "package",
    ),
    helper(
        &[
            "install-chocolateyfont",
            "uninstall-chocolateyfont",
            "add-font",
            "remove-font",
        ],
        EffectKind::Font,
        &FONT,
    ),
    cmdlet(&["new-service"], EffectKind::Service, &NEW_SERVICE, "name"),
    helper(
        &["install-chocolateypowershellcommand"],
        EffectKind::Shim,
        &POWERSHELL_COMMAND,
    ),
    cmdlet(
        &[
            "start-scheduledtask",
            "stop-scheduledtask",
            "enable-scheduledtask",
            "disable-scheduledtask",
            "unregister-scheduledtask",
        ],
        EffectKind::ScheduledTask,
        &SCHEDULED_TASK,
        "inputobject",
    ),
    cmdlet(
        &["export-clixml", "export-csv", "tee-object"],
        EffectKind::Files,
        &FILES,
        "value",
    ),
];
