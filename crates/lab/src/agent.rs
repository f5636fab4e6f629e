//! `lab agent`: what the agent, as it is shipped, costs this machine.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::agent_build;
use crate::server::resident_kb;

/// Which agent.
#[derive(Debug, Args)]
pub struct Options {
    /// The agent's binary. Default: one that cargo builds as it is shipped.
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Inventories to make; the median counts.
    #[arg(long, default_value_t = 20)]
    runs: usize,
}

/// How long the agent may take until its first scan is done.
const SCAN_LIMIT: Duration = Duration::from_mins(5);
/// How long the agent is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(20);

/// Measures.
pub fn run(options: &Options) -> anyhow::Result<Value> {
    ensure!(options.runs > 0, "--runs must be at least 1");
    let agent = match &options.agent {
        Some(agent) => agent.clone(),
        None => agent_build::build()?,
    };
    let mut samples: Vec<f64> = (0..options.runs)
        .map(|_| inventory_ms(&agent))
        .collect::<Result<_, _>>()?;
    samples.sort_by(f64::total_cmp);
    let inventory_ms = samples[samples.len() / 2];
    eprintln!("inventory: {inventory_ms:.1} ms; now the memory of an idle agent");
    let idle_rss_mb = idle_rss_mb(&agent)?;
    Ok(json!({
        "idle_rss_mb": (idle_rss_mb * 100.0).round() / 100.0,
        "inventory_ms": (inventory_ms * 10.0).round() / 10.0,
        "agent_mb": std::fs::metadata(&agent)?.len() / 1_000_000,
    }))
}

/// The whole process: start, read, write the inventory of installed software, end.
fn inventory_ms(agent: &Path) -> anyhow::Result<f64> {
    let data = tempfile::tempdir()?;
    let start = Instant::now();
    let output = Command::new(agent)
        .args(["inventory", "--installed-only", "--data"])
        .arg(data.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start the agent {}", agent.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("the agent cannot read this machine: {}", said.trim());
    }
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// A process that ends with the value.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Resident memory of an enrolled agent that has scanned and waits.
fn idle_rss_mb(agent: &Path) -> anyhow::Result<f64> {
    let data = tempfile::tempdir()?;
    let mut server = Ends(
        Command::new(std::env::current_exe()?)
            .args(["serve", "--tokens", "1", "--data"])
            .arg(data.path().join("server"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().context("the server has no output")?)
        .read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the server did not start")?;
    let token = ready["tokens"][0]
        .as_str()
        .context("the server made no token")?;
    let mut running = Ends(
        Command::new(agent)
            .args(["run", "--data"])
            .arg(data.path().join("agent"))
            .env("FLEETMEND_TOKEN", token)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    await_scan(&mut running.0)?;
    thread::sleep(SETTLE);
    Ok(resident_kb(running.0.id())? as f64 / 1024.0)
}

/// Shows what the agent says until it has scanned.
fn await_scan(agent: &mut Child) -> anyhow::Result<()> {
    let output = BufReader::new(agent.stderr.take().context("the agent has no output")?);
    let (sender, lines) = channel();
    // Reads on to the agent's end, so that it never writes into a pipe that is full or broken.
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            eprintln!("{line}");
            let _ = sender.send(line);
        }
    });
    let end = Instant::now() + SCAN_LIMIT;
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains("installed,") => return Ok(()),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                bail!("the agent did not scan within {} s", SCAN_LIMIT.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the agent ended before it had scanned"),
        }
    }
}
