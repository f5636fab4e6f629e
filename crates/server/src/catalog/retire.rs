//! Takes away what a source no longer has: after a read that saw all of it, or on a person's word.

use std::collections::HashSet;

use fleetmend_model::{Millis, PackageId, SourceId};
use fleetmend_store::packages::{self, ListedVersion};
use fleetmend_store::sources::{Source, SourceKind, Withheld};
use fleetmend_store::{Tx, source_pages};

use super::vanished;

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Versions that are not offered any more.
    pub gone: usize,
    /// What is kept for a person to decide.
    pub withheld: Option<Withheld>,
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
    if changed == 0 && dropped == 0 && before.is_none() {
        return Ok(Retired::default());
    }
    let (listed, gone) = look(tx, source).await?;
    // What is pushed here and taken away is a person's own doing.
    let withheld = (source.kind != SourceKind::Own)
        .then(|| vanished::withheld(listed.len(), gone.len(), before, now))
        .flatten();
    if withheld.is_some() {
        return Ok(Retired { gone: 0, withheld });
    }
    packages::set_listed(tx, &gone, false).await?;
    Ok(Retired {
        gone: gone.len(),
        withheld: None,
    })
}

/// Takes away what was withheld; gives how much that was.
pub async fn accept(tx: &mut Tx, source: &Source) -> anyhow::Result<usize> {
    let (_, gone) = look(tx, source).await?;
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
