//! Reads sources into the catalog. A source that is down or answers nonsense changes nothing that
//! was known, and is asked ever more rarely.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fleetmend_chocolatey::odata::MAX_DOCUMENT;
use fleetmend_model::{Millis, SourceId};
use fleetmend_store::host_pauses::HostPause;
use fleetmend_store::source_pages;
use fleetmend_store::sources::{self, MAX_LEFT_OUT, ReadNote, Source, SourceKind};
use reqwest::Url;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::address::Named;
use super::credentials::Login;
use super::feed::{Count, Pages, Position, Reader};
use super::fetch::{self, Ask, Document, FetchError, Validators};
use super::intake::{Intake, READER, Tally};
use super::lacks::{Lacks, measure};
use super::pace::{host, pause_of};
use super::schedule::{Asked, Every};
use super::{folder, own, retire, schedule};
use crate::app::App;
use crate::jobs;

/// How long an interrupted read may be taken up again.
const MAX_PAUSE: Duration = Duration::from_hours(24);
/// How often a folder is read: to do that costs a write for each file in it.
const FOLDER: Duration = Duration::from_mins(5);
/// More pages than one source has: those of reads that failed are kept, but not for ever.
const MAX_KNOWN_PAGES: u64 = 20_000;
/// The longest answer to the question how many entries there are, in bytes.
const MAX_COUNT: u64 = 64;

/// Reads one source.
pub async fn sync(app: &Arc<App>, id: SourceId) -> anyhow::Result<()> {
    let all = sources::list(&app.db).await?;
    // Another process may have changed what is allowed.
    app.pace.allow(&all);
    let source = all.into_iter().find(|source| source.id == id);
    let Some(source) = source else {
        return Ok(());
    };
    if !source.settings.enabled {
        return not_read(app, &source).await;
    }
    let began = Instant::now();
    match source.kind {
        SourceKind::Folder => {
            let read = read_folder(app, &source).await?;
            conclude(app, &source, read, began.elapsed()).await
        }
        SourceKind::Own => {
            let read = read_own(app, &source).await?;
            conclude(app, &source, read, began.elapsed()).await
        }
        // It comes with imports.
        SourceKind::Imported => Ok(()),
        SourceKind::Feed => {
            app.pace.look(&source).await;
            let error = match app.sealing.login(&source) {
                Ok(login) => {
                    let pages = Network {
                        app,
                        source: &source,
                        login: login.as_ref(),
                    };
                    return read(app, &source, &pages).await;
                }
                Err(error) => error,
            };
            let read = Read {
                error: Some(error),
                ..Read::default()
            };
            conclude(app, &source, read, began.elapsed()).await
        }
    }
}

/// A source that was switched off when its turn came is not being read.
async fn not_read(app: &App, source: &Source) -> anyhow::Result<()> {
    if !is_reading(source) {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    sources::read_at(&mut tx, source.id, app.now(), "it was switched off").await?;
    tx.commit().await?;
    app.touch();
    Ok(())
}

/// Reads a feed to its end or as far as it goes, and notes how that went.
pub async fn read(app: &Arc<App>, source: &Source, pages: &impl Pages) -> anyhow::Result<()> {
    let began = Instant::now();
    let read = read_feed(app, source, pages).await?;
    conclude(app, source, read, began.elapsed()).await
}

/// Pages over the network.
struct Network<'a> {
    app: &'a App,
    source: &'a Source,
    login: Option<&'a Login>,
}

impl Network<'_> {
    async fn ask(
        &self,
        url: &str,
        asked: Asked,
        cap: u64,
        known: &Validators,
    ) -> Result<Document, FetchError> {
        let ask = Ask {
            url,
            named: Named::Feed(&self.source.settings.location),
            asked,
            login: self.login,
            private_hosts: &self.source.private_hosts,
            cap,
        };
        fetch::document(self.app, &ask, known).await
    }
}

impl Pages for Network<'_> {
    async fn get(&self, url: &str, known: &Validators) -> anyhow::Result<Document> {
        Ok(self
            .ask(url, Asked::Page, MAX_DOCUMENT as u64, known)
            .await?)
    }

    async fn count(&self, url: &str) -> Count {
        let known = Validators::default();
        Count::of(self.ask(url, Asked::Count, MAX_COUNT, &known).await)
    }
}

/// How a read went.
#[derive(Default)]
struct Read {
    /// Where an unfinished read goes on.
    position: Option<Position>,
    /// Why what it came by may not be all that the source has.
    lacks: Option<Lacks>,
    /// When it began: what the pages that it came by are marked with.
    began_at: Millis,
    /// Entries so far.
    entries: u64,
    /// What it has changed.
    tally: Tally,
    /// Why it did not come to its end.
    error: Option<anyhow::Error>,
}

async fn read_folder(app: &Arc<App>, source: &Source) -> anyhow::Result<Read> {
    let began_at = source_pages::next_mark(&app.db, source.id, app.now()).await?;
    let known = source_pages::known(&app.db, source.id, READER).await?;
    let intake = Intake::start(app, source, began_at);
    let steps = intake.steps();
    let folder = source.clone();
    let reading = tokio::task::spawn_blocking(move || {
        folder::read(&folder, known, began_at, |step, at| {
            steps.blocking_send((step, at)).is_ok()
        })
    });
    let outcome = reading.await?;
    let tally = intake.end().await?;
    Ok(Read {
        began_at,
        tally,
        entries: outcome.as_ref().copied().unwrap_or(0),
        error: outcome.err(),
        ..Read::default()
    })
}

async fn read_own(app: &Arc<App>, source: &Source) -> anyhow::Result<Read> {
    let began_at = source_pages::next_mark(&app.db, source.id, app.now()).await?;
    let step = own::read(source, &app.db).await?;
    let entries = step.known.entries;
    let intake = Intake::start(app, source, began_at);
    let at = Position::at_files(began_at, entries);
    // Where it cannot be stored, the end says why.
    let _ = intake.steps().send((step, at)).await;
    Ok(Read {
        began_at,
        entries,
        tally: intake.end().await?,
        ..Read::default()
    })
}

async fn read_feed(app: &Arc<App>, source: &Source, pages: &impl Pages) -> anyhow::Result<Read> {
    let known = source_pages::known(&app.db, source.id, READER).await?;
    let mut reader = Reader::new(pages, source, known);
    let began_at = source_pages::next_mark(&app.db, source.id, app.now()).await?;
    let mut at = resumed(source, app.now()).unwrap_or_else(|| {
        // What a first read that broke off saw is no measure of what there is.
        let last = &source.last_read;
        let expected = last.entries.and(last.measure);
        Position::start(&source.settings.location, began_at, expected)
    });
    let intake = Intake::start(app, source, at.began_at);
    let steps = intake.steps();
    let mut has_moved = false;
    let error = loop {
        match reader.step(&mut at).await {
            Ok(Some(step)) => {
                has_moved = true;
                // Waits while storing is slower than reading.
                if steps.send((step, at.clone())).await.is_err() {
                    break None;
                }
            }
            Ok(None) if at.next.is_some() => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    drop(steps);
    let tally = intake.end().await?;
    let goes_on = !at.is_start()
        && error
            .as_ref()
            .is_some_and(|it| has_moved || is_of_the_moment(it));
    let lacks = match &error {
        None => Lacks::of(source, &reader, &at).await,
        Some(_) => None,
    };
    Ok(Read {
        began_at: at.began_at,
        entries: at.entries,
        lacks,
        position: goes_on.then_some(at),
        tally,
        error,
    })
}

/// Whether a read that failed so may go on where it is: the network, or the host's wish to be left
/// alone. A place at which nothing but other errors comes is left, and the next read begins anew.
fn is_of_the_moment(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<FetchError>() {
        Some(FetchError::Status { status, .. }) => {
            matches!(status, 401 | 403 | 407 | 429 | 500..)
        }
        Some(FetchError::Unreachable { .. } | FetchError::Paused { .. }) => true,
        _ => false,
    }
}

/// Notes how a read went that took so long, and sees to what follows from it.
async fn conclude(
    app: &Arc<App>,
    source: &Source,
    read: Read,
    took: Duration,
) -> anyhow::Result<()> {
    match &read.error {
        None => tracing::info!(
            "source {}: read, {} entries",
            source.settings.name,
            read.entries
        ),
        Some(error) => tracing::warn!("source {}: {error:#}", source.settings.name),
    }
    let now = app.now();
    let pause = match Url::parse(&source.settings.location) {
        Ok(feed) if source.kind == SourceKind::Feed => pause_of(app, &host(&feed)).await?,
        _ => None,
    };
    let every = every(app, source, &read, took);
    let mut note = note(app, source, &read, every, pause)?;
    let mut is_other = read.tally.packages > 0;
    let mut tx = app.db.begin().await?;
    // What a read that broke off had stored was not looked at as a whole yet.
    let was_broken = source.last_read.state.is_some() || source.last_read.error.is_some();
    let changed = read.tally.pages + u64::from(was_broken);
    let retired = match (&read.error, &read.lacks) {
        (None, None) => {
            Some(retire::after_read(&mut tx, source, read.began_at, changed, now).await?)
        }
        (None, Some(Lacks::Count { .. } | Lacks::Silent(_))) => {
            Some(retire::after_short_read(&mut tx, source, read.began_at, now).await?)
        }
        _ => None,
    };
    let waiting = retired.as_ref().map_or(0, |it| it.waiting);
    if let Some(retired) = retired {
        is_other |= retired.gone > 0;
        // What was asked about stays asked about as long as it is not decided.
        let asked = note.withheld.filter(|_| waiting > 0);
        note.withheld = retired.withheld.or(asked);
    }
    source_pages::limit(&mut tx, source.id, MAX_KNOWN_PAGES).await?;
    let is_over = match &read.lacks {
        // It always says so where nothing of what it had is missing.
        Some(Lacks::Count { .. } | Lacks::Silent(_)) => waiting == 0,
        Some(Lacks::Loop(_)) => false,
        None => read.error.is_none(),
    };
    let is_beyond_doubt = is_over && note.withheld.is_none();
    note.measure = measure(source.last_read.measure, read.entries, is_beyond_doubt);
    // A read that is over tells of itself alone; one that is not, of what is known.
    let since = if read.error.is_none() {
        read.began_at
    } else {
        Millis(0)
    };
    (note.left_out, note.left_out_count) =
        source_pages::left_out(&mut tx, source.id, since, MAX_LEFT_OUT).await?;
    if let Some(lacks) = &read.lacks {
        note.left_out
            .insert(0, lacks.told(source, read.entries, waiting));
        note.left_out_count += 1;
        // Whatever page is not whole must not be taken for unchanged the next time.
        if lacks.may_pass() || waiting > 0 {
            source_pages::forget_states(&mut tx, source.id).await?;
        }
    }
    sources::note_read(&mut tx, source.id, &note).await?;
    if is_other || changed > 0 {
        jobs::enqueue(&mut tx, jobs::Kind::FetchPackages, 0, now).await?;
    }
    if is_other {
        jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    }
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
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
fn note(
    app: &App,
    source: &Source,
    read: &Read,
    every: Every,
    pause: Option<HostPause>,
) -> anyhow::Result<ReadNote> {
    let now = app.now();
    let state = read.position.as_ref().map(serde_json::to_string);
    let note = ReadNote {
        state: state.transpose()?,
        withheld: source.last_read.withheld,
        ..ReadNote::default()
    };
    let Some(error) = &read.error else {
        return Ok(ReadNote {
            finished_at: Some(now),
            entries: Some(read.entries),
            next_read_at: Some(now + every.time()),
            next_read_why: match every {
                Every::Given(every) => format!("it is read every {}", shown(every)),
                Every::Slow(every) => {
                    format!("reading it takes long: it is read every {}", shown(every))
                }
            },
            ..note
        });
    };
    let failures = source.last_read.failures + 1;
    let backed_off = schedule::after_failed_read(now, failures, every.time(), jitter());
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

/// How often a source is read whose last read took so long.
fn every(app: &App, source: &Source, read: &Read, took: Duration) -> Every {
    if let Some(set) = source.settings.every_seconds {
        return Every::Given(Duration::from_secs(set.into()));
    }
    let often = Duration::from_secs(app.policy.private_sync_seconds);
    let rarely = Duration::from_secs(app.policy.sync_seconds);
    let is_near = || {
        let feed = Url::parse(&source.settings.location);
        feed.is_ok_and(|it| app.pace.is_near(&host(&it)))
    };
    match source.kind {
        // After a read that lacks something every page is read anew.
        SourceKind::Feed if is_near() && !read.lacks.as_ref().is_some_and(Lacks::may_pass) => {
            Every::unless_slow(often, took)
        }
        SourceKind::Folder => Every::unless_slow(often.max(FOLDER), took),
        // The own feed is read whenever something is pushed into it.
        SourceKind::Feed | SourceKind::Own | SourceKind::Imported => Every::Given(rarely),
    }
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
