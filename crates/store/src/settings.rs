//! Settings of the installation: a text a key.

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    GET = "SELECT value FROM settings WHERE key = $1";
    ALL = "SELECT key, value FROM settings ORDER BY key";
    SET = "INSERT INTO settings (key, value) VALUES ($1, $2)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    ADD = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    DELETE = "DELETE FROM settings WHERE key = $1";
}

/// A setting's value, as far as it was set.
pub async fn get(mut from: impl Read, key: &str) -> Result<Option<String>> {
    from.row(&GET, args![key])
        .await?
        .map(|row| row.text("value"))
        .transpose()
}

/// All settings, by key.
pub async fn all(mut from: impl Read) -> Result<Vec<(String, String)>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter()
        .map(|row| Ok((row.text("key")?, row.text("value")?)))
        .collect()
}

/// Sets a setting.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<()> {
    tx.run(&SET, args![key, value]).await.map(drop)
}

/// Sets a setting that was not set; false where it was, and then it stays.
pub async fn add(tx: &mut Tx, key: &str, value: &str) -> Result<bool> {
    Ok(tx.run(&ADD, args![key, value]).await? > 0)
}

/// Takes a setting away, so that its default applies.
pub async fn delete(tx: &mut Tx, key: &str) -> Result<()> {
    tx.run(&DELETE, args![key]).await.map(drop)
}
