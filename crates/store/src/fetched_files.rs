//! Which bytes stood behind an address: as they were fetched here, or as an import says it of a source.

use std::collections::BTreeMap;

use fleetmend_model::recipe::Checksum;
use fleetmend_model::{Millis, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    PUT_FETCHED = "INSERT INTO fetched_files (address, named, sha256, fetched_at)
                   VALUES ($1, $2, $3, $4)
                   ON CONFLICT (address, named) DO UPDATE SET
                       sha256 = excluded.sha256, fetched_at = excluded.fetched_at
                   WHERE fetched_files.sha256 <> excluded.sha256";
    PUT_IMPORTED = "INSERT INTO imported_files (source, address, named, sha256, imported_at)
                    SELECT CAST($2 AS BIGINT), value->>0, value->>1, value->>2, CAST($3 AS BIGINT)
                    FROM jsonb_each($1) WHERE true
                    ON CONFLICT (source, address, named) DO UPDATE SET
                        sha256 = excluded.sha256, imported_at = excluded.imported_at
                    WHERE imported_files.sha256 <> excluded.sha256";
    GET = "SELECT address, named, sha256, 0 AS place FROM imported_files
           WHERE source = $1 AND address = $2 AND named = $3
           UNION ALL
           SELECT address, named, sha256, 1 AS place FROM fetched_files
           WHERE address = $2 AND named = $3
           ORDER BY place LIMIT 1";
}

/// The longest address, in bytes: PostgreSQL keeps no longer key.
pub const LONGEST_ADDRESS: usize = 2_000;

/// What stood behind an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchedFile {
    /// The address, without any name and password.
    pub address: String,
    /// The digest that the package names for it, as [`named`] writes it.
    pub named: String,
    /// The file's SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// A digest as a package names it: `sha256:…`, hexadecimal in lower case; empty where it names none.
pub fn named(checksum: Option<&Checksum>) -> String {
    checksum.map_or_else(String::new, |it| {
        format!("{}:{}", it.algorithm.to_lowercase(), it.hex.to_lowercase())
    })
}

fn read(row: &Row) -> Result<FetchedFile> {
    Ok(FetchedFile {
        address: row.text("address")?,
        named: row.text("named")?,
        sha256: row.text("sha256")?,
    })
}

fn is_short(file: &FetchedFile) -> bool {
    file.address.len() <= LONGEST_ADDRESS
}

/// Notes a file that was fetched, in place of what was fetched for the same address and digest. Of one
/// whose address is longer than [`LONGEST_ADDRESS`] nothing is noted.
pub async fn put_fetched(tx: &mut Tx, file: &FetchedFile, now: Millis) -> Result<()> {
    if !is_short(file) {
        return Ok(());
    }
    let values = args![&file.address, &file.named, &file.sha256, now];
    tx.run(&PUT_FETCHED, values).await.map(drop)
}

/// Notes what an import says of the files of a source, in place of what an earlier one said of the same
/// addresses and digests; of one that comes twice the last counts. Of one whose address is longer than
/// [`LONGEST_ADDRESS`] nothing is noted.
pub async fn put_imported(
    tx: &mut Tx,
    source: SourceId,
    files: &[FetchedFile],
    now: Millis,
) -> Result<()> {
    let short = files.iter().filter(|it| is_short(it));
    let distinct: BTreeMap<_, _> = short.map(|it| ((&it.address, &it.named), it)).collect();
    let mut rows = Rows::new();
    for it in distinct.into_values() {
        rows.push(&row![&it.address, &it.named, &it.sha256]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&PUT_IMPORTED, args![rows, source, now])
        .await
        .map(drop)
}

/// The file that stood behind an address for which a package of a source names a digest, or none: as
/// an import of that source says it, else as it was fetched here. No import of another source counts.
pub async fn get(
    mut from: impl Read,
    source: SourceId,
    address: &str,
    checksum: Option<&Checksum>,
) -> Result<Option<FetchedFile>> {
    from.row(&GET, args![source, address, named(checksum)])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}
