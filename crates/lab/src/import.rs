//! `lab import`: a feed of a public repository's size, read into the catalog. First by the read of a
//! source itself, with the pages at hand instead of a network; then by a whole server that asks a
//! site on this machine. Both are read a second time, unchanged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use fleetmend_model::SourceId;
use fleetmend_server::catalog::feed::{Count, Pages};
use fleetmend_server::catalog::fetch::{Document, Validators};
use fleetmend_server::catalog::sync;
use fleetmend_server::{App, Config, Given, Running};
use fleetmend_store::packages;
use fleetmend_store::sources::{self, Settings, Source, SourceKind};
use serde_json::{Value, json};

use crate::cpu_time::cpu_time;
use crate::feed_pages::Feed;
use crate::feed_site::FeedSite;

/// The address that the pages at hand name.
const BASE: &str = "https://feed.example/api/v2/";
/// How long a server may take to read the site.
const PATIENCE: Duration = Duration::from_mins(10);

/// How much.
#[derive(Debug, Args)]
pub struct Options {
    /// Package ids in the feed.
    #[arg(long, default_value_t = 7_875)]
    ids: usize,
    /// Versions of each.
    #[arg(long, default_value_t = 8)]
    versions: usize,
}

/// Measures.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    let feed = Feed {
        ids: options.ids,
        versions: options.versions,
    };
    ensure!(feed.entries() > 0, "the feed must have at least one entry");
    eprintln!(
        "writes {} pages of {} entries",
        feed.pages(),
        feed.entries()
    );
    let documents = feed.documents(BASE);
    let bytes: usize = documents.iter().map(Vec::len).sum();
    let folder = tempfile::tempdir()?;
    let server = start(&folder.path().join("data")).await?;
    eprintln!("reads them");
    let at_hand = at_hand(server.app(), feed, documents).await?;
    server.stop().await;
    let server = start(&folder.path().join("other")).await?;
    eprintln!("reads them from a site");
    let over_http = over_http(&server, feed).await?;
    server.stop().await;
    Ok(json!({
        "entries": feed.entries(),
        "seconds": seconds(at_hand.first.time),
        "cpu_seconds": seconds(at_hand.first.cpu),
        "pages": feed.pages(),
        "mb": bytes / 1_000_000,
        "again_seconds": seconds(at_hand.again.time),
        "again_requests": at_hand.again.requests,
        "again_unchanged": at_hand.again.unchanged,
        "http_seconds": seconds(over_http.first.time),
        "http_again_seconds": seconds(over_http.again.time),
        "http_again_requests": over_http.again.requests,
        "http_again_unchanged": over_http.again.unchanged,
    }))
}

/// What a read cost.
struct Read {
    time: Duration,
    /// Of this process; the site's is in it where there is one.
    cpu: Duration,
    requests: usize,
    /// Those that were answered by 'not modified'.
    unchanged: usize,
}

struct Twice {
    first: Read,
    again: Read,
}

async fn start(data: &std::path::Path) -> anyhow::Result<Running> {
    fleetmend_server::start(Config::new(data.to_owned(), "127.0.0.1:0".parse()?)).await
}

/// The pages at hand: what a site would give.
struct AtHand {
    feed: Feed,
    documents: Mutex<Vec<Vec<u8>>>,
    requests: AtomicUsize,
    unchanged: AtomicUsize,
}

impl Pages for AtHand {
    async fn get(&self, url: &str, known: &Validators) -> anyhow::Result<Document> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let number = self.feed.number(url).context("there is no such page")?;
        let etag = Some(format!("\"{number}\""));
        if known.etag == etag {
            self.unchanged.fetch_add(1, Ordering::Relaxed);
            return Ok(Document::Unchanged);
        }
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let document = documents.get_mut(number).map(std::mem::take);
        let validators = Validators {
            etag,
            last_modified: None,
        };
        Ok(Document::Changed(document.unwrap_or_default(), validators))
    }

    async fn count(&self, _: &str) -> Count {
        Count::Is(self.feed.entries() as u64)
    }
}

async fn at_hand(
    app: &std::sync::Arc<App>,
    feed: Feed,
    documents: Vec<Vec<u8>>,
) -> anyhow::Result<Twice> {
    let mut tx = app.db.begin().await?;
    let mut settings = Settings::new(BASE, "the measure's");
    // The server must not ask for it by itself.
    settings.enabled = false;
    let id = sources::insert(&mut tx, SourceKind::Feed, &settings).await?;
    tx.commit().await?;
    let pages = AtHand {
        feed,
        documents: Mutex::new(documents),
        requests: AtomicUsize::new(0),
        unchanged: AtomicUsize::new(0),
    };
    let read = async || {
        let source = source(app, id).await?;
        let (began, cpu) = (Instant::now(), cpu_time()?);
        sync::read(app, &source, &pages).await?;
        let (time, cpu) = (began.elapsed(), cpu_time()?.saturating_sub(cpu));
        let after = self::source(app, id).await?.last_read;
        ensure!(after.error.is_none(), "the read failed: {:?}", after.error);
        let stored = packages::count(&app.db, id).await?;
        ensure!(
            stored == feed.entries() as u64,
            "{stored} entries are stored"
        );
        Ok(Read {
            time,
            cpu,
            requests: pages.requests.swap(0, Ordering::Relaxed),
            unchanged: pages.unchanged.swap(0, Ordering::Relaxed),
        })
    };
    Ok(Twice {
        first: read().await?,
        again: read().await?,
    })
}

async fn source(app: &App, id: SourceId) -> anyhow::Result<Source> {
    sources::get(&app.db, id)
        .await?
        .context("the source is gone")
}

async fn over_http(server: &Running, feed: Feed) -> anyhow::Result<Twice> {
    let app = server.app();
    let site = FeedSite::start(feed).await?;
    let mut changed = app.changed.subscribe();
    let mut read = async |id: SourceId, began: Instant| {
        let cpu = cpu_time()?;
        let done = async {
            loop {
                let source = source(app, id).await?;
                if !sync::is_reading(&source) {
                    return anyhow::Ok(source.last_read);
                }
                // More than one change may be told at once, or missed: looking again is cheap.
                let _ = tokio::time::timeout(Duration::from_millis(20), changed.recv()).await;
            }
        };
        let after = tokio::time::timeout(PATIENCE, done).await??;
        let time = began.elapsed();
        ensure!(after.error.is_none(), "the read failed: {:?}", after.error);
        let stored = packages::count(&app.db, id).await?;
        ensure!(
            stored == feed.entries() as u64,
            "{stored} entries are stored"
        );
        let (requests, unchanged) = site.take_counts();
        Ok(Read {
            time,
            cpu: cpu_time()?.saturating_sub(cpu),
            requests,
            unchanged,
        })
    };
    let began = Instant::now();
    let url = site.url();
    let given = Given {
        allow_private: true,
        ..Given::at(&url)
    };
    let id = server.handle().add_source(&given).await?;
    let first = read(id, began).await?;
    let began = Instant::now();
    server.handle().read_source(&id.to_string()).await?;
    let again = read(id, began).await?;
    Ok(Twice { first, again })
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
