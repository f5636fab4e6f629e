//! What a package's install script does, as data. Made by static analysis, never by running it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::cut::Cut;
use crate::effect::{Effect, EffectKind, Machines};
use crate::shim::{AutoUninstaller, ShimMark};

/// How an installer that the agent runs is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallerKind {
    /// `msiexec /i FILE ARGUMENTS`.
    Msi,
    /// `FILE ARGUMENTS`.
    Exe,
}

/// What is done with a recipe's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipeKind {
    /// `msiexec /i FILE ARGUMENTS`.
    Msi,
    /// `FILE ARGUMENTS`.
    Exe,
    /// `wusa FILE ARGUMENTS`.
    Msu,
    /// `msiexec /update FILE ARGUMENTS`.
    Msp,
    /// `VSIXInstaller ARGUMENTS FILE`, of the newest Visual Studio that is found; a condition says where it
    /// is one of another version.
    Vsix,
    /// `Add-AppxPackage FILE`, for the person who is signed in; with the argument `-Online`
    /// `Add-AppxProvisionedPackage`, for everybody.
    Appx,
    /// An archive is unpacked into [`Recipe::destination`].
    Archive,
    /// A file is put at [`Recipe::destination`].
    File,
}

impl From<InstallerKind> for RecipeKind {
    fn from(kind: InstallerKind) -> Self {
        match kind {
            InstallerKind::Msi => Self::Msi,
            InstallerKind::Exe => Self::Exe,
        }
    }
}

impl RecipeKind {
    /// The kind of installer that the agent can start; `None`: it cannot do that.
    pub fn installer(self) -> Option<InstallerKind> {
        match self {
            Self::Msi => Some(InstallerKind::Msi),
            Self::Exe => Some(InstallerKind::Exe),
            Self::Msu | Self::Msp | Self::Vsix | Self::Appx | Self::Archive | Self::File => None,
        }
    }

    /// What is done, in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Msi => "an MSI is installed",
            Self::Exe => "an installer is run",
            Self::Msu => "a Windows update package is installed",
            Self::Msp => "a patch of Windows Installer is applied",
            Self::Vsix => "an extension of Visual Studio is installed",
            Self::Appx => "an app package is installed",
            Self::Archive => "an archive is unpacked",
            Self::File => "a file is put in place",
        }
    }
}

/// Which machines a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bitness {
    /// The only file, or the one for 32-bit machines.
    Any,
    /// The one for 64-bit machines.
    X64,
}

/// A digest as a package names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checksum {
    /// `md5`, `sha1`, `sha256`, `sha512`.
    pub algorithm: String,
    /// Lower-case hexadecimal.
    pub hex: String,
}

/// Where an installer's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum FileOrigin {
    /// Inside the nupkg, at this path with `/` between its parts.
    Embedded {
        /// Path inside the nupkg.
        path: String,
    },
    /// On the internet.
    Url {
        /// `http` or `https`.
        url: String,
    },
}

/// A file that the recipe runs or puts in place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecipeFile {
    /// Where its bytes are.
    pub origin: FileOrigin,
    /// Which machines it is for.
    pub bitness: Bitness,
    /// What the package says its digest is.
    pub checksum: Option<Checksum>,
    /// The path inside of the file, which is an archive or a disc image then, of what is installed or
    /// unpacked. `*` and `**` stand for names and folders that the script does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// Of an archive that is unpacked, the folder that alone is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Headers that its server must be sent: names in lower case, values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The package in whose folder the file lies, where that is another one: one that this package
    /// depends on. The path of the origin is in that folder, as its installation leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Its own arguments, where they are others than [`Recipe::arguments`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

impl RecipeFile {
    /// A file that is run as it is.
    pub fn new(origin: FileOrigin, bitness: Bitness, checksum: Option<Checksum>) -> Self {
        Self {
            origin,
            bitness,
            checksum,
            inside: None,
            part: None,
            headers: BTreeMap::new(),
            package: None,
            arguments: None,
        }
    }
}

/// An installation, explained. Folders of the device are written as `%Name%`: by the environment
/// variable that holds them, or by their name among .NET's special folders.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipe {
    /// What is done with the files.
    pub kind: RecipeKind,
    /// One file, or one for each bitness.
    pub files: Vec<RecipeFile>,
    /// The command line behind the file's name, as Windows passes it on: one raw text.
    pub arguments: String,
    /// Exit codes that mean success (restart codes included); empty: the script does not look at
    /// the code.
    pub exit_codes: Vec<i64>,
    /// The package's own pattern for `DisplayName`, with `*` and `?`.
    pub software_name: Option<String>,
    /// Where an archive is unpacked to, or a file is put; of an installer inside of an archive, the folder
    /// of the package that this is unpacked into and left in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Whether the arguments name what only the device knows, a folder or its language, as `%Name%`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_places: bool,
    /// The oldest build of Windows 10 that the script does not refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_build: Option<u32>,
    /// What must hold on the device for it to be installed at all; without any, it always is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Files of the package that lie beside an installer which is run where it lies: it may read
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// What is installed besides, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Recipe>,
}

impl Recipe {
    /// A recipe that succeeds with 0 and of which nothing else is known.
    pub fn new(kind: RecipeKind, files: Vec<RecipeFile>, arguments: &str) -> Self {
        Self {
            kind,
            files,
            arguments: arguments.to_owned(),
            exit_codes: vec![0],
            software_name: None,
            destination: None,
            names_places: false,
            minimum_build: None,
            conditions: Vec::new(),
            beside: Vec::new(),
            further: Vec::new(),
        }
    }

    /// It, and what it installs besides, all the way down.
    pub fn all(&self) -> Vec<&Self> {
        let further = self.further.iter().flat_map(Self::all);
        std::iter::once(self).chain(further).collect()
    }

    /// All its files, and those of what it installs besides.
    pub fn all_files(&self) -> Vec<&RecipeFile> {
        self.all().into_iter().flat_map(|it| &it.files).collect()
    }

    /// The installer that the agent can start to carry the recipe out, or what of it the agent
    /// cannot do.
    pub fn installer(&self) -> Result<InstallerKind, String> {
        let kind = self
            .kind
            .installer()
            .ok_or_else(|| format!("{}, which the agent cannot do", self.kind.label()))?;
        if !self.further.is_empty() {
            return Err("it installs more than one thing, which the agent cannot do".to_owned());
        }
        if self.files.iter().any(|file| file.inside.is_some()) {
            return Err(
                "its installer lies in an archive, which the agent cannot unpack".to_owned(),
            );
        }
        if let Some(package) = self.files.iter().find_map(|file| file.package.as_ref()) {
            return Err(format!(
                "its installer lies in the package {package}, which the agent does not fetch with it"
            ));
        }
        if self.files.iter().any(|file| !file.headers.is_empty()) {
            return Err("its download needs headers of its own, which are not sent".to_owned());
        }
        if self.files.iter().any(|file| file.arguments.is_some()) {
            return Err(
                "its arguments depend on the machine, which the agent cannot choose by".to_owned(),
            );
        }
        if let Some(beside) = self.beside.first() {
            return Err(format!(
                "{beside} lies beside its installer, which may need it, and the agent is given the \
                 installer alone"
            ));
        }
        if self.exit_codes.is_empty() {
            return Err(
                "its script does not say which exit codes mean success, by which the agent tells \
                 that"
                    .to_owned(),
            );
        }
        if let Some(condition) = self.conditions.first() {
            return Err(format!(
                "it installs only under a condition (line {}), which the agent does not look at",
                condition.line
            ));
        }
        if self.names_places {
            return Err(
                "its arguments name what only the machine knows, a folder or its language, and the \
                 agent cannot fill that in"
                    .to_owned(),
            );
        }
        if let Some(build) = self.minimum_build {
            return Err(format!(
                "it refuses Windows before build {build}, which the agent does not look at"
            ));
        }
        Ok(kind)
    }
}

/// How the package is removed, as far as its own script says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninstall {
    /// What the analysis of the script came to.
    pub verdict: Verdict,
    /// The uninstallers that it runs.
    pub steps: Vec<UninstallStep>,
    /// What it changes besides, explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// What must hold on the device for the script not to fail: where it fails, Chocolatey keeps the
    /// package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What could not be explained.
    pub findings: Vec<Finding>,
}

/// One uninstaller.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UninstallStep {
    /// How it is started.
    pub kind: InstallerKind,
    /// The program; `None`: what the registry has for the software.
    pub file: Option<String>,
    /// The arguments, as the script gives them; without those that the registry has.
    pub arguments: String,
    /// Exit codes that mean success; empty: the script does not look at the code.
    pub exit_codes: Vec<i64>,
    /// The pattern by which the software is looked for in the registry.
    pub software_name: Option<String>,
    /// Where `file` is none, what is cut off that which the registry has, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// What must hold on the device for it to be run: most scripts run it only if exactly one entry
    /// of the registry fits. Who cannot tell whether they hold must not run it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where it is run.
    pub machines: Machines,
}

/// What the analysis of a package's scripts came to. The rule, in this order:
///
/// 1. A finding about something that is done, and of which the analysis does not know what it is (a
///    command, a method, a program, too many of them), or a script that refuses every machine:
///    [`Self::NeedsChocolatey`]. Nobody can say as data what is not known to be done.
/// 2. Any other finding, or an installer with an argument that is not known: [`Self::NeedsReview`]. A
///    person can settle it: a value, a condition, a file that is not there.
/// 3. At least one installer, archive or program that installs: [`Self::Ready`].
/// 4. Else [`Self::NoInstaller`]. There may still be effects, each explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is explained.
    Ready,
    /// Nothing is installed by a script: a meta package or a portable one.
    NoInstaller,
    /// A person must look: something is not explained.
    NeedsReview,
    /// Custom logic that only Chocolatey itself can run.
    NeedsChocolatey,
}

impl Verdict {
    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NoInstaller => "no_installer",
            Self::NeedsReview => "needs_review",
            Self::NeedsChocolatey => "needs_chocolatey",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [
            Self::Ready,
            Self::NoInstaller,
            Self::NeedsReview,
            Self::NeedsChocolatey,
        ]
        .into_iter()
        .find(|it| it.key() == key)
    }
}

/// Something in a script that the analysis could not explain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// The script's path inside the nupkg.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What is there and why it is not explained.
    pub what: String,
}

/// What the scripts of a package fetch when it is installed or upgraded. The script that uninstalls it
/// is not looked at: it may fetch something all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetches {
    /// Nothing.
    Nothing,
    /// Files from these addresses, each once, and nothing else.
    Files(Vec<String>),
    /// Something that cannot be told or had beforehand, for this reason.
    Unknown(String),
}

/// What a stored analysis was made by. Whoever changes what the analysis of scripts comes to raises
/// it: what older ones came to is not taken for an analysis any more.
pub const ANALYSER: u32 = 6;

/// The whole result for one package version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The [`ANALYSER`] that made it.
    pub analyser: u32,
    /// What it came to.
    pub verdict: Verdict,
    /// The installation; present where the verdict is *ready*, and as far as known elsewhere.
    pub recipe: Option<Recipe>,
    /// What the scripts change besides, explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// What must hold on the device for the scripts not to fail when all steps of the recipe are done, or
    /// where there is none: the software is there then, but Chocolatey takes the package for failed. What
    /// must hold for a step to be done at all, the step has itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The dependencies by which a package without an installer of its own brings its software:
    /// their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
    /// How the package is removed, where it has a script for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<Uninstall>,
    /// What its scripts and files tell Chocolatey's shim generator, in order of the programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shims: Vec<ShimMark>,
    /// Whether Chocolatey's automatic uninstaller runs besides when the package is removed.
    #[serde(default, skip_serializing_if = "AutoUninstaller::is_default")]
    pub auto_uninstaller: AutoUninstaller,
    /// What could not be explained.
    pub findings: Vec<Finding>,
    /// What is explained and yet another Chocolatey does otherwise: where it is not the script that
    /// decides, but the version of Chocolatey that runs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Finding>,
}

impl Analysis {
    /// A package about which nothing else is known than the verdict.
    pub const fn new(verdict: Verdict) -> Self {
        Self {
            analyser: ANALYSER,
            verdict,
            recipe: None,
            effects: Vec::new(),
            conditions: Vec::new(),
            through: Vec::new(),
            uninstall: None,
            shims: Vec::new(),
            auto_uninstaller: AutoUninstaller::Runs,
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A package about which nothing is known but what a person must look at.
    pub fn needs_review(finding: Finding) -> Self {
        Self {
            findings: vec![finding],
            ..Self::new(Verdict::NeedsReview)
        }
    }

    /// What the package's scripts fetch when they run, but for the one that uninstalls. The one place that
    /// says so.
    pub fn fetches(&self) -> Fetches {
        if !matches!(self.verdict, Verdict::Ready | Verdict::NoInstaller) {
            let why = self.findings.first().map_or("", |it| it.what.as_str());
            return Fetches::Unknown(format!(
                "its scripts are not explained in full, so nobody could tell whether they would \
                 still download something: {why}"
            ));
        }
        // What a program does that is started is its own affair.
        let may_fetch = |effect: &&Effect| {
            let runs = matches!(
                effect.kind,
                EffectKind::EditorExtension | EffectKind::Program
            );
            runs || effect.operands.contains_key("url")
        };
        if let Some(effect) = self.effects.iter().find(may_fetch) {
            return Fetches::Unknown(format!(
                "its script runs {} (line {}), which fetches something or may do so",
                effect.command, effect.line
            ));
        }
        let mut urls: Vec<String> = Vec::new();
        for file in self.recipe.iter().flat_map(Recipe::all_files) {
            if let Some(package) = &file.package {
                return Fetches::Unknown(format!("its installer lies in the package {package}"));
            }
            let FileOrigin::Url { url } = &file.origin else {
                continue;
            };
            if !file.headers.is_empty() {
                return Fetches::Unknown(
                    "its download needs headers of its own, which are not sent".to_owned(),
                );
            }
            if !urls.contains(url) {
                urls.push(url.clone());
            }
        }
        if urls.is_empty() {
            return Fetches::Nothing;
        }
        Fetches::Files(urls)
    }

    /// Whether the package's scripts fetch nothing when it is installed: all that they do is explained, and
    /// every file that they install is in the nupkg. The script that uninstalls is not looked at.
    pub fn is_self_contained(&self) -> bool {
        self.fetches() == Fetches::Nothing
    }

    /// The installation that the agent can carry out in full, and its kind of installer; or why it
    /// cannot. The one place that says what may be deployed.
    pub fn deployable(&self) -> Result<(&Recipe, InstallerKind), String> {
        let why = self
            .findings
            .first()
            .map(|finding| finding.what.as_str())
            .unwrap_or_default();
        match self.verdict {
            Verdict::NoInstaller => return Err("it installs nothing by itself".to_owned()),
            Verdict::NeedsReview => {
                return Err(format!("its install script needs review: {why}"));
            }
            Verdict::NeedsChocolatey => {
                return Err(format!("its install script needs Chocolatey: {why}"));
            }
            Verdict::Ready => {}
        }
        let recipe = self
            .recipe
            .as_ref()
            .ok_or_else(|| "it has no recipe".to_owned())?;
        if let Some(effect) = self.effects.first() {
            return Err(format!(
                "its script also runs {} (line {}), which the agent cannot do",
                effect.command, effect.line
            ));
        }
        if let Some(condition) = self.conditions.first() {
            return Err(format!(
                "its script fails unless a condition holds (line {}), which the agent does not look at",
                condition.line
            ));
        }
        Ok((recipe, recipe.installer()?))
    }
}
