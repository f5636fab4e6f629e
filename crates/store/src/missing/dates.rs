//! When patches were published, seen, mirrored, lacked and fixed.

use std::collections::BTreeMap;

use fleetmend_model::{DeviceId, Millis, PatchId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

/// When the source of `patches AS p` published it: as it was known first, else as it is known now.
macro_rules! published {
    () => {
        "COALESCE(p.published, (SELECT k.published FROM packages AS k WHERE k.id = p.package))"
    };
}
pub(super) use published;

/// The columns that [`read`] reads, of `patches AS p`.
macro_rules! date_columns {
    () => {
        concat!(
            " p.first_fixed AS fixed_first, p.last_fixed AS fixed_last, ",
            published!(),
            " AS published_text,
          COALESCE(p.catalog_seen,
              (SELECT k.first_seen FROM packages AS k WHERE k.id = p.package)) AS seen_first,
          (SELECT MIN(r.created_at) FROM releases AS r
           WHERE r.patch_type = p.patch_type AND r.package = p.name AND r.version = p.version)
              AS mirrored "
        )
    };
}
pub(super) use date_columns;

statements! {
    OF_PATCHES = (concat!("SELECT p.id,", date_columns!(), "FROM patches AS p
                           WHERE p.id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))"));
    OF_PATCH = (concat!("SELECT", date_columns!(), "FROM patches AS p WHERE p.id = $1"));
    /// Some devices for each patch: one that has it is enough.
    PUT = "INSERT INTO fix_candidates (patch, device, at)
           SELECT t.patch, t.device, $2
           FROM (SELECT CAST(value->>0 AS BIGINT) AS patch, CAST(value->>1 AS BIGINT) AS device,
                        CAST(value->>2 AS BIGINT) AS place
                 FROM jsonb_each($1)) AS t
           WHERE t.place + (SELECT COUNT(*) FROM fix_candidates AS c WHERE c.patch = t.patch) < $3
           ON CONFLICT (patch, device) DO UPDATE SET at = excluded.at";
    CANDIDATES = "SELECT c.*, m.patch AS missing FROM fix_candidates AS c
                  LEFT JOIN missing AS m ON m.device = c.device AND m.patch = c.patch
                  ORDER BY c.at, c.device, c.patch LIMIT $1";
    /// What is known of one device is known of the patch.
    TAKE_FIXED = "DELETE FROM fix_candidates
                  WHERE patch IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    TAKE = "DELETE FROM fix_candidates WHERE (patch, device) IN
                (SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT)
                 FROM jsonb_each($1))";
    FIXED = "UPDATE patches SET first_fixed = COALESCE(first_fixed, t.at),
                 last_fixed = CASE WHEN t.at > COALESCE(last_fixed, 0) THEN t.at
                                   ELSE last_fixed END
             FROM (SELECT CAST(value->>0 AS BIGINT) AS patch, CAST(value->>1 AS BIGINT) AS at
                   FROM jsonb_each($1)) AS t
             WHERE patches.id = t.patch";
}

/// When what happened to a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    /// When its source published it: `YYYY-MM-DDThh:mm:ss`, UTC.
    pub published: Option<String>,
    /// When this server's catalog had it first.
    pub seen: Option<Millis>,
    /// When this server had its files and made a release of it first.
    pub mirrored: Option<Millis>,
    /// When a device that had lacked it was first found to have it.
    pub first_fixed: Option<Millis>,
    /// When one was last.
    pub last_fixed: Option<Millis>,
}

/// A patch that a device does not lack any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixCandidate {
    /// Which.
    pub patch: PatchId,
    /// On which device.
    pub device: DeviceId,
    /// When it was missing no more.
    pub at: Millis,
    /// Whether it is missing again.
    pub is_missing: bool,
}

pub(crate) fn read(row: &Row) -> Result<Dates> {
    Ok(Dates {
        published: row.text_opt("published_text")?,
        seen: row.millis_opt("seen_first")?,
        mirrored: row.millis_opt("mirrored")?,
        first_fixed: row.millis_opt("fixed_first")?,
        last_fixed: row.millis_opt("fixed_last")?,
    })
}

/// The dates of a patch.
pub async fn dates(mut from: impl Read, patch: PatchId) -> Result<Dates> {
    from.row(&OF_PATCH, args![patch])
        .await?
        .map_or_else(|| Ok(Dates::default()), |row| read(&row))
}

/// The dates of these patches.
pub async fn dates_of(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<(PatchId, Dates)>> {
    let ids = Rows::of(patches.iter().copied());
    let rows = from.rows(&OF_PATCHES, args![ids]).await?;
    rows.iter()
        .map(|row| Ok((PatchId(row.int("id")?), read(row)?)))
        .collect()
}

/// Devices that are kept for each patch.
const DEVICES: usize = 20;

/// Notes of each patch some devices that do not lack it any more.
pub(super) async fn removed(
    tx: &mut Tx,
    removed: &[(DeviceId, PatchId)],
    now: Millis,
) -> Result<()> {
    let mut distinct: BTreeMap<PatchId, Vec<DeviceId>> = BTreeMap::new();
    for (device, patch) in removed {
        let devices = distinct.entry(*patch).or_default();
        if devices.len() < DEVICES {
            devices.push(*device);
        }
    }
    let mut rows = Rows::new();
    for (patch, devices) in distinct {
        for (place, device) in devices.into_iter().enumerate() {
            rows.push(&row![patch, device, place as i64]);
        }
    }
    tx.run(&PUT, args![rows, now, DEVICES as i64])
        .await
        .map(drop)
}

/// Some of what is to be looked at: what was missing no more first, a device's together.
pub async fn fix_candidates(mut from: impl Read, limit: u32) -> Result<Vec<FixCandidate>> {
    let rows = from.rows(&CANDIDATES, args![limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(FixCandidate {
                patch: PatchId(row.int("patch")?),
                device: DeviceId(row.int("device")?),
                at: row.millis("at")?,
                is_missing: row.int_opt("missing")?.is_some(),
            })
        })
        .collect()
}

/// Takes candidates away that were looked at, and keeps the dates of those that are fixed. Of a patch that
/// is fixed nothing more is looked at.
pub async fn looked_at(
    tx: &mut Tx,
    candidates: &[FixCandidate],
    fixed: &[FixCandidate],
) -> Result<()> {
    let mut first: BTreeMap<PatchId, Millis> = BTreeMap::new();
    for it in fixed {
        let at = first.entry(it.patch).or_insert(it.at);
        *at = it.at.min(*at);
    }
    if !first.is_empty() {
        let mut dates = Rows::new();
        for (patch, at) in &first {
            dates.push(&row![*patch, *at]);
        }
        tx.run(&FIXED, args![dates]).await?;
        let patches = Rows::of(first.into_keys());
        tx.run(&TAKE_FIXED, args![patches]).await?;
    }
    let mut rows = Rows::new();
    for it in candidates {
        rows.push(&row![it.patch, it.device]);
    }
    tx.run(&TAKE, args![rows]).await.map(drop)
}
