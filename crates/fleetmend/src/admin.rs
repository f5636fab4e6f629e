//! Commands that work on a server's data folder, with or without the server running.

use anyhow::ensure;
use clap::Args;

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
