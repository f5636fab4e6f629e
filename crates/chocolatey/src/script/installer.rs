//! Chocolatey's install helpers: from their arguments to a recipe.

use fleetmend_model::recipe::{Bitness, Checksum, FileOrigin, InstallerKind, Recipe, RecipeFile};

use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::{Argument, Bound, Parameter, bind, switch, value};
use super::path;
use super::temporary;
use super::value::{HOLE, PACKAGE_ROOT, TEMP, Value};

/// The helpers that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Helper {
    /// `Install-ChocolateyPackage`: downloads an installer, or takes an embedded one.
    Package,
    /// `Install-ChocolateyInstallPackage`: an embedded installer.
    InstallPackage,
}

impl Helper {
    pub(super) fn by_name(lower: &str) -> Option<Self> {
        match lower {
            "install-chocolateypackage" => Some(Self::Package),
            "install-chocolateyinstallpackage" => Some(Self::InstallPackage),
            _ => None,
        }
    }

    fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Package => &PACKAGE,
            Self::InstallPackage => &INSTALL_PACKAGE,
        }
    }
}

/// From the helper's own source in Chocolatey.
static PACKAGE: [Parameter; 16] = [
    value("packagename", Some(0), &[]),
    value("filetype", Some(1), &["installertype", "installtype"]),
    value("silentargs", Some(2), &[]),
    value("url", Some(3), &[]),
    value("url64bit", Some(4), &["url64"]),
    value("validexitcodes", None, &[]),
    value("checksum", None, &[]),
    value("checksumtype", None, &[]),
    value("checksum64", None, &[]),
    value("checksumtype64", None, &[]),
    value("options", None, &[]),
    value("file", None, &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
    switch("useoriginallocation", &[]),
    value("beforeinstall", None, &[]),
];

static INSTALL_PACKAGE: [Parameter; 7] = [
    value("packagename", Some(0), &[]),
    value("filetype", Some(1), &["installertype", "installtype"]),
    value("silentargs", Some(2), &[]),
    value("file", Some(3), &["filefullpath"]),
    value("file64", None, &["filefullpath64"]),
    value("validexitcodes", None, &[]),
    switch(
        "useonlypackagesilentarguments",
        &["useonlypackagesilentargs"],
    ),
];

/// One call of a helper.
pub(super) struct Install {
    pub(super) line: u32,
    /// As far as it is known.
    pub(super) recipe: Option<Recipe>,
}

impl Interpreter<'_> {
    pub(super) fn install(&mut self, helper: Helper, arguments: Vec<Argument>, line: u32) {
        // `softwareName` is no parameter of the helpers; templates hand it to them all the same.
        let software_name = software_name(&arguments);
        let bound = bind(helper.parameters(), true, arguments);
        if let Some(problem) = &bound.problem {
            self.find(
                Weight::Review,
                line,
                format!("an argument of the installer: {problem}"),
            );
        }
        if self.uncertain > 0 {
            let what = "installs under a condition that is not known";
            self.find(Weight::Review, line, what);
        }
        for name in ["options", "beforeinstall"] {
            if bound
                .get(name)
                .is_some_and(|value| value.truth() != Some(false))
            {
                self.find(
                    Weight::Custom,
                    line,
                    format!("the argument {name} is not analysed"),
                );
            }
        }
        let recipe = self.recipe(&bound, software_name, line);
        self.installs.push(Install { line, recipe });
    }

    fn recipe(
        &mut self,
        bound: &Bound,
        software_name: Option<String>,
        line: u32,
    ) -> Option<Recipe> {
        let files = self.files(bound, line);
        let kind = self.kind(bound, &files, line);
        let arguments = self.silent_arguments(bound, line);
        let exit_codes = self.exit_codes(bound, line);
        if files.is_empty() {
            self.find(
                Weight::Review,
                line,
                "the installer has neither a file nor an address",
            );
            return None;
        }
        let files: Vec<RecipeFile> = files.into_iter().collect::<Option<_>>()?;
        Some(Recipe {
            kind: kind?,
            files,
            arguments: arguments?,
            exit_codes: exit_codes?,
            software_name,
        })
    }

    /// A text argument: absent, known, or not known with a finding.
    fn text(&mut self, bound: &Bound, name: &str, line: u32) -> Result<Option<String>, ()> {
        match bound.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value)
                if value.is_known() && !matches!(value, Value::Table(_) | Value::Block(..)) =>
            {
                Ok(Some(value.to_text()).filter(|text| !text.is_empty()))
            }
            Some(value) => {
                let why = match value {
                    Value::Unknown(why) => why.to_string(),
                    _ => "a part of it is not known".to_owned(),
                };
                self.find(
                    Weight::Review,
                    line,
                    format!("the argument {name} is not known: {why}"),
                );
                Err(())
            }
        }
    }

    /// The installer's files; `None` in the list: it is there and not known.
    fn files(&mut self, bound: &Bound, line: u32) -> Vec<Option<RecipeFile>> {
        let any = self.file(bound, line, Bitness::Any, ["url", "file", "checksum"]);
        if let (Some(Value::Text(url)), Some(Value::Text(url64))) =
            (bound.get("url"), bound.get("url64bit"))
            && url == url64
            && !url.is_empty()
        {
            // Chocolatey takes the first checksum for both then.
            return any.into_iter().collect();
        }
        let x64 = self.file(
            bound,
            line,
            Bitness::X64,
            ["url64bit", "file64", "checksum64"],
        );
        match (any, x64) {
            (Some(Some(any)), Some(Some(x64)))
                if any.origin == x64.origin && any.checksum == x64.checksum =>
            {
                vec![Some(any)]
            }
            (any, x64) => any.into_iter().chain(x64).collect(),
        }
    }

    #[expect(clippy::option_option, reason = "absent, there and not known, known")]
    fn file(
        &mut self,
        bound: &Bound,
        line: u32,
        bitness: Bitness,
        [url, file, checksum]: [&str; 3],
    ) -> Option<Option<RecipeFile>> {
        // A file counts only where there is no address.
        let origin = match self.text(bound, url, line) {
            Err(()) => return Some(None),
            Ok(Some(address)) => self.address(&address, line),
            Ok(None) => match self.text(bound, file, line) {
                Err(()) => return Some(None),
                Ok(Some(path)) => self.embedded(&path, line),
                Ok(None) => return None,
            },
        };
        let Ok(checksum) = self.checksum(bound, line, bitness, checksum) else {
            return Some(None);
        };
        let origin = origin?;
        if let FileOrigin::Url { url } = &origin
            && checksum.is_none()
            && !url.starts_with("https://")
        {
            let what = "the installer comes over plain HTTP without a checksum";
            self.find(Weight::Review, line, what);
        }
        Some(Some(RecipeFile {
            origin,
            bitness,
            checksum,
        }))
    }

    fn address(&mut self, text: &str, line: u32) -> Option<FileOrigin> {
        if text.starts_with(PACKAGE_ROOT) {
            return self.embedded(text, line);
        }
        // As Get-ChocolateyWebFile does.
        let text = text.replace("//", "/").replace(":/", "://");
        let lower = text.to_ascii_lowercase();
        let has_host = ["http://", "https://"].iter().any(|scheme| {
            lower
                .strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        let is_clean = !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == TEMP);
        if has_host && is_clean {
            return Some(FileOrigin::Url { url: text });
        }
        self.find(
            Weight::Review,
            line,
            format!(
                "the installer's address is not http or https: {}",
                excerpt(&text)
            ),
        );
        None
    }

    fn embedded(&mut self, text: &str, line: u32) -> Option<FileOrigin> {
        let Some(path) = path::in_package(text) else {
            let what = format!(
                "the installer's file is not in the package: {}",
                shown(text)
            );
            self.find(Weight::Review, line, what);
            return None;
        };
        let found = self
            .package
            .paths
            .iter()
            .find(|it| it.eq_ignore_ascii_case(&path))
            .cloned();
        let found = found.or_else(|| (!self.package.is_complete).then(|| path.clone()));
        let Some(found) = found.filter(|it| !it.contains(['*', '?'])) else {
            self.find(
                Weight::Review,
                line,
                format!("the package has no file {}", excerpt(&path)),
            );
            return None;
        };
        Some(FileOrigin::Embedded { path: found })
    }

    fn checksum(
        &mut self,
        bound: &Bound,
        line: u32,
        bitness: Bitness,
        name: &str,
    ) -> Result<Option<Checksum>, ()> {
        let digest = self.text(bound, name, line)?;
        let mut algorithm = self.text(bound, "checksumtype", line)?;
        if bitness == Bitness::X64 {
            algorithm = self.text(bound, "checksumtype64", line)?.or(algorithm);
        }
        let Some(digest) = digest else {
            return Ok(None);
        };
        // Chocolatey's own default.
        let algorithm = algorithm
            .unwrap_or_else(|| "md5".to_owned())
            .trim()
            .to_ascii_lowercase();
        let length = match algorithm.as_str() {
            "md5" => 32,
            "sha1" => 40,
            "sha256" => 64,
            "sha512" => 128,
            _ => 0,
        };
        let hex = digest.trim().to_ascii_lowercase();
        if hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some(Checksum { algorithm, hex }));
        }
        let what = format!(
            "the argument {name} is not a {} digest",
            excerpt(&algorithm)
        );
        self.find(Weight::Review, line, what);
        Err(())
    }

    fn kind(
        &mut self,
        bound: &Bound,
        files: &[Option<RecipeFile>],
        line: u32,
    ) -> Option<InstallerKind> {
        let extension = |it: &RecipeFile| {
            let name = match &it.origin {
                FileOrigin::Embedded { path } => path.as_str(),
                FileOrigin::Url { url } => url.split(['?', '#']).next().unwrap_or(url),
            };
            name.rsplit_once('.')
                .map(|(_, end)| end.to_ascii_lowercase())
                .unwrap_or_default()
        };
        let ends = |kind: &str| files.iter().flatten().any(|file| extension(file) == kind);
        match self.text(bound, "filetype", line) {
            Err(()) => None,
            Ok(Some(text)) => match text
                .trim()
                .trim_start_matches('.')
                .to_ascii_lowercase()
                .as_str()
            {
                "msi" if ends("exe") => {
                    self.find(
                        Weight::Review,
                        line,
                        "fileType is msi and the file is an exe",
                    );
                    None
                }
                "exe" if ends("msi") => {
                    self.find(
                        Weight::Review,
                        line,
                        "fileType is exe and the file is an msi",
                    );
                    None
                }
                "msi" => Some(InstallerKind::Msi),
                "exe" => Some(InstallerKind::Exe),
                other => {
                    let what = format!("installers of the type {} are not run", excerpt(other));
                    self.find(Weight::Custom, line, what);
                    None
                }
            },
            Ok(None) if ends("msi") => Some(InstallerKind::Msi),
            Ok(None) if ends("msu") || ends("msp") => {
                self.find(
                    Weight::Custom,
                    line,
                    "installers of the type msu or msp are not run",
                );
                None
            }
            Ok(None) => Some(InstallerKind::Exe),
        }
    }

    fn silent_arguments(&mut self, bound: &Bound, line: u32) -> Option<String> {
        let text = self
            .text(bound, "silentargs", line)
            .ok()?
            .unwrap_or_default();
        if text.trim().is_empty() {
            let what = "the installer has no silent arguments: it would wait for a person";
            self.find(Weight::Review, line, what);
        }
        if text.contains(PACKAGE_ROOT) {
            let what = "the silent arguments name a file in the package's folder";
            self.find(Weight::Review, line, what);
            return None;
        }
        let text = match temporary::name_job_folder(&text) {
            Ok(text) => text,
            Err(what) => {
                self.find(Weight::Review, line, what);
                return None;
            }
        };
        if text.chars().any(|c| matches!(c, '\0' | '\n' | '\r')) {
            self.find(
                Weight::Review,
                line,
                "the silent arguments have more than one line",
            );
            return None;
        }
        Some(text)
    }

    fn exit_codes(&mut self, bound: &Bound, line: u32) -> Option<Vec<i64>> {
        let Some(value) = bound.get("validexitcodes") else {
            return Some(vec![0]);
        };
        let items = value.clone().into_items();
        let codes: Option<Vec<i64>> = items
            .iter()
            .map(|item| match item {
                Value::Int(code) => Some(*code),
                Value::Text(text) => text.trim().parse().ok(),
                _ => None,
            })
            .collect();
        match codes {
            Some(codes) if !codes.is_empty() => Some(codes),
            _ => {
                self.find(
                    Weight::Review,
                    line,
                    "the argument validExitCodes is not known",
                );
                None
            }
        }
    }
}

fn software_name(arguments: &[Argument]) -> Option<String> {
    let value = arguments.iter().find_map(|argument| match argument {
        Argument::Splat(table) => table.entry("softwareName").cloned(),
        _ => None,
    })?;
    let text = value.to_text().trim().to_owned();
    let is_plain = value.is_known() && !text.is_empty() && !text.contains([PACKAGE_ROOT, TEMP]);
    is_plain.then_some(text)
}

/// A text for people: the marks in it replaced by words.
fn shown(text: &str) -> String {
    let text = text
        .replace(PACKAGE_ROOT, "<package folder>")
        .replace(TEMP, "<temporary folder>")
        .replace(HOLE, "<unknown>");
    excerpt(&text)
}
