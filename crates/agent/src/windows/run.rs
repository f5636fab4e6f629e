//! Running an installer.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fleetmend_model::arguments;
use fleetmend_model::recipe::InstallerKind;
use fleetmend_model::release::{Action, RunInstaller};
use fleetmend_trust::{Order, Verified};
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, CREATE_SUSPENDED};

use super::command_line::msi_arguments;
use super::exit_code::result;
use super::job_object::JobObject;
use super::processes;
use crate::platform::{MAX_OUTPUT, RunResult};

/// What Windows Installer holds while it installs. Source: Windows Installer, '`_MSIExecute` Mutex'.
const MSI_MUTEX: &str = r"Global\_MSIExecute";
const MSIEXEC: &str = "msiexec.exe";
/// The pause between two looks at what runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause before Windows Installer is asked again after it was busy.
const BUSY_PAUSE: Duration = Duration::from_secs(5);
/// How long is waited for what an installer started and left behind when it ended: many hand over
/// to a second program, others start the application itself, which runs for ever.
const LEFT_BEHIND: Duration = Duration::from_secs(10);
/// How long the file with the output may grow, in bytes; then it begins anew.
const MAX_OUTPUT_FILE: u64 = 4 * 1024 * 1024;
/// `ERROR_INSTALL_ALREADY_RUNNING`: nothing was done.
const INSTALL_ALREADY_RUNNING: u32 = 1618;
/// `ERROR_ELEVATION_REQUIRED`.
const ELEVATION_REQUIRED: i32 = 740;

/// Runs the release's installer to its end, at most for `limit`.
pub(super) fn run(
    order: &Verified<Order>,
    file: Option<&Path>,
    limit: Duration,
    progress: &dyn Fn(&str),
) -> RunResult {
    let failed = |cause: String| RunResult {
        cause,
        ..RunResult::default()
    };
    let Action::RunInstaller(installer) = &order.release().action else {
        return failed("this release is not for Windows".to_owned());
    };
    let Some(file) = file.and_then(|file| std::path::absolute(file).ok()) else {
        return failed("the release has no file for this machine".to_owned());
    };
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let (code, output) = match run_once(order, installer, &file, left) {
            Ok(Ended {
                code: Some(code),
                output,
            }) => (code, output),
            Ok(Ended { code: None, output }) => {
                return RunResult {
                    cause: overdue(installer.kind, limit),
                    output,
                    ..RunResult::default()
                };
            }
            Err(cause) => return failed(cause),
        };
        let is_busy = installer.kind == InstallerKind::Msi && code == INSTALL_ALREADY_RUNNING;
        if !is_busy || limit.saturating_sub(start.elapsed()) <= BUSY_PAUSE {
            return result(installer, code, output);
        }
        progress("waits for another installation on this machine to end");
        std::thread::sleep(BUSY_PAUSE);
        while processes::is_mutex_held(MSI_MUTEX) && start.elapsed() < limit {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Whether an installer that an earlier life of the agent started for this order still runs.
pub(super) fn is_still_running(order: &Verified<Order>, file: Option<&Path>) -> bool {
    let (Action::RunInstaller(installer), Some(file)) = (&order.release().action, file) else {
        return false;
    };
    match installer.kind {
        InstallerKind::Exe => {
            let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
                return false;
            };
            let images = processes::named(name).unwrap_or_default();
            images
                .into_iter()
                .filter_map(processes::image)
                .any(|image| is_same(&image, file))
        }
        InstallerKind::Msi => {
            let client = JobObject::open(&job_name(order))
                .is_some_and(|job| images(&job).any(|image| is_msiexec(&image)));
            client || processes::is_mutex_held(MSI_MUTEX)
        }
    }
}

/// How one start ended: without a code it was stopped.
struct Ended {
    code: Option<u32>,
    output: String,
}

fn run_once(
    order: &Verified<Order>,
    installer: &RunInstaller,
    file: &Path,
    limit: Duration,
) -> Result<Ended, String> {
    let start = Instant::now();
    let log = OutputFile::new(file);
    let mut command = command(installer, file);
    let job = JobObject::new(&job_name(order))
        .map_err(|error| format!("the installer was not started: no job object: {error}"))?;
    let mut child = command
        .current_dir(file.parent().unwrap_or(file))
        .env("FLEETMEND_JOB", order.order().job.to_string())
        .env_remove("FLEETMEND_TOKEN")
        .stdin(Stdio::null())
        .stdout(log.stdio())
        .stderr(log.stdio())
        // Suspended, so that nothing it starts stays outside the job object.
        .creation_flags(CREATE_NO_WINDOW | CREATE_SUSPENDED)
        .spawn()
        .map_err(|error| not_started(file, &error))?;
    if let Err(error) = job
        .assign(&child)
        .and_then(|()| processes::resume(child.id()))
    {
        let _ = child.kill();
        return Err(not_started(file, &error));
    }
    loop {
        let left = limit.saturating_sub(start.elapsed());
        if processes::wait(&child, left.min(LOOK_EVERY)) {
            break;
        }
        if left.is_zero() {
            stop(&job, &mut child);
            return Ok(Ended {
                code: None,
                output: log.end(),
            });
        }
        log.keep_short();
    }
    let status = child
        .wait()
        .map_err(|error| format!("the installer's end is unknown: {error}"))?;
    let grace = LEFT_BEHIND.min(limit.saturating_sub(start.elapsed()));
    let ended = Instant::now();
    while ended.elapsed() < grace && images(&job).any(|image| is_installer(&image)) {
        std::thread::sleep(Duration::from_millis(50));
    }
    // On Windows there is always a code.
    let code = status.code().unwrap_or(-1).cast_unsigned();
    Ok(Ended {
        code: Some(code),
        output: log.end(),
    })
}

/// The programs that run in a job object.
fn images(job: &JobObject) -> impl Iterator<Item = PathBuf> {
    let ids = job.processes().unwrap_or_default();
    ids.into_iter().filter_map(processes::image)
}

fn is_msiexec(image: &Path) -> bool {
    image
        .file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case(MSIEXEC))
}

/// Whether a program that an installer started may install: Windows's own do not, but for
/// Windows Installer (a console host or the desktop may stay for ever).
fn is_installer(image: &Path) -> bool {
    let image_text = image.to_string_lossy().to_lowercase();
    let windows = windows_folder().to_string_lossy().to_lowercase();
    is_msiexec(image) || !image_text.starts_with(&format!(r"{windows}\"))
}

fn windows_folder() -> PathBuf {
    let configured = std::env::var_os("SystemRoot").map(PathBuf::from);
    configured.unwrap_or_else(|| PathBuf::from(r"C:\Windows"))
}

fn command(installer: &RunInstaller, file: &Path) -> Command {
    let folder = file.parent().unwrap_or(file).to_string_lossy();
    let arguments = arguments::fill(&installer.arguments, &folder);
    match installer.kind {
        InstallerKind::Msi => {
            let mut command = Command::new(windows_folder().join("System32").join(MSIEXEC));
            let mut line = OsString::from("/i \"");
            line.push(file);
            line.push("\" ");
            line.push(msi_arguments(&arguments));
            command.raw_arg(line);
            command
        }
        InstallerKind::Exe => {
            let mut command = Command::new(file);
            if !arguments.trim().is_empty() {
                command.raw_arg(&arguments);
            }
            command
        }
    }
}

fn stop(job: &JobObject, child: &mut Child) {
    if let Err(error) = job.terminate() {
        tracing::warn!("cannot end what the installer started: {error}");
        let _ = child.kill();
    }
    let _ = child.wait();
}

fn overdue(kind: InstallerKind, limit: Duration) -> String {
    let time = match limit.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    let what = match kind {
        InstallerKind::Msi => "Windows Installer, as far as it was started for this,",
        InstallerKind::Exe => "it, with all that it had started,",
    };
    format!("the installer did not end within {time}: {what} was stopped")
}

fn not_started(file: &Path, error: &std::io::Error) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if error.raw_os_error() == Some(ELEVATION_REQUIRED) {
        return format!("{name} needs an administrator's rights: run the agent as a service");
    }
    format!("{name} could not be started: {error}")
}

/// Names the order's job object. The certificate's digest makes it one that other users of the
/// machine cannot guess.
fn job_name(order: &Verified<Order>) -> String {
    let order = order.order();
    let device: String = order.device_certificate.chars().take(32).collect();
    format!(r"Global\Fleetmend-{}-{device}", order.job)
}

/// Whether two paths name the same file, case ignored, in whatever way they are written.
fn is_same(image: &Path, file: &Path) -> bool {
    let plain = |path: &Path| {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let text = path.to_string_lossy().to_lowercase();
        text.strip_prefix(r"\\?\").unwrap_or(&text).to_owned()
    };
    plain(image) == plain(file)
}

/// Where an installer's output goes. A file, not a pipe: what an installer leaves behind may keep
/// it open for ever, and an installer that outlives the agent must be able to go on writing.
struct OutputFile(Option<File>);

impl OutputFile {
    /// Beside the installer, whose own name it cannot be. Without a file the output is lost and
    /// the installation goes on.
    fn new(installer: &Path) -> Self {
        let mut name = installer.as_os_str().to_owned();
        name.push(".output");
        let file = File::create(&name)
            .and_then(|_| OpenOptions::new().read(true).append(true).open(&name))
            .inspect_err(|error| tracing::warn!("the installer's output is not kept: {error}"));
        Self(file.ok())
    }

    fn stdio(&self) -> Stdio {
        let file = self.0.as_ref().and_then(|file| file.try_clone().ok());
        file.map_or_else(Stdio::null, Stdio::from)
    }

    /// Empties the file when it has grown too long; its end is what is kept.
    fn keep_short(&self) {
        if let Some(file) = &self.0
            && file.metadata().is_ok_and(|it| it.len() > MAX_OUTPUT_FILE)
            && let Err(error) = file.set_len(0)
        {
            tracing::debug!("the installer's output grows: {error}");
        }
    }

    /// The end of what was written, as text.
    fn end(&self) -> String {
        let Some(mut file) = self.0.as_ref() else {
            return String::new();
        };
        let length = file.metadata().map_or(0, |it| it.len());
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(length.saturating_sub(MAX_OUTPUT as u64)))
            .and_then(|_| file.take(MAX_OUTPUT as u64).read_to_end(&mut bytes));
        if let Err(error) = read {
            tracing::warn!("the installer's output cannot be read: {error}");
        }
        // Programs that write UTF-16 leave NULs between the characters.
        bytes.retain(|byte| *byte != 0);
        let text = String::from_utf8_lossy(&bytes);
        let mut from = text.len().saturating_sub(MAX_OUTPUT);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..].trim().to_owned()
    }
}
