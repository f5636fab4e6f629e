//! Versions that a feed did not give, in reads that saw fewer entries than the feed says that it has.

use std::collections::BTreeMap;

use fleetmend_model::{Millis, PackageId, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row};

statements! {
    OF = "SELECT package, times, since FROM missed_versions WHERE source = $1";
    CLEAR = "DELETE FROM missed_versions WHERE source = $1";
    INSERT = "INSERT INTO missed_versions (package, source, times, since)
              SELECT CAST(value->>0 AS BIGINT), CAST($1 AS BIGINT), CAST(value->>1 AS BIGINT),
                     CAST(value->>2 AS BIGINT)
              FROM jsonb_each($2) WHERE true";
}

/// How often a source did not give a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// In so many such reads in a row.
    pub times: u32,
    /// When the first of them ended.
    pub since: Millis,
}

/// What a source did not give.
pub async fn of(mut from: impl Read, source: SourceId) -> Result<BTreeMap<PackageId, Missed>> {
    let rows = from.rows(&OF, args![source]).await?;
    let missed = rows.iter().map(|row| {
        let missed = Missed {
            times: u32::try_from(row.int("times")?).unwrap_or(u32::MAX),
            since: row.millis("since")?,
        };
        Ok((PackageId(row.int("package")?), missed))
    });
    missed.collect()
}

/// Keeps what a source did not give, in place of what was kept.
pub async fn replace(
    tx: &mut Tx,
    source: SourceId,
    missed: &BTreeMap<PackageId, Missed>,
) -> Result<()> {
    tx.run(&CLEAR, args![source]).await?;
    let mut rows = Rows::new();
    for (package, it) in missed {
        rows.push(&row![*package, i64::from(it.times), it.since]);
    }
    if !missed.is_empty() {
        tx.run(&INSERT, args![source, rows]).await?;
    }
    Ok(())
}
