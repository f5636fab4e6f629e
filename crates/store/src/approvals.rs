//! Decisions on patches, for each system type.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{Millis, PatchId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    SET = "INSERT INTO approvals (patch, system_type, decision, decided_by, at, reason)
           SELECT CAST(value->>0 AS BIGINT), value->>1, $2, $3, $4, $5
           FROM jsonb_each($1) WHERE true
           ON CONFLICT (patch, system_type) DO UPDATE SET decision = excluded.decision,
               decided_by = excluded.decided_by, at = excluded.at, reason = excluded.reason,
               rule = NULL";
    /// Where nobody decided.
    SET_BY_RULE = "INSERT INTO approvals (patch, system_type, decision, decided_by, at, reason, rule)
                   VALUES ($1, $2, 'approved', $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    GET = "SELECT * FROM approvals WHERE patch = $1 AND system_type = $2";
    OF_PATCH = "SELECT * FROM approvals WHERE patch = $1 ORDER BY system_type DESC";
    /// Lists name a package's newest version alone: an older one may be what has aged.
    WANTED = "SELECT DISTINCT a.patch FROM approvals AS a JOIN patches AS p ON p.id = a.patch
              WHERE a.decision = 'approved'
                AND EXISTS (SELECT 1 FROM patches AS o JOIN missing AS m ON m.patch = o.id
                            WHERE o.patch_type = p.patch_type AND o.name = p.name)
              ORDER BY a.patch";
    GET_MANY = "SELECT a.* FROM jsonb_each($1) AS j
                JOIN approvals AS a ON a.patch = CAST(j.value->>0 AS BIGINT)
                    AND a.system_type = j.value->>1
                ORDER BY a.patch, a.system_type DESC";
}

/// A decision as it is kept. No row is [`Approval::NotApproved`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    /// On which patch.
    pub patch: PatchId,
    /// For which devices.
    pub system_type: SystemType,
    /// The decision.
    pub decision: Approval,
    /// The user's name, or the rule's.
    pub decided_by: String,
    /// When.
    pub at: Millis,
    /// Why, as far as said.
    pub reason: String,
    /// The rule that decided; a person did where there is none.
    pub rule: Option<String>,
}

fn read(row: &Row) -> Result<ApprovalRow> {
    Ok(ApprovalRow {
        patch: PatchId(row.int("patch")?),
        system_type: row.word("system_type", SystemType::from_key)?,
        decision: row.word("decision", Approval::from_key)?,
        decided_by: row.text("decided_by")?,
        at: row.millis("at")?,
        reason: row.text("reason")?,
        rule: row.text_opt("rule")?,
    })
}

fn keys(patches: &[(PatchId, SystemType)]) -> Rows {
    let mut keys = patches.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut rows = Rows::new();
    for (patch, system_type) in keys {
        rows.push(&row![patch, system_type.key()]);
    }
    rows
}

/// Makes one decision for many patches and system types.
pub async fn set_many(
    tx: &mut Tx,
    patches: &[(PatchId, SystemType)],
    decision: Approval,
    by: &str,
    reason: &str,
    now: Millis,
) -> Result<()> {
    if patches.is_empty() {
        return Ok(());
    }
    tx.run(&SET, args![keys(patches), decision.key(), by, now, reason])
        .await
        .map(drop)
}

/// Approves a patch by a rule, unless somebody decided on it. `false`: somebody did.
pub async fn set_by_rule(
    tx: &mut Tx,
    patch: PatchId,
    system_type: SystemType,
    rule: &str,
    reason: &str,
    now: Millis,
) -> Result<bool> {
    let by = format!("rule '{rule}'");
    let values = args![patch, system_type.key(), by, now, reason, rule];
    Ok(tx.run(&SET_BY_RULE, values).await? > 0)
}

/// The decision on a patch for a system type.
pub async fn get(
    mut from: impl Read,
    patch: PatchId,
    system_type: SystemType,
) -> Result<Option<ApprovalRow>> {
    from.row(&GET, args![patch, system_type.key()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The decisions on a patch.
pub async fn of_patch(mut from: impl Read, patch: PatchId) -> Result<Vec<ApprovalRow>> {
    from.rows(&OF_PATCH, args![patch])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The patches that are approved for some devices, and that a device lacks.
pub async fn wanted(mut from: impl Read) -> Result<Vec<PatchId>> {
    let rows = from.rows(&WANTED, args![]).await?;
    rows.iter()
        .map(|row| row.int("patch").map(PatchId))
        .collect()
}

/// The decisions on many patches, as far as there are any.
pub async fn get_many(
    mut from: impl Read,
    patches: &[(PatchId, SystemType)],
) -> Result<Vec<ApprovalRow>> {
    from.rows(&GET_MANY, args![keys(patches)])
        .await?
        .iter()
        .map(read)
        .collect()
}
