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
pub const READER: u32 = 3;
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
            tally: Tally::default(),
            pages: Vec::new(),
            packages: Vec::new(),
            unchanged: Vec::new(),
            position: None,
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

struct Store {
    app: Arc<App>,
    source: SourceId,
    read_at: Millis,
    tally: Tally,
    pages: Vec<NewPage>,
    packages: Vec<packages::NewPackage>,
    unchanged: Vec<String>,
    position: Option<Position>,
}

impl Store {
    async fn run(mut self, mut pages: mpsc::Receiver<(Step, Position)>) -> anyhow::Result<Tally> {
        let mut store_by = tokio::time::Instant::now() + PATIENCE;
        loop {
            let has_more = tokio::select! {
                page = pages.recv() => match page {
                    Some((step, at)) => {
                        self.add(step, at);
                        true
                    }
                    None => false,
                },
                () = tokio::time::sleep_until(store_by), if self.position.is_some() => true,
            };
            let is_due = self.packages.len() >= BATCH || store_by.elapsed() > Duration::ZERO;
            if !has_more || is_due {
                self.store().await?;
                store_by = tokio::time::Instant::now() + PATIENCE;
            }
            if !has_more {
                return Ok(self.tally);
            }
        }
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
            left_out,
            left_out_count,
        });
        self.packages.extend(page.packages);
    }

    async fn store(&mut self) -> anyhow::Result<()> {
        let Some(at) = self.position.take() else {
            return Ok(());
        };
        let (app, source) = (&self.app, self.source);
        let unchanged: Vec<&str> = self.unchanged.iter().map(String::as_str).collect();
        let mut tx = app.db.begin().await?;
        for some in self.packages.chunks(BATCH) {
            self.tally.packages += packages::store_many(&mut tx, some, app.now()).await?;
        }
        source_pages::put_many(&mut tx, source, &self.pages, READER, self.read_at).await?;
        source_pages::seen(&mut tx, source, &unchanged, self.read_at).await?;
        let state = serde_json::to_string(&at)?;
        sources::note_state(&mut tx, source, &state).await?;
        tx.commit().await?;
        self.tally.pages += self.pages.len() as u64;
        self.pages.clear();
        self.packages.clear();
        self.unchanged.clear();
        app.touch();
        Ok(())
    }
}
