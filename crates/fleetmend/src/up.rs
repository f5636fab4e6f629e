//! `fleetmend up`: everything on this machine with one command.

use crate::terminal::say;
use crate::{local_agent, options, serve};

/// Starts the server and this machine's agent, and shows what happens until told to stop.
pub async fn run(options: options::Server) -> anyhow::Result<()> {
    let config = options.config()?;
    let data = config.data.clone();
    let server = fleetmend_server::start(config).await?;
    say(&format!(
        "Fleetmend runs. Its data is in {}",
        data.display()
    ));
    say(&format!("Console:  {}", server.url()));
    if let Some(link) = server.setup_link_if_needed().await? {
        say(&format!(
            "Set the administrator's password here, once: {link}"
        ));
    }
    if !is_root() {
        let program = std::env::current_exe().unwrap_or_default();
        say(&format!(
            "Without root this machine is scanned, and nothing can be installed on it. For that, \
             from then on: sudo {} up --data {}",
            program.display(),
            data.display()
        ));
    }
    let agent = tokio::spawn(local_agent::keep(data, server.handle()));
    let progress = tokio::spawn(server.handle().watch(say));
    serve::stopped().await?;
    say("Stopping.");
    progress.abort();
    agent.abort();
    let _ = agent.await;
    server.stop().await;
    Ok(())
}

/// Whether this process may install packages.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // Who runs this is who owns its entry there.
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The agent itself says what it lacks.
#[cfg(not(unix))]
fn is_root() -> bool {
    true
}
