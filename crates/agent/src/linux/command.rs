//! Runs programs: in a session of their own, with nobody to answer them, for a limited time.
//!
//! Their output goes to a nameless file and not through a pipe: when the agent ends while dpkg
//! runs, dpkg writes on and ends in peace, where a broken pipe would kill it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How often a running program's output is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The most output that is read, in bytes; of more, the end.
const MAX_READ: u64 = 32 * 1024 * 1024;
/// The longest line that is handed on while the program runs, in bytes.
const MAX_LINE: usize = 4096;
/// Where programs are looked for besides `PATH`: dpkg needs those of the administrator.
const STANDARD_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// What is done when the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtLimit {
    /// Ask it to end, then end it: for programs that change nothing.
    Kill,
    /// Ask it to end and wait this long; then leave it running, because ending it by force would
    /// tear what it writes.
    Leave(Duration),
}

/// How long a program that may be killed has to end by itself.
const KILL_GRACE: Duration = Duration::from_secs(3);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// When it was asked to, or killed, after the limit.
    Stopped,
    /// It goes on after the limit.
    LeftRunning,
}

/// A program that ran.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) ending: Ending,
    /// Standard output and standard error as they came; malformed UTF-8 replaced.
    pub(super) output: String,
}

impl Ran {
    /// Whether it ended by itself with exit code 0.
    pub(super) fn success(&self) -> bool {
        matches!(self.ending, Ending::Exited(status) if status.success())
    }

    /// Its exit code, where it ended by itself and not by a signal.
    pub(super) fn code(&self) -> Option<i64> {
        match self.ending {
            Ending::Exited(status) => status.code().map(i64::from),
            Ending::Stopped | Ending::LeftRunning => None,
        }
    }
}

/// The value for `PATH`: the agent's own and the standard folders behind it.
pub(super) fn search_path() -> String {
    let mut folders: Vec<String> = std::env::var("PATH")
        .unwrap_or_default()
        .split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(str::to_owned)
        .collect();
    for folder in STANDARD_FOLDERS {
        if !folders.iter().any(|it| it == folder) {
            folders.push(folder.to_owned());
        }
    }
    folders.join(":")
}

/// Where a program is.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    search_path()
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|it| it.is_file())
}

/// A command for a program that [`run`] then gives a session of its own, away from any terminal:
/// a maintainer script that reads from one fails then instead of waiting for ever.
pub(super) fn command(program: &Path) -> Command {
    let mut command;
    if let Some(setsid) = find_program("setsid") {
        // It replaces itself by the program, so the process id stays the same.
        command = Command::new(setsid);
        command.arg(program);
    } else {
        command = Command::new(program);
        command.process_group(0);
    }
    command
        .env("PATH", search_path())
        .env("LC_ALL", "C.UTF-8")
        .env_remove("LANGUAGE");
    // No package's script needs to know it.
    command.env_remove("FLEETMEND_TOKEN");
    command
}

/// Runs a command to its end or to `limit`. `scratch` is where its output may be kept meanwhile;
/// `on_line` gets each line of it, soon after it was written.
pub(super) fn run(
    mut command: Command,
    scratch: &Path,
    limit: Duration,
    at_limit: AtLimit,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Ran> {
    let output = tempfile::tempfile_in(scratch).or_else(|_| tempfile::tempfile())?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    let child = command.spawn()?;
    // The command holds the child's ends of the file.
    drop(command);
    let mut tail = Tail {
        file: output,
        read: 0,
        line: Vec::new(),
    };
    let ended = watch(Pid::from_child(&child))?;
    let ending = await_end(child, &ended, limit, at_limit, &mut || tail.look(on_line))?;
    tail.look(on_line);
    Ok(Ran {
        ending,
        output: tail.all()?,
    })
}

/// Tells when a child has ended, without taking it off the list of processes: until its owner
/// waits for it, its id cannot become another's.
fn watch(pid: Pid) -> io::Result<Receiver<()>> {
    let (ended, receiver) = channel();
    thread::Builder::new()
        .name("child".to_owned())
        .spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(
                waitid(WaitId::Pid(pid), options),
                Err(rustix::io::Errno::INTR)
            ) {}
            let _ = ended.send(());
        })?;
    Ok(receiver)
}

fn await_end(
    mut child: Child,
    ended: &Receiver<()>,
    limit: Duration,
    at_limit: AtLimit,
    look: &mut dyn FnMut(),
) -> io::Result<Ending> {
    if wait(ended, limit, look) {
        return Ok(Ending::Exited(child.wait()?));
    }
    let group = Pid::from_child(&child);
    let _ = kill_process_group(group, Signal::TERM);
    let grace = match at_limit {
        AtLimit::Kill => KILL_GRACE,
        AtLimit::Leave(grace) => grace,
    };
    if wait(ended, grace, look) {
        child.wait()?;
        return Ok(Ending::Stopped);
    }
    if at_limit == AtLimit::Kill {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.kill();
        child.wait()?;
        return Ok(Ending::Stopped);
    }
    // Somebody has to take it off the list of processes when it ends.
    thread::Builder::new()
        .name("left running".to_owned())
        .spawn(move || child.wait())?;
    Ok(Ending::LeftRunning)
}

/// Waits for the end for at most `limit`, looking at the output now and then.
fn wait(ended: &Receiver<()>, limit: Duration, look: &mut dyn FnMut()) -> bool {
    let start = Instant::now();
    loop {
        let rest = limit.saturating_sub(start.elapsed());
        match ended.recv_timeout(rest.min(LOOK)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) if rest <= LOOK => return false,
            Err(RecvTimeoutError::Timeout) => look(),
        }
    }
}

/// Reads what a program writes. By position: the child writes through the same open file, and a
/// seek here would move its writes.
struct Tail {
    file: File,
    read: u64,
    line: Vec<u8>,
}

impl Tail {
    fn look(&mut self, on_line: &mut dyn FnMut(&str)) {
        let mut chunk = [0; 16 * 1024];
        while let Ok(read @ 1..) = self.file.read_at(&mut chunk, self.read) {
            self.read += read as u64;
            for &byte in &chunk[..read] {
                if byte == b'\n' || byte == b'\r' {
                    if !self.line.is_empty() {
                        on_line(&String::from_utf8_lossy(&self.line));
                    }
                    self.line.clear();
                } else if self.line.len() < MAX_LINE {
                    self.line.push(byte);
                }
            }
        }
    }

    fn all(&self) -> io::Result<String> {
        let length = self.file.metadata()?.len();
        let mut position = length.saturating_sub(MAX_READ);
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        while (bytes.len() as u64) < MAX_READ {
            let read = self.file.read_at(&mut chunk, position)?;
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..read]);
            position += read as u64;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(300);

    fn shell(script: &str, limit: Duration, at_limit: AtLimit) -> (Ran, Vec<String>) {
        let mut command = command(Path::new("/bin/sh"));
        command.args(["-c", script]);
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        let ran = run(command, folder.path(), limit, at_limit, &mut |line| {
            lines.push(line.to_owned());
        });
        (ran.unwrap(), lines)
    }

    #[test]
    fn output_of_both_kinds_comes_in_order_with_the_exit_code() {
        let (ran, lines) = shell(
            "echo one; echo two >&2; printf '\\377three\\n'; exit 7",
            LONG,
            AtLimit::Kill,
        );
        assert_eq!(ran.code(), Some(7));
        assert!(!ran.success());
        assert_eq!(ran.output, "one\ntwo\n\u{fffd}three\n");
        assert_eq!(lines, ["one", "two", "\u{fffd}three"]);
    }

    #[test]
    fn a_program_has_no_input_and_no_terminal() {
        let script = "read x && echo input; (: </dev/tty) 2>/dev/null && echo terminal; echo end";
        assert_eq!(shell(script, LONG, AtLimit::Kill).0.output, "end\n");
    }

    #[test]
    fn what_stays_in_the_background_is_not_waited_for() {
        let start = Instant::now();
        let (ran, _) = shell("sleep 50 & echo $!", LONG, AtLimit::Kill);
        assert!(ran.success());
        assert!(start.elapsed() < Duration::from_secs(40));
        let pid = Pid::from_raw(ran.output.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[test]
    fn at_the_limit_a_program_is_asked_to_end() {
        let (ran, lines) = shell(
            "trap 'echo asked; exit 3' TERM; echo up; sleep 60 & wait",
            SHORT,
            AtLimit::Kill,
        );
        assert_eq!(ran.ending, Ending::Stopped);
        assert_eq!(ran.code(), None);
        assert_eq!(lines, ["up", "asked"]);
    }

    #[test]
    fn one_that_does_not_end_is_killed_only_where_that_is_allowed() {
        let stubborn = "trap '' TERM; echo $$; while :; do sleep 60; done";
        assert_eq!(
            shell(stubborn, SHORT, AtLimit::Kill).0.ending,
            Ending::Stopped
        );
        let (ran, _) = shell(stubborn, SHORT, AtLimit::Leave(SHORT));
        assert_eq!(ran.ending, Ending::LeftRunning);
        let pid = Pid::from_raw(ran.output.trim().parse().unwrap()).unwrap();
        kill_process_group(pid, Signal::KILL).unwrap();
    }
}
