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
    program: PathBuf,
    home: WorkDir,
}

impl NuGet {
    /// One that has never run: NuGet 5.8, with the protocol's reader that Chocolatey 2.x has.
    pub fn new() -> Result<Self> {
        Self::of(program("FLEETMEND_NUGET_EXE"))
    }

    /// NuGet 2.8, with the protocol's reader that Chocolatey 1.x has.
    pub fn of_the_first_generation() -> Result<Self> {
        Self::of("/usr/lib/nuget/NuGet.exe".into())
    }

    fn of(program: PathBuf) -> Result<Self> {
        let home = WorkDir::new("nuget")?;
        fs::create_dir(home.path().join("tmp"))?;
        Ok(Self { program, home })
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
            .arg(&self.program)
            .args(arguments)
            .arg("-NonInteractive");
        self.run_at_home(&mut command)
    }

    /// Runs a command in a terminal, without which NuGet 2.8 never ends its lists; gives the lines
    /// that are not empty.
    pub fn lines_in_terminal(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let words = arguments.iter().map(|it| format!("'{it}'"));
        let line = format!(
            "stty cols 200; mono {} {}",
            self.program.display(),
            words.collect::<Vec<_>>().join(" ")
        );
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        let text = self.run_at_home(&mut command)?.success()?;
        // Mono says words to the terminal before and behind its own.
        let mut words = text.split('\u{1b}');
        let first = words.next().unwrap_or_default().to_owned();
        let plain = words.fold(first, |all, part| all + without_word(part));
        let lines = plain.lines().map(str::trim).filter(|it| !it.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }

    fn run_at_home(&self, command: &mut Command) -> Result<Output> {
        command
            .current_dir(self.folder())
            // It keeps settings, packages and answers in its user's folders.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .env("HOME", self.folder())
            .env("TMPDIR", self.folder().join("tmp"))
            .env("NUGET_HTTP_CACHE_PATH", self.fresh("http-cache")?);
        process::run(command, LIMIT)
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

/// What stands behind a word to the terminal, whose first character was taken off: `[2J`, `[?1h`,
/// `=`.
fn without_word(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('[') else {
        return text.get(1..).unwrap_or_default();
    };
    let end = rest.find(|c: char| c.is_ascii_alphabetic());
    end.map_or("", |end| &rest[end + 1..])
}
