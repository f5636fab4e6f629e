//! The mirror as a NuGet v2 feed, `/feed/v2`: stock Chocolatey and NuGet clients work against it.
//!
//! Everything that is asked for is answered from memory ([`Feed`]); the database has it too, and
//! what another process changed there is taken over every few seconds.

mod access;
mod add;
pub(crate) mod again;
mod answer;
pub mod ask;
pub mod bring;
mod download;
mod incoming;
pub mod internalize;
pub mod keys;
pub mod listing;
mod push;
mod read;
mod take_in;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use fleetmend_chocolatey::gallery::{Gallery, Item};
use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_model::Millis;
use fleetmend_store::feed_keys::{self, FeedKey};
use fleetmend_store::feed_packages::{self, FeedPackage};
use fleetmend_store::{Tx, settings};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use crate::app::App;

pub use add::{AddError, Added, add};
pub use take_in::take_in;

/// Where the feed is, below the server's address.
pub const PATH: &str = "/feed/v2";

/// How often the database is asked whether another process changed the feed.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a server that runs goes on as it was, at most, after another process changed the feed: until it
/// asks, and has read what is new.
pub const FOLLOWS_WITHIN: Duration = Duration::from_secs(5);
/// Rows in one read.
const BATCH: u32 = 1_000;
/// The setting that counts changes of the feed.
const REVISION: &str = "feed_revision";
/// The setting that lets everybody read.
const OPEN: &str = "feed_open";

/// How many answers that look at all packages are made at one time.
const COSTLY: usize = 2;

/// What the feed answers from.
pub struct Feed {
    gallery: RwLock<Arc<Gallery>>,
    /// For answers that look at all packages.
    costly: Arc<Semaphore>,
    /// By the digest of their secret.
    keys: RwLock<HashMap<String, FeedKey>>,
    /// Whether reading needs no key.
    is_open: AtomicBool,
    /// The revision that the rest was read at.
    revision: Mutex<Option<String>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            gallery: RwLock::default(),
            costly: Arc::new(Semaphore::new(COSTLY)),
            keys: RwLock::default(),
            is_open: AtomicBool::default(),
            revision: Mutex::default(),
        }
    }
}

impl Feed {
    /// Does something with the packages, for a moment.
    fn read<T>(&self, with: impl FnOnce(&Gallery) -> T) -> T {
        with(&self.gallery.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with the packages as they are now, away from the tasks that answer everybody
    /// else: changes do not wait for it.
    async fn read_long<T: Send + 'static>(
        &self,
        with: impl FnOnce(&Gallery) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let turn = Arc::clone(&self.costly).acquire_owned().await?;
        let gallery = Arc::clone(&self.gallery.read().unwrap_or_else(PoisonError::into_inner));
        let read = tokio::task::spawn_blocking(move || {
            let read = with(&gallery);
            drop((gallery, turn));
            read
        });
        Ok(read.await?)
    }

    fn change(&self, with: impl FnOnce(&mut Gallery)) {
        let mut gallery = self.gallery.write().unwrap_or_else(PoisonError::into_inner);
        with(Arc::make_mut(&mut gallery));
    }

    /// Whether reading needs no key.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// How many package versions it has.
    pub fn len(&self) -> usize {
        self.read(Gallery::len)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where clients find the feed.
pub fn url(app: &App) -> String {
    format!("{}{PATH}/", app.url)
}

/// Every address of the feed.
pub fn routes() -> Router<Arc<App>> {
    let handlers = || {
        get(read::get)
            .put(push::push)
            .post(push::push)
            .delete(push::hide)
    };
    Router::new()
        .route(PATH, handlers())
        .route(&format!("{PATH}/"), handlers())
        .route(&format!("{PATH}/{{*path}}"), handlers())
        .layer(DefaultBodyLimit::disable())
}

/// Notes, in the transaction of a change, that the feed is another one.
pub async fn note_change(tx: &mut Tx) -> anyhow::Result<()> {
    let before = settings::get(&mut *tx, REVISION).await?;
    let before: u64 = before.and_then(|it| it.parse().ok()).unwrap_or(0);
    Ok(settings::set(tx, REVISION, &(before + 1).to_string()).await?)
}

/// Takes over what the database has, if it changed since the last look.
pub async fn refresh(app: &App) -> anyhow::Result<()> {
    let feed = &app.feed;
    let mut tx = app.db.read().await?;
    let revision = settings::get(&mut tx, REVISION).await?.unwrap_or_default();
    let is_known = |known: &Option<String>| known.as_ref() == Some(&revision);
    if is_known(&feed.revision.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(());
    }
    let keys = feed_keys::all(&mut tx).await?;
    let is_open = settings::get(&mut tx, OPEN).await?.as_deref() == Some("1");
    let mut gallery = Gallery::default();
    let mut after = 0;
    loop {
        let rows = feed_packages::after(&mut tx, after, BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            match item(&row) {
                Ok(item) => gallery.insert(item),
                Err(error) => tracing::error!("the feed leaves out a package: {error:#}"),
            }
        }
    }
    drop(tx);
    feed.change(|it| *it = gallery);
    *feed.keys.write().unwrap_or_else(PoisonError::into_inner) = keys
        .into_iter()
        .map(|key| (key.secret_sha256.clone(), key))
        .collect();
    feed.is_open.store(is_open, Ordering::Relaxed);
    *feed.revision.lock().unwrap_or_else(PoisonError::into_inner) = Some(revision);
    Ok(())
}

/// Looks for changes until told to stop.
pub async fn watch(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = refresh(&app).await {
            tracing::warn!("the feed cannot be read from the database: {error:#}");
        }
    }
}

/// A stored version as the feed shows it.
fn item(row: &FeedPackage) -> anyhow::Result<Item> {
    let name = || format!("{} {}", row.what.package, row.what.version_key);
    Ok(Item {
        nuspec: parse_nuspec(&row.what.nuspec).with_context(name)?,
        size: row.length,
        sha512: row.what.sha512.clone(),
        created: time(row.created_at)?,
        listed: row.listed,
    })
}

/// A time as `OData` writes it: UTC, without a zone.
fn time(at: Millis) -> anyhow::Result<String> {
    let at = Timestamp::from_millisecond(at.0)?;
    Ok(at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}
