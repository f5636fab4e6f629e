//! Entries that many rows share, each distinct one stored once under a digest of its content.

use std::collections::HashMap;

use crate::db::{Read as _, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::Sql;
use crate::value::{Cell, Row, args, bad};

/// The first half of a SHA-256. Of what is the caller's matter, as long as equal entries have an
/// equal one and different entries a different one.
pub type Digest = [u8; 16];

/// Stores the entries that are not there yet; returns the ids of all, in the order given. At most
/// three statements, however many entries. Entries may repeat.
///
/// `insert` takes rows whose first column is the digest, and passes over those that are there;
/// `find` takes digests and returns `id` and `digest`.
pub(crate) async fn all<T, const N: usize>(
    tx: &mut Tx,
    insert: &'static Sql,
    find: &'static Sql,
    entries: &[(Digest, &T)],
    row: impl for<'a> Fn(&'a Digest, &'a T) -> [Cell<'a>; N],
) -> Result<Vec<i64>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut distinct = HashMap::with_capacity(entries.len());
    for (digest, it) in entries {
        distinct.entry(*digest).or_insert(*it);
    }
    let mut ids = ids_of(tx, find, distinct.keys()).await?;
    // In the order of the digests, so that two servers do not wait for each other in a circle.
    let mut new: Vec<_> = distinct
        .iter()
        .filter(|(digest, _)| !ids.contains_key(*digest))
        .collect();
    new.sort_unstable_by_key(|(digest, _)| **digest);
    if !new.is_empty() {
        let mut rows = Rows::new();
        for (digest, it) in &new {
            rows.push(&row(digest, it));
        }
        tx.run(insert, args![rows]).await?;
        ids.extend(ids_of(tx, find, new.iter().map(|(digest, _)| *digest)).await?);
    }
    entries
        .iter()
        .map(|(digest, _)| {
            ids.get(digest)
                .copied()
                .ok_or_else(|| bad("digest", "an entry that was just stored is gone"))
        })
        .collect()
}

async fn ids_of(
    tx: &mut Tx,
    find: &'static Sql,
    digests: impl Iterator<Item = &Digest>,
) -> Result<HashMap<Digest, i64>> {
    let digests = Rows::of(digests.map(Digest::as_slice));
    let rows = tx.rows(find, args![digests]).await?;
    rows.iter()
        .map(|row| Ok((digest(row)?, row.int("id")?)))
        .collect()
}

/// The column `digest`.
pub(crate) fn digest(row: &Row) -> Result<Digest> {
    let bytes = row.blob("digest")?;
    Digest::try_from(bytes.as_slice()).map_err(|_| bad("digest", format!("{} bytes", bytes.len())))
}
