//! Takes away what a source no longer has: after a read that saw all of it, or on a person's word.

use std::collections::{BTreeMap, HashSet};

use fleetmend_model::{Millis, PackageId, SourceId};
use fleetmend_store::packages::{self, ListedVersion};
use fleetmend_store::sources::{Source, SourceKind, Withheld};
use fleetmend_store::{Tx, missed_versions, source_pages};

use super::{missed, vanished};

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Versions that are not offered any more.
    pub gone: usize,
    /// What is kept for a person to decide.
    pub withheld: Option<Withheld>,
    /// Versions that the source did not give and that are still offered: further reads decide.
    pub waiting: usize,
}

/// After a read that began at `read_at` and saw all that the source has; `changed` pages were new or
/// other than before.
pub async fn after_read(
    tx: &mut Tx,
    source: &Source,
    read_at: Millis,
    changed: u64,
    now: Millis,
) -> anyhow::Result<Retired> {
    let before = source.last_read.withheld;
    let dropped = source_pages::drop_older(tx, source.id, read_at).await?;
    missed_versions::replace(tx, source.id, &BTreeMap::new()).await?;
    if changed == 0 && dropped == 0 && before.is_none() {
        return Ok(Retired::default());
    }
    let (listed, gone) = look(tx, source).await?;
    take_away(tx, source, listed.len(), &gone, now).await
}

/// After a read that began at `read_at` and came to its end, but saw less than the source says that it
/// has: what several of them in a row did not give is gone.
pub async fn after_short_read(
    tx: &mut Tx,
    source: &Source,
    read_at: Millis,
    now: Millis,
) -> anyhow::Result<Retired> {
    source_pages::drop_older(tx, source.id, read_at).await?;
    let (listed, not_given) = look(tx, source).await?;
    let before = missed_versions::of(&mut *tx, source.id).await?;
    let mut decision = missed::decide(&not_given, &before, now);
    let retired = take_away(tx, source, listed.len(), &decision.gone, now).await?;
    if retired.withheld.is_none() {
        decision.missed.retain(|_, it| !missed::is_gone(it, now));
    }
    missed_versions::replace(tx, source.id, &decision.missed).await?;
    Ok(Retired {
        waiting: decision.waiting.len(),
        ..retired
    })
}

/// Takes versions away, unless they are so many that a person decides.
async fn take_away(
    tx: &mut Tx,
    source: &Source,
    listed: usize,
    gone: &[PackageId],
    now: Millis,
) -> anyhow::Result<Retired> {
    let before = source.last_read.withheld;
    // What is pushed here and taken away is a person's own doing.
    let withheld = (source.kind != SourceKind::Own)
        .then(|| vanished::withheld(listed, gone.len(), before, now))
        .flatten();
    if withheld.is_some() {
        return Ok(Retired {
            withheld,
            ..Retired::default()
        });
    }
    packages::set_listed(tx, gone, false).await?;
    Ok(Retired {
        gone: gone.len(),
        ..Retired::default()
    })
}

/// Takes away what was withheld; gives how much that was.
pub async fn accept(tx: &mut Tx, source: &Source, now: Millis) -> anyhow::Result<usize> {
    let (_, mut gone) = look(tx, source).await?;
    let missed = missed_versions::of(&mut *tx, source.id).await?;
    gone.retain(|row| missed.get(row).is_none_or(|it| missed::is_gone(it, now)));
    packages::set_listed(tx, &gone, false).await?;
    Ok(gone.len())
}

/// What the source lists as far as is known, and what of it its pages no longer have.
async fn look(
    tx: &mut Tx,
    source: &Source,
) -> anyhow::Result<(Vec<ListedVersion>, Vec<PackageId>)> {
    let offered = source_pages::offered(&mut *tx, source.id).await?;
    let offered: HashSet<_> = offered.into_iter().collect();
    if is_all_on_offer(tx, source.id, offered.len()).await? {
        return Ok((Vec::new(), Vec::new()));
    }
    let listed = packages::listed_of(&mut *tx, source.id).await?;
    let gone = vanished::gone(source.kind, &listed, offered);
    Ok((listed, gone))
}

/// Whether every version that is known is on a page: so it is after the first read, when looking at
/// each would cost most.
async fn is_all_on_offer(tx: &mut Tx, source: SourceId, offered: usize) -> anyhow::Result<bool> {
    Ok(packages::count(tx, source).await? == offered as u64)
}
