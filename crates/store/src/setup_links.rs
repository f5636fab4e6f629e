//! One-time links for setting a password. Only the secret's SHA-256 is kept.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    INSERT = "INSERT INTO setup_links (secret_sha256, expires_at) VALUES ($1, $2)";
    IS_GOOD = "SELECT 1 AS id FROM setup_links
               WHERE secret_sha256 = $1 AND used_at IS NULL AND expires_at > $2";
    CLAIM = "UPDATE setup_links SET used_at = $2
             WHERE secret_sha256 = $1 AND used_at IS NULL AND expires_at > $2";
    DELETE_UNUSED = "DELETE FROM setup_links WHERE used_at IS NULL";
}

/// Adds a link.
pub async fn insert(tx: &mut Tx, secret_sha256: &str, expires_at: Millis) -> Result<()> {
    tx.run(&INSERT, args![secret_sha256, expires_at])
        .await
        .map(drop)
}

/// Whether a link can be used.
pub async fn is_good(mut from: impl Read, secret_sha256: &str, now: Millis) -> Result<bool> {
    Ok(from
        .row(&IS_GOOD, args![secret_sha256, now])
        .await?
        .is_some())
}

/// Uses a link; true for one caller only.
pub async fn claim(tx: &mut Tx, secret_sha256: &str, now: Millis) -> Result<bool> {
    Ok(tx.run(&CLAIM, args![secret_sha256, now]).await? == 1)
}

/// Takes the unused links back, before a new one is printed.
pub async fn delete_unused(tx: &mut Tx) -> Result<()> {
    tx.run(&DELETE_UNUSED, args![]).await.map(drop)
}
