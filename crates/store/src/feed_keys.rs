//! The keys that open the feed of one's own. Only the secret's SHA-256 is kept.

use fleetmend_model::Millis;

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO feed_keys (name, secret_sha256, can_push, created_by, created_at,
                  expires_at)
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    DELETE = "DELETE FROM feed_keys WHERE name = $1";
    ALL = "SELECT * FROM feed_keys ORDER BY name";
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedKey {
    /// What it is called, once.
    pub name: String,
    /// SHA-256 of its secret, lower-case hexadecimal.
    pub secret_sha256: String,
    /// Whether it also adds and hides packages.
    pub can_push: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Millis,
    /// From when on it opens nothing.
    pub expires_at: Millis,
}

fn read(row: &Row) -> Result<FeedKey> {
    Ok(FeedKey {
        name: row.text("name")?,
        secret_sha256: row.text("secret_sha256")?,
        can_push: row.flag("can_push")?,
        created_by: row.text("created_by")?,
        created_at: row.millis("created_at")?,
        expires_at: row.millis("expires_at")?,
    })
}

/// Adds a key; a name that is taken is [`Error::Exists`].
pub async fn insert(tx: &mut Tx, key: &FeedKey) -> Result<()> {
    let values = args![
        &key.name,
        &key.secret_sha256,
        key.can_push,
        &key.created_by,
        key.created_at,
        key.expires_at,
    ];
    match tx.run(&INSERT, values).await? {
        0 => Err(Error::Exists {
            what: "feed key",
            name: key.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// Takes a key away; false if there is none of that name.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.run(&DELETE, args![name]).await? == 1)
}

/// All keys, by name.
pub async fn all(mut from: impl Read) -> Result<Vec<FeedKey>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}
