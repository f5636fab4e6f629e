//! App packages (`.appx`, `.msix` and their bundles) of the package.

use fleetmend_model::recipe::RecipeKind;

use super::command::Invocation;
use super::helper::Result;
use super::installation::Step;
use super::interpreter::{Flow, Interpreter, Weight, excerpt};
use super::parameters::{Parameter, bind, switch, value};

static ADD_PACKAGE: [Parameter; 12] = [
    value("path", Some(0), &["packagepath"]),
    value("dependencypath", None, &["dependencypackagepath"]),
    value("licensepath", None, &[]),
    value("volume", None, &[]),
    switch("online", &[]),
    switch("skiplicense", &[]),
    switch("forceapplicationshutdown", &[]),
    switch("forcetargetapplicationshutdown", &[]),
    switch("forceupdatefromanyversion", &[]),
    switch("allowunsigned", &[]),
    switch("stage", &[]),
    switch("retainfilesonfailure", &[]),
];

impl Interpreter<'_> {
    /// `Add-AppxPackage` and `Add-AppxProvisionedPackage`.
    pub(super) fn add_app_package(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let bound = bind(&ADD_PACKAGE, false, command.arguments.clone());
        let more = ["dependencypath", "licensepath", "volume", "stage"];
        if bound.problem.is_some() || more.iter().any(|name| bound.get(name).is_some()) {
            let what = format!(
                "an app package is added in a way that is not analysed: {}",
                excerpt(command.text)
            );
            self.find(Weight::Custom, line, what);
            return (Vec::new(), Flow::Next);
        }
        self.find_unknown_condition(line);
        let path = self.path_argument(&bound, "path", line).ok().flatten();
        let file = path.and_then(|path| match self.locate(&path) {
            Ok(file) => Some(file),
            Err(why) => {
                self.find(Weight::Review, line, format!("the app package: {why}"));
                None
            }
        });
        let is_for_all = bound.is_on("online");
        let step = file.map(|file| Step {
            arguments: if is_for_all {
                "-Online".to_owned()
            } else {
                String::new()
            },
            ..Step::new(RecipeKind::Appx, file)
        });
        self.call_done(line, step);
        (Vec::new(), Flow::Next)
    }
}
