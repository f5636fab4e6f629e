//! The server under measure: this program again, as a process of its own, on a throw-away data
//! folder.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use fleetmend_server::Config;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long the server may take to start and make its tokens.
const START: Duration = Duration::from_secs(120);

/// What the measured server is started with.
#[derive(Debug, Args)]
pub struct Options {
    #[arg(long)]
    data: PathBuf,
    /// One-time tokens to make.
    #[arg(long, default_value_t = 0)]
    tokens: usize,
    /// A source to read.
    #[arg(long)]
    source: Option<String>,
}

/// What it says when it runs.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    tokens: Vec<String>,
}

/// Runs the server until standard input ends.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let mut config = Config::new(options.data, "127.0.0.1:0".parse()?);
    config.policy.deploy_retry_seconds = 1;
    let server = fleetmend_server::start(config).await?;
    let handle = server.handle();
    if let Some(source) = &options.source {
        handle.add_source(source, None).await?;
    }
    let tokens = handle.enrol_tokens(options.tokens).await?;
    println!("{}", serde_json::to_string(&Ready { tokens })?);
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    server.stop().await;
    Ok(())
}

/// A running server under measure; ends with the value.
pub struct Measured {
    process: Child,
    /// One-time enrolment tokens.
    pub tokens: Vec<String>,
    _data: tempfile::TempDir,
}

impl Measured {
    /// Starts one.
    pub async fn start(tokens: usize) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg("--data")
            .arg(data.path())
            .args(["--tokens", &tokens.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the server")?;
        let output = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        tokio::time::timeout(START, BufReader::new(output).read_line(&mut line))
            .await
            .context("the server did not start in time")??;
        let ready: Ready = serde_json::from_str(&line).context("the server did not start")?;
        Ok(Self { process, tokens: ready.tokens, _data: data })
    }

    /// The server's resident memory, in KiB.
    pub fn resident_kb(&self) -> anyhow::Result<u64> {
        let id = self.process.id().context("the server ended")?;
        resident_kb(id)
    }
}

/// A process's resident memory, in KiB, as `/proc` says.
pub fn resident_kb(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|text| text.split_whitespace().next())
        .and_then(|text| text.parse().ok())
        .context("/proc does not tell the memory of the process")
}
