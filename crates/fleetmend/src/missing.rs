//! `fleetmend missing` and `fleetmend held …`: what devices lack, and what is not offered to them again.

use clap::{Args, Subcommand};

use crate::options;

/// `fleetmend missing`.
#[derive(Debug, Args)]
pub struct Missing {
    #[command(flatten)]
    server: options::Data,
    /// What this device lacks, named by its host name or number. Default: what any device lacks.
    device: Option<String>,
    /// Only patches with this text in their title.
    #[arg(long, conflicts_with = "device")]
    title: Option<String>,
    /// Only patches that were installed somewhere and whose version did not change.
    #[arg(long, conflicts_with = "device")]
    held: bool,
    /// When each was published, came into the catalog, was mirrored, was first missing, and was first
    /// and last fixed, instead of where it is missing.
    #[arg(long, conflicts_with_all = ["device", "held"])]
    dates: bool,
    /// With --dates: only those that were published on this day (2026-11-26) or later.
    #[arg(long, value_name = "DAY", requires = "dates")]
    published_since: Option<String>,
}

/// Lists missing patches: number, title, version; then of all devices the system type, the approval, on
/// how many, and what is held; of one device the installed version, the approval, since when, and why it
/// is held.
pub async fn missing(command: Missing) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    let title = command.title.as_deref();
    let lines = match &command.device {
        Some(device) => data.list_device_missing(device).await?,
        None if command.dates => {
            let since = command.published_since.as_deref();
            data.list_patch_dates(title, since).await?
        }
        None => data.list_missing(title, command.held).await?,
    };
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// `fleetmend held …`.
#[derive(Debug, Subcommand)]
pub enum Held {
    /// List the updates that were installed and whose version did not change: number, title, version,
    /// where, since when, and why.
    List {
        #[command(flatten)]
        server: options::Data,
    },
    /// Release one: it is offered again.
    Release {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `held list` shows it.
        id: i64,
        /// Why it is worth another try.
        #[arg(long)]
        reason: String,
    },
}

/// Works on held updates.
pub async fn held(command: Held) -> anyhow::Result<()> {
    match command {
        Held::List { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_holds().await? {
                println!("{line}");
            }
        }
        Held::Release { server, id, reason } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.release_hold(id, &reason).await?;
            println!("held update {id} was released: it is offered again");
        }
    }
    Ok(())
}
