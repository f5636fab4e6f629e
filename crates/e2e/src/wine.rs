//! A Windows machine: a Wine prefix with a server of its own.
//!
//! Making a prefix takes some ten seconds, so one is made once and kept; each test gets a copy. The
//! system files in `drive_c/windows` are hard links (nothing writes to them in place), all else is
//! copied. Programs write their output to files, never to pipes: the first program in a prefix
//! starts services that would hold a pipe open for ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Running};
use crate::work_dir::{WorkDir, copy_tree};
use crate::{cache, process::wait_until};

/// To be raised with every change of what [`Wine`] puts into the kept prefix.
const TEMPLATE_SCHEMA: u32 = 1;
/// How long making, starting and stopping a prefix may take on a busy machine.
const MACHINE_TIMEOUT: Duration = Duration::from_mins(3);
/// How long a short program of Wine's own may take.
const TOOL_TIMEOUT: Duration = Duration::from_mins(1);
/// Where a new prefix asks for additional components over the network: switched off.
const DLL_OVERRIDES: &str = "mscoree=;mshtml=;winemenubuilder.exe=";
/// The program in the prefix that runs another and notes its exit code.
const LAUNCHER: &str = r"C:\fleetmend-test\launch.exe";

/// What a program in the Windows machine ended with.
#[derive(Debug, Clone)]
pub struct WindowsOutput {
    /// The whole exit code, as Windows programs see it.
    pub code: u32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A Windows machine that is switched on; on drop it is switched off and thrown away.
#[derive(Debug)]
pub struct Wine {
    folder: WorkDir,
    runs: std::sync::atomic::AtomicU32,
}

impl Wine {
    /// A fresh machine, switched on. Nothing is installed on it; the folder `C:\fleetmend-test` is
    /// there for the test's use.
    pub fn new() -> Result<Self> {
        let template = template()?;
        let folder = WorkDir::new("wine")?;
        let prefix = folder.path().join("prefix");
        copy_template(&template, &prefix)?;
        let wine = Self {
            folder,
            runs: std::sync::atomic::AtomicU32::new(0),
        };
        wine.start()?;
        Ok(wine)
    }

    /// The prefix: what `WINEPREFIX` names.
    pub fn prefix(&self) -> PathBuf {
        self.folder.path().join("prefix")
    }

    /// A command that runs a Windows program (a Windows path, or a name that Windows finds) in this
    /// machine. Its exit code as Unix sees it is cut to 8 bits: see [`Wine::run`].
    pub fn command(&self, program: &str) -> Command {
        Self::command_in(&self.prefix(), program)
    }

    /// As [`Wine::command`], in the machine whose prefix is known.
    pub fn command_in(prefix: &Path, program: &str) -> Command {
        let mut command = wine(prefix);
        command.arg(program);
        command
    }

    /// Starts a Windows program in the background.
    pub fn spawn(&self, program: &str, arguments: &[&str]) -> Result<Running> {
        Running::spawn(self.command(program).args(arguments))
    }

    /// Runs a Windows program to its end and tells its whole exit code.
    pub fn run(
        &self,
        program: &str,
        arguments: &[&str],
        timeout: Duration,
    ) -> Result<WindowsOutput> {
        let number = self.runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let result = format!(r"C:\fleetmend-test\exit-code-{number}");
        let mut command = self.command(LAUNCHER);
        command.arg(&result).arg(program).args(arguments);
        let output = process::run(&mut command, timeout)?;
        let file = self.unix_path(&result)?;
        let Ok(code) = fs::read_to_string(&file) else {
            bail!("{program} left no exit code behind (the launcher: {output:?})");
        };
        fs::remove_file(&file)?;
        Ok(WindowsOutput {
            code: code
                .trim()
                .parse()
                .with_context(|| format!("exit code {code:?}"))?,
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    /// Restarts the machine: every program ends, what the registry holds only until the next start
    /// is forgotten, and services that start by themselves are started.
    pub fn restart(&self) -> Result<()> {
        stop(&self.prefix())?;
        self.start()
    }

    /// Gives a registry value as `reg query` prints it, or `None` where there is no such value.
    pub fn registry_value(&self, key: &str, name: &str) -> Result<Option<String>> {
        let output = self.run("reg.exe", &["query", key, "/v", name], TOOL_TIMEOUT)?;
        Ok(output.stdout.lines().find_map(|line| {
            let rest = line.trim().strip_prefix(name)?.trim_start();
            let (kind, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            kind.starts_with("REG_").then(|| value.trim().to_owned())
        }))
    }

    /// The names of a key's direct subkeys; none where there is no such key.
    pub fn registry_subkeys(&self, key: &str) -> Result<Vec<String>> {
        let output = self.run("reg.exe", &["query", key], TOOL_TIMEOUT)?;
        // `reg` writes the hive's name out in full, so a subkey is known by its place: one level
        // below a line's own parent whose last part is that of `key`.
        let parent = key.rsplit('\\').next().unwrap_or(key);
        Ok(output
            .stdout
            .lines()
            .filter(|line| line.starts_with("HKEY_"))
            .filter_map(|line| {
                let (before, name) = line.trim_end().rsplit_once('\\')?;
                let last = before.rsplit('\\').next()?;
                last.eq_ignore_ascii_case(parent).then(|| name.to_owned())
            })
            .collect())
    }

    /// Sets a registry value; `kind` is `REG_SZ`, `REG_DWORD`, ….
    pub fn set_registry_value(&self, key: &str, name: &str, kind: &str, data: &str) -> Result<()> {
        let arguments = ["add", key, "/v", name, "/t", kind, "/d", data, "/f"];
        self.tool("reg.exe", &arguments)
    }

    /// Deletes a registry key with all below it.
    pub fn delete_registry_key(&self, key: &str) -> Result<()> {
        self.tool("reg.exe", &["delete", key, "/f"])
    }

    /// The Windows path of a Unix path: on drive C where it lies in the prefix, else on drive Z.
    pub fn windows_path(&self, path: &Path) -> Result<String> {
        let path = std::path::absolute(path)?;
        let (drive, rest) = match path.strip_prefix(self.prefix().join("drive_c")) {
            Ok(inside) => ("C:", inside),
            Err(_) => ("Z:", path.strip_prefix("/").unwrap_or(&path)),
        };
        let rest = rest
            .to_str()
            .with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(format!(r"{drive}\{}", rest.replace('/', r"\")))
    }

    /// The Unix path of a full Windows path on drive C or Z. Names are compared without case where
    /// they exist; the rest is taken as it is.
    pub fn unix_path(&self, path: &str) -> Result<PathBuf> {
        let (mut place, rest) = match path.split_at_checked(3) {
            Some((r"C:\" | r"c:\", rest)) => (self.prefix().join("drive_c"), rest),
            Some((r"Z:\" | r"z:\", rest)) => (PathBuf::from("/"), rest),
            _ => bail!("{path} is not a full path on drive C or Z"),
        };
        for name in rest.split(['\\', '/']).filter(|name| !name.is_empty()) {
            let exact = place.join(name);
            place = if exact.exists() {
                exact
            } else {
                find_ignoring_case(&place, name)
            };
        }
        Ok(place)
    }

    /// How often an installer of [`crate::nsis`] with this `<name> <version>` noted a start.
    pub fn installer_starts(&self, runs_log: &str, line: &str) -> Result<usize> {
        let log = fs::read_to_string(self.unix_path(runs_log)?).unwrap_or_default();
        Ok(log.lines().filter(|noted| noted.trim_end() == line).count())
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let output = self.run(program, arguments, TOOL_TIMEOUT)?;
        if output.code != 0 {
            bail!("{program} {arguments:?} failed: {output:?}");
        }
        Ok(())
    }

    fn start(&self) -> Result<()> {
        start(&self.prefix())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        let _ = stop(&self.prefix());
    }
}

/// Starts a prefix's server, to stay until it is stopped, and boots the machine.
fn start(prefix: &Path) -> Result<()> {
    process::run(
        with_environment(Command::new("wineserver").arg("-p"), prefix),
        TOOL_TIMEOUT,
    )?
    .success()
    .context("cannot start wineserver")?;
    // The first program makes Wine boot and waits for that. A `wineboot --init` would boot it twice:
    // two service managers would run, and no service could be started by the second.
    process::run(
        wine(prefix).args(["cmd.exe", "/c", "exit 0"]),
        MACHINE_TIMEOUT,
    )?
    .success()
    .context("cannot boot the Wine prefix")?;
    Ok(())
}

/// Ends all programs of a prefix and its server, which writes the registry to disk.
fn stop(prefix: &Path) -> Result<()> {
    // An exit code other than 0 says that no server runs.
    process::run(
        with_environment(Command::new("wineserver").arg("-k"), prefix),
        TOOL_TIMEOUT,
    )?;
    process::run(
        with_environment(Command::new("wineserver").arg("-w"), prefix),
        TOOL_TIMEOUT,
    )?;
    wait_until("no wineserver runs", TOOL_TIMEOUT, || {
        // Signal 0 asks only whether there is one.
        let mut ask = Command::new("wineserver");
        let answer = process::run(with_environment(ask.arg("-k0"), prefix), TOOL_TIMEOUT)?;
        Ok((answer.code != Some(0)).then_some(()))
    })
}

/// Wine's command in a prefix.
fn wine(prefix: &Path) -> Command {
    let mut command = Command::new("wine");
    with_environment(&mut command, prefix);
    command
}

fn with_environment<'a>(command: &'a mut Command, prefix: &Path) -> &'a mut Command {
    command
        .env("WINEPREFIX", prefix)
        .env("WINEARCH", "win64")
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", DLL_OVERRIDES)
        // Wine maps "My Documents" and the like to the user's own folders; keep it in the prefix.
        .env("HOME", prefix)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .current_dir(prefix.parent().unwrap_or(prefix))
}

fn template() -> Result<PathBuf> {
    let version = process::run(Command::new("wine").arg("--version"), TOOL_TIMEOUT)?.success()?;
    let version: String = version
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
        .collect();
    let fixtures = [
        include_str!("../fixtures/launch.c"),
        include_str!("../fixtures/bcryptprimitives.c"),
        include_str!("../fixtures/bcryptprimitives.def"),
    ];
    cache::get_or_make(
        &format!("wine-prefix-{TEMPLATE_SCHEMA}-{version}"),
        |prefix| {
            fs::create_dir_all(prefix)?;
            make_template(prefix, fixtures).inspect_err(|_| {
                let _ = stop(prefix);
            })
        },
    )
}

fn make_template(prefix: &Path, [launcher, random, random_exports]: [&str; 3]) -> Result<()> {
    start(prefix)?;
    let mut reg = wine(prefix);
    reg.args(["reg.exe", "add", r"HKCU\Software\Wine\Drivers"]);
    reg.args(["/v", "Graphics", "/t", "REG_SZ", "/d", "null", "/f"]);
    process::run(&mut reg, TOOL_TIMEOUT)?.success()?;
    stop(prefix)?;
    replace_links_by_folders(&prefix.join("drive_c/users"))?;

    let system = prefix.join("drive_c/windows/system32");
    let own = prefix.join("drive_c/fleetmend-test");
    fs::create_dir_all(&own)?;
    let sources = WorkDir::new("wine-programs")?;
    let source = |name: &str, text: &str| -> Result<PathBuf> {
        let path = sources.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    };
    compile(
        &["-municode"],
        &[&source("launch.c", launcher)?],
        &own.join("launch.exe"),
    )?;
    compile(
        &["-shared"],
        &[
            &source("bcryptprimitives.c", random)?,
            &source("bcryptprimitives.def", random_exports)?,
        ],
        &system.join("bcryptprimitives.dll"),
    )
}

/// Wine links "Documents" and its like to folders of the Unix user, here the one that made the kept
/// prefix; a machine has its own.
fn replace_links_by_folders(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            fs::remove_file(entry.path())?;
            fs::create_dir(entry.path())?;
        } else if kind.is_dir() {
            replace_links_by_folders(&entry.path())?;
        }
    }
    Ok(())
}

fn compile(options: &[&str], sources: &[&Path], output: &Path) -> Result<()> {
    let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
    compiler
        .args(["-Os", "-s", "-Wall", "-Werror"])
        .args(options)
        .arg("-o")
        .arg(output);
    compiler.args(sources).arg("-ladvapi32");
    process::run(&mut compiler, TOOL_TIMEOUT)?
        .success()
        .with_context(|| format!("cannot compile {}", output.display()))?;
    Ok(())
}

/// Copies the kept prefix, `drive_c/windows` as hard links. The registry must be a copy:
/// wineserver writes to a file with several links in place.
fn copy_template(template: &Path, prefix: &Path) -> Result<()> {
    fs::create_dir_all(prefix.join("drive_c"))?;
    let drive = template.join("drive_c");
    for (folder, to) in [
        (template.to_path_buf(), prefix.to_path_buf()),
        (drive, prefix.join("drive_c")),
    ] {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == "drive_c" {
                continue;
            }
            copy_tree(&entry.path(), &to.join(&name), name == "windows")?;
        }
    }
    Ok(())
}

fn find_ignoring_case(folder: &Path, name: &str) -> PathBuf {
    let wanted = name.to_lowercase();
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().to_lowercase() == wanted)
        .map_or_else(|| folder.join(name), |entry| entry.path())
}
