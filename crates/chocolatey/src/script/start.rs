//! What Chocolatey (`chocolateyScriptRunner.ps1`) and `PowerShell` set before a script starts.

use std::rc::Rc;

use fleetmend_model::condition::FactKind;

use super::interpreter::Interpreter;
use super::path;
use super::place::{self, PACKAGE_ROOT, VERSION};
use super::value::{Object, Value};

/// What the runner sets and a package's script inherits, besides the values that are the same on
/// every device.
const CHOCOLATEY_VARIABLES: [&str; 25] = [
    "packagescript",
    "prerunhookscripts",
    "postrunhookscripts",
    "verbosity",
    "verbosepreference",
    "debugpreference",
    "currentthread",
    "culture",
    "runnote",
    "warning",
    "errorcolor",
    "note",
    "helperspath",
    "nugetchocolateypath",
    "nugetpath",
    "nugetexepath",
    "nugetlibpath",
    "badlibpath",
    "extensionspath",
    "chocoinstallvariablename",
    "chocotools",
    "nugetexe",
    "7zip",
    "shimgen",
    "checksumexe",
];

/// Variables of `PowerShell` itself that only a running script has.
const RUN_TIME: [&str; 19] = [
    "_",
    "psitem",
    "args",
    "input",
    "matches",
    "error",
    "?",
    "$",
    "^",
    "host",
    "home",
    "pscmdlet",
    "executioncontext",
    "pid",
    "lastexitcode",
    "profile",
    "psculture",
    "psuiculture",
    "stacktrace",
];

/// What the runner sets for the package's script, and extensions may see or not.
fn is_of_runner(name: &str) -> bool {
    matches!(
        name,
        "packagename"
            | "packageversion"
            | "version"
            | "packagefolder"
            | "packageparameters"
            | "installarguments"
            | "overrideargs"
            | "forcex86"
    )
}

impl Interpreter<'_> {
    /// A variable that the script did not set, by its lower-case name.
    pub(super) fn start_value(&mut self, name: &str) -> Value {
        let package = || Value::text(self.package.nuspec.id.as_str());
        let root = || Value::text(PACKAGE_ROOT.to_string());
        if let Some(variable) = name.strip_prefix("env:") {
            return match variable {
                "chocolateypackagename" | "packagename" => package(),
                "chocolateypackagetitle" | "packagetitle" => self.title(),
                "chocolateypackageversion" | "packageversion" => self.version(),
                "chocolateypackagefolder" | "packagefolder" => root(),
                // Fleetmend installs with neither package parameters nor arguments of its own, and
                // forces nothing.
                "chocolateypackageparameters"
                | "packageparameters"
                | "chocolateypackageparameterssensitive"
                | "chocolateyinstallarguments"
                | "installarguments"
                | "chocolateyinstalloverride"
                | "chocolateyforcex86"
                // None of Chocolatey's: nothing sets it.
                | "chocolateyforcex64"
                | "chocolateyforce" => Value::Null,
                "processor_architecture" => {
                    let is_64 = self.bits() == 64;
                    Value::text(if is_64 { "AMD64" } else { "x86" })
                }
                "processor_architew6432" => Value::Null,
                "os_is64bit" => Value::text(if self.bits() == 64 { "True" } else { "False" }),
                "os" => Value::text("Windows_NT"),
                "comspec" => match place::of_folder("system") {
                    Some(system) => Value::text(format!("{system}\\cmd.exe")),
                    None => Value::Null,
                },
                "os_platform" => Value::text("Windows"),
                "programfiles(x86)" | "commonprogramfiles(x86)" | "programw6432"
                    if self.bits() == 32 =>
                {
                    Value::Null
                }
                _ => match place::of_variable(variable) {
                    Some(text) => Value::text(text),
                    None => self.fact(FactKind::Variable, variable),
                },
            };
        }
        if self.base > 0 && (self.is_extension_variable(name) || is_of_runner(name)) {
            return Value::unknown(format!("${name} is set by an extension"));
        }
        match name {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "packagename" => package(),
            "packageversion" | "version" => self.version(),
            "packagefolder" => root(),
            "packageparameters" | "installarguments" => Value::text(""),
            "overrideargs" | "forcex86" => Value::Bool(false),
            "psscriptroot" => Value::text(path::parent(&self.script_path())),
            "pscommandpath" => Value::text(self.script_path()),
            "psversiontable" => Value::Object(Object::PsVersionTable),
            "pshome" => match place::of_folder("system") {
                Some(system) => Value::text(format!("{system}\\WindowsPowerShell\\v1.0")),
                None => Value::Null,
            },
            "erroractionpreference" | "progresspreference" | "warningpreference" => {
                Value::text("Continue")
            }
            _ if RUN_TIME.contains(&name) => {
                self.reads_exit_code |= name == "lastexitcode";
                Value::unknown(format!("${name} is known only at run time"))
            }
            _ if CHOCOLATEY_VARIABLES.contains(&name) => {
                Value::unknown(format!("${name} is set by Chocolatey on the device"))
            }
            _ => Value::Null,
        }
    }

    /// The full path of the script that runs.
    pub(super) fn script_path(&self) -> String {
        if let Some(path) = self.extension_path(&self.script) {
            return path;
        }
        format!("{PACKAGE_ROOT}\\{}", self.script.replace('/', "\\"))
    }

    /// Chocolatey 1.x hands the version to scripts as written, 2.x normalised.
    fn version(&self) -> Value {
        let nuspec = self.package.nuspec;
        if nuspec.normalised.to_string() == nuspec.version {
            Value::text(nuspec.version.as_str())
        } else {
            Value::text(VERSION.to_string())
        }
    }

    fn title(&self) -> Value {
        match &self.package.nuspec.title {
            Some(title) => Value::text(title.as_str()),
            None => Value::unknown("the package has no title"),
        }
    }

    /// The machine's bitness, noted as asked for.
    pub(super) fn bits(&mut self) -> i64 {
        self.asked.bits = true;
        self.profile.bits
    }

    /// The bitness for which helpers choose files: `ChocolateyForceX86` changes it, and not what the
    /// machine is.
    pub(super) fn helper_bits(&mut self) -> i64 {
        if self.forces_x86() { 32 } else { self.bits() }
    }

    /// Whether the script itself has set `ChocolateyForceX86`.
    fn forces_x86(&self) -> bool {
        let name: Rc<str> = "env:chocolateyforcex86".into();
        self.state
            .scopes
            .first()
            .and_then(|scope| scope.get(&name))
            .is_some_and(|value| value.truth() == Some(true))
    }

    /// The build of Windows, noted as asked for.
    pub(super) fn build(&mut self) -> u32 {
        self.asked.build = true;
        self.profile.build
    }
}
