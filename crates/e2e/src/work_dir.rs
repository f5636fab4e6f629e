//! Folders that a test works in, cleared away at its end or, after a crash, by the next test run.
//!
//! A test that is killed runs no destructor. So every folder has a lock file beside it that is
//! locked while its owner lives (the kernel lets go of it whatever happens), and whoever makes a
//! new folder first clears away those that nobody holds: stops what runs in them, then deletes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process;

/// Suffix of the lock file beside each folder.
const LOCK_SUFFIX: &str = "lock";
/// How long deleting a folder is tried.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(5);

/// A folder of a test's own, deleted on drop.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Makes an empty folder below the target directory, on the same file system as the caches.
    pub fn new(kind: &str) -> Result<Self> {
        Self::new_in(&crate::cache::target_dir().join("e2e-work"), kind)
    }

    /// Makes an empty folder below the system's temporary directory: for parts whose sockets need
    /// a short path, or that run as another user, to whom the target directory may be closed.
    pub fn new_short(kind: &str) -> Result<Self> {
        Self::new_in(&std::env::temp_dir().join("fleetmend-e2e"), kind)
    }

    fn new_in(base: &Path, kind: &str) -> Result<Self> {
        fs::create_dir_all(base).with_context(|| format!("cannot make {}", base.display()))?;
        // Held while a folder and its lock come to be, so that a sweep never meets half of that.
        let guard = File::create(base.join(".guard"))?;
        guard.lock()?;
        sweep(base);
        let path = tempfile::Builder::new()
            .prefix(&format!("{kind}-"))
            .tempdir_in(base)?
            .keep();
        // Other users work in it as well (PostgreSQL does not run as root).
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let lock = File::create(lock_path(&path))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        clear(&self.path);
    }
}

/// Clears away every folder whose owner is gone.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        // No lock file: its owner is between deleting the lock and the folder, or was killed there.
        // Clearing it twice does no harm.
        let Ok(lock) = File::open(lock_path(&path)) else {
            clear(&path);
            continue;
        };
        match lock.try_lock() {
            Ok(()) => clear(&path),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

/// Stops what runs in a folder and deletes it. Errors are left to the next sweep.
fn clear(path: &Path) {
    // Tools that a killed test had started (tar, initdb) may go on writing until they are done.
    let _ = process::wait_until("it is deleted", CLEAR_TIMEOUT, || {
        kill_processes_of(path);
        let _ = fs::remove_dir_all(path);
        Ok((!path.exists()).then_some(()))
    });
    if !path.exists() {
        let _ = fs::remove_file(lock_path(path));
    }
}

/// Kills what outlived the test that started it: every process whose root directory lies in
/// `folder`, that names it as its Wine prefix, or that is a database server working in it.
///
/// A working directory alone is no ground: it may be the shell of somebody who looks around.
pub(crate) fn kill_processes_of(folder: &Path) {
    let prefix = format!("WINEPREFIX={}", folder.display());
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().into_string() else {
            continue;
        };
        if pid == own || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let lies_inside = |link: &str| {
            fs::read_link(entry.path().join(link)).is_ok_and(|to| to.starts_with(folder))
        };
        let is_database =
            || fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name == "postgres\n");
        let names_prefix = || {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| {
                variable
                    .strip_prefix(prefix.as_bytes())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
        };
        if lies_inside("root") || (is_database() && lies_inside("cwd")) || names_prefix() {
            let _ = process::send_signal("KILL", &pid);
            let gone = entry.path();
            let _ = process::wait_until("it is gone", Duration::from_secs(5), || {
                // A zombie that its parent has not waited for holds no files any more.
                let state = fs::read_to_string(gone.join("stat")).unwrap_or_default();
                let zombie = state
                    .rsplit(") ")
                    .next()
                    .is_some_and(|rest| rest.starts_with('Z'));
                Ok((zombie || !gone.exists()).then_some(()))
            });
        }
    }
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.with_extension(LOCK_SUFFIX)
}

/// Copies a folder with its owners, times, links and modes. With `link`, files are hard links to
/// the original where the file system allows it.
pub(crate) fn copy_tree(from: &Path, to: &Path, link: bool) -> Result<()> {
    let mut command = Command::new("cp");
    command
        .arg(if link { "-al" } else { "-a" })
        .arg("--")
        .arg(from)
        .arg(to);
    process::run(&mut command, Duration::from_mins(2))?
        .success()
        .with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
