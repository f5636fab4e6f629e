//! `fleetmend policies …`: what is set for which devices.

use clap::Subcommand;

use crate::options;

/// `fleetmend policies …`.
#[derive(Debug, Subcommand)]
pub enum Policies {
    /// List them in the order in which they are asked: place, number, name, whether devices can have it, how
    /// many do, and for which it is.
    List {
        #[command(flatten)]
        server: options::Data,
        #[command(flatten)]
        output: options::Output,
    },
    /// Show one: for which devices it is, what it sets, and who changed it when.
    Show {
        #[command(flatten)]
        server: options::Data,
        /// Its number or its name.
        policy: String,
        #[command(flatten)]
        output: options::Output,
    },
}

/// Shows policies.
pub async fn run(command: Policies) -> anyhow::Result<()> {
    let lines = match command {
        Policies::List { server, output } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.list_policies(output.output()).await?
        }
        Policies::Show {
            server,
            policy,
            output,
        } => {
            let data = fleetmend_server::open(server.config()?).await?;
            data.show_policy(&policy, output.output()).await?
        }
    };
    options::print(&lines)
}
