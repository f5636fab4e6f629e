//! What the machine says of itself.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use fleetmend_model::Millis;
use fleetmend_model::device::{Host, OsFamily};
use fleetmend_model::inventory::Boot;

/// Where the system keeps what is true until the next boot.
pub(super) const RUN: &str = "/run";
/// Debian's sign that a restart is due, written by packages' scripts.
///
/// Source: Debian Policy, 'Signaling that a reboot is required'.
const REBOOT_REQUIRED: &str = "reboot-required";
/// Beside it, the packages that asked for it, one a line.
const REBOOT_PACKAGES: &str = "reboot-required.pkgs";
/// How many packages are named in the reason for a restart.
const MAX_NAMED: usize = 10;

/// The machine's name and system.
pub(super) fn host() -> Host {
    let release = fs::read_to_string("/etc/os-release")
        .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .unwrap_or_default();
    Host {
        hostname: hostname.trim().to_owned(),
        os_family: OsFamily::Linux,
        os_name: os_release(&release, "PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned()),
        os_version: os_release(&release, "VERSION_ID").unwrap_or_default(),
        architecture: std::env::consts::ARCH.to_owned(),
    }
}

/// A value of os-release(5): plain, or quoted as in a shell.
fn os_release(text: &str, name: &str) -> Option<String> {
    let value = text
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value.trim()))?;
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    });
    let mut plain = String::new();
    let mut chars = quoted.unwrap_or(value).chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    (!plain.is_empty()).then_some(plain)
}

/// Which boot the machine is in. A file that stands for the boot id tells by its time when that
/// boot was.
pub(super) fn boot(boot_id_file: Option<&Path>) -> Boot {
    let path = boot_id_file.unwrap_or(Path::new("/proc/sys/kernel/random/boot_id"));
    let id = fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned();
    let at = match boot_id_file {
        Some(file) => fs::metadata(file)
            .and_then(|it| it.modified())
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_millis()).ok()),
        None => boot_seconds(&fs::read_to_string("/proc/stat").unwrap_or_default())
            .and_then(|seconds| seconds.checked_mul(1000)),
    };
    Boot {
        id,
        at: at.map(Millis),
    }
}

/// The line `btime` of `proc_stat(5)`, in seconds since the epoch.
fn boot_seconds(stat: &str) -> Option<i64> {
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

/// Why a restart is due, by the files in `run` (`/run`); `None` when none is.
pub(super) fn restart_pending(run: &Path) -> Option<String> {
    if !run.join(REBOOT_REQUIRED).exists() {
        return None;
    }
    let list = fs::read_to_string(run.join(REBOOT_PACKAGES)).unwrap_or_default();
    let mut names: Vec<&str> = list
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Some("the system says that a restart is required".to_owned());
    }
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let rest = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    Some(format!(
        "a restart is required by {}{rest}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_are_unquoted() {
        let text = "# c\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\n\
                    ID=debian\nNAME=\"a \\\"b\\\"\"\nEMPTY=\n";
        for (name, value) in [
            ("PRETTY_NAME", Some("Debian GNU/Linux 12 (bookworm)")),
            ("VERSION_ID", Some("12")),
            ("ID", Some("debian")),
            ("NAME", Some("a \"b\"")),
            ("EMPTY", None),
            ("VERSION", None),
        ] {
            assert_eq!(os_release(text, name).as_deref(), value, "{name}");
        }
    }

    #[test]
    fn the_boot_time_is_read_from_stat() {
        assert_eq!(
            boot_seconds("cpu 1 2\nbtime 1700000000\nprocesses 3\n"),
            Some(1_700_000_000)
        );
        assert_eq!(boot_seconds("btime x\n"), None);
        assert_eq!(boot_seconds(""), None);
    }

    #[test]
    fn a_restart_is_due_when_the_system_says_so_and_names_who_asked() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(restart_pending(run.path()), None);
        fs::write(
            run.path().join(REBOOT_REQUIRED),
            "*** System restart required ***\n",
        )
        .unwrap();
        assert_eq!(
            restart_pending(run.path()).as_deref(),
            Some("the system says that a restart is required")
        );
        fs::write(
            run.path().join(REBOOT_PACKAGES),
            "linux-image\nlibc6\nlibc6\n",
        )
        .unwrap();
        assert_eq!(
            restart_pending(run.path()).as_deref(),
            Some("a restart is required by libc6, linux-image")
        );
    }

    #[test]
    fn a_boot_id_file_stands_for_the_boot() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("boot-id");
        fs::write(&file, "first\n").unwrap();
        let boot = boot(Some(&file));
        assert_eq!(boot.id, "first");
        assert!(boot.at.is_some());
        let machine = super::boot(None);
        assert!(!machine.id.is_empty() && machine.at.is_some());
    }
}
