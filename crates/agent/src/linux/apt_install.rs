//! Upgrading one package to one version, and nothing that would remove another.
//!
//! When the time is over, `apt-get` and what it started are asked to end (SIGTERM) and never
//! killed: dpkg torn by force may leave a package whose files are half old, half new. What does
//! not end then is left to itself and said so; the next try waits for its lock.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fleetmend_model::release::{Action, AptUpgrade};

use super::apt::{self, Apt, failed, failed_run, not_now};
use super::apt_argument::argument;
use super::apt_error::{self, known_cause, may_pass, output_tail, telling_lines};
use super::apt_lock::{is_lock_wait, is_locked_for_dpkg, lock_cause, lock_held};
use super::apt_offers::{Step, step};
use super::command::{self, AtLimit, Ending, Ran};
use super::earlier::Mark;
use super::{NEEDS_ROOT, dpkg, host};
use crate::platform::{PlatformError, RunResult};

/// How long a download may take.
const DOWNLOAD_LIMIT: Duration = Duration::from_hours(1);
/// How long a simulation may take.
const SIMULATION_LIMIT: Duration = Duration::from_mins(5);
/// How long a package manager has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(30);
/// The pause between two tries at a lock for which APT does not wait itself.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// What a person reads while a lock is waited for.
const WAITS: &str = "waits for the package manager's lock";
const INSTALLS: &str = "installs";
/// Where dpkg keeps the steps of a run that has not ended; empty else.
const DPKG_UPDATES: &str = "/var/lib/dpkg/updates";
/// The conffiles that the administrator changed stay; the others are replaced. Source: dpkg(1).
const KEEP_CONFFILES: [&str; 2] = ["--force-confdef", "--force-confold"];

/// Downloads what the upgrade needs into APT's cache. Where dpkg left something half done, APT does
/// nothing before that is ended: [`run`] ends it, and downloads as well.
pub(super) fn prepare(
    apt: &Apt,
    action: &Action,
    is_root: bool,
    progress: &dyn Fn(&str),
) -> Result<(), PlatformError> {
    let Action::AptUpgrade(upgrade) = action else {
        return Ok(());
    };
    let what = format!("downloading {} {}", upgrade.package, upgrade.version);
    if !is_root {
        return Err(failed(&what, NEEDS_ROOT));
    }
    let wanted = argument(upgrade).map_err(|why| failed(&what, &why))?;
    if interrupted().map_err(|why| failed(&what, &why))?.is_some() {
        return Ok(());
    }
    let start = Instant::now();
    let mut waits = false;
    loop {
        let rest = DOWNLOAD_LIMIT.saturating_sub(start.elapsed());
        let mut command = apt.get()?;
        command.args([
            "install",
            "--download-only",
            "-y",
            "--only-upgrade",
            &wanted,
        ]);
        let ran = apt.run(&what, command, rest)?;
        if ran.success() {
            return Ok(());
        }
        if lock_held(&ran.output).is_none() {
            return Err(match known_cause(&ran.output, upgrade) {
                Some(cause) => failed(&what, &cause),
                None if may_pass(&ran) => not_now(&what, &apt_error::cause(&ran)),
                None => failed_run(&what, &ran),
            });
        }
        if rest <= LOCK_PAUSE {
            return Err(not_now(&what, &lock_cause(&ran.output)));
        }
        if !std::mem::replace(&mut waits, true) {
            progress(WAITS);
        }
        thread::sleep(LOCK_PAUSE);
    }
}

/// Installs the upgrade. Success is APT's own exit code 0.
pub(super) fn run(
    apt: &Apt,
    action: &Action,
    is_root: bool,
    mark: &Mark,
    limit: Duration,
    progress: &dyn Fn(&str),
) -> RunResult {
    let refused = |cause: String| RunResult {
        cause,
        ..RunResult::default()
    };
    let Action::AptUpgrade(upgrade) = action else {
        return refused(
            "the release is a Windows installer, and this machine runs Linux".to_owned(),
        );
    };
    if !is_root {
        return refused(NEEDS_ROOT.to_owned());
    }
    let wanted = match argument(upgrade) {
        Ok(wanted) => wanted,
        Err(cause) => return refused(cause),
    };
    let restart_was_due = host::restart_pending(Path::new(host::RUN)).is_some();
    let mut run = Run {
        apt,
        mark,
        end: Instant::now() + limit,
        progress,
        output: String::new(),
    };
    let ended = run
        .finish_interrupted()
        .and_then(|()| run.check(upgrade, &wanted))
        .and_then(|()| run.install(&wanted));
    let output = output_tail(&run.output);
    match ended {
        Err(cause) => RunResult {
            cause,
            output,
            ..RunResult::default()
        },
        Ok(ran) => RunResult {
            exit_code: ran.code(),
            success: ran.success(),
            restart_due: !restart_was_due && host::restart_pending(Path::new(host::RUN)).is_some(),
            cause: if ran.success() {
                String::new()
            } else {
                cause(&ran, upgrade, limit)
            },
            output,
        },
    }
}

/// One run: what is left of its time, and what its programs wrote.
struct Run<'a> {
    apt: &'a Apt,
    mark: &'a Mark,
    end: Instant,
    progress: &'a dyn Fn(&str),
    output: String,
}

impl Run<'_> {
    fn rest(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Ends what an earlier run of dpkg left half done; APT refuses to work before that. If it
    /// cannot be ended, APT says in its own words whether that is in the way.
    fn finish_interrupted(&mut self) -> Result<(), String> {
        while let Some(what) = interrupted()? {
            (self.progress)(&format!(
                "dpkg has not ended its work on {what}: ends that first"
            ));
            let program = command::find_program("dpkg").ok_or("there is no dpkg")?;
            let mut command = command::command(&program);
            apt::never_ask(&mut command);
            command.args(KEEP_CONFFILES).args(["--configure", "-a"]);
            let ran = self.run(command)?;
            if !is_locked_for_dpkg(&ran.output) {
                self.output.push_str(&ran.output);
                return match ran.ending {
                    Ending::Exited(_) => Ok(()),
                    Ending::Stopped | Ending::LeftRunning => Err(format!(
                        "dpkg had not ended its work on {what}, and ending that took too long"
                    )),
                };
            }
            // Half done because another program is at it just now.
            if self.rest() <= LOCK_PAUSE {
                return Err(lock_cause(&ran.output));
            }
            (self.progress)(WAITS);
            thread::sleep(LOCK_PAUSE);
        }
        Ok(())
    }

    /// Refuses an upgrade that APT would not do, or only by removing other packages.
    fn check(&mut self, upgrade: &AptUpgrade, wanted: &str) -> Result<(), String> {
        let mut command = self.apt.simulate().map_err(|error| error.to_string())?;
        command.args(["install", "-y", "--only-upgrade", wanted]);
        let ran = self
            .apt
            .run(
                "simulating the upgrade",
                command,
                self.rest().min(SIMULATION_LIMIT),
            )
            .map_err(|error| error.to_string())?;
        let removed: Vec<&str> = ran
            .output
            .lines()
            .filter_map(|line| match step(line) {
                Some(Step::Remove(name)) => Some(name),
                _ => None,
            })
            .collect();
        let cause = if !removed.is_empty() {
            format!(
                "upgrading {} to {} would remove {}: it was not started",
                upgrade.package,
                upgrade.version,
                removed.join(", ")
            )
        } else if let Some(cause) = known_cause(&ran.output, upgrade) {
            cause
        } else if !ran.success() {
            apt_error::cause(&ran)
        } else {
            return Ok(());
        };
        self.output.push_str(&ran.output);
        Err(cause)
    }

    fn install(&mut self, wanted: &str) -> Result<Ran, String> {
        loop {
            let mut command = self.apt.get().map_err(|error| error.to_string())?;
            // APT's wait ends a little before the run's, so that it can say who holds the lock.
            let lock_wait = self.rest().as_secs() * 9 / 10;
            command.args(["install", "-y", "--only-upgrade", "--no-remove"]);
            for option in KEEP_CONFFILES {
                command.arg("-o").arg(format!("Dpkg::Options::={option}"));
            }
            command
                .arg("-o")
                .arg(format!("DPkg::Lock::Timeout={lock_wait}"))
                .arg(wanted);
            let ran = self.run(command)?;
            // The lock of APT's cache of packages is one that it does not wait for.
            if ran.success() || lock_held(&ran.output).is_none() || self.rest() <= LOCK_PAUSE * 2 {
                self.output.push_str(&ran.output);
                return Ok(ran);
            }
            (self.progress)(WAITS);
            thread::sleep(LOCK_PAUSE);
        }
    }

    /// Runs something that must not be torn.
    fn run(&self, mut command: Command) -> Result<Ran, String> {
        self.mark.put_on(&mut command);
        let mut waits = false;
        let mut on_line = |line: &str| {
            let is_wait = is_lock_wait(line);
            // An error ends the wait without an installation.
            if is_wait != waits && !line.starts_with("E: ") {
                waits = is_wait;
                (self.progress)(if is_wait { WAITS } else { INSTALLS });
            }
        };
        let at_limit = AtLimit::Leave(GRACE);
        command::run(command, &self.apt.data, self.rest(), at_limit, &mut on_line)
            .map_err(|error| format!("cannot start the package manager: {error}"))
    }
}

/// What dpkg left half done, in words; `None` when nothing is.
fn interrupted() -> Result<Option<String>, String> {
    let text = dpkg::read(Path::new(dpkg::STATUS_FILE)).map_err(|error| error.to_string())?;
    let names = dpkg::interrupted(&text).map_err(|error| error.to_string())?;
    if !names.is_empty() {
        return Ok(Some(names.join(", ")));
    }
    let has_journal = std::fs::read_dir(DPKG_UPDATES)
        .into_iter()
        .flatten()
        .flatten()
        .any(|it| {
            it.file_name()
                .to_str()
                .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        });
    Ok(has_journal.then(|| "what its journal holds".to_owned()))
}

fn cause(ran: &Ran, upgrade: &AptUpgrade, limit: Duration) -> String {
    if let Some(cause) = known_cause(&ran.output, upgrade) {
        return cause;
    }
    if lock_held(&ran.output).is_some() {
        return lock_cause(&ran.output);
    }
    let seconds = limit.as_secs();
    let (end, told) = (ran.ending, telling_lines(&ran.output));
    let told = if told.is_empty() {
        told
    } else {
        format!(": {told}")
    };
    match end {
        Ending::Exited(_) => apt_error::cause(ran),
        Ending::Stopped => format!("it took longer than {seconds} s and was stopped{told}"),
        Ending::LeftRunning => format!(
            "it took longer than {seconds} s and still runs; ending it by force could damage the \
             system{told}"
        ),
    }
}
