//! Takes in what a read of a source brings, while the read goes on: many pages at a time, with how
//! far the read is behind them, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use fleetmend_model::{Millis, SourceId};
use fleetmend_store::packages;
use fleetmend_store::source_pages::{self, NewPage};
use fleetmend_store::sources::{self, Source};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::feed::{Position, Step};
use super::vanished::mark;
use crate::app::App;

/// Changes with every change of how pages are read: those that were read in another way are looked
/// at anew, changed or not.
pub const READER: u32 = 5;
/// Packages stored in one transaction, about.
const BATCH: usize = 4_000;
/// The longest that what was read waits to be stored and shown, as long as more comes.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pages that wait to be stored: a bound on memory.
const WAITING: usize = 16;
/// How many reasons for what is left out are kept of one page.
const MAX_LEFT_OUT_OF_PAGE: usize = 20;

/// What a read has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packages that are new or other than before.
    pub packages: u64,
    /// Pages that are new or other than before.
    pub pages: u64,
}

/// The taking in of one read.
pub struct Intake {
    pages: mpsc::Sender<(Step, Position)>,
    work: JoinSet<anyhow::Result<Tally>>,
}

impl Intake {
    /// For a read that began at `read_at`.
    pub fn start(app: &Arc<App>, source: &Source, read_at: Millis) -> Self {
        let (pages, waiting) = mpsc::channel(WAITING);
        let store = Store {
            app: Arc::clone(app),
            source: source.id,
            read_at,
        };
        let mut work = JoinSet::new();
        work.spawn(store.run(waiting));
        Self { pages, work }
    }

    /// Takes pages, each with how far the read is behind it. Sending waits while storing is slower
    /// than reading; it fails where nothing can be stored any more, which [`Self::end`] explains.
    pub fn steps(&self) -> mpsc::Sender<(Step, Position)> {
        self.pages.clone()
    }

    /// Ends when all is stored. Every sender must be gone.
    pub async fn end(self) -> anyhow::Result<Tally> {
        let Self { pages, mut work } = self;
        drop(pages);
        match work.join_next().await {
            Some(done) => done?,
            None => Ok(Tally::default()),
        }
    }
}

/// Stores what one read brings.
#[derive(Clone)]
struct Store {
    app: Arc<App>,
    source: SourceId,
    read_at: Millis,
}

/// What goes into one transaction.
#[derive(Default)]
struct Batch {
    pages: Vec<NewPage>,
    packages: Vec<packages::NewPackage>,
    unchanged: Vec<String>,
    /// How far the read is behind all of it; absent where there is nothing.
    position: Option<Position>,
}

impl Store {
    /// One batch is stored while the next one is gathered, which bounds the memory as well.
    async fn run(self, mut pages: mpsc::Receiver<(Step, Position)>) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let mut batch = Batch::default();
        let mut storing = JoinSet::new();
        let mut store_by = tokio::time::Instant::now() + PATIENCE;
        let mut has_more = true;
        loop {
            tokio::select! {
                page = pages.recv(), if has_more && batch.packages.len() < BATCH => match page {
                    Some((step, at)) => batch.add(step, at),
                    None => has_more = false,
                },
                Some(stored) = storing.join_next() => {
                    let stored: Tally = stored??;
                    tally.packages += stored.packages;
                    tally.pages += stored.pages;
                }
                () = tokio::time::sleep_until(store_by), if batch.has_any() && storing.is_empty() => {}
            }
            let is_due = batch.packages.len() >= BATCH || store_by.elapsed() > Duration::ZERO;
            if storing.is_empty() && batch.has_any() && (is_due || !has_more) {
                storing.spawn(self.clone().store(std::mem::take(&mut batch)));
                store_by = tokio::time::Instant::now() + PATIENCE;
            }
            if !has_more && storing.is_empty() {
                return Ok(tally);
            }
        }
    }

    async fn store(self, batch: Batch) -> anyhow::Result<Tally> {
        let Some(at) = batch.position else {
            return Ok(Tally::default());
        };
        let Self {
            app,
            source,
            read_at,
        } = self;
        let unchanged: Vec<&str> = batch.unchanged.iter().map(String::as_str).collect();
        let mut tally = Tally {
            packages: 0,
            pages: batch.pages.len() as u64,
        };
        let mut tx = app.db.begin().await?;
        for some in batch.packages.chunks(BATCH) {
            tally.packages += packages::store_many(&mut tx, some, app.now()).await?;
        }
        source_pages::put_many(&mut tx, source, &batch.pages, READER, read_at).await?;
        source_pages::seen(&mut tx, source, &unchanged, read_at).await?;
        let state = serde_json::to_string(&at)?;
        sources::note_state(&mut tx, source, &state).await?;
        tx.commit().await?;
        app.touch();
        Ok(tally)
    }
}

impl Batch {
    fn has_any(&self) -> bool {
        self.position.is_some()
    }

    fn add(&mut self, step: Step, at: Position) {
        self.position = Some(at);
        let Some(page) = step.page else {
            self.unchanged.push(step.known.url);
            return;
        };
        // What the source hides is not on offer, as what it no longer has.
        let shown = page.packages.iter().filter(|it| it.listed);
        let versions = shown.map(|it| mark(&it.id, &it.normalized));
        let left_out_count = page.left_out.len() as u64;
        let mut left_out = page.left_out;
        left_out.truncate(MAX_LEFT_OUT_OF_PAGE);
        self.pages.push(NewPage {
            known: step.known,
            versions: versions.collect(),
            is_unreadable: page.is_unreadable,
            left_out,
            left_out_count,
        });
        self.packages.extend(page.packages);
    }
}
