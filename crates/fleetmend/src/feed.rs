//! `fleetmend feed …`: the server's own package feed.

use clap::{Subcommand, ValueEnum};

use crate::options;

/// `fleetmend feed …`.
#[derive(Debug, Subcommand)]
pub enum Feed {
    /// Show the feed's address, who may read it, and its keys.
    Show {
        #[command(flatten)]
        server: options::Data,
    },
    /// List its package versions, the one that came last in front: how each came, from whom or which
    /// source, and whether clients' lists show it.
    List {
        #[command(flatten)]
        server: options::Data,
    },
    /// Bring a package of the catalog into the feed with its installers inside, whatever its source is
    /// set to, and wait until that is done.
    Internalize {
        #[command(flatten)]
        server: options::Data,
        /// The package's id.
        package: String,
        /// Its version. Default: the newest.
        version: Option<String>,
    },
    /// List package versions that were to come into the feed and did not, and why.
    Refused {
        #[command(flatten)]
        server: options::Data,
    },
    /// Make a key and print its secret, this once.
    MakeKey {
        #[command(flatten)]
        server: options::Data,
        /// What it is called: one of a kind.
        name: String,
        /// It also adds and hides packages.
        #[arg(long)]
        push: bool,
        /// How long it opens the feed, in days.
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Take a key away.
    RevokeKey {
        #[command(flatten)]
        server: options::Data,
        /// Its name.
        name: String,
    },
    /// Say who may read the feed.
    Readers {
        #[command(flatten)]
        server: options::Data,
        /// Who.
        who: Readers,
    },
}

/// Who may read the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Readers {
    /// Everybody who reaches the server.
    Everybody,
    /// Those with a key.
    Keys,
}

/// Works on the feed. A server that runs follows within seconds.
pub async fn run(command: Feed) -> anyhow::Result<()> {
    match command {
        Feed::Show { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.show_feed().await? {
                println!("{line}");
            }
        }
        Feed::List { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_feed_packages().await? {
                println!("{line}");
            }
        }
        Feed::Internalize {
            server,
            package,
            version,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            println!("{}", data.internalize(&package, version.as_deref()).await?);
        }
        Feed::Refused { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_feed_refused().await? {
                println!("{line}");
            }
        }
        Feed::MakeKey {
            server,
            name,
            push,
            days,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            println!("{}", data.make_feed_key(&name, push, days).await?);
        }
        Feed::RevokeKey { server, name } => {
            let data = fleetmend_server::open(server.config()?).await?;
            println!("{}", data.revoke_feed_key(&name).await?);
        }
        Feed::Readers { server, who } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let is_open = who == Readers::Everybody;
            println!("{}", data.set_feed_open(is_open).await?);
        }
    }
    Ok(())
}
