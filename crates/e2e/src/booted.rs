//! A Debian machine that runs: its systemd is process 1 of namespaces of its own.
//!
//! It shares this machine's network and clock, and nothing else: `/sys` and `/proc/sys` cannot be
//! written, its processes see only each other, and they end with the value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::debian_root::{DebianRoot, service_environment};
use crate::process::{self, Output, Running, wait_until};

/// How long a boot, or the way down, may take.
const BOOT_TIMEOUT: Duration = Duration::from_mins(1);
/// How long asking systemd for its state may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);
/// Enters a control group of its own and becomes the keeper of new namespaces, which end with it,
/// as it ends with the program that started it.
const KEEP: &str = r#"echo $$ > "$2/cgroup.procs" &&
exec setpriv --pdeathsig KILL \
    unshare --mount --uts --ipc --cgroup --pid --fork --kill-child -- sh -ec "$3" boot "$1""#;
/// Mounts what a machine has, makes the root the only one and becomes systemd. Source: 'The
/// Container Interface' of systemd.
const BOOT: &str = r#"
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for it in null zero full random urandom tty; do
    touch "dev/$it"
    mount --bind "/dev/$it" "dev/$it"
done
mount -t tmpfs -o mode=755 tmpfs run
pivot_root . mnt
umount -l mnt
exec env -i container=test setpriv --bounding-set -sys_module,-sys_time,-sys_rawio \
    /lib/systemd/systemd --log-target=console --show-status=0"#;

/// A machine that runs.
#[derive(Debug)]
pub struct Booted {
    // Before the group, which can be removed only when nothing is in it.
    keeper: Running,
    _group: ControlGroup,
}

impl Booted {
    /// Boots a root, and waits until all that starts with the machine has started.
    pub fn start(root: &DebianRoot) -> Result<Self> {
        let group = ControlGroup::new()?;
        let mut keep = Command::new("sh");
        keep.args(["-c", KEEP, "keep"]).arg(root.path());
        keep.arg(&group.folder).arg(BOOT);
        let booted = Self {
            keeper: Running::spawn(&mut keep)?,
            _group: group,
        };
        booted.await_started()
    }

    fn await_started(mut self) -> Result<Self> {
        wait_until("the machine has booted", BOOT_TIMEOUT, || {
            ensure!(self.keeper.is_running()?, "it ended");
            let state = self.run("systemctl", &["is-system-running"], ASK_TIMEOUT)?;
            // Parts of a Debian that have nothing to do with the test may fail in here.
            let is_up = matches!(state.stdout.trim(), "running" | "degraded");
            Ok(is_up.then_some(()))
        })
        .with_context(|| self.keeper.stderr().unwrap_or_default())?;
        Ok(self)
    }

    /// A command that runs a program on the machine, with an environment as a service has it.
    pub fn command(&self, program: &str) -> Command {
        let keeper = self.keeper.pid();
        let mut command = Command::new("nsenter");
        command.args(["--target", &keeper.to_string()]);
        command.args(["--mount", "--uts", "--ipc", "--cgroup"]);
        // The keeper itself is outside of the processes that it keeps.
        command.arg(format!("--pid=/proc/{keeper}/ns/pid_for_children"));
        command.arg("--").arg(program);
        command.env_clear().envs(service_environment());
        command
    }

    /// Runs a program on the machine to its end.
    pub fn run(&self, program: &str, arguments: &[&str], timeout: Duration) -> Result<Output> {
        process::run(self.command(program).args(arguments), timeout)
    }

    /// Shuts the machine down as its administrator does.
    pub fn shut_down(self) -> Result<()> {
        // The connection breaks when systemd obeys.
        let _ = self.run("systemctl", &["poweroff"], ASK_TIMEOUT);
        self.keeper.wait(BOOT_TIMEOUT).map(drop)
    }
}

/// A control group of this program's own, so that systemd's groups are below it.
#[derive(Debug)]
struct ControlGroup {
    folder: PathBuf,
}

impl ControlGroup {
    fn new() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mount = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let place = words.next()?;
            (words.next() == Some("cgroup2")).then_some(place)
        });
        let mount =
            mount.context("this machine has no cgroup2 file system, which systemd needs")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = own
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))
            .context("this process is in no control group of version 2")?;
        let parent = Path::new(mount).join(own);
        sweep(&parent);
        let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder })
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Its processes are killed, and the kernel lets go of them soon.
        let _ = wait_until("the control group is gone", ASK_TIMEOUT, || {
            remove(&self.folder);
            Ok((!self.folder.exists()).then_some(()))
        });
    }
}

const PREFIX: &str = "fleetmend-e2e-";

/// Removes the groups of test programs that are no more.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&entry.path());
        }
    }
}

/// Removes a group with those below it, as far as they are empty.
fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}
