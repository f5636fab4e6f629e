//! The server's own life: its last sign, and the stretches in which there was none. Down means
//! that no server on the database was up.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::uptime::Outage;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::settings;
use crate::sql::statements;
use crate::value::args;

/// The setting that holds the last sign of life.
const LAST_SIGN: &str = "last_sign_of_life";

statements! {
    /// Of two servers that notice an outage at once, the first writes it down.
    ADD = "INSERT INTO outages (began_at, ended_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    ALL = "SELECT began_at, ended_at FROM outages ORDER BY began_at";
    FORGET_BEFORE = "DELETE FROM outages WHERE ended_at < $1";
    FORGET_AFTER = "DELETE FROM outages WHERE ended_at > $1";
}

/// Notes that a server is up; what lies between this sign and the last one is an outage if it is
/// longer than `longest_pause`. Gives an outage that nobody had written down.
pub async fn sign(tx: &mut Tx, now: Millis, longest_pause: Duration) -> Result<Option<Outage>> {
    let mut noticed = None;
    let last = settings::get(&mut *tx, LAST_SIGN)
        .await?
        .and_then(|text| text.parse().ok())
        .map(Millis);
    if let Some(last) = last {
        if now.since(last) > longest_pause && tx.run(&ADD, args![last, now]).await? == 1 {
            noticed = Some(Outage {
                from: last,
                to: now,
            });
        }
        if last.since(now) > longest_pause {
            // The clock was set back: these have not happened yet.
            tx.run(&FORGET_AFTER, args![now]).await?;
        }
    }
    settings::set(tx, LAST_SIGN, &now.to_string()).await?;
    Ok(noticed)
}

/// All outages that are remembered, oldest first.
pub async fn all(mut from: impl Read) -> Result<Vec<Outage>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Outage {
                from: row.millis("began_at")?,
                to: row.millis("ended_at")?,
            })
        })
        .collect()
}

/// Forgets the outages that ended before a time.
pub async fn forget_ended_before(tx: &mut Tx, before: Millis) -> Result<()> {
    tx.run(&FORGET_BEFORE, args![before]).await.map(drop)
}
