//! Groups: devices that meet conditions, under a name. The conditions are the plan's; here they are a
//! JSON text.

use fleetmend_model::{GroupId, Millis};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    INSERT = "INSERT INTO groups (name, name_key, scope, updated_by, updated_at)
              VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name_key) DO NOTHING RETURNING id";
    SET = "UPDATE groups SET name = $2, name_key = $3, scope = $4, updated_by = $5, updated_at = $6
           WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM groups AS g WHERE g.name_key = $3 AND g.id <> $1)";
    REMOVE = "DELETE FROM groups WHERE id = $1";
    GET = "SELECT * FROM groups WHERE id = $1";
    ALL = "SELECT * FROM groups ORDER BY name_key";
}

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name; unique, case ignored.
    pub name: String,
    /// Who is in it, as JSON.
    pub scope: String,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What it is.
    pub what: NewGroup,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Millis,
}

fn read(row: &Row) -> Result<Group> {
    Ok(Group {
        id: GroupId(row.int("id")?),
        what: NewGroup {
            name: row.text("name")?,
            scope: row.text("scope")?,
        },
        updated_by: row.text("updated_by")?,
        updated_at: row.millis("updated_at")?,
    })
}

fn taken(name: &str) -> Error {
    Error::Exists {
        what: "group",
        name: name.to_owned(),
    }
}

/// Adds a group.
pub async fn insert(tx: &mut Tx, what: &NewGroup, by: &str, now: Millis) -> Result<GroupId> {
    let values = args![&what.name, what.name.to_lowercase(), &what.scope, by, now];
    let id = tx.maybe_id(&INSERT, values).await?;
    id.map(GroupId).ok_or_else(|| taken(&what.name))
}

/// Changes a group.
pub async fn set(
    tx: &mut Tx,
    group: GroupId,
    what: &NewGroup,
    by: &str,
    now: Millis,
) -> Result<()> {
    let key = what.name.to_lowercase();
    let values = args![group, &what.name, key, &what.scope, by, now];
    if tx.run(&SET, values).await? > 0 {
        return Ok(());
    }
    match get(tx, group).await? {
        Some(_) => Err(taken(&what.name)),
        None => Err(Error::missing("group", group)),
    }
}

/// Removes a group. False where there is none.
pub async fn remove(tx: &mut Tx, group: GroupId) -> Result<bool> {
    Ok(tx.run(&REMOVE, args![group]).await? > 0)
}

/// A group.
pub async fn get(mut from: impl Read, group: GroupId) -> Result<Option<Group>> {
    from.row(&GET, args![group])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All groups, by name.
pub async fn all(mut from: impl Read) -> Result<Vec<Group>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}
