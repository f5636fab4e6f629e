//! `fleetmend up`: everything on this machine with one command.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{options, serve};

/// How long an agent that ended is left alone before it is started again.
const AGENT_PAUSE: Duration = Duration::from_secs(5);

/// Starts the server and this machine's agent, and shows what happens until told to stop.
pub async fn run(options: options::Server) -> anyhow::Result<()> {
    let config = options.config()?;
    let data = config.data.clone();
    let server = fleetmend_server::start(config).await?;
    println!("Fleetmend runs. Its data is in {}", data.display());
    println!("Console:  {}", server.url());
    if let Some(link) = server.setup_link_if_needed().await? {
        println!("Set the administrator's password here, once: {link}");
    }
    let agent = tokio::spawn(keep_agent(data.join("agent"), server.handle()));
    let progress = tokio::spawn(server.handle().watch(|line| println!("{line}")));
    serve::stopped().await?;
    println!("Stopping.");
    progress.abort();
    agent.abort();
    let _ = agent.await;
    server.stop().await;
    Ok(())
}

/// Runs this machine's agent, enrolled the ordinary way, and starts it again when it ends.
async fn keep_agent(data: std::path::PathBuf, server: fleetmend_server::Handle) {
    loop {
        match start_agent(&data, &server).await {
            Ok(mut agent) => {
                show_output(&mut agent).await;
                match agent.wait().await {
                    Ok(status) => tracing::warn!("this machine's agent ended ({status})"),
                    Err(error) => tracing::warn!("this machine's agent is lost: {error}"),
                }
            }
            Err(error) => tracing::error!("this machine's agent: {error:#}"),
        }
        tokio::time::sleep(AGENT_PAUSE).await;
    }
}

async fn start_agent(data: &Path, server: &fleetmend_server::Handle) -> anyhow::Result<Child> {
    let binary = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(binary);
    command
        .args(["agent", "run", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if !data.join("identity.json").exists() {
        command.env("FLEETMEND_TOKEN", server.local_enrol_token().await?);
    }
    command.spawn().context("cannot start it")
}

/// Passes the agent's lines on to the terminal.
async fn show_output(agent: &mut Child) {
    let Some(output) = agent.stderr.take() else {
        return;
    };
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("this machine: {}", without_time(&line));
    }
}

/// A line of the agent's log without the time that the terminal's reader knows.
fn without_time(line: &str) -> &str {
    line.split_once("  INFO ")
        .or_else(|| line.split_once("  WARN "))
        .map_or(line, |it| it.1)
}
