//! The agent's commands. The binary `fleetmend-agent` has them at its top, `fleetmend agent` below.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use fleetmend_trust::EnrolToken;

use crate::identity::{Identity, set_aside};
#[cfg(target_os = "linux")]
use crate::linux::service;
use crate::platform::Platform;
use crate::runner::{Runner, Stop};
#[cfg(windows)]
use crate::windows::service;

/// The longest text that is read as a token, in bytes.
const MAX_TOKEN: u64 = 4096;

/// Where the agent keeps its identity, state and files.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// The agent's data folder.
    #[arg(long, value_name = "DIR", env = "FLEETMEND_AGENT_DATA", default_value = default_data())]
    pub data: PathBuf,
}

fn default_data() -> &'static str {
    if cfg!(windows) {
        r"C:\ProgramData\Fleetmend\agent"
    } else {
        "/var/lib/fleetmend-agent"
    }
}

/// What the agent can be told.
#[expect(
    missing_docs,
    reason = "a doc comment on a flattened field would change the help text"
)]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enrol this machine. The token is read from the environment variable
    /// `FLEETMEND_TOKEN` or from standard input, so that no process list shows it.
    Enrol {
        #[command(flatten)]
        data: Data,
        /// Also when it is enrolled: what it was is set aside, and it becomes a new device.
        #[arg(long)]
        again: bool,
    },
    /// Run in the foreground. Enrols first when `FLEETMEND_TOKEN` is set and the machine is not
    /// enrolled.
    Run {
        #[command(flatten)]
        data: Data,
        /// The server's address, where it is another than at enrolment. It must be the same server,
        /// with the same keys; the address is kept once the server answered there.
        #[arg(long, value_name = "URL", env = "FLEETMEND_SERVER")]
        server: Option<String>,
        /// End when standard input does: with the program that started this one, however it ends.
        #[arg(long, hide = true)]
        until_input_ends: bool,
        /// Read the machine's boot id from this file (for containers, whose boot is the host's).
        #[arg(long, value_name = "FILE", hide = true)]
        boot_id_file: Option<PathBuf>,
    },
    /// Print this machine's inventory as JSON, and on standard error how long it took.
    Inventory {
        #[command(flatten)]
        data: Data,
        /// Only what is installed: no look at what the package manager offers.
        #[arg(long)]
        installed_only: bool,
    },
    /// Install the agent as a service of this machine, and start it.
    InstallService {
        #[command(flatten)]
        data: Data,
    },
    /// Stop and remove the service.
    UninstallService,
    /// Run as a Windows service; started by the service manager only.
    #[cfg(windows)]
    #[command(hide = true)]
    Service {
        #[command(flatten)]
        data: Data,
    },
}

/// Carries out a command.
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Enrol { data, again } => enrol(prepare(&data.data)?, again),
        Command::Run {
            data,
            server,
            until_input_ends,
            boot_id_file,
        } => {
            let runner = runner(&data.data, boot_id_file, server.as_deref())?;
            if until_input_ends {
                stop_with_input(runner.stop_handle())?;
            }
            runner.run()
        }
        Command::Inventory {
            data,
            installed_only,
        } => inventory(&data.data, installed_only),
        Command::InstallService { data } => {
            let done =
                service::install(prepare(&data.data)?).context("cannot install the service")?;
            println!("{done}");
            Ok(())
        }
        Command::UninstallService => {
            println!(
                "{}",
                service::uninstall().context("cannot remove the service")?
            );
            Ok(())
        }
        #[cfg(windows)]
        Command::Service { data } => service::run(data.data),
    }
}

fn enrol(dir: &Path, again: bool) -> anyhow::Result<()> {
    let _lock = lock(dir)?;
    let earlier = Identity::load(dir);
    if !again && let Some(identity) = earlier? {
        bail!(
            "this machine is enrolled already, as device {} of {}. To make it a new device, add \
             --again",
            identity.device,
            identity.server_url
        );
    }
    let token = token()?.context("no enrolment token was given")?;
    let identity = Identity::enrol(dir, &token, &*platform(dir, None))?;
    if again {
        set_aside(dir)?;
    }
    identity.save(dir)?;
    println!(
        "enrolled as device {} of {}",
        identity.device, identity.server_url
    );
    Ok(())
}

/// An enrolled agent, ready to run, with its server at `server` if that is another address.
pub fn runner(
    data: &Path,
    boot_id_file: Option<PathBuf>,
    server: Option<&str>,
) -> anyhow::Result<Runner> {
    let dir = prepare(data)?;
    let lock = lock(dir)?;
    let platform = platform(dir, boot_id_file);
    let identity = match Identity::load(dir)? {
        Some(identity) => identity,
        None => match token()? {
            Some(token) => {
                let identity = Identity::enrol(dir, &token, &*platform)?;
                identity.save(dir)?;
                identity
            }
            None => bail!("this machine is not enrolled: run 'enrol' first"),
        },
    };
    let identity = match server {
        Some(url) => identity.at(url)?,
        None => identity,
    };
    tracing::info!("device {} of {}", identity.device, identity.server_url);
    Runner::new(dir, &identity, platform, lock)
}

/// Stops the agent when standard input ends.
fn stop_with_input(stop: Stop) -> anyhow::Result<()> {
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            stop.stop();
        })
        .context("cannot start a thread")?;
    Ok(())
}

/// Two agents on one data folder would both carry out its orders. The lock ends with the process.
fn lock(dir: &Path) -> anyhow::Result<std::fs::File> {
    let path = dir.join("lock");
    let file =
        std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("another agent runs on the data folder {}", dir.display())
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// The token from the environment, or from standard input.
fn token() -> anyhow::Result<Option<EnrolToken>> {
    let text = if let Ok(text) = std::env::var("FLEETMEND_TOKEN") {
        text
    } else {
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_TOKEN)
            .read_to_string(&mut text)
            .context("cannot read the enrolment token from standard input")?;
        text
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    Ok(Some(EnrolToken::from_text(&text)?))
}

/// The data folder, readable by its owner only.
fn prepare(dir: &Path) -> anyhow::Result<&Path> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(dir)
            .with_context(|| format!("cannot make the agent's data folder {}", dir.display()))?;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("cannot protect the agent's data folder {}", dir.display()))?;
    }
    #[cfg(windows)]
    crate::windows::protect(dir).context("the agent's data folder is not safe to use")?;
    Ok(dir)
}

#[cfg(target_os = "linux")]
fn platform(dir: &Path, boot_id_file: Option<PathBuf>) -> Arc<dyn Platform> {
    Arc::new(crate::linux::Linux::new(dir, boot_id_file))
}

#[cfg(windows)]
fn platform(_dir: &Path, _boot_id_file: Option<PathBuf>) -> Arc<dyn Platform> {
    Arc::new(crate::windows::Windows::new())
}

fn inventory(dir: &Path, installed_only: bool) -> anyhow::Result<()> {
    let platform = platform(dir, None);
    let start = std::time::Instant::now();
    let json = if installed_only {
        serde_json::to_string(&platform.software()?.software)?
    } else {
        serde_json::to_string(&platform.scan(&|text| eprintln!("{text}"))?)?
    };
    let took = start.elapsed();
    println!("{json}");
    eprintln!("took {:.1} ms", took.as_secs_f64() * 1000.0);
    Ok(())
}
