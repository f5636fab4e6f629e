//! Hosts that asked to be left alone for a time. Kept, so that a restart does not ask them again.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    /// The longer pause counts.
    SET = "INSERT INTO host_pauses (host, until, cause, is_ban) VALUES ($1, $2, $3, $4)
           ON CONFLICT (host) DO UPDATE SET
               until = excluded.until, cause = excluded.cause, is_ban = excluded.is_ban
           WHERE host_pauses.until < excluded.until";
    GET = "SELECT * FROM host_pauses WHERE host = $1 AND until > $2";
    END = "DELETE FROM host_pauses WHERE host = $1";
    END_OLD = "DELETE FROM host_pauses WHERE until <= $1";
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPause {
    /// Whose, in lower case.
    pub host: String,
    /// Until when it is not asked for anything.
    pub until: Millis,
    /// Why, in words.
    pub cause: String,
    /// Whether not even a person may end it.
    pub is_ban: bool,
}

/// Notes a pause; a longer one that is there stays.
pub async fn set(tx: &mut Tx, pause: &HostPause, now: Millis) -> Result<()> {
    tx.run(&END_OLD, args![now]).await?;
    let values = args![&pause.host, pause.until, &pause.cause, pause.is_ban];
    tx.run(&SET, values).await.map(drop)
}

/// The pause that a host has now.
pub async fn get(mut from: impl Read, host: &str, now: Millis) -> Result<Option<HostPause>> {
    let row = from.row(&GET, args![host, now]).await?;
    row.map(|row| {
        Ok(HostPause {
            host: row.text("host")?,
            until: row.millis("until")?,
            cause: row.text("cause")?,
            is_ban: row.flag("is_ban")?,
        })
    })
    .transpose()
}

/// Ends a host's pause.
pub async fn end(tx: &mut Tx, host: &str) -> Result<()> {
    tx.run(&END, args![host]).await.map(drop)
}
