//! `fleetmend downloads …`: what the server could not get.

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
        Downloads::Reset { server, patches } => {
            let data = fleetmend_server::open(server.config()?).await?;
            let count = data.reset_downloads(&patches).await?;
            println!("download counts that were reset: {count}");
        }
    }
    Ok(())
}
