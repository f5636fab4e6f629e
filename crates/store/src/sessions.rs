//! Sessions of people in the console. Only the token's SHA-256 is kept.

use fleetmend_model::{Millis, UserId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::args;

statements! {
    INSERT = "INSERT INTO sessions (token_sha256, user_id, csrf, created_at, expires_at, last_seen)
              VALUES ($1, $2, $3, $4, $5, $4)";
    GET = "SELECT s.*, u.name, u.role FROM sessions AS s JOIN users AS u ON u.id = s.user_id
           WHERE s.token_sha256 = $1 AND s.expires_at > $2 AND u.disabled = 0";
    TOUCH = "UPDATE sessions SET last_seen = $2, expires_at = $3 WHERE token_sha256 = $1";
    DELETE = "DELETE FROM sessions WHERE token_sha256 = $1";
    DELETE_OF_USER = "DELETE FROM sessions WHERE user_id = $1";
    DELETE_EXPIRED = "DELETE FROM sessions WHERE expires_at <= $1";
}

/// A session of a user who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub user_name: String,
    /// What they may do.
    pub role: String,
    /// The word that forms must carry.
    pub csrf: String,
    /// When they signed in.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Millis,
    /// When it was used last, as far as written down.
    pub last_seen: Millis,
}

/// Starts a session.
pub async fn insert(
    tx: &mut Tx,
    token_sha256: &str,
    user: UserId,
    csrf: &str,
    now: Millis,
    expires_at: Millis,
) -> Result<()> {
    tx.run(&INSERT, args![token_sha256, user, csrf, now, expires_at])
        .await
        .map(drop)
}

/// A session that is not over, of a user who is not disabled.
pub async fn get(mut from: impl Read, token_sha256: &str, now: Millis) -> Result<Option<Session>> {
    let Some(row) = from.row(&GET, args![token_sha256, now]).await? else {
        return Ok(None);
    };
    Ok(Some(Session {
        user: UserId(row.int("user_id")?),
        user_name: row.text("name")?,
        role: row.text("role")?,
        csrf: row.text("csrf")?,
        created_at: row.millis("created_at")?,
        expires_at: row.millis("expires_at")?,
        last_seen: row.millis("last_seen")?,
    }))
}

/// Notes that a session was used, and when it ends now.
pub async fn touch(tx: &mut Tx, token_sha256: &str, now: Millis, expires_at: Millis) -> Result<()> {
    tx.run(&TOUCH, args![token_sha256, now, expires_at])
        .await
        .map(drop)
}

/// Ends a session.
pub async fn delete(tx: &mut Tx, token_sha256: &str) -> Result<()> {
    tx.run(&DELETE, args![token_sha256]).await.map(drop)
}

/// Ends all sessions of a user; returns how many.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.run(&DELETE_OF_USER, args![user]).await
}

/// Throws away the sessions that are over; returns how many.
pub async fn delete_expired(tx: &mut Tx, now: Millis) -> Result<u64> {
    tx.run(&DELETE_EXPIRED, args![now]).await
}
