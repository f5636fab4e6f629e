//! Extensions of Visual Studio: Chocolatey's own helper, and that of `chocolatey-visualstudio.extension`,
//! which takes other parameters and installs in another way. Source: their own texts.

use fleetmend_model::condition::FactKind;
use fleetmend_model::recipe::RecipeKind;

use super::command::Invocation;
use super::failure::Needed;
use super::helper::Result;
use super::installation::Step;
use super::interpreter::{Flow, Interpreter, Weight};
use super::parameters::{Bound, Parameter, bind, mandatory, value};
use super::value::Value;

static PACKAGE: [Parameter; 7] = [
    mandatory("packagename", Some(0), &["name"]),
    value("vsixurl", Some(1), &["url"]),
    value("vsversion", Some(2), &["visualstudioversion"]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
];

static EXTENSION: [Parameter; 7] = [
    value("packagename", Some(0), &["name"]),
    value("vsixurl", Some(1), &["url"]),
    value("checksum", Some(2), &[]),
    value("checksumtype", Some(3), &[]),
    value("vsversion", Some(4), &["visualstudioversion"]),
    value("options", Some(5), &[]),
    value("file", Some(6), &[]),
];

/// The exit code that says that it is installed already, which both take for success.
const INSTALLED_ALREADY: i64 = 1001;

impl Interpreter<'_> {
    /// `Install-ChocolateyVsixPackage`: with the installer of the newest Visual Studio, or of the one that
    /// is asked for.
    pub(super) fn install_vsix_package(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let bound = self.bind_helper(command, &PACKAGE);
        let Ok(version) = self.studio_version(&bound, line) else {
            self.call_done(line, None);
            return (Vec::new(), Flow::Next);
        };
        self.note_dialect(
            "the installer of extensions succeeds with a negative exit code too".to_owned(),
            line,
        );
        let Some(version) = version else {
            // Where Windows of either bitness has them.
            let some = ["", r"Wow6432Node\"].map(|of_32_bits| {
                let key = format!(r"HKLM:\SOFTWARE\{of_32_bits}Microsoft\VisualStudio\*");
                self.fact_of(FactKind::Registry, &key, Some("installdir"))
            });
            let needed = Needed {
                value: Value::array(some.to_vec()),
                text: "a Visual Studio with a folder of its own is installed".to_owned(),
            };
            return self.with(Some(needed), line, |this| {
                this.install_vsix(&bound, "/q", line)
            });
        };
        // There it looks for one, and then for another that it has not found.
        if self.bits() == 32 {
            return (Vec::new(), Flow::Throw);
        }
        let key = format!(r"HKLM:\SOFTWARE\Wow6432Node\Microsoft\VisualStudio\{version}.0");
        let folder = self.fact_of(FactKind::Registry, &key, Some("installdir"));
        let there = format!("Visual Studio {version}.0 is installed");
        let needed = Needed {
            value: folder,
            text: there,
        };
        self.with(Some(needed), line, |this| {
            this.install_vsix(&bound, "/q", line)
        })
    }

    /// `Install-VisualStudioVsixExtension`: with the newest installer, in every Visual Studio for everybody.
    /// The log that it writes beside is left out.
    pub(super) fn install_vsix_extension(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let bound = bind(&EXTENSION, false, command.arguments.clone());
        self.helper_bound(&bound, command);
        self.install_vsix(&bound, "/quiet /admin", line)
    }

    fn install_vsix(&mut self, bound: &Bound, arguments: &str, line: u32) -> Result {
        let file = match self.file(bound, line, ["vsixurl", "vsixurl64"]) {
            Ok(Some(file)) => Some(file),
            Ok(None) => return self.no_file(line),
            Err(()) => None,
        };
        let step = file.filter(|_| bound.problem.is_none()).map(|file| Step {
            arguments: arguments.to_owned(),
            exit_codes: vec![0, INSTALLED_ALREADY],
            ..Step::new(RecipeKind::Vsix, file)
        });
        self.call_done(line, step);
        (Vec::new(), Flow::Next)
    }

    /// The version that is asked for; 0 asks for none.
    fn studio_version(&mut self, bound: &Bound, line: u32) -> std::result::Result<Option<u32>, ()> {
        let Some(text) = self.text(bound, "vsversion", line)? else {
            return Ok(None);
        };
        let number: std::result::Result<u32, _> = text.trim().trim_end_matches(".0").parse();
        match number {
            Ok(0) => Ok(None),
            Ok(version) => Ok(Some(version)),
            Err(_) => {
                let what = "which version of Visual Studio is asked for is not known";
                self.find(Weight::Review, line, what);
                Err(())
            }
        }
    }
}
