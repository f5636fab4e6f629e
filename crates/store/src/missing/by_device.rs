//! What one device lacks.

use fleetmend_model::DeviceId;
use fleetmend_model::patch::Approval;

use super::by_patch::{LatestJob, read_job};
use super::dates::published;
use super::filter::{PatchFilter, patch_conditions, patch_values};
use super::{Missing, read};
use crate::db::Read;
use crate::error::Result;
use crate::holds::{Hold, hold_columns, hold_joins, read_joined};
use crate::page::{Kind, Page, Paged};
use crate::patches::{self, Patch, title_key};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args};

/// What devices lack, with all that is shown of it.
macro_rules! device_patches {
    () => {
        concat!(
            "SELECT p.*, m.device, m.patch, m.since, g.installed_version, g.evidence,
                g.confidence, g.reason, COALESCE(a.decision, 'not_approved') AS decision,
                j.id AS job, j.status AS job_status, j.ending AS job_ending,
                j.cause AS job_cause, j.updated_at AS job_at,",
            hold_columns!(),
            "
            FROM missing AS m
            JOIN missing_grounds AS g ON g.id = m.grounds
            JOIN patches AS p ON p.id = m.patch
            JOIN devices AS d ON d.id = m.device
            LEFT JOIN approvals AS a ON a.patch = m.patch AND a.system_type = d.system_type
            LEFT JOIN deploy_jobs AS j ON j.id =
                (SELECT MAX(l.id) FROM deploy_jobs AS l
                 WHERE l.device = m.device AND l.patch = m.patch)",
            hold_joins!()
        )
    };
}

statements! {
    LIST = (concat!(device_patches!(), "
            WHERE", patch_conditions!(), "
              AND m.device = $7
              AND (CAST($8 AS BIGINT) IS NULL
                   OR CASE WHEN h.confirmed_at IS NULL THEN 0 ELSE 1 END = CAST($8 AS BIGINT))
              AND (CAST($9 AS TEXT) IS NULL
                   OR (p.title_key, p.id) > (CAST($9 AS TEXT), CAST($10 AS BIGINT)))
            ORDER BY p.title_key, p.id LIMIT $11"));
    OF_PACKAGES = (concat!(device_patches!(), "
            WHERE m.device = $1 AND p.patch_type = 'third_party'
              AND p.name IN (SELECT value->>0 FROM jsonb_each($2))
            ORDER BY p.title_key, p.id LIMIT 1"));
    /// Of versions of several archives the latest that was offered.
    OF_OS_PACKAGE = (concat!(device_patches!(), "
            WHERE m.device = $1 AND p.patch_type = 'os' AND p.name = $2 AND p.architecture = $3
            ORDER BY p.id DESC LIMIT 1"));
}

/// A patch that the device lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePatch {
    /// The patch.
    pub patch: Patch,
    /// How it is missing.
    pub missing: Missing,
    /// The decision for the device's system type.
    pub approval: Approval,
    /// The device's latest job for it.
    pub job: Option<LatestJob>,
    /// What keeps it from being offered again.
    pub hold: Option<Hold>,
}

fn read_row(row: &Row) -> Result<DevicePatch> {
    Ok(DevicePatch {
        patch: patches::read(row)?,
        missing: read(row)?,
        approval: row.word("decision", Approval::from_key)?,
        job: read_job(row)?,
        hold: read_joined(row)?,
    })
}

/// A page of what a device lacks that fits the filter, by title.
pub async fn of_device(
    mut from: impl Read,
    device: DeviceId,
    filter: &PatchFilter,
    page: &Page,
) -> Result<Paged<DevicePatch>> {
    let mut values = patch_values(filter);
    values.extend(args![device, filter.held]);
    values.extend(page.cursor(&[Kind::Text, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let patches = rows.iter().map(read_row).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(patches, |it| {
        serde_json::json!([title_key(&it.patch.title, &it.patch.name), it.patch.id])
    }))
}

/// What a device lacks of packages with these ids, which are one application's.
pub async fn of_packages(
    mut from: impl Read,
    device: DeviceId,
    packages: &[String],
) -> Result<Option<DevicePatch>> {
    let names = Rows::of(packages.iter().map(String::as_str));
    from.row(&OF_PACKAGES, args![device, names])
        .await?
        .as_ref()
        .map(read_row)
        .transpose()
}

/// What a device lacks of a package of its package manager.
pub async fn of_os_package(
    mut from: impl Read,
    device: DeviceId,
    name: &str,
    architecture: &str,
) -> Result<Option<DevicePatch>> {
    from.row(&OF_OS_PACKAGE, args![device, name, architecture])
        .await?
        .as_ref()
        .map(read_row)
        .transpose()
}
