//! `fleetmend explain`, `fleetmend applications` and `fleetmend override …`: what installed software is
//! taken for.

use anyhow::ensure;
use clap::{Args, Subcommand};
use fleetmend_server::{GivenOverride, Handle};

use crate::options;

/// `fleetmend explain`.
#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    server: options::Data,
    /// The device's host name or number.
    device: String,
    /// Part of the application's name.
    application: String,
}

/// Says why applications are what they are taken for.
pub async fn explain(command: Explain) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    for line in data.explain(&command.device, &command.application).await? {
        println!("{line}");
    }
    Ok(())
}

/// `fleetmend applications`.
#[derive(Debug, Args)]
pub struct Applications {
    #[command(flatten)]
    server: options::Data,
    /// Only those with this state: missing, current, newer, `cannot_tell`, review, unmatched, pinned or
    /// excluded.
    #[arg(long)]
    state: Option<String>,
    /// Only those with this text in their name or their package's id.
    #[arg(long)]
    text: Option<String>,
    /// Instead, the devices that have one, named by its number: the last field of its line.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["state", "text"])]
    devices: Option<u32>,
    #[command(flatten)]
    output: options::Output,
}

/// Lists installed applications.
pub async fn list(command: Applications) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    let (state, text) = (command.state.as_deref(), command.text.as_deref());
    let output = command.output.output();
    let lines = match command.devices {
        Some(number) => data.list_application_devices(number, output).await?,
        None => data.list_applications(state, text, output).await?,
    };
    options::print(&lines)
}

/// `fleetmend override …`.
#[derive(Debug, Subcommand)]
pub enum Override {
    /// Say what an override changes, and with --yes make it.
    Add {
        #[command(flatten)]
        server: options::Data,
        /// The registered name, or a pattern with `*` and `?` for it.
        name: String,
        /// The publisher, or a pattern for it. Default: any.
        #[arg(long, default_value = "")]
        publisher: String,
        #[command(flatten)]
        decision: Decision,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Go ahead.
        #[arg(long)]
        yes: bool,
    },
    /// Say what it changes that what registers a version is this version of a package, and with --yes make
    /// it an override.
    Version {
        #[command(flatten)]
        server: options::Data,
        /// The package's id.
        package: String,
        /// The registered version, as devices have it.
        registered: String,
        /// The package's version that it is.
        version: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Go ahead.
        #[arg(long)]
        yes: bool,
    },
    /// Say what taking an override back changes, and with --yes do it.
    Remove {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `override list` shows it.
        id: i64,
        /// Go ahead.
        #[arg(long)]
        yes: bool,
    },
    /// List the overrides that are in force, the latest first.
    List {
        #[command(flatten)]
        server: options::Data,
        #[command(flatten)]
        output: options::Output,
    },
}

/// What a name is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Decision {
    /// It is this package.
    #[arg(long, value_name = "PACKAGE")]
    is: Option<String>,
    /// It is not this package, whatever else speaks for it.
    #[arg(long, value_name = "PACKAGE")]
    is_not: Option<String>,
    /// Nothing is wanted for it.
    #[arg(long)]
    excluded: bool,
    /// It stays at this package version or below; without one, at whatever is installed.
    #[arg(long, value_name = "HIGHEST", num_args = 0..=1, default_missing_value = "")]
    pinned: Option<String>,
}

impl Decision {
    /// The word, the package and the highest version.
    fn words(&self) -> (&str, &str, &str) {
        match (&self.is, &self.is_not, &self.pinned) {
            (Some(package), ..) => ("is", package, ""),
            (None, Some(package), _) => ("is_not", package, ""),
            (None, None, Some(highest)) => ("pinned", "", highest),
            (None, None, None) => ("excluded", "", ""),
        }
    }
}

const NOTHING_DONE: &str = "nothing was done: if that is what you want, add --yes";

/// Works on the overrides.
pub async fn overrides(command: Override) -> anyhow::Result<()> {
    match command {
        Override::Add {
            server,
            name,
            publisher,
            decision,
            reason,
            yes,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let (decision, package, highest) = decision.words();
            let given = GivenOverride {
                name: &name,
                publisher: &publisher,
                decision,
                package,
                highest,
                reason: &reason,
                ..GivenOverride::default()
            };
            add(&data, &given, yes).await?;
        }
        Override::Version {
            server,
            package,
            registered,
            version,
            reason,
            yes,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let given = GivenOverride {
                decision: "version",
                package: &package,
                registered: &registered,
                version: &version,
                reason: &reason,
                ..GivenOverride::default()
            };
            add(&data, &given, yes).await?;
        }
        Override::Remove { server, id, yes } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.preview_override_removal(id).await? {
                println!("{line}");
            }
            ensure!(yes, NOTHING_DONE);
            data.remove_override(id).await?;
            println!("override {id} was taken back; the server matches all devices anew");
        }
        Override::List { server, output } => {
            let data = fleetmend_server::open(server.config()?).await?;
            options::print(&data.list_overrides(output.output()).await?)?;
        }
    }
    Ok(())
}

/// Says what an override changes, and makes it if that is wanted.
async fn add(data: &Handle, given: &GivenOverride<'_>, yes: bool) -> anyhow::Result<()> {
    for line in data.preview_override(given).await? {
        println!("{line}");
    }
    ensure!(yes, NOTHING_DONE);
    let id = data.add_override(given).await?;
    println!("override {id} was made; the server matches all devices anew");
    Ok(())
}
