//! The list of missing patches, a row for each patch and system type, and the systems that one
//! affects.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::status::deploy::{DeployState, Ending};
use fleetmend_model::{DeployJobId, Millis, PatchId};

use super::dates::{self, Dates, date_columns};
use super::{Missing, read};
use crate::db::Read;
use crate::error::Result;
use crate::holds::{Hold, hold_columns, hold_joins, read_joined};
use crate::page::{Kind, Page, Paged, contains};
use crate::patches::{self, Patch, title_key};
use crate::sql::statements;
use crate::value::{Row, Value, args};

/// `$1` patch type, `$2` system type, `$3` decision, `$4` title, `$5` host name, `$6` security, `$7` held,
/// `$8` and `$9` published since and before, `$10` fixed.
macro_rules! missing_patches {
    () => {
        concat!(
            "SELECT p.*, s.system_type, s.place, COALESCE(a.decision, 'not_approved') AS decision,
             COALESCE(a.decided_by, '') AS decided_by, a.at AS decided_at,
             COALESCE(a.reason, '') AS decision_reason,
             (SELECT COUNT(*) FROM missing AS m JOIN devices AS d ON d.id = m.device
              WHERE m.patch = p.id AND d.system_type = s.system_type) AS affected,
             (SELECT COUNT(*) FROM holds AS o
              JOIN devices AS d ON d.id = o.device
              JOIN missing AS m ON m.device = o.device AND m.patch = o.patch
              WHERE o.patch = p.id AND o.ended_at IS NULL AND o.confirmed_at IS NOT NULL
                AND d.system_type = s.system_type) AS held_devices,",
            hold_columns!(),
            ",",
            date_columns!(),
            "
         FROM patches AS p
         CROSS JOIN (SELECT 'normal' AS system_type, 0 AS place
                     UNION ALL SELECT 'critical' AS system_type, 1 AS place) AS s
         LEFT JOIN approvals AS a ON a.patch = p.id AND a.system_type = s.system_type
         LEFT JOIN holds AS h ON h.patch = p.id AND h.device IS NULL AND h.ended_at IS NULL
         WHERE (CAST($1 AS TEXT) IS NULL OR p.patch_type = CAST($1 AS TEXT))
           AND (CAST($2 AS TEXT) IS NULL OR s.system_type = CAST($2 AS TEXT))
           AND (CAST($3 AS TEXT) IS NULL
                OR COALESCE(a.decision, 'not_approved') = CAST($3 AS TEXT))
           AND (CAST($4 AS TEXT) IS NULL OR p.title_key LIKE CAST($4 AS TEXT) ESCAPE '\\')
           AND (CAST($6 AS BIGINT) IS NULL OR p.security = CAST($6 AS BIGINT))
           AND (CAST($7 AS BIGINT) IS NULL
                OR CASE WHEN EXISTS (SELECT 1 FROM holds AS o
                                     WHERE o.patch = p.id AND o.ended_at IS NULL
                                       AND o.confirmed_at IS NOT NULL)
                        THEN 1 ELSE 0 END = CAST($7 AS BIGINT))
           AND (CAST($8 AS TEXT) IS NULL OR EXISTS
                (SELECT 1 FROM packages AS k
                 WHERE k.id = p.package AND k.published >= CAST($8 AS TEXT)))
           AND (CAST($9 AS TEXT) IS NULL OR EXISTS
                (SELECT 1 FROM packages AS k
                 WHERE k.id = p.package AND k.published < CAST($9 AS TEXT)))
           AND (CAST($10 AS BIGINT) IS NULL
                OR CASE WHEN p.first_fixed IS NULL THEN 0 ELSE 1 END = CAST($10 AS BIGINT))
           AND EXISTS (SELECT 1 FROM missing AS m JOIN devices AS d ON d.id = m.device
                       WHERE m.patch = p.id AND d.system_type = s.system_type
                         AND (CAST($5 AS TEXT) IS NULL
                              OR d.hostname_key LIKE CAST($5 AS TEXT) ESCAPE '\\'))"
        )
    };
}

statements! {
    BY_TITLE = (concat!(missing_patches!(), "
           AND (CAST($11 AS TEXT) IS NULL
                OR (p.title_key, p.id, s.place)
                   > (CAST($11 AS TEXT), CAST($12 AS BIGINT), CAST($13 AS BIGINT)))
         ORDER BY p.title_key, p.id, s.place LIMIT $14"));
    NEWEST = (concat!(missing_patches!(), "
           AND (CAST($11 AS BIGINT) IS NULL OR p.id < CAST($11 AS BIGINT)
                OR (p.id = CAST($11 AS BIGINT) AND s.place > CAST($12 AS BIGINT)))
         ORDER BY p.id DESC, s.place LIMIT $13"));
    BY_AFFECTED = (concat!("SELECT * FROM (", missing_patches!(), ") AS t
         WHERE CAST($11 AS BIGINT) IS NULL OR t.affected < CAST($11 AS BIGINT)
            OR (t.affected = CAST($11 AS BIGINT)
                AND (t.id, t.place) > (CAST($12 AS BIGINT), CAST($13 AS BIGINT)))
         ORDER BY t.affected DESC, t.id, t.place LIMIT $14"));
    AFFECTED = (concat!("SELECT m.*, g.installed_version, g.evidence, g.confidence, g.reason, d.hostname, d.system_type, d.last_seen, d.cannot_deploy,
                    j.id AS job, j.status AS job_status, j.ending AS job_ending,
                    j.cause AS job_cause, j.updated_at AS job_at,", hold_columns!(), "
                FROM missing AS m
                JOIN missing_grounds AS g ON g.id = m.grounds
                JOIN devices AS d ON d.id = m.device
                LEFT JOIN deploy_jobs AS j ON j.id =
                    (SELECT MAX(l.id) FROM deploy_jobs AS l
                     WHERE l.device = m.device AND l.patch = m.patch)", hold_joins!(), "
                WHERE m.patch = $1
                  AND (CAST($2 AS TEXT) IS NULL OR d.system_type = CAST($2 AS TEXT))
                  AND (CAST($3 AS TEXT) IS NULL
                       OR d.hostname_key LIKE CAST($3 AS TEXT) ESCAPE '\\')
                  AND (CAST($4 AS TEXT) IS NULL
                       OR (d.hostname_key, d.id) > (CAST($4 AS TEXT), CAST($5 AS BIGINT)))
                ORDER BY d.hostname_key, d.id LIMIT $6"));
}

/// Which missing patches are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchFilter {
    /// Third-party or OS.
    pub patch_type: Option<PatchType>,
    /// For devices of which system type.
    pub system_type: Option<SystemType>,
    /// With which decision for that system type.
    pub approval: Option<Approval>,
    /// Part of the title or the package's name, case ignored.
    pub title: Option<String>,
    /// Part of the name of a host that lacks it, case ignored.
    pub hostname: Option<String>,
    /// Whether it closes a security hole.
    pub security: Option<bool>,
    /// Whether it is held everywhere or on some device.
    pub held: Option<bool>,
    /// Published at this time or later: `YYYY-MM-DDThh:mm:ss`, UTC.
    pub published_since: Option<String>,
    /// Published before this time, written like that.
    pub published_before: Option<String>,
    /// Whether a device that had lacked it was found to have it.
    pub fixed: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PatchSort {
    /// By title, case ignored.
    #[default]
    Title,
    /// Those that most devices lack first.
    Affected,
    /// Those that this server saw last first.
    Newest,
}

/// A patch that devices of a system type lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPatch {
    /// The patch.
    pub patch: Patch,
    /// The system type.
    pub system_type: SystemType,
    /// The decision for it.
    pub approval: Approval,
    /// Who decided; empty where nobody did.
    pub decided_by: String,
    /// When.
    pub decided_at: Option<Millis>,
    /// Why, as far as said.
    pub decision_reason: String,
    /// How many devices of that type lack it.
    pub affected: u64,
    /// On how many of these it was installed and the version did not change.
    pub held_devices: u64,
    /// Why it is offered nowhere, where it was in vain on several devices.
    pub held_everywhere: Option<Hold>,
    /// When what happened to it.
    pub dates: Dates,
}

/// The latest deploy job of a device for a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestJob {
    /// Its id.
    pub job: DeployJobId,
    /// Where it stands.
    pub state: DeployState,
    /// Why.
    pub cause: String,
    /// Since when.
    pub at: Millis,
}

/// A device that lacks a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedSystem {
    /// The machine's name.
    pub hostname: String,
    /// Its system type.
    pub system_type: SystemType,
    /// When it was heard from last.
    pub last_seen: Millis,
    /// What a deployment needs that the device does not have.
    pub cannot_deploy: Option<String>,
    /// How the patch is missing; its device is the row's id.
    pub missing: Missing,
    /// The device's latest job for it.
    pub job: Option<LatestJob>,
    /// What keeps the patch from being offered again to it.
    pub hold: Option<Hold>,
}

/// Reads `job`, `job_status`, `job_ending`, `job_cause` and `job_at`.
pub(super) fn read_job(row: &Row) -> Result<Option<LatestJob>> {
    let Some(job) = row.int_opt("job")? else {
        return Ok(None);
    };
    Ok(Some(LatestJob {
        job: DeployJobId(job),
        state: DeployState {
            status: row.numbered("job_status")?,
            ending: row.word_opt("job_ending", Ending::from_key)?,
        },
        cause: row.text("job_cause")?,
        at: row.millis("job_at")?,
    }))
}

fn read_patch(row: &Row) -> Result<MissingPatch> {
    Ok(MissingPatch {
        patch: patches::read(row)?,
        system_type: row.word("system_type", SystemType::from_key)?,
        approval: row.word("decision", Approval::from_key)?,
        decided_by: row.text("decided_by")?,
        decided_at: row.millis_opt("decided_at")?,
        decision_reason: row.text("decision_reason")?,
        affected: row.u64("affected")?,
        held_devices: row.u64("held_devices")?,
        held_everywhere: read_joined(row)?,
        dates: dates::read(row)?,
    })
}

fn place(system_type: SystemType) -> i64 {
    match system_type {
        SystemType::Normal => 0,
        SystemType::Critical => 1,
    }
}

fn values(filter: &PatchFilter) -> Vec<Value> {
    args![
        filter.patch_type.map(PatchType::key),
        filter.system_type.map(SystemType::key),
        filter.approval.map(Approval::key),
        contains(filter.title.as_deref()),
        contains(filter.hostname.as_deref()),
        filter.security,
        filter.held,
        &filter.published_since,
        &filter.published_before,
        filter.fixed,
    ]
}

/// A page of the patches that devices lack.
pub async fn list(
    mut from: impl Read,
    filter: &PatchFilter,
    sort: PatchSort,
    page: &Page,
) -> Result<Paged<MissingPatch>> {
    let (statement, kinds): (_, &[Kind]) = match sort {
        PatchSort::Title => (&BY_TITLE, &[Kind::Text, Kind::Int, Kind::Int]),
        PatchSort::Affected => (&BY_AFFECTED, &[Kind::Int, Kind::Int, Kind::Int]),
        PatchSort::Newest => (&NEWEST, &[Kind::Int, Kind::Int]),
    };
    let mut values = values(filter);
    values.extend(page.cursor(kinds)?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(statement, values).await?;
    let patches = rows.iter().map(read_patch).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(patches, |it| {
        let (id, place) = (it.patch.id, place(it.system_type));
        match sort {
            PatchSort::Title => {
                serde_json::json!([title_key(&it.patch.title, &it.patch.name), id, place])
            }
            PatchSort::Affected => serde_json::json!([it.affected, id, place]),
            PatchSort::Newest => serde_json::json!([id, place]),
        }
    }))
}

/// A page of the devices that lack a patch, by host name.
pub async fn affected_systems(
    mut from: impl Read,
    patch: PatchId,
    system_type: Option<SystemType>,
    hostname: Option<&str>,
    page: &Page,
) -> Result<Paged<AffectedSystem>> {
    let mut values = args![patch, system_type.map(SystemType::key), contains(hostname)];
    values.extend(page.cursor(&[Kind::Text, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&AFFECTED, values).await?;
    let systems = rows
        .iter()
        .map(|row| {
            Ok(AffectedSystem {
                hostname: row.text("hostname")?,
                system_type: row.word("system_type", SystemType::from_key)?,
                last_seen: row.millis("last_seen")?,
                cannot_deploy: row.text_opt("cannot_deploy")?,
                missing: read(row)?,
                job: read_job(row)?,
                hold: read_joined(row)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(systems, |it| {
        serde_json::json!([it.hostname.to_lowercase(), it.missing.device])
    }))
}
