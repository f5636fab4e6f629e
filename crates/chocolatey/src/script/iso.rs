//! Installers on disc images: the helpers of `chocolatey-isomount.extension`, as its documentation
//! says what they do. Their image is mounted, and the installer run from it.

use super::command::Invocation;
use super::helper::Result;
use super::interpreter::{Flow, Interpreter, Weight};
use super::parameters::{Bound, Parameter, switch, value};
use super::recipe_file::{Located, shown};

static ISO_INSTALL: [Parameter; 8] = [
    value("packagename", Some(0), &[]),
    value("isofile", Some(1), &[]),
    value("filetype", Some(2), &["installertype", "installtype"]),
    value("silentargs", Some(3), &[]),
    value("file", Some(4), &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    value("validexitcodes", None, &[]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
];

static ISO_DOWNLOAD: [Parameter; 12] = [
    value("packagename", Some(0), &[]),
    value("url", Some(1), &[]),
    value("filetype", Some(2), &["installertype", "installtype"]),
    value("silentargs", Some(3), &[]),
    value("validexitcodes", None, &[]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    value("isocache", None, &[]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
];

impl Interpreter<'_> {
    /// `Install-ChocolateyIsoInstallPackage` and `Install-ChocolateyIsoPackage`.
    pub(super) fn install_from_image(&mut self, command: &Invocation<'_>) -> Result {
        let line = command.line;
        let is_download = command.name == "install-chocolateyisopackage";
        let parameters: &'static [Parameter] = if is_download {
            &ISO_DOWNLOAD
        } else {
            &ISO_INSTALL
        };
        let software_name = super::helper::software_name(&command.arguments);
        let bound = self.bind_helper(command, parameters);
        let image = self.image(&bound, is_download, line);
        let inside = self.file_on_image(&bound, line);
        let file = match (image, inside) {
            (Some(image), Some(inside)) => Some(Located {
                inside: Some(shown(&inside).trim_matches('/').to_owned()),
                ..image
            }),
            _ => None,
        };
        let step = self.installing(&bound, file, false, software_name, line);
        self.call_done(line, step);
        (Vec::new(), Flow::Next)
    }

    fn image(&mut self, bound: &Bound, is_download: bool, line: u32) -> Option<Located> {
        let name = if is_download { "url" } else { "isofile" };
        let text = self.path_argument(bound, name, line).ok()?;
        let Some(text) = text else {
            self.find(Weight::Review, line, "the disc image is not given");
            return None;
        };
        if is_download {
            let checksum = self.checksum(bound, line, false, "checksum").ok()?;
            return self.remote(&text, checksum, line);
        }
        match self.locate(&text) {
            Ok(located) => Some(located),
            Err(why) => {
                self.find(Weight::Review, line, format!("the disc image: {why}"));
                None
            }
        }
    }

    /// The installer's path on the image: the one for 64 bits there, where there is one.
    fn file_on_image(&mut self, bound: &Bound, line: u32) -> Option<String> {
        let small = self.text(bound, "file", line).ok()?;
        let large = self.text(bound, "file64", line).ok()?;
        let takes_large = large.is_some() && self.helper_bits() == 64;
        let chosen = if takes_large { large } else { small };
        if chosen.is_none() {
            let what = "the installer has no path on the disc image";
            self.find(Weight::Review, line, what);
        }
        chosen
    }
}
