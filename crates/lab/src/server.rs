//! The server under measure: this program again, as a process of its own, on a throw-away data
//! folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use fleetmend_server::catalog::offered;
use fleetmend_server::{App, Config, Given};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::feed_packages;

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
    #[command(flatten)]
    feed: FeedOptions,
}

/// What the feed is filled with; nothing, unless a number of packages is given.
#[derive(Debug, Args)]
pub struct FeedOptions {
    /// Packages.
    #[arg(long = "feed-packages", default_value_t = 0)]
    pub packages: usize,
    /// Versions of each.
    #[arg(long = "feed-versions", default_value_t = 1)]
    pub versions: usize,
    /// The length of a file to download, in MB.
    #[arg(long = "feed-megabytes", default_value_t = 1)]
    pub megabytes: usize,
}

/// What it says when it runs.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    tokens: Vec<String>,
    feed: Option<SocketAddr>,
}

/// Runs the server until standard input ends.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let mut config = Config::new(options.data, "127.0.0.1:0".parse()?);
    config.policy.deploy_retry_seconds = 1;
    if options.feed.packages > 0 {
        config.feed_listen = Some("127.0.0.1:0".parse()?);
    }
    let server = fleetmend_server::start(config).await?;
    let handle = server.handle();
    if let Some(source) = &options.source {
        handle.add_source(&Given::at(source)).await?;
    }
    let tokens = handle.enrol_tokens(options.tokens).await?;
    if options.feed.packages > 0 {
        feed_packages::fill(server.app(), &options.feed).await?;
        handle.set_feed_open(true).await?;
    }
    let feed = server.feed_address();
    println!("{}", serde_json::to_string(&Ready { tokens, feed })?);
    if options.source.is_some() {
        tell_catalog(server.app()).await?;
    }
    let mut line = String::new();
    BufReader::new(tokio::io::stdin())
        .read_line(&mut line)
        .await?;
    server.stop().await;
    Ok(())
}

/// Prints a line when every package of the source is known, analysed and in use.
async fn tell_catalog(app: &App) -> anyhow::Result<()> {
    loop {
        let packages = offered::all(app).await?;
        let is_analysed = !packages.is_empty() && packages.iter().all(|it| it.analysis.is_some());
        if is_analysed && app.fleet().catalog().offered(&packages[0].id).is_some() {
            println!("catalog");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A running server under measure; ends with the value.
pub struct Measured {
    process: Child,
    output: BufReader<ChildStdout>,
    /// One-time enrolment tokens.
    pub tokens: Vec<String>,
    /// Where the feed is served without TLS.
    pub feed: Option<SocketAddr>,
    _data: tempfile::TempDir,
}

impl Measured {
    /// Starts one.
    pub async fn start(tokens: usize) -> anyhow::Result<Self> {
        Self::start_with(tokens, None).await
    }

    /// Starts one with a filled feed.
    pub async fn start_feed(feed: &FeedOptions) -> anyhow::Result<Self> {
        let arguments = [
            ("--tokens", 1),
            ("--feed-packages", feed.packages),
            ("--feed-versions", feed.versions),
            ("--feed-megabytes", feed.megabytes),
        ];
        let arguments = arguments.map(|(name, value)| format!("{name}={value}"));
        Self::spawn(&arguments).await
    }

    /// Starts one that reads a folder of packages.
    pub async fn start_with(tokens: usize, source: Option<&Path>) -> anyhow::Result<Self> {
        anyhow::ensure!(tokens > 0, "there must be at least one device");
        let mut arguments = vec![format!("--tokens={tokens}")];
        arguments.extend(source.map(|source| format!("--source={}", source.display())));
        Self::spawn(&arguments).await
    }

    async fn spawn(arguments: &[String]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command
            .arg("serve")
            .arg("--data")
            .arg(data.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the server")?;
        let output = process.stdout.take().context("the server has no output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        tokio::time::timeout(START, output.read_line(&mut line))
            .await
            .context("the server did not start in time")??;
        let ready: Ready = serde_json::from_str(&line).context("the server did not start")?;
        Ok(Self {
            process,
            output,
            tokens: ready.tokens,
            feed: ready.feed,
            _data: data,
        })
    }

    /// Ends when the source's packages are analysed and in use.
    pub async fn catalog(&mut self) -> anyhow::Result<()> {
        let mut line = String::new();
        tokio::time::timeout(START, self.output.read_line(&mut line))
            .await
            .context("the packages were not analysed in time")??;
        anyhow::ensure!(line.trim() == "catalog", "the server ended");
        Ok(())
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
