//! `fleetmend missing`, `fleetmend freshness` and `fleetmend held …`: what devices lack, how fresh what they
//! have is, and what is not offered to them again.

use clap::{Args, Subcommand};
use fleetmend_server::{FreshnessQuery, PatchQuery};

use crate::options;

/// `fleetmend missing`.
#[derive(Debug, Args)]
pub struct Missing {
    #[command(flatten)]
    server: options::Data,
    /// What this device lacks, named by its host name or number. Default: what any device lacks.
    device: Option<String>,
    /// Only patches of this type.
    #[arg(long, value_parser = ["os", "third_party"])]
    patch_type: Option<String>,
    /// Only for devices of this type.
    #[arg(long, value_parser = ["normal", "critical"], conflicts_with = "device")]
    system_type: Option<String>,
    /// Only with this decision.
    #[arg(long, value_parser = ["not_approved", "approved", "disapproved"])]
    approval: Option<String>,
    /// Only patches with this text in their title or name.
    #[arg(long)]
    title: Option<String>,
    /// Only patches that a host with this text in its name lacks.
    #[arg(long, conflicts_with = "device")]
    hostname: Option<String>,
    /// Only patches that close a security hole; with `=false` only others.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    security: Option<bool>,
    /// Only patches that were installed somewhere and whose version did not change, of a device those that
    /// are held for it; with `=false` only others.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    held: Option<bool>,
    /// Only patches that were published on this day (2026-11-26) or at this time, or later.
    #[arg(long, value_name = "DAY")]
    published_since: Option<String>,
    /// Only patches that were published before it.
    #[arg(long, value_name = "DAY")]
    published_before: Option<String>,
    /// Only patches that a device was found to have that had lacked them, also where no device lacks them
    /// any more; with `=false` only others.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        conflicts_with = "device")]
    fixed: Option<bool>,
    /// Also patches that no device lacks any more, where one was found to have them.
    #[arg(long, conflicts_with = "device")]
    with_fixed: bool,
    /// The order: by title, those that most devices lack first, or those that were missing last first.
    #[arg(long, value_parser = ["title", "affected", "newest"], conflicts_with = "device")]
    sort: Option<String>,
    /// When each was published, came into the catalog, was mirrored, was first missing, and was first
    /// and last fixed, instead of where it is missing; also of those that are fixed everywhere.
    #[arg(long, conflicts_with = "device")]
    dates: bool,
    #[command(flatten)]
    output: options::Output,
}

impl Missing {
    fn query(&self) -> PatchQuery {
        PatchQuery {
            patch_type: self.patch_type.clone(),
            system_type: self.system_type.clone(),
            approval: self.approval.clone(),
            title: self.title.clone(),
            hostname: self.hostname.clone(),
            security: self.security,
            held: self.held,
            published_since: self.published_since.clone(),
            published_before: self.published_before.clone(),
            fixed: self.fixed,
            with_fixed: self.with_fixed,
            sort: self.sort.clone(),
        }
    }
}

/// Lists missing patches: number, title, version; then of all devices the system type, the approval, on
/// how many, what is held, and on how many of them nobody looked for a week; of one device the installed
/// version, the approval, since when, why it is held, as of when, and why the last scan failed.
pub async fn missing(command: Missing) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    let (query, output) = (command.query(), command.output.output());
    let lines = match &command.device {
        Some(device) => data.list_device_missing(device, &query, output).await?,
        None if command.dates => data.list_patch_dates(&query, output).await?,
        None => data.list_missing(&query, output).await?,
    };
    options::print(&lines)
}

/// `fleetmend freshness`.
#[derive(Debug, Args)]
pub struct Freshness {
    #[command(flatten)]
    server: options::Data,
    /// Only packages with this text in their title or id.
    #[arg(long)]
    text: Option<String>,
    /// Only packages whose version was published on this day (2026-11-26) or at this time, or later.
    #[arg(long, value_name = "DAY")]
    published_since: Option<String>,
    /// Only packages whose version was published before it.
    #[arg(long, value_name = "DAY")]
    published_before: Option<String>,
    /// Only packages of whose version the server has made a release; with `=false` only others.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    mirrored: Option<bool>,
    /// The order: by title, what most devices have first, or what was published last first.
    #[arg(long, value_parser = ["title", "devices", "published"])]
    sort: Option<String>,
    #[command(flatten)]
    output: options::Output,
}

/// Lists the packages that devices' software is: id, title, the version on offer, when it was published,
/// came into the catalog and was mirrored, and on how many devices the software is.
pub async fn freshness(command: Freshness) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    let query = FreshnessQuery {
        text: command.text,
        published_since: command.published_since,
        published_before: command.published_before,
        mirrored: command.mirrored,
        sort: command.sort,
    };
    let lines = data.list_freshness(&query, command.output.output()).await?;
    options::print(&lines)
}

/// `fleetmend held …`.
#[derive(Debug, Subcommand)]
pub enum Held {
    /// List the updates that were installed and whose version did not change: number, title, version,
    /// where, since when, and why.
    List {
        #[command(flatten)]
        server: options::Data,
        #[command(flatten)]
        output: options::Output,
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
        Held::List { server, output } => {
            let data = fleetmend_server::open(server.config()?).await?;
            options::print(&data.list_holds(output.output()).await?)?;
        }
        Held::Release { server, id, reason } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.release_hold(id, &reason).await?;
            println!("held update {id} was released: it is offered again");
        }
    }
    Ok(())
}
