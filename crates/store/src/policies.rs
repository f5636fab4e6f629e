//! Policies in the order in which they are asked, and what each was before. Scope and settings are the
//! plan's; here they are JSON texts.

use std::collections::BTreeSet;

use fleetmend_model::{DeviceId, Millis, PolicyId};

use crate::db::{Read, Tx};
use crate::devices;
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    INSERT = "INSERT INTO policies (name, name_key, rank, enabled, scope, settings, generation,
                  updated_by, updated_at)
              SELECT $1, $2, COALESCE(MAX(p.rank), 0) + 1, $3, $4, $5, 1, $6, $7
              FROM policies AS p WHERE true
              ON CONFLICT (name_key) DO NOTHING RETURNING id";
    SET = "UPDATE policies SET name = $2, name_key = $3, enabled = $4, scope = $5, settings = $6,
               generation = generation + 1, updated_by = $7, updated_at = $8
           WHERE id = $1 AND generation = $9
             AND NOT EXISTS (SELECT 1 FROM policies AS p WHERE p.name_key = $3 AND p.id <> $1)";
    KEEP = "INSERT INTO policy_versions (policy, generation, name, enabled, scope, settings, changed_by,
                at)
            SELECT id, generation, name, enabled, scope, settings, updated_by, updated_at
            FROM policies WHERE id = $1";
    RANK = "UPDATE policies SET rank = t.rank
            FROM (SELECT CAST(value->>0 AS BIGINT) AS policy, CAST(value->>1 AS BIGINT) AS rank
                  FROM jsonb_each($1)) AS t
            WHERE policies.id = t.policy AND policies.is_rest = 0";
    /// SQLite has one writer: nothing is to be held there.
    HOLD = {
        sqlite: "SELECT id FROM policies WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                 ORDER BY id",
        postgres: "SELECT id FROM policies WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                   ORDER BY id FOR KEY SHARE",
    };
    TAKE = {
        sqlite: "SELECT is_rest FROM policies WHERE id = $1",
        postgres: "SELECT is_rest FROM policies WHERE id = $1 FOR UPDATE",
    };
    HAVING = "SELECT id FROM devices WHERE policy = $1";
    LEAVE = "UPDATE devices SET policy = NULL, policy_why = '' WHERE policy = $1";
    REMOVE = "DELETE FROM policies WHERE id = $1 AND is_rest = 0";
    GET = "SELECT * FROM policies WHERE id = $1";
    ALL = "SELECT * FROM policies ORDER BY is_rest, rank, id";
    VERSIONS = "SELECT * FROM policy_versions WHERE policy = $1 ORDER BY generation DESC";
    COUNTS = "SELECT policy, COUNT(*) AS devices FROM devices
              WHERE removed_at IS NULL AND policy IS NOT NULL GROUP BY policy ORDER BY policy";
}

/// What a policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// Its name; unique, case ignored.
    pub name: String,
    /// Whether devices can have it.
    pub is_enabled: bool,
    /// Whose it is, as JSON.
    pub scope: String,
    /// What it sets, as JSON.
    pub settings: String,
}

/// A policy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// What it is.
    pub what: NewPolicy,
    /// Whether it is the one that takes what no other does.
    pub is_rest: bool,
    /// Raised with each change.
    pub generation: i64,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Millis,
}

/// What a policy was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// In which generation.
    pub generation: i64,
    /// Its name.
    pub name: String,
    /// Whether devices could have it; `None`: not known, it was not kept then.
    pub is_enabled: Option<bool>,
    /// Whose it was, as JSON.
    pub scope: String,
    /// What it set, as JSON.
    pub settings: String,
    /// Who made it so.
    pub changed_by: String,
    /// When.
    pub at: Millis,
}

fn read(row: &Row) -> Result<Policy> {
    Ok(Policy {
        id: PolicyId(row.int("id")?),
        what: NewPolicy {
            name: row.text("name")?,
            is_enabled: row.flag("enabled")?,
            scope: row.text("scope")?,
            settings: row.text("settings")?,
        },
        is_rest: row.flag("is_rest")?,
        generation: row.int("generation")?,
        updated_by: row.text("updated_by")?,
        updated_at: row.millis("updated_at")?,
    })
}

fn taken(name: &str) -> Error {
    Error::Exists {
        what: "policy",
        name: name.to_owned(),
    }
}

/// Adds a policy behind all others but the last.
pub async fn insert(tx: &mut Tx, what: &NewPolicy, by: &str, now: Millis) -> Result<PolicyId> {
    let key = what.name.to_lowercase();
    let values = args![
        &what.name,
        key,
        what.is_enabled,
        &what.scope,
        &what.settings,
        by,
        now,
    ];
    let id = tx.maybe_id(&INSERT, values).await?;
    let id = id.ok_or_else(|| taken(&what.name))?;
    tx.run(&KEEP, args![id]).await?;
    Ok(PolicyId(id))
}

/// Changes a policy that is in `generation`. False where somebody else changed it since.
pub async fn set(
    tx: &mut Tx,
    policy: PolicyId,
    generation: i64,
    what: &NewPolicy,
    by: &str,
    now: Millis,
) -> Result<bool> {
    let values = args![
        policy,
        &what.name,
        what.name.to_lowercase(),
        what.is_enabled,
        &what.scope,
        &what.settings,
        by,
        now,
        generation,
    ];
    if tx.run(&SET, values).await? > 0 {
        tx.run(&KEEP, args![policy]).await?;
        return Ok(true);
    }
    match get(tx, policy).await? {
        Some(stored) if stored.generation == generation => Err(taken(&what.name)),
        Some(_) => Ok(false),
        None => Err(Error::missing("policy", policy)),
    }
}

/// Has policies asked in this order. The last one stays the last.
pub async fn set_order(tx: &mut Tx, policies: &[PolicyId]) -> Result<()> {
    let mut rows = Rows::new();
    for (place, policy) in (1_i64..).zip(policies) {
        rows.push(&row![*policy, place]);
    }
    tx.run(&RANK, args![rows]).await.map(drop)
}

/// Keeps policies from being removed until this transaction ends; returns those that are there. Whoever
/// gives devices policies holds these first.
pub async fn hold_all(
    tx: &mut Tx,
    policies: impl IntoIterator<Item = PolicyId>,
) -> Result<BTreeSet<PolicyId>> {
    let rows = tx.rows(&HOLD, args![Rows::of(policies)]).await?;
    rows.iter()
        .map(|row| Ok(PolicyId(row.int("id")?)))
        .collect()
}

/// Removes a policy; its devices have none until they are looked at. False where there is none, or it is
/// the one that takes what no other does.
pub async fn remove(tx: &mut Tx, policy: PolicyId) -> Result<bool> {
    // Nobody gives it to a device from here on: see `hold_all`.
    match tx.row(&TAKE, args![policy]).await? {
        Some(row) if !row.flag("is_rest")? => {}
        _ => return Ok(false),
    }
    let mut having = Vec::new();
    for row in tx.rows(&HAVING, args![policy]).await? {
        having.push(DeviceId(row.int("id")?));
    }
    // In the order in which all others take them.
    devices::lock(tx, having).await?;
    tx.run(&LEAVE, args![policy]).await?;
    Ok(tx.run(&REMOVE, args![policy]).await? > 0)
}

/// A policy.
pub async fn get(mut from: impl Read, policy: PolicyId) -> Result<Option<Policy>> {
    from.row(&GET, args![policy])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All policies, in the order in which they are asked; last the one that takes what no other does.
pub async fn all(mut from: impl Read) -> Result<Vec<Policy>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}

/// What a policy is and was, the latest first.
pub async fn versions(mut from: impl Read, policy: PolicyId) -> Result<Vec<Version>> {
    let rows = from.rows(&VERSIONS, args![policy]).await?;
    rows.iter()
        .map(|row| {
            Ok(Version {
                generation: row.int("generation")?,
                name: row.text("name")?,
                is_enabled: row.int_opt("enabled")?.map(|it| it != 0),
                scope: row.text("scope")?,
                settings: row.text("settings")?,
                changed_by: row.text("changed_by")?,
                at: row.millis("at")?,
            })
        })
        .collect()
}

/// How many devices have each policy, of those that any has.
pub async fn device_counts(mut from: impl Read) -> Result<Vec<(PolicyId, u64)>> {
    let rows = from.rows(&COUNTS, args![]).await?;
    rows.iter()
        .map(|row| Ok((PolicyId(row.int("policy")?), row.u64("devices")?)))
        .collect()
}
