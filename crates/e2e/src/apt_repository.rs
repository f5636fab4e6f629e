//! An APT repository in a folder, signed with a throw-away key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::deb::Deb;
use crate::process;
use crate::work_dir::WorkDir;

const TOOL_TIMEOUT: Duration = Duration::from_mins(1);
const SIGNER: &str = "Fleetmend Tests <tests@fleetmend.invalid>";
/// The exported public key's name in the repository's folder.
const PUBLIC_KEY: &str = "key.asc";

/// A flat repository (all packages in one folder) with `InRelease`. The key is lost on drop, the
/// folder stays.
#[derive(Debug)]
pub struct AptRepository {
    folder: PathBuf,
    key: WorkDir,
    origin: String,
}

impl AptRepository {
    /// Makes an empty repository in `folder`. `origin` is what its Release file says of itself as
    /// `Origin`, `Label` and `Suite`.
    pub fn create(folder: &Path, origin: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let repository = Self {
            folder: folder.to_path_buf(),
            // gpg talks to its agent by a socket in there.
            key: WorkDir::new_short("gpg")?,
            origin: origin.to_owned(),
        };
        repository.gpg(&["--quick-generate-key", SIGNER, "ed25519", "sign", "1d"])?;
        let public_key = repository.gpg(&["--armor", "--export"])?;
        fs::write(folder.join(PUBLIC_KEY), public_key)?;
        repository.publish(&[])?;
        Ok(repository)
    }

    /// The folder that holds it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Builds packages into the repository, beside those already there, and signs the new state.
    pub fn publish(&self, packages: &[Deb]) -> Result<()> {
        for package in packages {
            package.build(&self.folder)?;
        }
        let index = self.ftparchive(&["packages", "."])?;
        fs::write(self.folder.join("Packages"), index)?;
        // Else the new Release would list the sums of the old ones.
        for old in ["Release", "InRelease"] {
            let _ = fs::remove_file(self.folder.join(old));
        }
        let field = |name: &str| format!("APT::FTPArchive::Release::{name}={}", self.origin);
        let (origin, label, suite) = (field("Origin"), field("Label"), field("Suite"));
        let release =
            self.ftparchive(&["-o", &origin, "-o", &label, "-o", &suite, "release", "."])?;
        let unsigned = self.key.path().join("Release");
        fs::write(&unsigned, release)?;
        let unsigned = unsigned
            .to_str()
            .context("the temporary folder's path is not UTF-8")?;
        let signed = self.gpg(&["--clearsign", "--output", "-", unsigned])?;
        fs::write(self.folder.join("InRelease"), signed)?;
        Ok(())
    }

    /// The line for `sources.list`, of a machine that sees the repository's folder as `seen_as`.
    pub fn source_line(&self, seen_as: &str) -> String {
        format!("deb [signed-by={seen_as}/{PUBLIC_KEY}] file:{seen_as} ./\n")
    }

    fn ftparchive(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("apt-ftparchive");
        process::run(
            command.current_dir(&self.folder).args(arguments),
            TOOL_TIMEOUT,
        )?
        .success()
        .context("apt-ftparchive failed")
    }

    fn gpg(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("gpg");
        command.args([
            "--batch",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ]);
        command.env("GNUPGHOME", self.key.path()).args(arguments);
        process::run(&mut command, TOOL_TIMEOUT)?
            .success()
            .context("gpg failed")
    }
}

impl Drop for AptRepository {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command
            .env("GNUPGHOME", self.key.path())
            .args(["--kill", "all"]);
        let _ = process::run(&mut command, TOOL_TIMEOUT);
    }
}
