//! `fleetmend source …`: where packages come from.

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use fleetmend_server::Given;

use crate::options;
use crate::terminal::say;

/// `fleetmend source …`.
#[derive(Debug, Subcommand)]
pub enum Source {
    /// Add a source: the address of a NuGet v2 feed, or a folder with .nupkg files,
    /// side by side or as `nuget add` lays them out.
    Add {
        #[command(flatten)]
        server: options::Data,
        /// `https://…/api/v2` or a folder.
        location: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        reach: Reach,
    },
    /// Change a source; what is not given stays as it is.
    Set {
        #[command(flatten)]
        server: options::Data,
        /// Its number or name, as `source list` shows them.
        source: String,
        /// Another address or folder. For another host the password must be given anew.
        #[arg(long)]
        location: Option<String>,
        /// Read it and offer its packages, or not.
        #[arg(long)]
        switch: Option<Switch>,
        /// Read it without name and password from now on.
        #[arg(long, conflicts_with = "user")]
        without_login: bool,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        reach: Reach,
    },
    /// Set the hosts that a source may lead to although they are in your own network: all of them,
    /// the feed's own as well.
    PrivateHosts {
        #[command(flatten)]
        server: options::Data,
        /// Its number or name, as `source list` shows them.
        source: String,
        /// Names or IP addresses; none, for public addresses alone.
        hosts: Vec<String>,
    },
    /// Say what removing a source means, and with --yes remove it.
    Remove {
        #[command(flatten)]
        server: options::Data,
        /// Its number or name, as `source list` shows them.
        source: String,
        /// Go ahead.
        #[arg(long)]
        yes: bool,
    },
    /// Take away what a source no longer has and what was kept because it is so much.
    RemoveGone {
        #[command(flatten)]
        server: options::Data,
        /// Its number or name, as `source list` shows them.
        source: String,
    },
    /// Have a source read at once, and show how far that is until it is over.
    Read {
        #[command(flatten)]
        server: options::Data,
        /// Its number or name, as `source list` shows them.
        source: String,
        /// Do not wait for the end.
        #[arg(long)]
        no_wait: bool,
    },
    /// List the sources, the one that is asked first in front.
    List {
        #[command(flatten)]
        server: options::Data,
    },
}

/// What can be set of any source.
#[derive(Debug, Args)]
pub struct Settings {
    /// What it is called. Default: its location.
    #[arg(long)]
    name: Option<String>,
    /// Of several sources that have a package, the one with the lowest number has it; 0 is none, and
    /// comes behind all others.
    #[arg(long, value_name = "NUMBER")]
    priority: Option<i64>,
    /// Requests a minute that its operator allows; 0: what public hosts get.
    #[arg(long, value_name = "NUMBER")]
    per_minute: Option<u32>,
    /// Seconds between two reads; 0: half a minute for a feed in one's own network, five minutes
    /// for a folder, an hour for others.
    #[arg(long, value_name = "NUMBER")]
    every_seconds: Option<u32>,
    /// The generation of Chocolatey that its packages are for. Versions that it cannot read are
    /// left out.
    #[arg(long)]
    dialect: Option<Dialect>,
    /// Put the installers that its packages download into them when they come into the server's own
    /// feed, or leave such packages out of it.
    #[arg(long)]
    internalize: Option<Switch>,
    /// The name for a feed that wants one. Its password is read from standard input.
    #[arg(long)]
    user: Option<String>,
}

/// Where a source at an address may lead.
#[derive(Debug, Args)]
pub struct Reach {
    /// The feed is in your own network: its host may have a private address.
    #[arg(long)]
    allow_private: bool,
    /// Another host that it may lead to although it is in your own network; may be repeated.
    #[arg(long = "private-host", value_name = "HOST")]
    private_hosts: Vec<String>,
}

/// A generation of Chocolatey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Either.
    Any,
    /// 1.x.
    Choco1,
    /// 2.x.
    Choco2,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl Switch {
    fn is_on(self) -> bool {
        self == Self::On
    }
}

impl Dialect {
    fn key(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Choco1 => "choco1",
            Self::Choco2 => "choco2",
        }
    }
}

impl Settings {
    fn given<'a>(&'a self, reach: &'a Reach, password: Option<&'a str>) -> Given<'a> {
        Given {
            name: self.name.as_deref(),
            priority: self.priority,
            per_minute: self.per_minute,
            every_seconds: self.every_seconds,
            dialect: self.dialect.map(Dialect::key),
            internalize: self.internalize.map(Switch::is_on),
            user: self.user.as_deref(),
            password,
            allow_private: reach.allow_private,
            private_hosts: &reach.private_hosts,
            ..Given::default()
        }
    }

    /// The password for the user who is given.
    fn password(&self) -> anyhow::Result<Option<String>> {
        self.user.as_ref().map(|_| password()).transpose()
    }
}

/// Works on the sources.
pub async fn run(command: Source) -> anyhow::Result<()> {
    match command {
        Source::Add {
            server,
            location,
            settings,
            reach,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let password = settings.password()?;
            let given = Given {
                location: Some(&location),
                ..settings.given(&reach, password.as_deref())
            };
            let id = data.add_source(&given).await?;
            println!("source {id} was added; the server reads it within a minute");
        }
        Source::Set {
            server,
            source,
            location,
            switch,
            without_login,
            settings,
            reach,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let password = settings.password()?;
            let given = Given {
                location: location.as_deref(),
                enabled: switch.map(Switch::is_on),
                without_login,
                ..settings.given(&reach, password.as_deref())
            };
            let name = data.set_source(&source, &given).await?;
            println!("source {name} was changed");
        }
        Source::PrivateHosts {
            server,
            source,
            hosts,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let name = data.set_private_hosts(&source, &hosts).await?;
            println!(
                "the private hosts of source {name} were set; the server reads it within a minute"
            );
        }
        Source::Remove {
            server,
            source,
            yes,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for sentence in data.source_removal(&source).await? {
                println!("{sentence}");
            }
            ensure!(yes, "nothing was done: if that is what you want, add --yes");
            let name = data.remove_source(&source).await?;
            println!("source {name} was removed");
        }
        Source::RemoveGone { server, source } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let count = data.remove_gone_versions(&source).await?;
            println!("{count} versions were taken away");
        }
        Source::Read {
            server,
            source,
            no_wait,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let id = data.read_source(&source).await?;
            if no_wait {
                println!("the server reads source {id} within a minute");
            } else {
                data.watch_source(id, say).await?;
            }
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
