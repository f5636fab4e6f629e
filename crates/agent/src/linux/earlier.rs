//! Finding what an earlier life of the agent started: a mark in the environment of its programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use fleetmend_trust::Order;

/// Holds the deploy job's number.
const JOB: &str = "FLEETMEND_JOB";
/// Holds the device certificate's digest: two agents on one machine (one of them in a container)
/// may have jobs of the same number.
const DEVICE: &str = "FLEETMEND_DEVICE";
/// The programs that count. A service that a package's script started inherits the mark and runs
/// on for months: it is no installation.
const INSTALLERS: [&str; 2] = ["apt-get", "dpkg"];
/// The longest environment that is looked at, in bytes. The kernel's own cap is far below it.
const MAX_ENVIRONMENT: u64 = 8 * 1024 * 1024;

/// The mark of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    job: String,
    device: String,
}

impl Mark {
    /// The mark of an order's job.
    pub(super) fn of(order: &Order) -> Self {
        Self {
            job: order.job.to_string(),
            device: order.device_certificate.clone(),
        }
    }

    /// Marks a command and all that it starts.
    pub(super) fn put_on(&self, command: &mut Command) {
        command.env(JOB, &self.job).env(DEVICE, &self.device);
    }

    /// Whether a package manager with this mark runs, by a process file system.
    pub(super) fn is_running(&self, proc: &Path) -> bool {
        let own = std::process::id().to_string();
        let entries = fs::read_dir(proc).into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                entry.file_name().to_str().is_some_and(|name| {
                    name != own && name.bytes().all(|byte| byte.is_ascii_digit())
                })
            })
            .any(|entry| is_installer(&entry.path()) && self.is_on(&entry.path()))
    }

    fn is_on(&self, process: &Path) -> bool {
        use std::io::Read as _;
        let mut environment = Vec::new();
        let read = fs::File::open(process.join("environ"))
            .and_then(|file| file.take(MAX_ENVIRONMENT).read_to_end(&mut environment));
        let has = |name: &str, value: &str| {
            let wanted = format!("{name}={value}");
            environment
                .split(|byte| *byte == 0)
                .any(|it| it == wanted.as_bytes())
        };
        read.is_ok() && has(JOB, &self.job) && has(DEVICE, &self.device)
    }
}

fn is_installer(process: &Path) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|name| INSTALLERS.contains(&name.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_package_manager_of_the_same_job_and_device_counts() {
        let mark = Mark {
            job: "12".to_owned(),
            device: "ab".to_owned(),
        };
        for (pid, comm, environment, is_running) in [
            (
                "7",
                "dpkg\n",
                "A=1\0FLEETMEND_JOB=12\0FLEETMEND_DEVICE=ab\0",
                true,
            ),
            (
                "7",
                "apt-get\n",
                "FLEETMEND_DEVICE=ab\0FLEETMEND_JOB=12",
                true,
            ),
            (
                "7",
                "nginx\n",
                "FLEETMEND_JOB=12\0FLEETMEND_DEVICE=ab\0",
                false,
            ),
            (
                "7",
                "dpkg\n",
                "FLEETMEND_JOB=123\0FLEETMEND_DEVICE=ab\0",
                false,
            ),
            (
                "7",
                "dpkg\n",
                "FLEETMEND_JOB=12\0FLEETMEND_DEVICE=cd\0",
                false,
            ),
            (
                "7",
                "dpkg\n",
                "XFLEETMEND_JOB=12\0FLEETMEND_DEVICE=ab\0",
                false,
            ),
            ("7", "dpkg\n", "", false),
            (
                "self",
                "dpkg\n",
                "FLEETMEND_JOB=12\0FLEETMEND_DEVICE=ab\0",
                false,
            ),
        ] {
            let proc = tempfile::tempdir().unwrap();
            let process = proc.path().join(pid);
            fs::create_dir(&process).unwrap();
            fs::write(process.join("comm"), comm).unwrap();
            fs::write(process.join("environ"), environment).unwrap();
            assert_eq!(
                mark.is_running(proc.path()),
                is_running,
                "{pid} {comm} {environment}"
            );
        }
    }
}
