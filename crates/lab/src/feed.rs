//! `lab feed`: what the package feed answers, without TLS, and how fast it hands out a file beside
//! nginx.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::percentile::percentile_ms;
use crate::server::{FeedOptions, Measured};

/// The package that is downloaded.
pub const BIG: &str = "big";
/// Downloads of each side; their median counts.
const DOWNLOADS: usize = 9;

/// How much and how wide.
#[derive(Debug, Args)]
pub struct Options {
    /// Packages in the feed.
    #[arg(long, default_value_t = 12_000)]
    packages: usize,
    /// Versions of each.
    #[arg(long, default_value_t = 3)]
    versions: usize,
    /// Connections that ask at one time.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The length of the file that is downloaded, in MB.
    #[arg(long, default_value_t = 50)]
    megabytes: usize,
}

/// Measures.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    let filling = FeedOptions {
        packages: options.packages,
        versions: options.versions,
        megabytes: options.megabytes,
    };
    eprintln!(
        "fills the feed with {} versions of {} packages",
        options.packages * options.versions,
        options.packages
    );
    let server = Measured::start_feed(&filling).await?;
    let address = server.feed.context("the server serves no feed")?;
    eprintln!("asks for packages for {} s", options.seconds);
    let (per_s, p99_ms, bytes) = find(address, &options).await?;
    eprintln!("downloads {} MB beside nginx", options.megabytes);
    let ratio = downloads(address, options.megabytes).await?;
    Ok(json!({
        "find_per_s": per_s.round(),
        "p99_ms": p99_ms,
        "answer_bytes": bytes,
        "download_vs_nginx": ratio.0,
        "download_mb_per_s": ratio.1.round(),
        "nginx_mb_per_s": ratio.2.round(),
        "packages": options.packages,
        "versions": options.versions,
        "connections": options.connections,
    }))
}

async fn find(address: SocketAddr, options: &Options) -> anyhow::Result<(f64, f64, usize)> {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let end = start + Duration::from_secs(options.seconds);
    let mut tasks = Vec::new();
    for _ in 0..options.connections {
        let next = Arc::clone(&next);
        let (packages, versions) = (options.packages, options.versions);
        tasks.push(tokio::spawn(async move {
            let mut connection = Http::open(address).await?;
            let mut samples = Vec::new();
            let mut bytes = 0;
            while Instant::now() < end {
                let number = next.fetch_add(7919, Ordering::Relaxed) % packages;
                let path = format!(
                    "/feed/v2/FindPackagesById()?id='{}'&semVerLevel=2.0.0",
                    package(number)
                );
                let sent = Instant::now();
                let body = connection.get(&path).await?;
                samples.push(sent.elapsed());
                bytes = body.len();
                let entries = count(body, b"<entry>");
                ensure!(entries == versions, "an answer has {entries} entries");
            }
            anyhow::Ok((samples, bytes))
        }));
    }
    let mut samples = Vec::new();
    let mut bytes = 0;
    for task in tasks {
        let (some, length) = task.await??;
        samples.extend(some);
        bytes = length;
    }
    let per_s = samples.len() as f64 / start.elapsed().as_secs_f64();
    Ok((per_s, percentile_ms(&mut samples, 0.99), bytes))
}

/// The id of a package of the measure.
pub fn package(number: usize) -> String {
    format!("vendor{}.product{number}", number % 97)
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|it| *it == word).count()
}

/// The ratio of the medians, and both in MB a second. The two take turns: what else the machine
/// does slows both.
async fn downloads(feed: SocketAddr, megabytes: usize) -> anyhow::Result<(f64, f64, f64)> {
    let folder = tempfile::tempdir()?;
    let mut source = Http::open(feed).await?;
    let path = format!("/feed/v2/package/{BIG}/1.0.0");
    let file = source.get(&path).await?.to_vec();
    ensure!(file.len() >= megabytes * 1_000_000, "the file is too short");
    std::fs::write(folder.path().join("big"), &file)?;
    let nginx = Nginx::start(folder.path()).await?;
    let mut other = Http::open(nginx.address).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..=DOWNLOADS {
        ours.push(source.discard(&path, file.len()).await?);
        theirs.push(other.discard("/big", file.len()).await?);
    }
    // The first of each warms up.
    let rate = |times: &mut [Duration]| {
        let times = &mut times[1..];
        times.sort_unstable();
        file.len() as f64 / 1e6 / times[times.len() / 2].as_secs_f64()
    };
    let (ours, theirs) = (rate(&mut ours), rate(&mut theirs));
    Ok(((ours / theirs * 1000.0).round() / 1000.0, ours, theirs))
}

/// nginx with its usual settings, on one folder, as one process, which ends with the value.
struct Nginx {
    address: SocketAddr,
    _process: Child,
}

impl Nginx {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        // A port that was free a moment ago: nginx cannot choose one itself.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let shown = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {shown}/pid; error_log {shown}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;\n\
             server {{ listen {address}; root {shown}; }} }}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config)?;
        // Its workers are another user's when root starts it.
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let process = Command::new("nginx")
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start nginx, which the feed is measured beside: install it")?;
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).await.is_err() {
            ensure!(Instant::now() < until, "nginx does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            address,
            _process: process,
        })
    }
}

/// A connection with hand-made HTTP/1.1, so that the server is measured and not the load.
struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
    address: SocketAddr,
}

impl Http {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
            address,
        })
    }

    /// Sends a request; gives the length of the answer's head, which is in the buffer, and of its
    /// body.
    async fn ask(&mut self, path: &str) -> anyhow::Result<(usize, usize)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection ended");
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        ensure!(text.starts_with("http/1.1 200"), "{path}: {text}");
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .context("an answer names no length")?;
        Ok((head, length.trim().parse()?))
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        let (head, length) = self.ask(path).await?;
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection ended");
            }
        }
        Ok(&self.buffer[head..head + length])
    }

    /// Downloads and throws away; says how long that took.
    async fn discard(&mut self, path: &str, expected: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let (head, length) = self.ask(path).await?;
        ensure!(length == expected, "{path} has {length} bytes");
        let mut left = length - (self.buffer.len() - head);
        let mut part = vec![0; 256 * 1024];
        while left > 0 {
            let read = self.stream.read(&mut part).await?;
            ensure!(read > 0, "the connection ended");
            left -= read;
        }
        Ok(began.elapsed())
    }
}
