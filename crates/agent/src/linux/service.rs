//! The agent as a systemd service.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::command::{self, AtLimit};
use crate::identity::Identity;

const NAME: &str = "fleetmend-agent.service";
const UNIT_FOLDER: &str = "/etc/systemd/system";
/// There when systemd runs the machine. Source: `sd_booted(3)`.
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const SYSTEMCTL_LIMIT: Duration = Duration::from_mins(2);

/// Makes the agent a service that starts with the machine, and starts it.
pub fn install(dir: &Path) -> anyhow::Result<String> {
    require()?;
    ensure!(
        Identity::load(dir)?.is_some(),
        "this machine is not enrolled: run 'enrol' first"
    );
    let binary = std::env::current_exe().context("cannot tell where this program is")?;
    let data = fs::canonicalize(dir)
        .with_context(|| format!("cannot find the data folder {}", dir.display()))?;
    only_root_can_change(&binary, "move it to /usr/local/bin and run it from there")?;
    only_root_can_change(&data, "use one below /var/lib")?;
    let text = unit(&binary, &data)?;
    let path = Path::new(UNIT_FOLDER).join(NAME);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", NAME])?;
    // Not `start`: one that runs already takes up the new unit.
    systemctl(&["restart", NAME])?;
    Ok(format!(
        "the service {NAME} runs and starts with the machine"
    ))
}

/// Stops the service and removes it. What it was installing goes on to its end.
pub fn uninstall() -> anyhow::Result<String> {
    require()?;
    let path = Path::new(UNIT_FOLDER).join(NAME);
    ensure!(
        path.exists(),
        "there is no service {NAME} (looked for {})",
        path.display()
    );
    systemctl(&["disable", "--now", NAME])?;
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    systemctl(&["daemon-reload"])?;
    Ok(format!(
        "the service {NAME} is removed; the agent's data is not"
    ))
}

fn require() -> anyhow::Result<()> {
    ensure!(
        Path::new(SYSTEMD_RUNS).is_dir(),
        "this machine is not run by systemd: start 'run' from its own service manager instead"
    );
    ensure!(
        rustix::process::geteuid().is_root(),
        "a service of the machine needs root: run this command as root (sudo)"
    );
    Ok(())
}

/// The service runs as root, so what it runs, and what it goes by, must be nobody else's to change:
/// neither the file or folder itself nor any folder above it.
fn only_root_can_change(path: &Path, remedy: &str) -> anyhow::Result<()> {
    for it in path.ancestors() {
        let meta =
            fs::symlink_metadata(it).with_context(|| format!("cannot look at {}", it.display()))?;
        ensure!(
            is_roots_alone(meta.uid(), meta.gid(), meta.mode()),
            "the service would run as root, and others than root can change {}: {remedy}",
            if it == path {
                path.display().to_string()
            } else {
                format!("{}, which {} lies in", it.display(), path.display())
            }
        );
    }
    Ok(())
}

/// A folder like `/tmp` in which nobody can remove what is root's counts as well: what is removed
/// there in time can be made anew by anybody.
fn is_roots_alone(owner: u32, group: u32, mode: u32) -> bool {
    let group_writes = mode & 0o020 != 0 && group != 0;
    owner == 0 && !group_writes && mode & 0o002 == 0
}

/// The unit.
///
/// `KillMode=process`: stopping the agent must not kill a dpkg in the middle. `OOMPolicy=continue`:
/// nor must a maintainer script that the kernel ends for want of memory. It is started for ever,
/// whatever ends it. There is no sandbox: what systemd would deny the agent it would deny the
/// scripts of the packages too, which may do to a machine what root may; for the same reason files
/// get the modes that an administrator's shell would give them.
///
/// Source: systemd.unit(5), systemd.service(5), systemd.kill(5), systemd.exec(5).
fn unit(binary: &Path, data: &Path) -> anyhow::Result<String> {
    // The whole program has the agent's commands below `agent`.
    let agent = if binary.file_stem().is_some_and(|name| name == "fleetmend") {
        " agent"
    } else {
        ""
    };
    let (binary, data) = (quote(binary)?, quote(data)?);
    Ok(format!(
        "[Unit]
Description=Fleetmend agent
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={binary}{agent} run --data {data}
Restart=always
RestartSec=5
KillMode=process
OOMPolicy=continue
UMask=0022

[Install]
WantedBy=multi-user.target
"
    ))
}

/// A word of a command line of systemd. Source: systemd.service(5), 'Command lines'.
fn quote(path: &Path) -> anyhow::Result<String> {
    let Some(text) = path
        .to_str()
        .filter(|text| !text.chars().any(char::is_control))
    else {
        bail!("a systemd unit cannot name {}", path.display());
    };
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
        .replace('$', "$$");
    Ok(format!("\"{text}\""))
}

fn systemctl(arguments: &[&str]) -> anyhow::Result<()> {
    let program = command::find_program("systemctl").context("there is no systemctl")?;
    let mut command = command::command(&program);
    command.arg("--no-ask-password").args(arguments);
    let scratch = std::env::temp_dir();
    let ran = command::run(
        command,
        &scratch,
        SYSTEMCTL_LIMIT,
        AtLimit::Kill,
        &mut |_| (),
    )
    .context("cannot run systemctl")?;
    ensure!(
        ran.success(),
        "systemctl {} failed: {}",
        arguments.join(" "),
        ran.output.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_others_than_root_can_change_is_no_service() {
        for (owner, group, mode, is_alone) in [
            (0, 0, 0o100_755, true),
            (0, 0, 0o40_700, true),
            (0, 0, 0o40_775, true),
            (0, 50, 0o40_755, true),
            (0, 50, 0o42_775, false),
            (0, 0, 0o41_777, false),
            (0, 0, 0o100_757, false),
            (1000, 0, 0o100_700, false),
        ] {
            assert_eq!(is_roots_alone(owner, group, mode), is_alone, "{mode:o}");
        }
        only_root_can_change(Path::new("/usr/bin"), "").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let refused = only_root_can_change(&folder.path().join("agent"), "move it");
        assert!(refused.is_err(), "it is not there");
        fs::write(folder.path().join("agent"), "").unwrap();
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let refused = only_root_can_change(&folder.path().join("agent"), "move it");
        let refused = refused.unwrap_err().to_string();
        assert!(refused.ends_with(": move it"), "{refused}");
    }

    #[test]
    fn the_unit_starts_either_binary_and_quotes_its_paths() {
        for (binary, data, wanted) in [
            (
                "/usr/bin/fleetmend-agent",
                "/var/lib/fleetmend-agent",
                r#"ExecStart="/usr/bin/fleetmend-agent" run --data "/var/lib/fleetmend-agent""#,
            ),
            (
                "/opt/fleetmend",
                "/d",
                r#"ExecStart="/opt/fleetmend" agent run --data "/d""#,
            ),
            (
                "/opt/my %h/fleetmend-agent",
                "/a\"$x\\",
                r#"ExecStart="/opt/my %%h/fleetmend-agent" run --data "/a\"$$x\\""#,
            ),
        ] {
            let unit = unit(Path::new(binary), Path::new(data)).unwrap();
            assert!(unit.lines().any(|line| line == wanted), "{unit}");
            assert!(unit.contains("\nKillMode=process\n"), "{unit}");
        }
        assert!(unit(Path::new("/a\nExecStart=/bin/sh"), Path::new("/d")).is_err());
    }
}
