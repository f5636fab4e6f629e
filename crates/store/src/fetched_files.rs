//! Which bytes stood behind an address, as they were fetched here or carried in by an import.

use std::collections::BTreeMap;

use fleetmend_model::Millis;
use fleetmend_model::recipe::Checksum;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    PUT = "INSERT INTO fetched_files (address, named, sha256, fetched_at)
           SELECT value->>0, value->>1, value->>2, $2 FROM jsonb_each($1) WHERE true
           ON CONFLICT (address, named) DO UPDATE SET
               sha256 = excluded.sha256, fetched_at = excluded.fetched_at
           WHERE fetched_files.sha256 <> excluded.sha256";
    GET = "SELECT * FROM fetched_files WHERE address = $1 AND named = $2";
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

/// Notes files, in place of what was known of the same addresses and digests; of one that comes twice
/// the last counts. Of one whose address is longer than [`LONGEST_ADDRESS`] nothing is noted.
pub async fn put_many(tx: &mut Tx, files: &[FetchedFile], now: Millis) -> Result<()> {
    let short = files
        .iter()
        .filter(|it| it.address.len() <= LONGEST_ADDRESS);
    let distinct: BTreeMap<_, _> = short.map(|it| ((&it.address, &it.named), it)).collect();
    let mut rows = Rows::new();
    for it in distinct.into_values() {
        rows.push(&row![&it.address, &it.named, &it.sha256]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&PUT, args![rows, now]).await.map(drop)
}

/// The file that stood behind an address for which a package names a digest, or none.
pub async fn get(
    mut from: impl Read,
    address: &str,
    checksum: Option<&Checksum>,
) -> Result<Option<FetchedFile>> {
    from.row(&GET, args![address, named(checksum)])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}
