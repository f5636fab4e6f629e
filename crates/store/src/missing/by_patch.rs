//! The list of missing patches, a row for each patch and system type, and the systems that one
//! affects.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::status::deploy::{DeployState, Ending};
use fleetmend_model::{DeployJobId, Millis, PatchId};

use super::dates::{self, Dates, date_columns, published};
use super::filter::{self, PatchFilter, PatchSort, patch_conditions, patch_values};
use super::{Missing, read};
use crate::db::Read;
use crate::devices::read_scan_failure;
use crate::error::Result;
use crate::holds::{Hold, hold_columns, hold_joins, read_joined};
use crate::page::{Kind, Page, Paged, contains};
use crate::patches::{self, Patch, title_key};
use crate::sql::statements;
use crate::value::{Row, Value, args};

/// Besides the conditions on patches: `$7` system type, `$8` held, `$9` fixed, `$10` with those that are
/// fixed everywhere, `$11` devices, `$12` host name.
macro_rules! missing_patches {
    ($from:literal) => {
        concat!(
            "SELECT p.*, c.system_type, c.place, c.devices AS affected,
             CASE WHEN c.old_answers < c.devices THEN c.old_answers ELSE c.devices END
                 AS old_answers,
             COALESCE(a.decision, 'not_approved') AS decision,
             COALESCE(a.decided_by, '') AS decided_by, a.at AS decided_at,
             COALESCE(a.reason, '') AS decision_reason,
             (SELECT COUNT(*) FROM holds AS o
              JOIN devices AS d ON d.id = o.device
              JOIN missing AS m ON m.device = o.device AND m.patch = o.patch
              WHERE o.patch = p.id AND o.ended_at IS NULL AND o.confirmed_at IS NOT NULL
                AND d.system_type = c.system_type) AS held_devices,",
            hold_columns!(),
            ",",
            date_columns!(),
            "FROM ",
            $from,
            "
         LEFT JOIN approvals AS a ON a.patch = p.id AND a.system_type = c.system_type
         LEFT JOIN holds AS h ON h.patch = p.id AND h.device IS NULL AND h.ended_at IS NULL
         WHERE c.patch = p.id AND ",
            patch_conditions!(),
            "
           AND (CAST($7 AS TEXT) IS NULL OR c.system_type = CAST($7 AS TEXT))
           AND (CAST($8 AS BIGINT) IS NULL
                OR CASE WHEN EXISTS (SELECT 1 FROM holds AS o
                                     WHERE o.patch = p.id AND o.ended_at IS NULL
                                       AND o.confirmed_at IS NOT NULL)
                        THEN 1 ELSE 0 END = CAST($8 AS BIGINT))
           AND (CAST($9 AS BIGINT) IS NULL
                OR CASE WHEN p.first_fixed IS NULL THEN 0 ELSE 1 END = CAST($9 AS BIGINT))
           AND (c.devices > 0
                OR (p.first_fixed IS NOT NULL AND (CAST($9 AS BIGINT) = 1 OR $10 = 1)))
           AND (CAST($11 AS TEXT) IS NULL
                OR (p.id, c.system_type) IN
                   (SELECT m.patch, d.system_type
                    FROM devices AS d JOIN missing AS m ON m.device = d.id
                    WHERE d.id IN (SELECT CAST(value->>0 AS BIGINT)
                                   FROM jsonb_each(CAST($11 AS TEXT)))))
           AND (CAST($12 AS TEXT) IS NULL
                OR EXISTS (SELECT 1 FROM missing AS m JOIN devices AS d ON d.id = m.device
                           WHERE m.patch = p.id AND d.system_type = c.system_type
                             AND d.hostname_key LIKE CAST($12 AS TEXT) ESCAPE '\\'))"
        )
    };
}

statements! {
    BY_TITLE = (concat!(missing_patches!("patches AS p CROSS JOIN missing_counts AS c"), "
           AND (CAST($13 AS TEXT) IS NULL
                OR (p.title_key, p.id, c.place)
                   > (CAST($13 AS TEXT), CAST($14 AS BIGINT), CAST($15 AS BIGINT)))
         ORDER BY p.title_key, p.id, c.place LIMIT $16"));
    NEWEST = (concat!(missing_patches!("patches AS p CROSS JOIN missing_counts AS c"), "
           AND (CAST($13 AS BIGINT) IS NULL OR p.id < CAST($13 AS BIGINT)
                OR (p.id = CAST($13 AS BIGINT) AND c.place > CAST($14 AS BIGINT)))
         ORDER BY p.id DESC, c.place LIMIT $15"));
    /// SQLite joins in the order given: by the index of the counts, so that it ends with the page.
    BY_AFFECTED = (concat!(missing_patches!("missing_counts AS c CROSS JOIN patches AS p"), "
           AND (CAST($13 AS BIGINT) IS NULL OR c.devices < CAST($13 AS BIGINT)
                OR (c.devices = CAST($13 AS BIGINT)
                    AND (c.patch, c.place) > (CAST($14 AS BIGINT), CAST($15 AS BIGINT))))
         ORDER BY c.devices DESC, c.patch, c.place LIMIT $16"));
    AFFECTED = (concat!("SELECT m.*, g.installed_version, g.evidence, g.confidence, g.reason, d.hostname, d.system_type, d.last_seen, d.cannot_deploy,
                    d.scanned_at, d.scan_failed_at, d.scan_failure,
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
    /// On how many of these the answer is old, as it was counted last.
    pub old_answers: u64,
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
    /// When a scan found last what is known of it, as far as written down.
    pub scanned_at: Option<Millis>,
    /// When the last scan failed, and why.
    pub scan_failure: Option<(Millis, String)>,
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
        old_answers: row.u64("old_answers")?,
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

async fn values(from: &mut impl Read, filter: &PatchFilter) -> Result<Vec<Value>> {
    let mut values = patch_values(filter);
    values.extend(args![
        filter.system_type.map(SystemType::key),
        filter.held,
        filter.fixed,
        filter.with_fixed,
    ]);
    values.extend(filter::hosts(from, filter.hostname.as_deref()).await?);
    Ok(values)
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
    let mut values = values(&mut from, filter).await?;
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
                scanned_at: row.millis_opt("scanned_at")?,
                scan_failure: read_scan_failure(row)?,
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
