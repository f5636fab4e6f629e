//! `fleetmend downloads …` and `fleetmend quarantine …`: what the server could not get, or got and
//! does not trust.

use clap::Subcommand;

use crate::options;

/// `fleetmend downloads …`.
#[derive(Debug, Subcommand)]
pub enum Downloads {
    /// List the patches whose files could not be downloaded: number, title, version, tries, why, and
    /// when they are tried again.
    List {
        #[command(flatten)]
        server: options::Data,
    },
    /// Show what the server's files take, and the room that is left for them.
    Storage {
        #[command(flatten)]
        server: options::Data,
    },
    /// Reset download counts: what deploy jobs wait for is tried again at once.
    Reset {
        #[command(flatten)]
        server: options::Data,
        /// The patches' numbers, as `downloads list` shows them.
        #[arg(required = true)]
        patches: Vec<i64>,
    },
}

/// Works on the downloads. A server that runs follows within seconds.
pub async fn downloads(command: Downloads) -> anyhow::Result<()> {
    match command {
        Downloads::List { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_downloads().await? {
                println!("{line}");
            }
        }
        Downloads::Storage { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            println!("{}", data.storage().await?);
        }
        Downloads::Reset { server, patches } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let count = data.reset_downloads(&patches).await?;
            println!("download counts that were reset: {count}");
        }
    }
    Ok(())
}

/// `fleetmend quarantine …`.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the package versions in quarantine: number, package, version, the SHA-256 of the file that
    /// was found, and why it is wrong.
    List {
        #[command(flatten)]
        server: options::Data,
    },
    /// Release a version: the file that was found is accepted, and no other.
    Release {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `quarantine list` shows it.
        id: i64,
        /// The SHA-256 of the file that you accept, as `quarantine list` shows it.
        #[arg(long)]
        sha256: String,
        /// Why it is right although its digest is not the one that the package names.
        #[arg(long)]
        reason: String,
    },
    /// Have a version looked at again: its files must be those that the package names.
    Retry {
        #[command(flatten)]
        server: options::Data,
        /// Its number, as `quarantine list` shows it.
        id: i64,
    },
}

/// Works on the quarantine. A server that runs follows within seconds.
pub async fn quarantine(command: Quarantine) -> anyhow::Result<()> {
    match command {
        Quarantine::List { server } => {
            let data = fleetmend_server::open(server.config()?).await?;
            for line in data.list_quarantine().await? {
                println!("{line}");
            }
        }
        Quarantine::Release {
            server,
            id,
            sha256,
            reason,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.release_quarantined(id, &sha256, &reason).await?;
            println!("version {id} was released: the file with the SHA-256 {sha256} is accepted");
        }
        Quarantine::Retry { server, id } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.retry_quarantined(id).await?;
            println!("version {id} is looked at again");
        }
    }
    Ok(())
}
