//! What a package's install script does, as data. Made by static analysis, never by running it.

use serde::{Deserialize, Serialize};

/// How an installer is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallerKind {
    /// `msiexec /i FILE ARGUMENTS`.
    Msi,
    /// `FILE ARGUMENTS`.
    Exe,
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

/// A file that the recipe runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecipeFile {
    /// Where its bytes are.
    pub origin: FileOrigin,
    /// Which machines it is for.
    pub bitness: Bitness,
    /// What the package says its digest is.
    pub checksum: Option<Checksum>,
}

/// An installation, explained.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipe {
    /// How the installer is started.
    pub kind: InstallerKind,
    /// One file, or one for each bitness.
    pub files: Vec<RecipeFile>,
    /// The command line behind the file's name, as Windows passes it on: one raw text, with
    /// [`JOB_FOLDER`](crate::arguments::JOB_FOLDER) for the folder for temporary files.
    pub arguments: String,
    /// Exit codes that mean success (restart codes included).
    pub exit_codes: Vec<i64>,
    /// The package's own pattern for `DisplayName`, with `*` and `?`.
    pub software_name: Option<String>,
}

/// What the analysis of a package's scripts came to.
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

/// The whole result for one package version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// What it came to.
    pub verdict: Verdict,
    /// The installation; present where the verdict is *ready*, and as far as known elsewhere.
    pub recipe: Option<Recipe>,
    /// What could not be explained.
    pub findings: Vec<Finding>,
}
