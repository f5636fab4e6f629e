//! What devices named once and no device names any more: installed software, patches and grounds. It is
//! found piece by piece, and taken away where nothing refers to it.

use std::collections::HashSet;

use fleetmend_model::{Millis, PatchId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::missing::GroundsId;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

/// What keeps a patch beside devices that lack it: a person's decision, and what came of it, and that a
/// device was found to have it.
macro_rules! has_no_history {
    () => {
        " first_fixed IS NULL
          AND NOT EXISTS (SELECT 1 FROM missing AS m WHERE m.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM approvals AS a WHERE a.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM deployments AS d WHERE d.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM deploy_jobs AS j WHERE j.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM downloads AS w WHERE w.patch = patches.id)
          AND NOT EXISTS (SELECT 1 FROM fix_candidates AS f WHERE f.patch = patches.id) "
    };
}

/// The rows that a statement is handed.
macro_rules! among {
    () => {
        " id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) "
    };
}

statements! {
    SOFTWARE_AFTER = "SELECT id, unnamed_since FROM software WHERE id > $1 ORDER BY id LIMIT $2";
    MARKS = (concat!("SELECT id, unnamed_since FROM software WHERE ", among!()));
    /// Waits for whoever takes them away, in the order of all.
    LOCK_SOFTWARE = {
        sqlite: "SELECT id FROM software
                 WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id",
        postgres: "SELECT id FROM software
                   WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id
                   FOR NO KEY UPDATE",
    };
    MARK_SOFTWARE = (concat!("UPDATE software SET unnamed_since = $2 WHERE ", among!()));
    /// Looks at the mark again where it waited for whoever named one meanwhile.
    FORGET_SOFTWARE = (concat!("DELETE FROM software WHERE ", among!(), "
        AND unnamed_since <= $2
        AND NOT EXISTS (SELECT 1 FROM observations AS o WHERE o.software = software.id)
        AND NOT EXISTS (SELECT 1 FROM applications AS a WHERE a.software = software.id)
        RETURNING id"));
    /// The last of the next patches.
    PATCHES_AFTER = "SELECT MAX(id) AS id
                     FROM (SELECT id FROM patches WHERE id > $1 ORDER BY id LIMIT $2) AS next";
    MARK_PATCHES = (concat!("UPDATE patches SET unnamed_since = $3
        WHERE id > $1 AND id <= $2 AND unnamed_since IS NULL AND ", has_no_history!()));
    UNMARK_PATCHES = (concat!("UPDATE patches SET unnamed_since = NULL
        WHERE id > $1 AND id <= $2 AND unnamed_since IS NOT NULL AND NOT (", has_no_history!(), ")"));
    DUE_PATCHES = "SELECT id FROM patches
                   WHERE id > $1 AND id <= $2 AND unnamed_since <= $3 ORDER BY id";
    FORGETTABLE = (concat!("SELECT id FROM patches WHERE ", among!(), " AND ", has_no_history!()));
    FORGET_COUNTS = "DELETE FROM missing_counts
                     WHERE patch IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    FORGET_PATCHES = (concat!("DELETE FROM patches WHERE ", among!()));
    GROUNDS_AFTER = "SELECT id FROM missing_grounds AS g
                     WHERE id > $1 AND NOT EXISTS (SELECT 1 FROM missing AS m WHERE m.grounds = g.id)
                     ORDER BY id LIMIT $2";
    FORGET_GROUNDS = (concat!("DELETE FROM missing_grounds WHERE ", among!(), "
        AND NOT EXISTS (SELECT 1 FROM missing AS m WHERE m.grounds = missing_grounds.id)"));
}

/// An entry of installed software, and since when no device is known to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftwareMark {
    /// Its id in inventories.
    pub id: u32,
    /// Since when, as far as it was looked for.
    pub unnamed_since: Option<Millis>,
}

/// The next entries after one, by id.
pub async fn software_after(
    mut from: impl Read,
    after: u32,
    limit: u32,
) -> Result<Vec<SoftwareMark>> {
    let rows = from.rows(&SOFTWARE_AFTER, args![after, limit]).await?;
    rows.iter().map(read_mark).collect()
}

fn read_mark(row: &Row) -> Result<SoftwareMark> {
    Ok(SoftwareMark {
        id: row.u32("id")?,
        unnamed_since: row.millis_opt("unnamed_since")?,
    })
}

/// Notes that an inventory names entries, so that none of them is taken away while its transaction lasts;
/// gives those that are gone. One that is not marked is not due before a later look at all inventories.
pub async fn note_named(tx: &mut Tx, ids: &[u32]) -> Result<Vec<u32>> {
    let rows = tx
        .rows(&MARKS, args![Rows::of(ids.iter().copied())])
        .await?;
    let marks = rows.iter().map(read_mark).collect::<Result<Vec<_>>>()?;
    let (marked, mut there): (Vec<_>, Vec<_>) =
        marks.into_iter().partition(|it| it.unnamed_since.is_some());
    if !marked.is_empty() {
        let ids = Rows::of(marked.iter().map(|it| it.id));
        let rows = tx.rows(&LOCK_SOFTWARE, args![ids]).await?;
        let kept = rows.iter().map(|row| row.u32("id"));
        let kept = kept.collect::<Result<Vec<_>>>()?;
        mark_software(tx, &kept, None).await?;
        there.extend(kept.into_iter().map(|id| SoftwareMark {
            id,
            unnamed_since: None,
        }));
    }
    let there: HashSet<u32> = there.into_iter().map(|it| it.id).collect();
    Ok(ids
        .iter()
        .copied()
        .filter(|it| !there.contains(it))
        .collect())
}

/// Notes since when no device has entries; `None`: one has them.
pub async fn mark_software(tx: &mut Tx, ids: &[u32], since: Option<Millis>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = Rows::of(ids.iter().copied());
    tx.run(&MARK_SOFTWARE, args![ids, since]).await.map(drop)
}

/// Takes entries away that no inventory has had since then, as they are marked; gives those that are gone.
/// What a device taught by one, or a list still shows, keeps it.
pub async fn forget_software(tx: &mut Tx, ids: &[u32], since: Millis) -> Result<Vec<u32>> {
    let ids = Rows::of(ids.iter().copied());
    let rows = tx.rows(&FORGET_SOFTWARE, args![ids, since]).await?;
    rows.iter().map(|row| row.u32("id")).collect()
}

/// Notes since when no device lacks the next patches after one that nobody decided about; gives the last
/// of them.
pub async fn mark_patches(
    tx: &mut Tx,
    after: PatchId,
    limit: u32,
    now: Millis,
) -> Result<Option<PatchId>> {
    let last = tx.row(&PATCHES_AFTER, args![after, limit]).await?;
    let last = last.as_ref().map(|row| row.int_opt("id")).transpose()?;
    let Some(last) = last.flatten().map(PatchId) else {
        return Ok(None);
    };
    tx.run(&UNMARK_PATCHES, args![after, last]).await?;
    tx.run(&MARK_PATCHES, args![after, last, now]).await?;
    Ok(Some(last))
}

/// The patches after one and up to another that no device has lacked since then.
pub async fn due_patches(
    mut from: impl Read,
    (after, last): (PatchId, PatchId),
    since: Millis,
) -> Result<Vec<PatchId>> {
    let rows = from.rows(&DUE_PATCHES, args![after, last, since]).await?;
    rows.iter().map(|row| Ok(PatchId(row.int("id")?))).collect()
}

/// Takes patches away that no device lacks and nobody decided about, with their counts; says how many.
pub async fn forget_patches(tx: &mut Tx, ids: &[PatchId]) -> Result<u64> {
    let ids = Rows::of(ids.iter().copied());
    let rows = tx.rows(&FORGETTABLE, args![ids]).await?;
    let ids = rows.iter().map(|row| row.int("id"));
    let ids = ids.collect::<Result<Vec<i64>>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let ids = || Rows::of(ids.iter().copied());
    tx.run(&FORGET_COUNTS, args![ids()]).await?;
    tx.run(&FORGET_PATCHES, args![ids()]).await
}

/// The next grounds after these that no missing patch has.
pub async fn grounds_after(
    mut from: impl Read,
    after: Option<GroundsId>,
    limit: u32,
) -> Result<Vec<GroundsId>> {
    let after = after.map_or(0, |it| it.0);
    let rows = from.rows(&GROUNDS_AFTER, args![after, limit]).await?;
    let ids = rows.iter().map(|row| Ok(GroundsId(row.int("id")?)));
    ids.collect()
}

/// Takes grounds away that no missing patch has; says how many.
pub async fn forget_grounds(tx: &mut Tx, ids: &[GroundsId]) -> Result<u64> {
    let ids = Rows::of(ids.iter().map(|it| it.0));
    tx.run(&FORGET_GROUNDS, args![ids]).await
}
