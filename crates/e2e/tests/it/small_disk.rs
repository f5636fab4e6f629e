//! A disk that is soon full.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fleetmend_e2e::process::{self, Running};
use fleetmend_e2e::work_dir::WorkDir;

/// How long what is done on it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A mount namespace of its own with a small disk in it. Gone with the value.
pub struct SmallDisk {
    holder: Running,
    /// Where it is.
    pub folder: WorkDir,
}

impl SmallDisk {
    /// With this many kilobytes.
    pub fn new(kilobytes: u32) -> Self {
        let folder = WorkDir::new("small-disk").unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--", "sh", "-c"]);
        unshare.arg("mount -t tmpfs -o size=$1k none \"$2\" && echo mounted && exec sleep 600");
        unshare
            .arg("sh")
            .arg(kilobytes.to_string())
            .arg(folder.path());
        let mut holder = Running::spawn(&mut unshare).unwrap();
        holder
            .wait_until("it is mounted", LIMIT, |it| {
                Ok(it.stdout()?.contains("mounted").then_some(()))
            })
            .unwrap();
        Self { holder, folder }
    }

    /// A program that sees the disk.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--mount").arg("--target");
        command
            .arg(self.holder.pid().to_string())
            .arg("--")
            .arg(program);
        command
    }

    /// A shell's line on the disk.
    pub fn shell(&self, script: &str) {
        let mut command = self.command(Path::new("sh"));
        command.args(["-c", script, "sh"]).arg(self.folder.path());
        process::run(&mut command, LIMIT)
            .unwrap()
            .success()
            .unwrap();
    }
}
