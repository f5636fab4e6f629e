//! The list of devices.

use fleetmend_model::DeviceId;
use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::status::scan::ScanStatus;

use super::{Device, read};
use crate::db::Read;
use crate::error::Result;
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, Value, args};

/// `$1` host name, `$2` OS family, `$3` system type, `$4` scan status, `$5` has missing.
macro_rules! filter {
    () => {
        "removed_at IS NULL
         AND (CAST($1 AS TEXT) IS NULL OR hostname_key LIKE CAST($1 AS TEXT) ESCAPE '\\')
         AND (CAST($2 AS TEXT) IS NULL OR os_family = CAST($2 AS TEXT))
         AND (CAST($3 AS TEXT) IS NULL OR system_type = CAST($3 AS TEXT))
         AND (CAST($4 AS BIGINT) IS NULL OR scan_status = CAST($4 AS BIGINT))
         AND (CAST($5 AS BIGINT) IS NULL
              OR CASE WHEN missing_total > 0 THEN 1 ELSE 0 END = CAST($5 AS BIGINT))"
    };
}

statements! {
    BY_HOSTNAME = (concat!("SELECT * FROM devices WHERE ", filter!(), "
        AND (CAST($6 AS TEXT) IS NULL
             OR (hostname_key, id) > (CAST($6 AS TEXT), CAST($7 AS BIGINT)))
        ORDER BY hostname_key, id LIMIT $8"));
    BY_LAST_SEEN = (concat!("SELECT * FROM devices WHERE ", filter!(), "
        AND (CAST($6 AS BIGINT) IS NULL
             OR (last_seen, id) > (CAST($6 AS BIGINT), CAST($7 AS BIGINT)))
        ORDER BY last_seen, id LIMIT $8"));
    BY_MISSING = (concat!("SELECT * FROM devices WHERE ", filter!(), "
        AND (CAST($6 AS BIGINT) IS NULL OR missing_total < CAST($6 AS BIGINT)
             OR (missing_total = CAST($6 AS BIGINT) AND id > CAST($7 AS BIGINT)))
        ORDER BY missing_total DESC, id LIMIT $8"));
    NAMED = "SELECT id FROM devices WHERE removed_at IS NULL AND hostname_key = $1
             ORDER BY id LIMIT $2";
    GET_MANY = "SELECT * FROM devices WHERE removed_at IS NULL AND id IN
                    (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id";
    GET_EVER = "SELECT * FROM devices WHERE id IN
                    (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id";
    TOTALS = (concat!("SELECT COUNT(*) AS devices,
            CAST(COALESCE(SUM(missing_third_party), 0) AS BIGINT) AS missing_third_party,
            CAST(COALESCE(SUM(missing_os), 0) AS BIGINT) AS missing_os
        FROM devices WHERE ", filter!()));
}

/// Which devices are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Part of the host name, case ignored.
    pub hostname: Option<String>,
    /// Kind of operating system.
    pub os_family: Option<OsFamily>,
    /// System type.
    pub system_type: Option<SystemType>,
    /// Status of the latest scan job.
    pub scan_status: Option<ScanStatus>,
    /// Whether it lacks patches.
    pub has_missing: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceSort {
    /// By host name, case ignored.
    #[default]
    Hostname,
    /// Those that were not heard from for longest first.
    LastSeen,
    /// Those that lack most patches first.
    Missing,
}

/// Sums over the devices that a filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// How many devices.
    pub devices: u64,
    /// Third-party patches missing on them, counted per device.
    pub missing_third_party: u64,
    /// OS patches missing on them, counted per device.
    pub missing_os: u64,
}

fn values(filter: &DeviceFilter) -> Vec<Value> {
    args![
        contains(filter.hostname.as_deref()),
        filter.os_family.map(OsFamily::key),
        filter.system_type.map(SystemType::key),
        filter.scan_status.map(ScanStatus::number),
        filter.has_missing,
    ]
}

/// A page of the devices that were not removed.
pub async fn list(
    mut from: impl Read,
    filter: &DeviceFilter,
    sort: DeviceSort,
    page: &Page,
) -> Result<Paged<Device>> {
    let (statement, kind) = match sort {
        DeviceSort::Hostname => (&BY_HOSTNAME, Kind::Text),
        DeviceSort::LastSeen => (&BY_LAST_SEEN, Kind::Int),
        DeviceSort::Missing => (&BY_MISSING, Kind::Int),
    };
    let mut values = values(filter);
    values.extend(page.cursor(&[kind, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(statement, values).await?;
    let devices = rows.iter().map(read).collect::<Result<Vec<Device>>>()?;
    Ok(page.cut(devices, |device| match sort {
        DeviceSort::Hostname => serde_json::json!([device.host.hostname.to_lowercase(), device.id]),
        DeviceSort::LastSeen => serde_json::json!([device.last_seen, device.id]),
        DeviceSort::Missing => {
            serde_json::json!([device.missing_third_party + device.missing_os, device.id])
        }
    }))
}

/// Counts over the devices that a filter finds.
pub async fn totals(mut from: impl Read, filter: &DeviceFilter) -> Result<Totals> {
    let row = from.row(&TOTALS, values(filter)).await?;
    let number = |column| row.as_ref().map_or(Ok(0), |row: &Row| row.u64(column));
    Ok(Totals {
        devices: number("devices")?,
        missing_third_party: number("missing_third_party")?,
        missing_os: number("missing_os")?,
    })
}

/// The devices with a host name, case ignored: at most some.
pub async fn named(mut from: impl Read, hostname: &str, limit: u32) -> Result<Vec<DeviceId>> {
    let values = args![hostname.to_lowercase(), limit];
    let rows = from.rows(&NAMED, values).await?;
    rows.iter().map(|row| row.int("id").map(DeviceId)).collect()
}

/// The devices with these ids, by id; those that were removed are left out.
pub async fn get_many(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<Device>> {
    let ids = Rows::of(devices.iter().copied());
    let rows = from.rows(&GET_MANY, args![ids]).await?;
    rows.iter().map(read).collect()
}

/// These devices, also those that were taken out of management, by id.
pub async fn get_ever(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<Device>> {
    let ids = Rows::of(devices.iter().copied());
    let rows = from.rows(&GET_EVER, args![ids]).await?;
    rows.iter().map(read).collect()
}
