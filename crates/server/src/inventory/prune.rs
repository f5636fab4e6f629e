//! Takes away what devices named once and no device names any more, a piece at a time: a device may name
//! others for ever. What people decided about stays, and so does what a device was found to have.
//!
//! Which applications devices have is read while inventories go on being stored. What they name meanwhile
//! is noted by the task that stores them, and that task alone takes away, and forgets what it remembers of
//! it in the same step.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleetmend_model::{Millis, PatchId};
use fleetmend_store::inventories;
use fleetmend_store::missing::GroundsId;
use fleetmend_store::unnamed::{self, SoftwareMark};

use crate::app::App;

/// How long what no device names is kept: a device may be away for a while and come back as it was.
pub const KEPT: Duration = Duration::from_hours(24 * 30);
/// Devices that are read at once.
const DEVICES: u32 = 2_000;
/// Rows that are looked at and taken away at once.
const ROWS: u32 = 2_000;
/// How many rounds have begun: what one learnt counts for no other.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// What the task that stores inventories is asked for.
pub enum Step {
    /// From now on what inventories name is noted.
    Watch,
    /// Take these applications away, but for what was named meanwhile.
    Software(Vec<u32>),
    /// Take these patches away.
    Patches(Vec<PatchId>),
    /// Take these grounds away.
    Grounds(Vec<GroundsId>),
    /// Nothing needs to be noted any more.
    Done,
}

/// Looks at all there is. What fails is looked at again.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
    app.ingest.prune(round, Step::Watch).await?;
    let outcome = all(app, round, app.now()).await;
    app.ingest.prune(round, Step::Done).await?;
    outcome
}

async fn all(app: &App, round: u64, now: Millis) -> anyhow::Result<()> {
    software(app, round, now).await?;
    patches(app, round, now).await?;
    grounds(app, round).await
}

async fn software(app: &App, round: u64, now: Millis) -> anyhow::Result<()> {
    let named = named(app).await?;
    let mut after = 0;
    loop {
        let marks = unnamed::software_after(&app.db, after, ROWS).await?;
        let Some(last) = marks.last() else {
            return Ok(());
        };
        after = last.id;
        let sorted = Sorted::of(&marks, &named, now);
        let mut tx = app.db.begin().await?;
        unnamed::mark_software(&mut tx, &sorted.named, None).await?;
        unnamed::mark_software(&mut tx, &sorted.unnamed, Some(now)).await?;
        tx.commit().await?;
        if !sorted.due.is_empty() {
            let step = Step::Software(sorted.due);
            app.ingest.prune(round, step).await?;
        }
    }
}

/// The applications that devices have.
async fn named(app: &App) -> anyhow::Result<HashSet<u32>> {
    let mut named = HashSet::new();
    let mut after = None;
    loop {
        let page = inventories::held_after(&app.db, after, DEVICES).await?;
        let Some(last) = page.last() else {
            return Ok(named);
        };
        after = Some(last.device);
        named.extend(page.into_iter().flat_map(|it| it.software));
    }
}

/// What is to be done about some applications.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    /// A device has them again.
    named: Vec<u32>,
    /// No device has them any more.
    unnamed: Vec<u32>,
    /// No device has had them for long.
    due: Vec<u32>,
}

impl Sorted {
    fn of(marks: &[SoftwareMark], named: &HashSet<u32>, now: Millis) -> Self {
        let mut sorted = Self::default();
        for it in marks {
            match (named.contains(&it.id), it.unnamed_since) {
                (true, Some(_)) => sorted.named.push(it.id),
                (false, None) => sorted.unnamed.push(it.id),
                (false, Some(since)) if now.since(since) >= KEPT => sorted.due.push(it.id),
                _ => {}
            }
        }
        sorted
    }
}

async fn patches(app: &App, round: u64, now: Millis) -> anyhow::Result<()> {
    let mut after = PatchId(0);
    loop {
        let mut tx = app.db.begin().await?;
        let last = unnamed::mark_patches(&mut tx, after, ROWS, now).await?;
        tx.commit().await?;
        let Some(last) = last else {
            return Ok(());
        };
        let due = unnamed::due_patches(&app.db, (after, last), now - KEPT).await?;
        if !due.is_empty() {
            app.ingest.prune(round, Step::Patches(due)).await?;
        }
        after = last;
    }
}

async fn grounds(app: &App, round: u64) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let unused = unnamed::grounds_after(&app.db, after, ROWS).await?;
        let Some(last) = unused.last() else {
            return Ok(());
        };
        after = Some(*last);
        app.ingest.prune(round, Step::Grounds(unused)).await?;
    }
}

/// What the task that stores inventories keeps of a round.
pub(super) struct Watched {
    round: u64,
    named: HashSet<u32>,
}

impl Watched {
    pub(super) fn new(round: u64) -> Self {
        Self {
            round,
            named: HashSet::new(),
        }
    }

    /// Notes what an inventory names.
    pub(super) fn note(&mut self, software: impl IntoIterator<Item = u32>) {
        self.named.extend(software);
    }

    pub(super) fn is_of(&self, round: u64) -> bool {
        self.round == round
    }

    /// Without what was named meanwhile.
    pub(super) fn unnamed(&self, mut software: Vec<u32>) -> Vec<u32> {
        software.retain(|it| !self.named.contains(it));
        software
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_device_has_is_due_after_a_while_and_what_one_has_never() {
        let now = Millis(0) + KEPT * 2;
        let mark = |id, unnamed_since| SoftwareMark { id, unnamed_since };
        let marks = [
            mark(1, None),
            mark(2, Some(now - KEPT)),
            mark(3, None),
            mark(4, Some(now)),
            mark(5, Some(now - KEPT)),
        ];
        let sorted = Sorted::of(&marks, &HashSet::from([1, 2]), now);
        let expected = Sorted {
            named: vec![2],
            unnamed: vec![3],
            due: vec![5],
        };
        assert_eq!(sorted, expected);
        let mut watched = Watched::new(1);
        watched.note([5]);
        assert_eq!(watched.unnamed(vec![5, 6]), [6]);
    }
}
