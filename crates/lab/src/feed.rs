//! `lab feed`: what the package feed answers, without TLS, and how fast it hands out a file beside
//! nginx.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::client;
use crate::percentile::percentile_ms;
use crate::server::{FeedOptions, Measured};

/// The package that is downloaded.
pub const BIG: &str = "big";
/// Downloads of each side; their median counts.
const DOWNLOADS: usize = 9;
/// Of packed answers, one out of so many is unpacked and looked at.
const UNPACKED: usize = 64;

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
    let plain = find(address, &options, false).await?;
    eprintln!("the same for clients that take gzip");
    let packed = find(address, &options, true).await?;
    eprintln!("downloads {} MB beside nginx", options.megabytes);
    let token = server.tokens.first().context("the server gave no token")?;
    let download = downloads(address, token, options.megabytes).await?;
    Ok(json!({
        "find_per_s": plain.per_s.round(),
        "p99_ms": plain.p99_ms,
        "answer_bytes": plain.bytes,
        "gzip_find_per_s": packed.per_s.round(),
        "gzip_p99_ms": packed.p99_ms,
        "gzip_answer_bytes": packed.bytes,
        "download_vs_nginx": (download.ours / download.nginx * 1000.0).round() / 1000.0,
        "download_mb_per_s": download.ours.round(),
        "nginx_mb_per_s": download.nginx.round(),
        "download_tls_mb_per_s": download.tls.round(),
        "packages": options.packages,
        "versions": options.versions,
        "connections": options.connections,
    }))
}

/// How fast questions are answered.
struct Found {
    per_s: f64,
    p99_ms: f64,
    /// Of one answer.
    bytes: usize,
}

async fn find(address: SocketAddr, options: &Options, gzip: bool) -> anyhow::Result<Found> {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let end = start + Duration::from_secs(options.seconds);
    let mut tasks = Vec::new();
    for _ in 0..options.connections {
        let next = Arc::clone(&next);
        let (packages, versions) = (options.packages, options.versions);
        tasks.push(tokio::spawn(async move {
            let mut connection = Http::open(address).await?;
            connection.gzip = gzip;
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
                // To unpack every answer would measure this side.
                let entries = match (gzip, samples.len() % UNPACKED) {
                    (false, _) => count(body, b"<entry>"),
                    (true, 1) => count(&unpacked(body)?, b"<entry>"),
                    (true, _) => continue,
                };
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
    Ok(Found {
        per_s: samples.len() as f64 / start.elapsed().as_secs_f64(),
        p99_ms: percentile_ms(&mut samples, 0.99),
        bytes,
    })
}

fn unpacked(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut out)?;
    Ok(out)
}

/// The id of a package of the measure.
pub fn package(number: usize) -> String {
    format!("vendor{}.product{number}", number % 97)
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|it| *it == word).count()
}

/// How fast a file comes, in MB a second.
struct Download {
    /// From the feed without TLS.
    ours: f64,
    nginx: f64,
    /// From the server's TLS port, where agents get their files by the same code.
    tls: f64,
}

/// The medians. They take turns: what else the machine does slows all.
async fn downloads(feed: SocketAddr, token: &str, megabytes: usize) -> anyhow::Result<Download> {
    let folder = tempfile::tempdir()?;
    let mut source = Http::open(feed).await?;
    let path = format!("/feed/v2/package/{BIG}/1.0.0");
    let file = source.get(&path).await?.to_vec();
    ensure!(file.len() >= megabytes * 1_000_000, "the file is too short");
    std::fs::write(folder.path().join("big"), &file)?;
    let nginx = Nginx::start(folder.path()).await?;
    let mut other = Http::open(nginx.address).await?;
    let (stream, address) = client::connect(token).await?;
    let mut protected = Http::on(stream, address);
    let (mut ours, mut theirs, mut tls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=DOWNLOADS {
        ours.push(source.discard(&path, file.len()).await?);
        theirs.push(other.discard("/big", file.len()).await?);
        tls.push(protected.discard(&path, file.len()).await?);
    }
    // The first of each warms up.
    let rate = |times: &mut [Duration]| {
        let times = &mut times[1..];
        times.sort_unstable();
        file.len() as f64 / 1e6 / times[times.len() / 2].as_secs_f64()
    };
    Ok(Download {
        ours: rate(&mut ours),
        nginx: rate(&mut theirs),
        tls: rate(&mut tls),
    })
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
struct Http<S> {
    stream: S,
    buffer: Vec<u8>,
    address: String,
    /// Whether answers may be packed, and must be.
    gzip: bool,
}

impl Http<TcpStream> {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::on(stream, address.to_string()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http<S> {
    fn on(stream: S, address: String) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
            address,
            gzip: false,
        }
    }

    /// Sends a request; gives the length of the answer's head, which is in the buffer, and of its
    /// body.
    async fn ask(&mut self, path: &str) -> anyhow::Result<(usize, usize)> {
        let accepted = if self.gzip {
            "Accept-Encoding: gzip\r\n"
        } else {
            ""
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n{accepted}\r\n",
            self.address
        );
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
        let is_packed = text.contains("content-encoding: gzip");
        ensure!(is_packed == self.gzip, "{path}: {text}");
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
