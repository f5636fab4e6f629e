//! Commands that change the machine, with their parameters: from Chocolatey's own source, from
//! `chocolatey-core.extension`, and from Windows PowerShell's reference.

use fleetmend_model::effect::EffectKind;

use super::parameters::{Parameter, switch, value};

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

static FILES: [Parameter; 12] = [
    value("path", Some(0), &["literalpath", "filepath", "pspath"]),
    value("value", Some(1), &[]),
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
];

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

static REMOVE_PROCESS: [Parameter; 4] = [
    value("name", Some(0), &["namefilter"]),
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
    value("shortcutfilepath", Some(0), &[]),
    value("targetpath", Some(1), &[]),
    value("workingdirectory", Some(2), &[]),
    value("arguments", Some(3), &[]),
    value("iconlocation", Some(4), &[]),
    value("description", Some(5), &[]),
    value("windowstyle", Some(6), &[]),
    switch("runasadmin", &[]),
    switch("pintotaskbar", &[]),
];

static PATH_ENTRY: [Parameter; 2] = [
    value("pathtoinstall", Some(0), &["pathtouninstall", "path"]),
    value("pathtype", Some(1), &[]),
];

static VARIABLE: [Parameter; 3] = [
    value("variablename", Some(0), &["name"]),
    value("variablevalue", Some(1), &["value"]),
    value("variabletype", Some(2), &["scope"]),
];

static REMOVED_VARIABLE: [Parameter; 2] = [
    value("variablename", Some(0), &[]),
    value("variabletype", Some(1), &[]),
];

static SHIM: [Parameter; 4] = [
    value("name", Some(0), &[]),
    value("path", Some(1), &[]),
    value("command", None, &[]),
    switch("usestart", &["isgui"]),
];

static ASSOCIATION: [Parameter; 3] = [
    value("extension", Some(0), &[]),
    value("executable", Some(1), &[]),
    value("arguments", Some(2), &[]),
];

static MENU_ITEM: [Parameter; 4] = [
    value("menukey", Some(0), &[]),
    value("menulabel", Some(1), &[]),
    value("command", Some(2), &[]),
    value("type", Some(3), &[]),
];

static PINNED: [Parameter; 1] = [value("targetfilepath", Some(0), &[])];

static APP_PATH: [Parameter; 2] = [
    value("exepath", Some(0), &["path"]),
    value("name", Some(1), &[]),
];

static EDITOR_EXTENSION: [Parameter; 2] = [
    value("extensionid", Some(0), &[]),
    value("channel", None, &[]),
];

static ZIP: [Parameter; 2] = [
    value("packagename", Some(0), &[]),
    value("zipfilename", Some(1), &[]),
];

pub(super) static COMMANDS: [EffectCommand; 18] = [
    cmdlet(
        &[
            "remove-item",
            "set-content",
            "add-content",
            "clear-content",
            "out-file",
            "new-item",
            "new-folder",
            "clear-item",
        ],
        EffectKind::Files,
        &FILES,
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
        &SHIM,
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
];
