//! Installed software, each distinct entry once: inventories refer to it by id.

use fleetmend_model::inventory::{Place, Software};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::intern;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row};

/// The digest that software is known by, see [`crate::intern::Digest`].
pub type SoftwareDigest = intern::Digest;

statements! {
    /// Looks before it inserts: ids that a conflict would burn are not endless (32 bits).
    INTERN = "INSERT INTO software (digest, place, software_key, name, version, publisher,
                  product_code, upgrade_code)
              SELECT unhex(value->>0), value->>1, value->>2, value->>3, value->>4, value->>5,
                     value->>6, value->>7
              FROM jsonb_each($1)
              WHERE NOT EXISTS (SELECT 1 FROM software WHERE digest = unhex(value->>0))
              ON CONFLICT (digest) DO NOTHING";
    IDS = "SELECT s.id, s.digest FROM jsonb_each($1) AS j
           JOIN software AS s ON s.digest = unhex(j.value->>0)";
    MATCHED = "SELECT * FROM software WHERE place <> 'dpkg' ORDER BY id";
    MATCHED_AFTER = "SELECT * FROM software WHERE place <> 'dpkg' AND id > $1 ORDER BY id LIMIT $2";
    BY_IDS = "SELECT s.* FROM jsonb_each($1) AS j
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

fn read(row: &Row) -> Result<SoftwareRow> {
    Ok(SoftwareRow {
        id: row.u32("id")?,
        digest: intern::digest(row)?,
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

/// Stores the entries that are not there yet; returns the ids of all, in the order given. Entries
/// may repeat.
pub async fn intern_many(
    tx: &mut Tx,
    software: &[(SoftwareDigest, &Software)],
) -> Result<Vec<u32>> {
    let ids = intern::all(tx, &INTERN, &IDS, software, |digest, it| {
        row![
            digest.as_slice(),
            it.place.key(),
            &it.key,
            &it.name,
            &it.version,
            &it.publisher,
            &it.product_code,
            &it.upgrade_code,
        ]
    })
    .await?;
    ids.into_iter()
        .map(|id| u32::try_from(id).map_err(|_| bad("id", format!("{id} is out of range"))))
        .collect()
}

/// All entries that are matched to packages, by id: not what the machine's own package manager has.
pub async fn load_matched(mut from: impl Read) -> Result<Vec<SoftwareRow>> {
    let rows = from.rows(&MATCHED, args![]).await?;
    rows.iter().map(read).collect()
}

/// The next of these entries after one, by id: to go through all of them in pieces.
pub async fn matched_after(
    mut from: impl Read,
    after: Option<u32>,
    limit: u32,
) -> Result<Vec<SoftwareRow>> {
    // The least id is 1.
    let after = after.unwrap_or_default();
    let rows = from.rows(&MATCHED_AFTER, args![after, limit]).await?;
    rows.iter().map(read).collect()
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
