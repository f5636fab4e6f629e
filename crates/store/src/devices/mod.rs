//! Managed machines.

mod list;
mod policy;
mod refusal;

use std::time::Duration;

use fleetmend_model::device::{Host, OsFamily, SystemType};
use fleetmend_model::inventory::Boot;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis, PolicyId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::missing::Counted;
use crate::observations;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

pub(crate) use list::STATEMENTS as LIST_STATEMENTS;
pub use list::{DeviceFilter, DeviceSort, Totals, get_ever, get_many, list, named, totals};
pub(crate) use policy::STATEMENTS as POLICY_STATEMENTS;
pub use policy::{HasPolicy, Having, policies, set_policies};
pub(crate) use refusal::STATEMENTS as REFUSAL_STATEMENTS;
pub use refusal::{Refusal, Refused, set_refusal};

statements! {
    INSERT = "INSERT INTO devices (hostname, hostname_key, os_family, os_name, os_version,
                  architecture, system_type, agent_version, protocol, certificate_sha256,
                  enrolled_at, last_seen, heard_since, system_type_set)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12)
              ON CONFLICT (certificate_sha256) DO NOTHING RETURNING id";
    GET = "SELECT * FROM devices WHERE id = $1";
    BY_CERTIFICATE = "SELECT * FROM devices
                      WHERE certificate_sha256 = $1 AND removed_at IS NULL";
    EVER_BY_CERTIFICATE = "SELECT * FROM devices WHERE certificate_sha256 = $1";
    ALL = "SELECT * FROM devices WHERE removed_at IS NULL ORDER BY id";
    /// `UPDATE … FROM` on PostgreSQL locks in the order it likes; a retry is the caller's.
    TOUCH = "UPDATE devices SET last_seen = CASE WHEN t.seen > last_seen THEN t.seen
                                                 ELSE last_seen END,
                 heard_since = CASE WHEN t.seen - last_seen > $2 THEN t.seen
                                    ELSE heard_since END,
                 boot_id = t.boot_id, boot_at = t.boot_at,
                 agent_version = t.agent_version, protocol = t.protocol,
                 scanned_at = CASE WHEN t.scanned IS NULL OR scanned_at > t.scanned
                                   THEN scanned_at ELSE t.scanned END
             FROM (SELECT CAST(value->>0 AS BIGINT) AS device, CAST(value->>1 AS BIGINT) AS seen,
                          value->>2 AS boot_id, CAST(value->>3 AS BIGINT) AS boot_at,
                          value->>4 AS agent_version, CAST(value->>5 AS BIGINT) AS protocol,
                          CAST(value->>6 AS BIGINT) AS scanned
                   FROM jsonb_each($1)) AS t
             WHERE devices.id = t.device";
    SET_SYSTEM_TYPE = "UPDATE devices SET system_type = $2, system_type_set = 1
                       WHERE removed_at IS NULL AND id IN
      (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    APPLY_INVENTORIES = "UPDATE devices SET
                 hostname = t.hostname, hostname_key = t.hostname_key, os_family = t.os_family,
                 os_name = t.os_name, os_version = t.os_version, architecture = t.architecture,
                 inventory_digest = t.digest, inventory_at = t.at, scanned_at = t.at,
                 inventory_complete = t.complete, inventory_note = t.note,
                 restart_pending = t.restart_pending, cannot_deploy = t.cannot_deploy
             FROM (SELECT CAST(value->>0 AS BIGINT) AS device, value->>1 AS hostname,
                          value->>2 AS hostname_key, value->>3 AS os_family,
                          value->>4 AS os_name, value->>5 AS os_version,
                          value->>6 AS architecture, value->>7 AS digest,
                          CAST(value->>8 AS BIGINT) AS at, CAST(value->>9 AS BIGINT) AS complete,
                          value->>10 AS note, value->>11 AS restart_pending,
                          value->>12 AS cannot_deploy
                   FROM jsonb_each($1)) AS t
             WHERE devices.id = t.device";
    SET_SCAN_FAILURE = "UPDATE devices SET scan_failed_at = $2, scan_failure = $3 WHERE id = $1";
    NEXT_ORDER_COUNTER = "UPDATE devices SET order_counter = order_counter + 1
                          WHERE id = $1 RETURNING order_counter AS id";
    REMOVE = "UPDATE devices SET removed_at = $2, missing_third_party = 0, missing_os = 0,
                  missing_total = 0
              WHERE id = $1 AND removed_at IS NULL";
    REMOVE_MISSING = "DELETE FROM missing WHERE device = $1";
    REMOVE_INVENTORY = "DELETE FROM inventories WHERE device = $1";
    /// Two servers that write the same devices take their rows in the same order.
    LOCK = {
        sqlite: "SELECT id, system_type FROM devices WHERE removed_at IS NULL AND id IN
                     (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id",
        postgres: "SELECT id, system_type FROM devices WHERE removed_at IS NULL AND id IN
                       (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1)) ORDER BY id
                   FOR NO KEY UPDATE",
    };
}

/// A device as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What its agent said of it last.
    pub host: Host,
    /// How careful approvals are with it.
    pub system_type: SystemType,
    /// Whether a person said so.
    pub is_system_type_set: bool,
    /// The agent's own version.
    pub agent_version: String,
    /// The protocol that the agent speaks.
    pub protocol: u32,
    /// SHA-256 of its certificate, lower-case hexadecimal.
    pub certificate_sha256: String,
    /// When it enrolled.
    pub enrolled_at: Millis,
    /// When it was heard from last, as far as written down.
    pub last_seen: Millis,
    /// Since when it is heard from without a long silence.
    pub heard_since: Millis,
    /// Which boot it is in.
    pub boot: Option<Boot>,
    /// Digest of the inventory that is stored; absent before the first.
    pub inventory_digest: Option<String>,
    /// When that was stored.
    pub inventory_at: Option<Millis>,
    /// When a scan found that last, as far as written down.
    pub scanned_at: Option<Millis>,
    /// When the last scan failed, and why.
    pub scan_failure: Option<(Millis, String)>,
    /// What of its agent the server refused, until it takes the like again.
    pub refusal: Option<Refusal>,
    /// Whether the last scan reached all of its sources.
    pub inventory_complete: bool,
    /// Which sources it did not reach, and why.
    pub inventory_note: String,
    /// Why a restart is due.
    pub restart_pending: Option<String>,
    /// What a deployment needs that the device does not have.
    pub cannot_deploy: Option<String>,
    /// How many third-party patches it lacks.
    pub missing_third_party: u32,
    /// How many OS patches it lacks.
    pub missing_os: u32,
    /// Status of its latest scan job.
    pub scan_status: Option<ScanStatus>,
    /// Cause of that status.
    pub scan_cause: String,
    /// Since when.
    pub scan_at: Option<Millis>,
    /// The counter of the latest order.
    pub order_counter: i64,
    /// Its policy; absent where it was not looked at yet.
    pub policy: Option<PolicyId>,
    /// Why it has that one.
    pub policy_why: String,
    /// When it was taken out of management.
    pub removed_at: Option<Millis>,
}

/// A device that enrols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The machine.
    pub host: Host,
    /// How careful approvals are with it.
    pub system_type: SystemType,
    /// The agent's own version.
    pub agent_version: String,
    /// The protocol that the agent speaks.
    pub protocol: u32,
    /// SHA-256 of its certificate, lower-case hexadecimal.
    pub certificate_sha256: String,
}

/// What a check-in says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Whose.
    pub device: DeviceId,
    /// When.
    pub last_seen: Millis,
    /// Which boot the device is in.
    pub boot: Boot,
    /// The agent's own version.
    pub agent_version: String,
    /// The protocol that the agent speaks.
    pub protocol: u32,
    /// When a scan found last what is stored.
    pub scanned_at: Option<Millis>,
}

/// What an inventory says about the device itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryFacts {
    /// Whose.
    pub device: DeviceId,
    /// The machine.
    pub host: Host,
    /// The inventory's digest.
    pub digest: String,
    /// When it came.
    pub at: Millis,
    /// Whether all sources were reached.
    pub complete: bool,
    /// Which were not, and why.
    pub note: String,
    /// Why a restart is due.
    pub restart_pending: Option<String>,
    /// What a deployment needs that the device does not have.
    pub cannot_deploy: Option<String>,
}

pub(crate) fn read(row: &Row) -> Result<Device> {
    let boot_at = row.millis_opt("boot_at")?;
    Ok(Device {
        id: DeviceId(row.int("id")?),
        host: Host {
            hostname: row.text("hostname")?,
            os_family: row.word("os_family", OsFamily::from_key)?,
            os_name: row.text("os_name")?,
            os_version: row.text("os_version")?,
            architecture: row.text("architecture")?,
        },
        system_type: row.word("system_type", SystemType::from_key)?,
        is_system_type_set: row.flag("system_type_set")?,
        agent_version: row.text("agent_version")?,
        protocol: row.u32("protocol")?,
        certificate_sha256: row.text("certificate_sha256")?,
        enrolled_at: row.millis("enrolled_at")?,
        last_seen: row.millis("last_seen")?,
        heard_since: row.millis("heard_since")?,
        boot: row.text_opt("boot_id")?.map(|id| Boot { id, at: boot_at }),
        inventory_digest: row.text_opt("inventory_digest")?,
        inventory_at: row.millis_opt("inventory_at")?,
        scanned_at: row.millis_opt("scanned_at")?,
        scan_failure: read_scan_failure(row)?,
        refusal: refusal::read(row)?,
        inventory_complete: row.flag("inventory_complete")?,
        inventory_note: row.text("inventory_note")?,
        restart_pending: row.text_opt("restart_pending")?,
        cannot_deploy: row.text_opt("cannot_deploy")?,
        missing_third_party: row.u32("missing_third_party")?,
        missing_os: row.u32("missing_os")?,
        scan_status: row.numbered_opt("scan_status")?,
        scan_cause: row.text("scan_cause")?,
        scan_at: row.millis_opt("scan_at")?,
        order_counter: row.int("order_counter")?,
        policy: row.int_opt("policy")?.map(PolicyId),
        policy_why: row.text("policy_why")?,
        removed_at: row.millis_opt("removed_at")?,
    })
}

/// When the last scan failed, and why.
pub(crate) fn read_scan_failure(row: &Row) -> Result<Option<(Millis, String)>> {
    let cause = row.text("scan_failure")?;
    Ok(row.millis_opt("scan_failed_at")?.map(|at| (at, cause)))
}

/// Adds a device that enrolled.
pub async fn insert(tx: &mut Tx, device: &NewDevice, now: Millis) -> Result<DeviceId> {
    let host = &device.host;
    let values = args![
        &host.hostname,
        host.hostname.to_lowercase(),
        host.os_family.key(),
        &host.os_name,
        &host.os_version,
        &host.architecture,
        device.system_type.key(),
        &device.agent_version,
        device.protocol,
        &device.certificate_sha256,
        now,
        device.system_type != SystemType::default(),
    ];
    let id = tx.maybe_id(&INSERT, values).await?;
    id.map(DeviceId).ok_or_else(|| Error::Exists {
        what: "device with the certificate",
        name: device.certificate_sha256.clone(),
    })
}

/// A device, also one that was removed.
pub async fn get(mut from: impl Read, device: DeviceId) -> Result<Option<Device>> {
    from.row(&GET, args![device])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The device with a certificate, unless it was removed.
pub async fn by_certificate(mut from: impl Read, sha256: &str) -> Result<Option<Device>> {
    from.row(&BY_CERTIFICATE, args![sha256])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The device with a certificate, also one that was removed.
pub async fn ever_by_certificate(mut from: impl Read, sha256: &str) -> Result<Option<Device>> {
    from.row(&EVER_BY_CERTIFICATE, args![sha256])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All devices that were not removed, by id: for the in-memory registry.
pub async fn load_all(mut from: impl Read) -> Result<Vec<Device>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}

/// Writes down when a device's last scan failed and why, or that it did not.
pub async fn set_scan_failure(
    tx: &mut Tx,
    device: DeviceId,
    failure: Option<&(Millis, String)>,
) -> Result<()> {
    let at = failure.map(|it| it.0);
    let cause = failure.map_or("", |it| it.1.as_str());
    tx.run(&SET_SCAN_FAILURE, args![device, at, cause])
        .await
        .map(drop)
}

/// Writes down many check-ins. An older one takes neither `last_seen` nor `scanned_at` back; after a silence that was
/// longer than `silence` the device is heard from anew.
pub async fn touch_many(tx: &mut Tx, touches: &[Touch], silence: Duration) -> Result<()> {
    let mut rows = Rows::new();
    for touch in touches {
        rows.push(&row![
            touch.device,
            touch.last_seen,
            &touch.boot.id,
            touch.boot.at,
            &touch.agent_version,
            touch.protocol,
            touch.scanned_at,
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    lock(tx, touches.iter().map(|touch| touch.device)).await?;
    let silence = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
    tx.run(&TOUCH, args![rows, silence]).await.map(drop)
}

/// Sets the system type of devices, as a person says it; returns how many there are.
pub async fn set_system_type(
    tx: &mut Tx,
    devices: &[DeviceId],
    system_type: SystemType,
) -> Result<u64> {
    let devices = lock(tx, devices.iter().copied()).await?;
    Counted::retype(tx, &devices, system_type).await?;
    let ids = Rows::of(devices);
    tx.run(&SET_SYSTEM_TYPE, args![ids, system_type.key()])
        .await
}

/// Writes down what inventories say about their devices, in one statement.
pub async fn apply_inventories(tx: &mut Tx, facts: &[InventoryFacts]) -> Result<()> {
    let mut rows = Rows::new();
    for it in facts {
        rows.push(&row![
            it.device,
            &it.host.hostname,
            it.host.hostname.to_lowercase(),
            it.host.os_family.key(),
            &it.host.os_name,
            &it.host.os_version,
            &it.host.architecture,
            &it.digest,
            it.at,
            it.complete,
            &it.note,
            &it.restart_pending,
            &it.cannot_deploy,
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    lock(tx, facts.iter().map(|it| it.device)).await?;
    tx.run(&APPLY_INVENTORIES, args![rows]).await.map(drop)
}

/// The next counter for an order to a device: higher than any before.
pub async fn next_order_counter(tx: &mut Tx, device: DeviceId) -> Result<i64> {
    let counter = tx.maybe_id(&NEXT_ORDER_COUNTER, args![device]).await?;
    counter.ok_or_else(|| Error::missing("device", device))
}

/// Takes a device out of management: its certificate is no longer good, its missing patches and
/// its inventory go, its jobs stay as history. False if it was removed before. Ending its open
/// jobs is the caller's.
pub async fn remove(tx: &mut Tx, device: DeviceId, now: Millis) -> Result<bool> {
    if tx.run(&REMOVE, args![device, now]).await? == 0 {
        return Ok(false);
    }
    let lacked = Counted::lacked_by(tx, &[device]).await?;
    lacked.taken_away().store(tx).await?;
    tx.run(&REMOVE_MISSING, args![device]).await?;
    tx.run(&REMOVE_INVENTORY, args![device]).await?;
    observations::replace(tx, &[device], &[]).await?;
    Ok(true)
}

/// Takes the devices' rows for this transaction, in the order of their ids; returns those that
/// exist and were not removed. It locks nothing on SQLite, where only one transaction writes.
pub async fn lock(
    tx: &mut Tx,
    devices: impl IntoIterator<Item = DeviceId>,
) -> Result<Vec<DeviceId>> {
    let locked = lock_typed(tx, devices).await?;
    Ok(locked.into_iter().map(|it| it.0).collect())
}

/// [`lock`], with their system types.
pub(crate) async fn lock_typed(
    tx: &mut Tx,
    devices: impl IntoIterator<Item = DeviceId>,
) -> Result<Vec<(DeviceId, SystemType)>> {
    let rows = tx.rows(&LOCK, args![Rows::of(devices)]).await?;
    rows.iter()
        .map(|row| {
            let system_type = row.word("system_type", SystemType::from_key)?;
            Ok((DeviceId(row.int("id")?), system_type))
        })
        .collect()
}
