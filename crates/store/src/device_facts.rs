//! What agents say of their machines with each check-in.

use fleetmend_model::device::Network;
use fleetmend_model::{DeviceId, Millis};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    PUT = "UPDATE devices SET time_zone = $2, addresses = $3, gateways = $4, abilities = $5,
               facts_at = $6
           WHERE id = $1 AND (facts_at IS NULL OR time_zone <> $2 OR addresses <> $3
                              OR gateways <> $4 OR abilities <> $5)";
    ALL = "SELECT id, time_zone, addresses, gateways, abilities FROM devices
           WHERE removed_at IS NULL AND facts_at IS NOT NULL ORDER BY id";
    OF = "SELECT id, time_zone, addresses, gateways, abilities FROM devices
          WHERE facts_at IS NOT NULL AND id IN
              (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id";
    GET = "SELECT time_zone, addresses, gateways, abilities, facts_at FROM devices WHERE id = $1";
}

/// A machine as its agent describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its IANA time zone; empty where it is not known.
    pub time_zone: String,
    /// Where it is in the network.
    pub network: Network,
    /// Words of [`Ability`](fleetmend_model::abilities::Ability), and those of a newer agent.
    pub abilities: Vec<String>,
}

/// Stores what a device's agent says. `false`: it is what is stored.
pub async fn put(tx: &mut Tx, device: DeviceId, facts: &Facts, now: Millis) -> Result<bool> {
    let list = |texts: &[String]| serde_json::Value::from(texts).to_string();
    let (addresses, gateways) = (&facts.network.addresses, &facts.network.gateways);
    let values = args![
        device,
        &facts.time_zone,
        list(addresses),
        list(gateways),
        list(&facts.abilities),
        now,
    ];
    Ok(tx.run(&PUT, values).await? == 1)
}

/// What a device's agent said last, and since when; `None` where it never said anything.
pub async fn get(mut from: impl Read, device: DeviceId) -> Result<Option<(Facts, Millis)>> {
    let Some(row) = from.row(&GET, args![device]).await? else {
        return Ok(None);
    };
    let Some(since) = row.millis_opt("facts_at")? else {
        return Ok(None);
    };
    Ok(Some((read(&row)?, since)))
}

/// What the agents of all devices said last, as far as they said anything.
pub async fn all(mut from: impl Read) -> Result<Vec<(DeviceId, Facts)>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter()
        .map(|row| Ok((DeviceId(row.int("id")?), read(row)?)))
        .collect()
}

/// What the agents of these devices said last, as far as they said anything.
pub async fn of(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<(DeviceId, Facts)>> {
    let ids = Rows::of(devices.iter().copied());
    let rows = from.rows(&OF, args![ids]).await?;
    rows.iter()
        .map(|row| Ok((DeviceId(row.int("id")?), read(row)?)))
        .collect()
}

fn read(row: &Row) -> Result<Facts> {
    Ok(Facts {
        time_zone: row.text("time_zone")?,
        network: Network {
            addresses: row.json("addresses")?,
            gateways: row.json("gateways")?,
        },
        abilities: row.json("abilities")?,
    })
}
