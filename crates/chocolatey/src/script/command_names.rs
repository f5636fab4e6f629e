//! Names of commands: aliases, and those that have no effect on the machine.

use fleetmend_model::condition::FactKind;

/// Commands that read: no effect on the machine, an output that is not known.
const READING: [&str; 74] = [
    "out-string",
    "get-content",
    "resolve-path",
    "convert-path",
    "get-environmentvariable",
    "get-environmentvariablenames",
    "get-uacenabled",
    "get-checksumvalid",
    "get-webheaders",
    "get-webfilename",
    "get-itempropertyvalue",
    "get-module",
    "get-command",
    "get-date",
    "get-culture",
    "get-uiculture",
    "get-winuserlanguagelist",
    "get-location",
    "get-filehash",
    "get-random",
    "get-acl",
    "get-eventlog",
    "get-winevent",
    "get-host",
    "get-hotfix",
    "get-psdrive",
    "get-psprovider",
    "get-variable",
    "get-member",
    "get-alias",
    "get-executionpolicy",
    "get-timezone",
    "get-winsystemlocale",
    "get-computerinfo",
    "get-disk",
    "get-volume",
    "get-netadapter",
    "get-nettcpconnection",
    "get-scheduledtask",
    "get-authenticodesignature",
    "get-windowsfeature",
    "get-windowsoptionalfeature",
    "get-appxpackage",
    "get-appxprovisionedpackage",
    "get-webcontent",
    "get-availabledriveletter",
    "get-effectiveproxy",
    "get-chocolateyconfigvalue",
    "measure-object",
    "measure-command",
    "group-object",
    "compare-object",
    "select-string",
    "select-xml",
    "format-list",
    "format-table",
    "format-wide",
    "format-hex",
    "format-filesize",
    "convertfrom-json",
    "convertto-json",
    "convertfrom-csv",
    "convertto-csv",
    "convertfrom-stringdata",
    "convertto-xml",
    "import-csv",
    "import-clixml",
    "import-powershelldatafile",
    "test-connection",
    "receive-job",
    "get-job",
    "new-timespan",
    "get-packageprovider",
    "get-diskimage",
];

/// Commands that print or wait: no effect on the machine, and no output.
const SILENT: [&str; 21] = [
    "write-host",
    "write-warning",
    "write-verbose",
    "write-debug",
    "write-information",
    "write-progress",
    "write-functioncalllogmessage",
    "write-chocolateysuccess",
    "out-null",
    "out-host",
    "out-default",
    "update-sessionenvironment",
    "start-sleep",
    "set-strictmode",
    "wait-process",
    "export-modulemember",
    "set-powershellexitcode",
    "new-psdrive",
    "remove-psdrive",
    "wait-job",
    "remove-job",
];

/// Short and other names of commands, of Windows PowerShell and of Chocolatey.
const ALIASES: [(&str, &str); 75] = [
    ("%", "foreach-object"),
    ("foreach", "foreach-object"),
    ("?", "where-object"),
    ("where", "where-object"),
    ("select", "select-object"),
    ("sort", "sort-object"),
    ("measure", "measure-object"),
    ("group", "group-object"),
    ("echo", "write-output"),
    ("write", "write-output"),
    ("gci", "get-childitem"),
    ("ls", "get-childitem"),
    ("dir", "get-childitem"),
    ("gi", "get-item"),
    ("rm", "remove-item"),
    ("ri", "remove-item"),
    ("del", "remove-item"),
    ("erase", "remove-item"),
    ("rd", "remove-item"),
    ("rmdir", "remove-item"),
    ("rp", "remove-itemproperty"),
    ("sp", "set-itemproperty"),
    ("sleep", "start-sleep"),
    ("cat", "get-content"),
    ("gc", "get-content"),
    ("type", "get-content"),
    ("gp", "get-itemproperty"),
    ("gpv", "get-itempropertyvalue"),
    ("gwmi", "get-wmiobject"),
    ("gcim", "get-ciminstance"),
    ("refreshenv", "update-sessionenvironment"),
    ("ni", "new-item"),
    ("mkdir", "new-folder"),
    ("md", "new-folder"),
    ("cp", "copy-item"),
    ("copy", "copy-item"),
    ("cpi", "copy-item"),
    ("mv", "move-item"),
    ("move", "move-item"),
    ("mi", "move-item"),
    ("ren", "rename-item"),
    ("rni", "rename-item"),
    ("sc", "set-content"),
    ("ac", "add-content"),
    ("clc", "clear-content"),
    ("start", "start-process"),
    ("saps", "start-process"),
    ("kill", "stop-process"),
    ("spps", "stop-process"),
    ("ps", "get-process"),
    ("gps", "get-process"),
    ("gsv", "get-service"),
    ("sasv", "start-service"),
    ("spsv", "stop-service"),
    ("iwr", "invoke-webrequest"),
    ("curl", "invoke-webrequest"),
    ("wget", "invoke-webrequest"),
    ("irm", "invoke-restmethod"),
    ("iex", "invoke-expression"),
    ("ipmo", "import-module"),
    ("cd", "set-location"),
    ("chdir", "set-location"),
    ("sl", "set-location"),
    ("pushd", "push-location"),
    ("popd", "pop-location"),
    ("set", "set-variable"),
    ("sv", "set-variable"),
    ("nv", "new-variable"),
    ("rv", "remove-variable"),
    ("fl", "format-list"),
    ("ft", "format-table"),
    ("oh", "out-host"),
    ("get-processorbits", "get-osarchitecturewidth"),
    ("get-osbitness", "get-osarchitecturewidth"),
    ("get-packageparametersbuiltin", "get-packageparameters"),
];

/// The full name of a command, from one in lower case.
pub(super) fn full(name: &str) -> &str {
    ALIASES
        .iter()
        .find(|(short, _)| *short == name)
        .map_or(name, |(_, long)| long)
}

/// Helpers that Chocolatey had, with the version from which on it has none of that name. Source: its
/// helpers at the tags of these versions.
const REMOVED: [(&str, &str, &str); 4] = [
    ("write-chocolateysuccess", "Write-ChocolateySuccess", "1.0"),
    ("write-chocolateyfailure", "Write-ChocolateyFailure", "1.0"),
    (
        "install-chocolateydesktoplink",
        "Install-ChocolateyDesktopLink",
        "1.0",
    ),
    ("get-binroot", "Get-BinRoot", "2.0"),
];

/// The name of a helper, from one in lower case, and the version from which on Chocolatey lacks it.
pub(super) fn removed(name: &str) -> Option<(&'static str, &'static str)> {
    let found = REMOVED.iter().find(|(lower, ..)| *lower == name);
    found.map(|(_, shown, version)| (*shown, *version))
}

pub(super) fn is_harmless(name: &str) -> bool {
    READING.contains(&name) || is_silent(name)
}

/// What a command reads of the device, if that has a name.
pub(super) fn read_fact(name: &str) -> Option<FactKind> {
    Some(match name {
        "get-command" | "get-module" | "get-alias" => FactKind::Program,
        "get-content"
        | "get-acl"
        | "get-filehash"
        | "resolve-path"
        | "convert-path"
        | "get-authenticodesignature"
        | "import-csv"
        | "import-clixml" => FactKind::File,
        "get-environmentvariable" => FactKind::Variable,
        "get-culture"
        | "get-uiculture"
        | "get-winuserlanguagelist"
        | "get-winsystemlocale"
        | "get-hotfix"
        | "get-psdrive"
        | "get-executionpolicy"
        | "get-timezone"
        | "get-computerinfo"
        | "get-disk"
        | "get-volume"
        | "get-netadapter"
        | "get-nettcpconnection"
        | "get-scheduledtask"
        | "get-windowsfeature"
        | "get-windowsoptionalfeature"
        | "get-appxpackage"
        | "get-appxprovisionedpackage"
        | "get-effectiveproxy"
        | "get-availabledriveletter"
        | "get-uacenabled"
        | "get-packageprovider"
        | "get-diskimage" => FactKind::Windows,
        _ => return None,
    })
}

/// Whether a command's output is made of its input alone.
pub(super) fn is_pure(name: &str) -> bool {
    [
        "out-string",
        "measure-object",
        "group-object",
        "compare-object",
        "select-string",
        "format-list",
        "format-table",
        "format-wide",
        "convertfrom-json",
        "convertto-json",
        "convertfrom-csv",
        "convertto-csv",
        "convertfrom-stringdata",
        "convertto-xml",
    ]
    .contains(&name)
}

pub(super) fn is_silent(name: &str) -> bool {
    SILENT.contains(&name)
}

/// Whether a command only passes script blocks on, or runs them where that is analysed.
pub(super) fn keeps_blocks(name: &str) -> bool {
    name.starts_with("write-")
        || [
            "foreach-object",
            "where-object",
            "start-job",
            "invoke-command",
            "set-variable",
            "new-variable",
            "new-object",
            // `-BeforeInstall`.
            "install-chocolateypackage",
            "install-chocolateyinstallpackage",
            "out-null",
            "out-host",
            "out-default",
        ]
        .contains(&name)
}

/// Names among [`ALIASES`] that are none in Windows `PowerShell` itself: functions of its, and what
/// only some versions of Chocolatey have.
const NO_ALIASES: [&str; 6] = [
    "mkdir",
    "md",
    "refreshenv",
    "get-processorbits",
    "get-osbitness",
    "get-packageparametersbuiltin",
];

/// Further aliases of Windows `PowerShell` 5.1.
const MORE_ALIASES: [&str; 90] = [
    "asnp", "cfs", "clear", "clhy", "cli", "clp", "cls", "clv", "cnsn", "compare", "cpp", "cvpa",
    "dbp", "diff", "dnsn", "ebp", "epal", "epcsv", "epsn", "etsn", "exsn", "fc", "fhx", "fw",
    "gal", "gbp", "gcb", "gcm", "gcs", "gdr", "ghy", "gin", "gjb", "gl", "gm", "gmo", "gsn",
    "gsnp", "gtz", "gu", "gv", "h", "history", "icm", "ihy", "ii", "ipal", "ipcsv", "ipsn", "ise",
    "iwmi", "lp", "man", "mount", "mp", "nal", "ndr", "nmo", "npssc", "nsn", "nwsn", "ogv", "pwd",
    "r", "rbp", "rcjb", "rcsn", "rdr", "rjb", "rmo", "rnp", "rsn", "rsnp", "rujb", "rvpa", "rwmi",
    "sajb", "sal", "sbp", "scb", "shcm", "si", "sls", "spjb", "stz", "sujb", "swmi", "tee", "trcm",
    "wjb",
];

/// Whether a name, in lower case, is an alias of Windows `PowerShell`: those come before functions.
pub(super) fn is_alias(name: &str) -> bool {
    let is_listed = ALIASES.iter().any(|(short, _)| *short == name);
    (is_listed && !NO_ALIASES.contains(&name)) || MORE_ALIASES.contains(&name)
}

/// Modules of Chocolatey and of Windows `PowerShell` that are there before a script loads anything.
const MODULES: [&str; 11] = [
    "chocolateyinstaller",
    "chocolateyprofile",
    "microsoft.powershell.archive",
    "microsoft.powershell.core",
    "microsoft.powershell.diagnostics",
    "microsoft.powershell.host",
    "microsoft.powershell.localaccounts",
    "microsoft.powershell.management",
    "microsoft.powershell.operation.validation",
    "microsoft.powershell.security",
    "microsoft.powershell.utility",
];

/// Whether a name, in lower case, is that of such a module.
pub(super) fn is_module(name: &str) -> bool {
    MODULES.contains(&name)
}
