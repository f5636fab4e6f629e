//! Commands that work on a server's data folder, with or without the server running.

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use fleetmend_server::Given;

use crate::options;

/// `fleetmend enrol-token`.
#[derive(Debug, Args)]
pub struct EnrolToken {
    #[command(flatten)]
    server: options::Data,
    /// What the token is for, shown in the list of tokens.
    #[arg(long, default_value = "")]
    label: String,
    /// How long it can be used, in hours.
    #[arg(long, default_value_t = 24)]
    hours: u32,
}

/// `fleetmend source …`.
#[derive(Debug, Subcommand)]
pub enum Source {
    /// Add a source: the address of a NuGet v2 feed, or a folder with .nupkg files.
    Add {
        #[command(flatten)]
        server: options::Data,
        /// `https://…/api/v2` or a folder.
        location: String,
        /// What it is called. Default: its location.
        #[arg(long)]
        name: Option<String>,
        /// The name for a feed that wants one. Its password is read from standard input.
        #[arg(long)]
        user: Option<String>,
        /// The feed is in your own network: its host may have a private address.
        #[arg(long)]
        allow_private: bool,
        /// Another host that it may lead to although it is in your own network; may be repeated.
        #[arg(long = "private-host", value_name = "HOST")]
        private_hosts: Vec<String>,
    },
    /// Set the hosts that a source may lead to although they are in your own network: all of them,
    /// the feed's own as well.
    PrivateHosts {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `source list` shows it.
        id: i64,
        /// Names or IP addresses; none, for public addresses alone.
        hosts: Vec<String>,
    },
    /// Have a source read at once.
    Read {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `source list` shows it.
        id: i64,
    },
    /// List the sources.
    List {
        #[command(flatten)]
        server: options::Data,
    },
}

/// Prints a token.
pub async fn enrol_token(command: EnrolToken) -> anyhow::Result<()> {
    let data = fleetmend_server::open(command.server.config()?).await?;
    println!("{}", data.enrol_token(&command.label, command.hours).await?);
    Ok(())
}

/// Prints a link.
pub async fn setup_link(options: options::Data) -> anyhow::Result<()> {
    println!(
        "{}",
        fleetmend_server::open(options.config()?)
            .await?
            .setup_link()
            .await?
    );
    Ok(())
}

/// `fleetmend new-keys`.
#[derive(Debug, Args)]
pub struct NewKeys {
    #[command(flatten)]
    server: options::Data,
    /// Go ahead: every device must be enrolled again afterwards.
    #[arg(long)]
    yes: bool,
}

/// Starts over with new keys.
pub async fn new_keys(command: NewKeys) -> anyhow::Result<()> {
    ensure!(
        command.yes,
        "no device trusts new keys before it is enrolled again; if that is what you want, add --yes"
    );
    let done = fleetmend_server::new_keys(&command.server.config()?).await?;
    if let Some(folder) = done.set_aside {
        println!("the old keys are in {}", folder.display());
    }
    println!(
        "the server has new keys; devices that must be enrolled again: {}",
        done.devices
    );
    Ok(())
}

/// Works on the sources.
pub async fn source(command: Source) -> anyhow::Result<()> {
    match command {
        Source::Add {
            server,
            location,
            name,
            user,
            allow_private,
            private_hosts,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let password = user.as_ref().map(|_| password()).transpose()?;
            let given = Given {
                location: &location,
                name: name.as_deref(),
                user: user.as_deref(),
                password: password.as_deref(),
                allow_private,
                private_hosts: &private_hosts,
            };
            let id = data.add_source(&given).await?;
            println!("source {id} was added; the server reads it within a minute");
        }
        Source::PrivateHosts { server, id, hosts } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.set_private_hosts(id, &hosts).await?;
            println!(
                "the private hosts of source {id} were set; the server reads it within a minute"
            );
        }
        Source::Read { server, id } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.read_source(id).await?;
            println!("the server reads source {id} within a minute");
        }
        Source::List { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_sources().await? {
                println!("{line}");
            }
        }
    }
    Ok(())
}

/// A line of standard input: arguments can be read by anyone on the machine.
fn password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
