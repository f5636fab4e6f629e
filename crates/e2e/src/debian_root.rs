//! A Debian machine: the root file system of a minimal Debian, and programs run inside it.
//!
//! `debootstrap` makes it once, from the mirror that this machine's own APT uses; a tar file of it is
//! kept and unpacked for each test. Programs run by `chroot` in a mount namespace of their own, with
//! `/proc` mounted there: the mount is gone when the last of them ends, so there is nothing to
//! unmount after a crash.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::apt_repository::AptRepository;
use crate::booted::Booted;
use crate::cache;
use crate::process::{self, Output, Running};
use crate::work_dir::{WorkDir, kill_processes_of};

/// To be raised with every change of what goes into the kept root.
const TEMPLATE_SCHEMA: u32 = 2;
const BOOTSTRAP_TIMEOUT: Duration = Duration::from_mins(15);
const TOOL_TIMEOUT: Duration = Duration::from_mins(2);
/// Where [`DebianRoot::add_repository`] puts the repository, as seen inside.
const REPOSITORY: &str = "/srv/repository";
/// Mounts /proc, changes the root and becomes the program, so that its process id is the child's.
const ENTER: &str =
    r#"mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@""#;

/// A fresh Debian root of a test's own, thrown away on drop with all that runs in it.
#[derive(Debug)]
pub struct DebianRoot {
    folder: WorkDir,
}

impl DebianRoot {
    /// A minimal Debian of the same suite as this machine, without any APT source.
    pub fn new() -> Result<Self> {
        require_root()?;
        let archive = template()?;
        let folder = WorkDir::new("debian")?;
        let root = folder.path().join("root");
        fs::create_dir(&root)?;
        let mut tar = Command::new("tar");
        tar.args([
            "--extract",
            "--numeric-owner",
            "--same-permissions",
            "--file",
        ])
        .arg(&archive);
        process::run(tar.arg("--directory").arg(&root), TOOL_TIMEOUT)?
            .success()
            .context("cannot unpack the Debian root")?;
        Ok(Self { folder })
    }

    /// The root's place in the file system of this machine.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A path inside the root (with or without its leading `/`) as this machine sees it. Symbolic
    /// links in it are not looked at: an absolute one would lead out of the root.
    pub fn outside(&self, inside: &str) -> PathBuf {
        self.path().join(inside.trim_start_matches('/'))
    }

    /// A command that runs a program inside the root, with an environment as a service has it. More
    /// may be added to it by `env`. The child's process id is the program's own.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--", "sh", "-c", ENTER, "enter"])
            .arg(self.path())
            .arg(program);
        command.env_clear().envs(service_environment());
        command
    }

    /// Runs a program inside the root to its end.
    pub fn run(&self, program: &str, arguments: &[&str], timeout: Duration) -> Result<Output> {
        process::run(self.command(program).args(arguments), timeout)
    }

    /// Starts a program inside the root in the background.
    pub fn spawn(&self, program: &str, arguments: &[&str]) -> Result<Running> {
        Running::spawn(self.command(program).args(arguments))
    }

    /// Boots it: its systemd starts what starts with the machine.
    pub fn boot(&self) -> Result<Booted> {
        Booted::start(self)
    }

    /// Kills all that runs inside, as a power cut would.
    pub fn kill_all(&self) {
        kill_processes_of(&self.path());
    }

    /// Copies a file of this machine into the root, as `inside`, with its mode.
    pub fn copy_in(&self, file: &Path, inside: &str) -> Result<()> {
        let target = self.outside(inside);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(file, &target)
            .with_context(|| format!("cannot copy {} to {inside}", file.display()))?;
        Ok(())
    }

    /// Makes an empty signed repository inside the root the machine's only APT source. After each
    /// [`AptRepository::publish`] the machine learns of it by its next `apt-get update`.
    pub fn add_repository(&self, origin: &str) -> Result<AptRepository> {
        let repository = AptRepository::create(&self.outside(REPOSITORY), origin)?;
        fs::write(
            self.outside("etc/apt/sources.list"),
            repository.source_line(REPOSITORY),
        )?;
        self.apt_get(&["update"])?;
        Ok(repository)
    }

    /// Runs `apt-get --yes` without questions, as a test prepares its machine with it.
    pub fn apt_get(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.command("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("--yes")
            .args(arguments);
        process::run(&mut command, TOOL_TIMEOUT)?
            .success()
            .with_context(|| format!("apt-get {arguments:?} failed in the Debian root"))
    }

    /// A package's installed version; `None` when it is not (wholly) installed.
    pub fn installed_version(&self, package: &str) -> Result<Option<String>> {
        let format = "--showformat=${db:Status-Abbrev} ${Version}";
        let output = self.run("dpkg-query", &["--show", format, package], TOOL_TIMEOUT)?;
        Ok(output
            .stdout
            .trim()
            .strip_prefix("ii ")
            .map(|version| version.trim().to_owned()))
    }
}

impl Drop for DebianRoot {
    fn drop(&mut self) {
        self.kill_all();
    }
}

pub(crate) fn service_environment() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("HOME", "/root"),
        ("LANG", "C.UTF-8"),
    ])
}

fn require_root() -> Result<()> {
    // Who runs this is who owns its entry in /proc.
    let user = fs::metadata("/proc/self")
        .context("cannot read /proc")?
        .uid();
    ensure!(
        user == 0,
        "a Debian root needs debootstrap, mount and chroot, which only root may use; \
         run the tests as root"
    );
    Ok(())
}

fn template() -> Result<PathBuf> {
    let suite = host_suite()?;
    let name = format!("debian-root-{suite}-{TEMPLATE_SCHEMA}.tar");
    cache::get_or_make(&name, |archive| {
        let mirror = host_mirror(&suite)?;
        let folder = WorkDir::new("debootstrap")?;
        let root = folder.path().join("root");
        let mut debootstrap = Command::new("debootstrap");
        debootstrap
            .args(["--variant=minbase", "--include=systemd,systemd-sysv,dbus"])
            .arg(&suite)
            .arg(&root)
            .arg(&mirror);
        // It mounts /proc in the root; in a namespace of its own that cannot be left behind.
        process::run(
            in_own_mounts(&debootstrap).env("LANG", "C.UTF-8"),
            BOOTSTRAP_TIMEOUT,
        )?
        .success()
        .context("debootstrap failed (it downloads from this machine's own Debian mirror)")?;
        fs::write(root.join("etc/apt/sources.list"), "")?;
        fs::write(root.join("etc/hostname"), "debian-root\n")?;
        forbid_services(&root)?;
        for packages in ["var/cache/apt/archives", "var/lib/apt/lists"] {
            for entry in fs::read_dir(root.join(packages))? {
                let path = entry?.path();
                if path.is_file() {
                    fs::remove_file(path)?;
                }
            }
        }
        let mut tar = Command::new("tar");
        tar.args(["--create", "--numeric-owner", "--one-file-system", "--file"])
            .arg(archive);
        process::run(tar.arg("--directory").arg(&root).arg("."), TOOL_TIMEOUT)?
            .success()
            .context("cannot pack the Debian root")?;
        Ok(())
    })
}

/// No package may start its services: the root shares this machine's network and processes.
fn forbid_services(root: &Path) -> Result<()> {
    let policy = root.join("usr/sbin/policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n")?;
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn in_own_mounts(command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped
        .args(["--mount", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    wrapped
}

/// The code name of this machine's Debian suite.
fn host_suite() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .context("/etc/os-release has no VERSION_CODENAME: the tests need a Debian machine")
}

/// The mirror of the suite in this machine's own APT configuration.
fn host_mirror(suite: &str) -> Result<String> {
    let mut command = Command::new("apt-get");
    command.args([
        "indextargets",
        "--format",
        "$(RELEASE) $(SITE)",
        "Created-By: Packages",
    ]);
    let targets = process::run(&mut command, TOOL_TIMEOUT)?.success()?;
    let mirror = targets.lines().find_map(|line| match line.split_once(' ') {
        Some((release, address)) if release == suite => Some(address.to_owned()),
        _ => None,
    });
    match mirror {
        Some(mirror) => Ok(mirror),
        None => bail!("this machine's APT configuration has no source for the suite {suite}"),
    }
}
