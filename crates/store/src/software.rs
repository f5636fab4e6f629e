//! Installed software, each distinct entry once: inventories refer to it by id.

use std::collections::HashMap;

use fleetmend_model::inventory::{Place, Software};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row};

/// The first half of the SHA-256 of a [`Software`]'s JSON. Which digest it is is the caller's
/// matter, as long as equal software has an equal one and different software a different one.
pub type SoftwareDigest = [u8; 16];

statements! {
    /// Looks before it inserts: ids that a conflict would burn are not endless (32 bits).
    INTERN = "INSERT INTO software (digest, place, software_key, name, version, publisher,
                  product_code, upgrade_code)
              SELECT unhex(value->>0), value->>1, value->>2, value->>3, value->>4, value->>5,
                     value->>6, value->>7
              FROM json_each($1)
              WHERE NOT EXISTS (SELECT 1 FROM software WHERE digest = unhex(value->>0))
              ON CONFLICT (digest) DO NOTHING";
    IDS = "SELECT s.id, s.digest FROM json_each($1) AS j
           JOIN software AS s ON s.digest = unhex(j.value->>0)";
    ALL = "SELECT * FROM software ORDER BY id";
    BY_IDS = "SELECT s.* FROM json_each($1) AS j
              JOIN software AS s ON s.id = CAST(j.value->>0 AS BIGINT) ORDER BY s.id";
}

/// Entry with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareRow {
    /// Its id in inventories.
    pub id: u32,
    /// The digest that it was stored under.
    pub digest: SoftwareDigest,
    /// What it is.
    pub software: Software,
}

fn digest(row: &Row) -> Result<SoftwareDigest> {
    let bytes = row.blob("digest")?;
    SoftwareDigest::try_from(bytes.as_slice())
        .map_err(|_| bad("digest", format!("{} bytes", bytes.len())))
}

fn read(row: &Row) -> Result<SoftwareRow> {
    Ok(SoftwareRow {
        id: row.u32("id")?,
        digest: digest(row)?,
        software: Software {
            place: row.word("place", Place::from_key)?,
            key: row.text("software_key")?,
            name: row.text("name")?,
            version: row.text("version")?,
            publisher: row.text("publisher")?,
            product_code: row.text_opt("product_code")?,
            upgrade_code: row.text_opt("upgrade_code")?,
        },
    })
}

/// Stores the entries that are not there yet; returns the ids of all, in the order given. Two
/// statements, however many entries. Entries may repeat.
pub async fn intern_many(
    tx: &mut Tx,
    software: &[(SoftwareDigest, &Software)],
) -> Result<Vec<u32>> {
    if software.is_empty() {
        return Ok(Vec::new());
    }
    let mut distinct = HashMap::with_capacity(software.len());
    for (digest, it) in software {
        distinct.entry(*digest).or_insert(*it);
    }
    let mut ids = ids_of(tx, distinct.keys()).await?;
    let mut rows = Rows::new();
    // In the order of the digests, so that two servers do not wait for each other in a circle.
    let mut new: Vec<_> = distinct
        .iter()
        .filter(|(digest, _)| !ids.contains_key(*digest))
        .collect();
    new.sort_unstable_by_key(|(digest, _)| **digest);
    for (digest, it) in &new {
        rows.push(&row![
            digest.as_slice(),
            it.place.key(),
            &it.key,
            &it.name,
            &it.version,
            &it.publisher,
            &it.product_code,
            &it.upgrade_code,
        ]);
    }
    if !rows.is_empty() {
        tx.run(&INTERN, args![rows]).await?;
        ids.extend(ids_of(tx, new.iter().map(|(digest, _)| *digest)).await?);
    }
    software
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
    digests: impl Iterator<Item = &SoftwareDigest>,
) -> Result<HashMap<SoftwareDigest, u32>> {
    let digests = Rows::of(digests.map(SoftwareDigest::as_slice));
    let rows = tx.rows(&IDS, args![digests]).await?;
    rows.iter()
        .map(|row| Ok((digest(row)?, row.u32("id")?)))
        .collect()
}

/// All entries, by id: for the in-memory registry.
pub async fn load_all(mut from: impl Read) -> Result<Vec<SoftwareRow>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}

/// The entries with these ids, by id.
pub async fn get_many(mut from: impl Read, ids: &[u32]) -> Result<Vec<SoftwareRow>> {
    let ids = Rows::of(ids.iter().copied());
    from.rows(&BY_IDS, args![ids])
        .await?
        .iter()
        .map(read)
        .collect()
}
