//! People who may sign in to the console.

use fleetmend_model::{Millis, UserId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO users (name, name_key, password_hash, role, created_at)
              VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name_key) DO NOTHING RETURNING id";
    GET = "SELECT * FROM users WHERE id = $1";
    BY_NAME = "SELECT * FROM users WHERE name_key = $1";
    LIST = "SELECT * FROM users ORDER BY name_key";
    COUNT = "SELECT COUNT(*) AS id FROM users";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    SET_ROLE = "UPDATE users SET role = $2 WHERE id = $1";
    SET_DISABLED = "UPDATE users SET disabled = $2 WHERE id = $1";
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name; unique, case ignored.
    pub name: String,
    /// The password's hash, in the PHC string format.
    pub password_hash: String,
    /// What they may do; the server knows the words.
    pub role: String,
    /// When they were added.
    pub created_at: Millis,
    /// Whether they may not sign in.
    pub disabled: bool,
}

fn read(row: &Row) -> Result<User> {
    Ok(User {
        id: UserId(row.int("id")?),
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        role: row.text("role")?,
        created_at: row.millis("created_at")?,
        disabled: row.flag("disabled")?,
    })
}

fn changed(user: UserId, count: u64) -> Result<()> {
    if count == 0 {
        Err(Error::missing("user", user))
    } else {
        Ok(())
    }
}

/// Adds a user.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    password_hash: &str,
    role: &str,
    now: Millis,
) -> Result<UserId> {
    let values = args![name, name.to_lowercase(), password_hash, role, now];
    let id = tx.maybe_id(&INSERT, values).await?;
    id.map(UserId).ok_or_else(|| Error::Exists {
        what: "user",
        name: name.to_owned(),
    })
}

/// A user.
pub async fn get(mut from: impl Read, user: UserId) -> Result<Option<User>> {
    from.row(&GET, args![user])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A user by name, case ignored.
pub async fn by_name(mut from: impl Read, name: &str) -> Result<Option<User>> {
    from.row(&BY_NAME, args![name.to_lowercase()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All users, by name.
pub async fn list(mut from: impl Read) -> Result<Vec<User>> {
    from.rows(&LIST, args![]).await?.iter().map(read).collect()
}

/// How many users there are: none before the first was set up.
pub async fn count(mut from: impl Read) -> Result<u64> {
    from.row(&COUNT, args![])
        .await?
        .map_or(Ok(0), |row| row.u64("id"))
}

/// Sets a password's hash. The user's sessions stay; ending them is the caller's.
pub async fn set_password(tx: &mut Tx, user: UserId, password_hash: &str) -> Result<()> {
    changed(
        user,
        tx.run(&SET_PASSWORD, args![user, password_hash]).await?,
    )
}

/// Sets what a user may do.
pub async fn set_role(tx: &mut Tx, user: UserId, role: &str) -> Result<()> {
    changed(user, tx.run(&SET_ROLE, args![user, role]).await?)
}

/// Sets whether a user may not sign in.
pub async fn set_disabled(tx: &mut Tx, user: UserId, disabled: bool) -> Result<()> {
    changed(user, tx.run(&SET_DISABLED, args![user, disabled]).await?)
}
