//! Child processes: every one with a deadline, its output in files, and an end.
//!
//! Output goes to files, not pipes: a grandchild that outlives its parent (wineserver, a daemon
//! that a package starts) keeps a pipe open and would block its reader for ever.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How often [`wait_until`] looks at its condition.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `condition` gives a value, at most for `timeout`.
///
/// This is the only place in the tests that polls. `what` completes 'waited 5s in vain until …'.
/// An error from the condition ends the wait at once.
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("waited {timeout:?} in vain until {what}");
        }
        std::thread::park_timeout(POLL_INTERVAL);
    }
}

/// What a finished program left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `None` when a signal ended the program.
    pub code: Option<i32>,
    /// Standard output, with invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, with invalid UTF-8 replaced.
    pub stderr: String,
}

impl Output {
    /// Gives standard output if the program exited with 0, otherwise an error with all its output.
    pub fn success(self) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        bail!(
            "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout,
            self.stderr
        )
    }
}

/// Runs a program to its end, at most for `timeout`; after that it and its process group are
/// killed and the answer is an error with the output so far. Standard input is empty.
pub fn run(command: &mut Command, timeout: Duration) -> Result<Output> {
    Running::spawn(command)?.wait(timeout)
}

/// A program in the background, leader of a process group of its own that is killed on drop.
#[derive(Debug)]
pub struct Running {
    child: Child,
    status: Option<ExitStatus>,
    name: String,
    stdout: File,
    stderr: File,
}

impl Running {
    /// Starts the program. Its standard input is empty, its output goes to unnamed files.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = describe(command);
        let stdout = tempfile::tempfile().context("cannot make a file for a program's output")?;
        let stderr = tempfile::tempfile().context("cannot make a file for a program's output")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            child,
            status: None,
            name,
            stdout,
            stderr,
        })
    }

    /// The process id, which is also the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All of standard output so far.
    pub fn stdout(&self) -> Result<String> {
        read_all(&self.stdout)
    }

    /// All of standard error so far.
    pub fn stderr(&self) -> Result<String> {
        read_all(&self.stderr)
    }

    /// Whether the program is still running.
    pub fn is_running(&mut self) -> Result<bool> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status.is_none())
    }

    /// Waits until `condition` gives a value, as [`wait_until`], and ends early, with the
    /// program's output in the error, when the program ends first.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        timeout: Duration,
        mut condition: impl FnMut(&Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let waited = wait_until(what, timeout, || {
            let running = self.is_running()?;
            match condition(self)? {
                Some(value) => Ok(Some(value)),
                None if running => Ok(None),
                None => bail!("{} ended ({:?}) before {what}", self.name, self.status),
            }
        });
        waited.with_context(|| self.last_words())
    }

    /// Waits for the end, at most for `timeout`; after that the process group is killed and the
    /// answer is an error with the output so far.
    pub fn wait(mut self, timeout: Duration) -> Result<Output> {
        let ended = wait_until("it ends", timeout, || {
            Ok((!self.is_running()?).then_some(()))
        });
        if let Err(error) = ended {
            self.kill();
            return Err(error.context(self.last_words()));
        }
        Ok(Output {
            code: self.status.and_then(|status| status.code()),
            stdout: self.stdout()?,
            stderr: self.stderr()?,
        })
    }

    /// Sends a signal, named as `kill` names it ("TERM", "STOP"), to the program alone.
    pub fn signal(&mut self, signal: &str) -> Result<()> {
        if self.is_running()? {
            send_signal(signal, &self.pid().to_string())?;
        }
        Ok(())
    }

    /// Sends a signal to the program and to all that is in its process group.
    pub fn signal_group(&mut self, signal: &str) -> Result<()> {
        if self.is_running()? {
            send_signal(signal, &format!("-{}", self.pid()))?;
        }
        Ok(())
    }

    /// Kills the program alone, as a crash would; what it started lives on. Returns when it is gone.
    pub fn crash(&mut self) {
        if matches!(self.is_running(), Ok(true)) && self.child.kill().is_ok() {
            self.status = self.child.wait().ok();
        }
    }

    /// Kills the program and all of its process group, and returns when the program is gone.
    pub fn kill(&mut self) {
        if matches!(self.is_running(), Ok(true)) {
            // While the leader is not waited for, its group's id cannot belong to anyone else.
            let _ = send_signal("KILL", &format!("-{}", self.pid()));
            let _ = self.child.kill();
            self.status = self.child.wait().ok();
        }
    }

    fn last_words(&self) -> String {
        format!(
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.name,
            self.stdout().unwrap_or_default(),
            self.stderr().unwrap_or_default()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process (`"123"`) or to a process group (`"-123"`).
pub(crate) fn send_signal(signal: &str, target: &str) -> Result<()> {
    // The shell's own `kill` is there even where the package with the program of that name is not.
    let status = Command::new("sh")
        .args(["-c", r#"kill -s "$1" -- "$2""#, "kill", signal, target])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("cannot send {signal} to {target}");
    }
    Ok(())
}

fn read_all(file: &File) -> Result<String> {
    // Read by position: the child writes through the same open file, and a seek here would move
    // its writes.
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = file.read_at(&mut chunk, bytes.len() as u64)?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
