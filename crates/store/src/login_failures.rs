//! Failed sign-ins, for lockout.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    INSERT = "INSERT INTO login_failures (name_key, from_address, at) VALUES ($1, $2, $3)";
    COUNT = "SELECT
                 (SELECT COUNT(*) FROM login_failures WHERE name_key = $1 AND at > $3) AS by_name,
                 (SELECT COUNT(*) FROM login_failures
                  WHERE from_address = $2 AND at > $3) AS by_address";
    CLEAR = "DELETE FROM login_failures WHERE name_key = $1";
    DELETE_OLD = "DELETE FROM login_failures WHERE at <= $1";
}

/// Failures since a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// With the name, from anywhere.
    pub by_name: u64,
    /// From the address, with any name.
    pub by_address: u64,
}

/// Notes a failure.
pub async fn add(tx: &mut Tx, name: &str, from_address: &str, now: Millis) -> Result<()> {
    tx.run(&INSERT, args![name.to_lowercase(), from_address, now])
        .await
        .map(drop)
}

/// How many failures there were after a time.
pub async fn count_since(
    mut from: impl Read,
    name: &str,
    from_address: &str,
    since: Millis,
) -> Result<Failures> {
    let row = from
        .row(&COUNT, args![name.to_lowercase(), from_address, since])
        .await?;
    row.map_or(Ok(Failures::default()), |row| {
        Ok(Failures {
            by_name: row.u64("by_name")?,
            by_address: row.u64("by_address")?,
        })
    })
}

/// Forgets a name's failures, after it signed in.
pub async fn clear(tx: &mut Tx, name: &str) -> Result<()> {
    tx.run(&CLEAR, args![name.to_lowercase()]).await.map(drop)
}

/// Forgets all failures up to a time; returns how many.
pub async fn delete_until(tx: &mut Tx, until: Millis) -> Result<u64> {
    tx.run(&DELETE_OLD, args![until]).await
}
