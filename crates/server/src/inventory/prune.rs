//! Takes away what devices named once and no device names any more, a piece at a time: a device may name
//! others for ever. What people decided about stays, and so does what a device was found to have.
//!
//! Which applications devices have is read while inventories go on being stored, by this server and by
//! others. What is due is marked since long. Whoever stores an inventory takes the mark from what it names
//! in the same transaction (`unnamed::note_named`), and only what has the mark still is taken away. The task
//! that stores inventories does so, and forgets what it remembers of it in the same step; another server
//! finds out that it is gone when it names it.

use std::collections::HashSet;
use std::sync::Arc;
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

/// What the task that stores inventories is asked for.
pub enum Step {
    /// Take these applications away, but for those that were named since then.
    Software(Vec<u32>, Millis),
    /// Take these patches away.
    Patches(Vec<PatchId>),
    /// Take these grounds away.
    Grounds(Vec<GroundsId>),
}

/// Looks at all there is. What fails is looked at again.
pub async fn run(app: &Arc<App>) -> anyhow::Result<()> {
    let now = app.now();
    software(app, now).await?;
    patches(app, now).await?;
    grounds(app).await
}

async fn software(app: &App, now: Millis) -> anyhow::Result<()> {
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
            let step = Step::Software(sorted.due, now - KEPT);
            app.ingest.prune(step).await?;
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

async fn patches(app: &App, now: Millis) -> anyhow::Result<()> {
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
            app.ingest.prune(Step::Patches(due)).await?;
        }
        after = last;
    }
}

async fn grounds(app: &App) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let unused = unnamed::grounds_after(&app.db, after, ROWS).await?;
        let Some(last) = unused.last() else {
            return Ok(());
        };
        after = Some(*last);
        app.ingest.prune(Step::Grounds(unused)).await?;
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
    }
}
