//! `lab freshness`: from the moment at which a version is in a private feed until the missing list of
//! another server has it. That server polls the feed as it does by default.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use fleetmend_e2e::nupkg::pushed;
use fleetmend_server::{App, Config, Given};
use fleetmend_store::Page;
use fleetmend_store::missing::{self, PatchFilter, PatchSort};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::apps;
use crate::client::{enrol_with_all_titles, fetch_ca};
use crate::percentile::percentile_ms;

/// How long the first packages, and after the last publication its version, may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// How much, and how long.
#[derive(Debug, Args)]
pub struct Options {
    /// Packages in the feed; devices have an older version of each.
    #[arg(long, default_value_t = 500)]
    packages: usize,
    /// Devices.
    #[arg(long, default_value_t = 50)]
    devices: usize,
    /// New versions that are published.
    #[arg(long, default_value_t = 100)]
    changes: usize,
    /// Seconds over which they are.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

/// Measures.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    ensure!(
        (1..=apps::PACKAGES).contains(&options.packages),
        "there are 1 to {} packages",
        apps::PACKAGES
    );
    let folder = tempfile::tempdir()?;
    let mut config = Config::new(folder.path().join("feed"), "127.0.0.1:0".parse()?);
    config.feed_listen = Some("127.0.0.1:0".parse()?);
    let upstream = fleetmend_server::start(config).await?;
    upstream.handle().set_feed_open(true).await?;
    let feed = Feed {
        address: upstream.feed_address().context("it serves no feed")?,
        key: upstream.handle().make_feed_key("lab", true, 1).await?,
    };
    eprintln!("publishes {} packages", options.packages);
    for number in 0..options.packages {
        feed.push(number, 0).await?;
    }
    let config = Config::new(folder.path().join("server"), "127.0.0.1:0".parse()?);
    let server = fleetmend_server::start(config).await?;
    let location = upstream.plain_feed_url().context("it serves no feed")?;
    let given = Given {
        allow_private: true,
        ..Given::at(&location)
    };
    server.handle().add_source(&given).await?;
    let tokens = server.handle().enrol_tokens(options.devices).await?;
    let ca = fetch_ca(tokens.first().context("there must be a device")?).await?;
    enrol_with_all_titles(&tokens, &ca).await?;
    eprintln!("waits until all are missing");
    let mut seen = Seen::default();
    seen.wait_for(server.app(), options.packages).await?;
    eprintln!(
        "publishes {} versions in {} s",
        options.changes, options.seconds
    );
    let mut published = BTreeMap::new();
    let start = Instant::now();
    for change in 0..options.changes {
        // Spread evenly, each somewhere within its part of the time.
        let part = options.seconds as f64 / options.changes as f64;
        let within = (change * 7919 % 1000) as f64 / 1000.0;
        let at = start + Duration::from_secs_f64(part * (change as f64 + within));
        while Instant::now() < at {
            seen.look(server.app()).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let patch = feed.push(change % options.packages, change + 1).await?;
        published.insert(patch, Instant::now());
    }
    seen.wait_for(server.app(), options.packages + options.changes)
        .await?;
    let mut samples = Vec::new();
    for (patch, at) in &published {
        let seen = seen.since.get(patch).context("a version is not there")?;
        samples.push(seen.duration_since(*at));
    }
    let result = json!({
        "p50_ms": percentile_ms(&mut samples, 0.50).round(),
        "p99_ms": percentile_ms(&mut samples, 0.99).round(),
        "max_ms": percentile_ms(&mut samples, 1.0).round(),
        "changes": options.changes,
        "packages": options.packages,
        "devices": options.devices,
    });
    server.stop().await;
    upstream.stop().await;
    Ok(result)
}

/// A package's id and version.
type Patch = (String, String);

/// The feed that is published in.
struct Feed {
    address: SocketAddr,
    key: String,
}

impl Feed {
    /// Publishes the version of a package that belongs to a change, over HTTP as `choco push` does.
    async fn push(&self, package: usize, change: usize) -> anyhow::Result<Patch> {
        let (id, version) = (apps::package_id(package), format!("99.{change}.0"));
        let nupkg = apps::package(package, &version).build()?;
        let (kind, body) = pushed(&nupkg);
        let head = format!(
            "PUT /feed/v2/ HTTP/1.1\r\nHost: {}\r\nX-NuGet-ApiKey: {}\r\nConnection: close\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(
            answer.starts_with("HTTP/1.1 201"),
            "a push failed: {answer}"
        );
        Ok((id, version))
    }
}

/// The patches that were in the missing list, each with the time since when.
#[derive(Default)]
struct Seen {
    since: BTreeMap<Patch, Instant>,
}

impl Seen {
    /// Looks at the patches that the server saw last.
    async fn look(&mut self, app: &App) -> anyhow::Result<()> {
        let (all, newest) = (PatchFilter::default(), PatchSort::Newest);
        let mut page = Page::first(100);
        loop {
            let found = missing::list(&app.db, &all, newest, &page).await?;
            let (now, before) = (Instant::now(), self.since.len());
            for it in found.rows {
                let patch = (it.patch.name, it.patch.version);
                self.since.entry(patch).or_insert(now);
            }
            page.after = found.next;
            // A page without anything new: what is behind it was there before.
            if page.after.is_none() || self.since.len() == before {
                return Ok(());
            }
        }
    }

    /// Looks until so many have been there.
    async fn wait_for(&mut self, app: &App, count: usize) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.since.len() < count {
            if Instant::now() > end {
                bail!("{} of {count} versions are missing", self.since.len());
            }
            self.look(app).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
