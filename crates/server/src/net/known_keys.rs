//! Which keys the database was used with. Devices trust those and no others, so a server must not
//! come up with others in silence.

use anyhow::Context as _;
use fleetmend_store::{Db, Tx, settings};

use super::keys::Fingerprints;

/// The setting that holds them, as JSON.
const SETTING: &str = "keys";

/// What the database knows; `None` before a server first used it.
pub async fn get(db: &Db) -> anyhow::Result<Option<Fingerprints>> {
    let text = settings::get(db, SETTING).await?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .with_context(|| format!("the database's setting '{SETTING}' is damaged"))
}

/// Lets the database know its keys, unless it does; gives those that it knows. Of two servers
/// that start at once on one database, one is the first.
pub async fn remember(db: &Db, keys: &Fingerprints) -> anyhow::Result<Fingerprints> {
    let mut tx = db.begin().await?;
    settings::add(&mut tx, SETTING, &serde_json::to_string(keys)?).await?;
    tx.commit().await?;
    get(db).await?.context("the database lost a setting")
}

/// Lets the database know other keys from now on.
pub async fn replace(tx: &mut Tx, keys: &Fingerprints) -> anyhow::Result<()> {
    Ok(settings::set(tx, SETTING, &serde_json::to_string(keys)?).await?)
}
