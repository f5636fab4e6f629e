//! `lab agent`: what the agent costs this machine. Needs the agent as it is shipped
//! (`cargo xtask dist`, or `--agent`).

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::server::resident_kb;

/// Which agent.
#[derive(Debug, Args)]
pub struct Options {
    /// The agent's binary.
    #[arg(long, default_value = "target/dist-agent/fleetmend-agent")]
    agent: PathBuf,
    /// Inventories to make; the median counts.
    #[arg(long, default_value_t = 20)]
    runs: usize,
}

/// How long the agent is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(20);

/// Measures.
pub fn run(options: &Options) -> anyhow::Result<Value> {
    if !options.agent.exists() {
        bail!(
            "there is no agent at {}: build it with 'cargo xtask dist'",
            options.agent.display()
        );
    }
    let mut samples: Vec<f64> = (0..options.runs)
        .map(|_| inventory_ms(&options.agent))
        .collect::<Result<_, _>>()?;
    samples.sort_by(f64::total_cmp);
    let inventory_ms = samples[samples.len() / 2];
    eprintln!("inventory: {inventory_ms:.1} ms; now the memory of an idle agent");
    let idle_rss_mb = idle_rss_mb(&options.agent)?;
    Ok(json!({
        "idle_rss_mb": (idle_rss_mb * 100.0).round() / 100.0,
        "inventory_ms": (inventory_ms * 10.0).round() / 10.0,
        "agent_mb": std::fs::metadata(&options.agent)?.len() / 1_000_000,
    }))
}

/// The whole process: start, read, write the inventory of installed software, end.
fn inventory_ms(agent: &std::path::Path) -> anyhow::Result<f64> {
    let data = tempfile::tempdir()?;
    let start = Instant::now();
    let status = Command::new(agent)
        .args(["inventory", "--installed-only", "--data"])
        .arg(data.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("the agent's inventory failed");
    }
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// Resident memory of an enrolled agent that has scanned and waits.
fn idle_rss_mb(agent: &std::path::Path) -> anyhow::Result<f64> {
    let data = tempfile::tempdir()?;
    let mut server = Command::new(std::env::current_exe()?)
        .args(["serve", "--tokens", "1", "--data"])
        .arg(data.path().join("server"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().context("the server has no output")?)
        .read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the server did not start")?;
    let token = ready["tokens"][0]
        .as_str()
        .context("the server made no token")?;
    let mut running = Command::new(agent)
        .args(["run", "--data"])
        .arg(data.path().join("agent"))
        .env("FLEETMEND_TOKEN", token)
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(running.stderr.take().context("the agent has no output")?).lines();
    for line in lines {
        let line = line?;
        eprintln!("{line}");
        if line.contains("installed,") {
            break;
        }
    }
    std::thread::sleep(SETTLE);
    let resident = resident_kb(running.id());
    let _ = running.kill();
    let _ = running.wait();
    let _ = server.kill();
    let _ = server.wait();
    Ok(resident? as f64 / 1024.0)
}
