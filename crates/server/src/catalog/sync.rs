//! Reads sources into the catalog. A source that is down or answers nonsense changes nothing that
//! was known, and is asked ever more rarely.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fleetmend_model::{Millis, SourceId};
use fleetmend_store::host_pauses::HostPause;
use fleetmend_store::packages;
use fleetmend_store::sources::{self, LeftOut, MAX_LEFT_OUT, OWN, ReadNote, Source, SourceKind};
use reqwest::Url;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::feed::{Page, Position, Reader};
use super::pace::{host, pause_of};
use super::{folder, own, schedule};
use crate::app::App;
use crate::jobs;

/// Packages stored in one transaction.
const BATCH: usize = 500;
/// How long an interrupted read may be taken up again.
const MAX_PAUSE: Duration = Duration::from_hours(24);

/// Reads one source.
pub async fn sync(app: &Arc<App>, id: SourceId) -> anyhow::Result<()> {
    let Some(source) = sources::get(&app.db, id)
        .await?
        .filter(|source| source.enabled)
    else {
        return Ok(());
    };
    let mut read = Read::default();
    let outcome = match source.kind {
        SourceKind::Feed => read.feed(app, &source).await,
        SourceKind::Folder => read.folder(app, &source).await,
        SourceKind::Own => read.own(app).await,
    };
    let note = note(app, &source, read, &outcome).await?;
    match &note.error {
        None => tracing::info!("source {}: read", source.name),
        Some(error) => tracing::warn!("source {}: {error}", source.name),
    }
    let mut tx = app.db.begin().await?;
    sources::note_read(&mut tx, id, &note).await?;
    jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, app.now()).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

/// What a read has brought so far.
#[derive(Default)]
struct Read {
    left_out: Vec<LeftOut>,
    left_out_count: u64,
    /// Where an unfinished read goes on.
    position: Option<Position>,
}

impl Read {
    async fn folder(&mut self, app: &Arc<App>, source: &Source) -> anyhow::Result<()> {
        let (id, location) = (source.id, source.location.clone());
        let page =
            tokio::task::spawn_blocking(move || folder::read(id, Path::new(&location))).await??;
        self.store(app, source.id, page, None).await
    }

    async fn own(&mut self, app: &App) -> anyhow::Result<()> {
        let page = own::read(&app.db).await?;
        self.store(app, OWN, page, None).await
    }

    async fn feed(&mut self, app: &App, source: &Source) -> anyhow::Result<()> {
        let login = app.sealing.login(source)?;
        let mut reader = Reader::new(app, source, login.as_ref());
        let mut at = match resumed(source, app.now()) {
            Some(at) => {
                self.left_out.clone_from(&source.last_read.left_out);
                self.left_out_count = source.last_read.left_out_count;
                at
            }
            None => Position::start(&source.location, app.now()),
        };
        let mut has_moved = false;
        let mut pending = Page::default();
        let outcome = loop {
            if at.next.is_none() {
                break Ok(());
            }
            match reader.page(&mut at).await {
                Ok(page) => {
                    has_moved = true;
                    pending.packages.extend(page.packages);
                    pending.left_out.extend(page.left_out);
                }
                Err(error) => break Err(error),
            }
            if pending.packages.len() >= BATCH {
                let page = std::mem::take(&mut pending);
                self.store(app, source.id, page, Some(&at)).await?;
            }
        };
        self.store(app, source.id, pending, None).await?;
        // A place at which nothing but errors comes is left, and the next read begins anew.
        self.position = (outcome.is_err() && has_moved && !at.is_start()).then_some(at);
        outcome
    }

    /// Stores what a page has, and how far the read has come.
    async fn store(
        &mut self,
        app: &App,
        source: SourceId,
        page: Page,
        at: Option<&Position>,
    ) -> anyhow::Result<()> {
        for batch in page.packages.chunks(BATCH) {
            let mut tx = app.db.begin().await?;
            packages::upsert_many(&mut tx, batch, app.now()).await?;
            if let Some(at) = at {
                let state = serde_json::to_string(at)?;
                sources::note_state(&mut tx, source, &state).await?;
            }
            tx.commit().await?;
            app.touch();
        }
        self.left_out_count += page.left_out.len() as u64;
        let room = MAX_LEFT_OUT.saturating_sub(self.left_out.len());
        self.left_out.extend(page.left_out.into_iter().take(room));
        Ok(())
    }
}

/// How far a read that is not over has come.
pub fn position(source: &Source) -> Option<Position> {
    serde_json::from_str(source.last_read.state.as_deref()?).ok()
}

/// Where the last read was interrupted, not long ago.
fn resumed(source: &Source, now: Millis) -> Option<Position> {
    let at = position(source)?;
    let is_recent = now.since(at.began_at) < MAX_PAUSE;
    (is_recent && at.next.is_some()).then_some(at)
}

/// What is kept of a read: how it went, and when the next one is.
async fn note(
    app: &App,
    source: &Source,
    read: Read,
    outcome: &anyhow::Result<()>,
) -> anyhow::Result<ReadNote> {
    let now = app.now();
    let every = Duration::from_secs(app.policy.sync_seconds);
    let state = read.position.as_ref().map(serde_json::to_string);
    let note = ReadNote {
        state: state.transpose()?,
        left_out: read.left_out,
        left_out_count: read.left_out_count,
        ..ReadNote::default()
    };
    let Err(error) = outcome else {
        return Ok(ReadNote {
            finished_at: Some(now),
            next_read_at: Some(now + every),
            next_read_why: format!("it is read every {}", shown(every)),
            ..note
        });
    };
    let failures = source.last_read.failures + 1;
    let backed_off = schedule::after_failed_read(now, failures, every, jitter());
    let pause = match Url::parse(&source.location) {
        Ok(feed) if source.kind == SourceKind::Feed => pause_of(app, &host(&feed)).await?,
        _ => None,
    };
    let (next_read_at, next_read_why) = match pause {
        Some(HostPause {
            until, host, cause, ..
        }) => (until, format!("{host} wants to be left alone: {cause}")),
        None if failures == 1 => (backed_off, "its last read failed".to_owned()),
        None => (backed_off, format!("its last {failures} reads failed")),
    };
    Ok(ReadNote {
        error: Some(format!("{error:#}")),
        failures,
        next_read_at: Some(next_read_at),
        next_read_why,
        ..note
    })
}

/// A time in words.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// A random number from 0 to 1.
pub fn jitter() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers, everything comes back at once: no harm.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// Has the sources read whose time has come.
pub async fn enqueue_due(app: &Arc<App>) -> anyhow::Result<()> {
    let now = app.now();
    let due = sources::due(&app.db, now).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    for source in due {
        enqueue(app, &mut tx, source.id, now).await?;
    }
    tx.commit().await.context("sources cannot be read")
}

/// What stands for the time of the next read while one goes on.
const READING: &str = "it is being read";

/// Whether a source is being read, or about to be.
pub fn is_reading(source: &Source) -> bool {
    source.last_read.next_read_why == READING
}

/// Has a source read at once. It is not due again while that goes on; the end of the read says when
/// it is.
pub async fn enqueue(
    app: &App,
    tx: &mut fleetmend_store::Tx,
    source: SourceId,
    now: Millis,
) -> anyhow::Result<()> {
    let every = Duration::from_secs(app.policy.sync_seconds);
    sources::read_at(tx, source, now + every, READING).await?;
    jobs::enqueue(tx, jobs::Kind::SyncSource, source.0, now).await
}
