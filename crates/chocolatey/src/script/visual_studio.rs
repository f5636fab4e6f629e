//! Extensions of Visual Studio.

use fleetmend_model::recipe::RecipeKind;

use super::command::Invocation;
use super::helper::Result;
use super::installation::Step;
use super::interpreter::{Flow, Interpreter};
use super::parameters::{Parameter, value};

static VSIX: [Parameter; 7] = [
    value("packagename", Some(0), &["name"]),
    value("vsixurl", Some(1), &["url"]),
    value(
        "vsversion",
        Some(2),
        &["visualstudioversion", "requestedproductversion"],
    ),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
];

impl Interpreter<'_> {
    /// `Install-ChocolateyVsixPackage`, and its like in the extension for Visual Studio.
    pub(super) fn install_extension(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let bound = self.bind_helper(command, &VSIX);
        let file = match self.file(&bound, line, ["vsixurl", "vsixurl64"]) {
            Ok(Some(file)) => Some(file),
            Ok(None) => return self.no_file(line),
            Err(()) => None,
        };
        let version = self.text(&bound, "vsversion", line);
        let step = match (file, version) {
            (Some(file), Ok(version)) if bound.problem.is_none() => Some(Step {
                arguments: version.unwrap_or_default(),
                // 1001: it is installed already, which both helpers take for success.
                exit_codes: vec![0, 1001],
                ..Step::new(RecipeKind::Vsix, file)
            }),
            _ => None,
        };
        self.call_done(line, step);
        (Vec::new(), Flow::Next)
    }
}
