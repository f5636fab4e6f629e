//! The real NuGet.exe, with a home of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use fleetmend_e2e::process::{self, Output};
use fleetmend_e2e::work_dir::WorkDir;

use crate::server_process::program;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(2);

/// NuGet.exe under Mono.
pub struct NuGet {
    home: WorkDir,
}

impl NuGet {
    /// One that has never run.
    pub fn new() -> Result<Self> {
        let home = WorkDir::new("nuget")?;
        fs::create_dir(home.path().join("tmp"))?;
        Ok(Self { home })
    }

    /// Where its commands run.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// The folders and files in a folder, by name, below where its commands run.
    pub fn has(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder().join(folder));
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Runs a command to its end. It asks nothing and takes nothing from its caches.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("mono");
        command
            .arg(program("FLEETMEND_NUGET_EXE"))
            .args(arguments)
            .arg("-NonInteractive")
            .current_dir(self.folder())
            // It keeps settings, packages and answers in its user's folders.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("TMPDIR", self.folder().join("tmp"))
            .env("NUGET_HTTP_CACHE_PATH", self.fresh("http-cache")?);
        process::run(&mut command, LIMIT)
    }

    /// A folder that is empty.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder().join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(path)
    }
}
