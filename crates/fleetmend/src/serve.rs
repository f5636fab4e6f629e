//! `fleetmend serve`.

use crate::options;
use crate::terminal::say;

/// Runs the server until it is told to stop.
pub async fn run(options: options::Server) -> anyhow::Result<()> {
    let server = fleetmend_server::start(options.config()?).await?;
    say(&format!("Console: {}", server.url()));
    if let Some(url) = server.plain_feed_url() {
        say(&format!("Feed without TLS: {url}"));
    }
    stopped().await?;
    server.stop().await;
    Ok(())
}

/// Ends when the process is told to stop (Ctrl-C, SIGTERM).
pub async fn stopped() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
