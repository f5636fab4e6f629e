//! Applications beside versions of their packages that are known from elsewhere: from Chocolatey's
//! record, or from what was deployed.

use fleetmend_model::DeviceId;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{args, row};

statements! {
    DELETE_OTHERS = "DELETE FROM observations
                     WHERE device IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                       AND (device, package, version, software) NOT IN
                           (SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2,
                                   CAST(value->>3 AS BIGINT)
                            FROM jsonb_each($2))";
    INSERT = "INSERT INTO observations (device, package, version, software)
              SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, CAST(value->>3 AS BIGINT)
              FROM jsonb_each($1)
              WHERE EXISTS (SELECT 1 FROM software AS s
                            WHERE s.id = CAST(value->>3 AS BIGINT))
              ON CONFLICT (device, package) DO NOTHING";
    ALL = "SELECT o.package, o.version, s.name, s.version AS registered,
                  COUNT(*) AS devices
           FROM observations AS o JOIN software AS s ON s.id = o.software
           GROUP BY o.package, o.version, s.name, s.version
           ORDER BY o.package, o.version, s.name, s.version";
    MATCHED = "SELECT DISTINCT software, package FROM observations ORDER BY software, package";
    DEVICES_DEPLOYED = "SELECT DISTINCT p.name, j.device
                        FROM deploy_jobs AS j JOIN patches AS p ON p.id = j.patch
                        WHERE p.name IN (SELECT value->>0 FROM jsonb_each($1))
                          AND j.status = 9 AND j.finished_at IS NOT NULL
                          AND p.patch_type = 'third_party'
                        ORDER BY p.name, j.device";
    /// The later one behind the earlier one.
    DEPLOYED = "SELECT j.device, p.name, p.version
                FROM deploy_jobs AS j JOIN patches AS p ON p.id = j.patch
                WHERE j.device IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                  AND j.status = 9 AND j.finished_at IS NOT NULL AND p.patch_type = 'third_party'
                ORDER BY j.id";
}

/// An application of a device and the version of its package that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservation {
    /// Where.
    pub device: DeviceId,
    /// The package's id in lower case.
    pub package: String,
    /// The known version, as it is recorded.
    pub version: String,
    /// The application: an id of [`crate::software`].
    pub software: u32,
}

/// What devices register where a version of a package is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The package's id in lower case.
    pub package: String,
    /// The known version.
    pub version: String,
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub registered: String,
    /// On how many devices.
    pub devices: u32,
}

/// A version of a package that was deployed and found on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Where.
    pub device: DeviceId,
    /// The package's id in lower case.
    pub package: String,
    /// The package's version.
    pub version: String,
}

/// Puts these in place of all that was known of the devices; whether any is new.
pub async fn replace(
    tx: &mut Tx,
    devices: &[DeviceId],
    observations: &[NewObservation],
) -> Result<bool> {
    let ids = Rows::of(devices.iter().copied());
    let rows = || {
        let mut rows = Rows::new();
        for it in observations {
            rows.push(&row![
                it.device,
                &it.package,
                &it.version,
                i64::from(it.software),
            ]);
        }
        rows
    };
    tx.run(&DELETE_OTHERS, args![ids, rows()]).await?;
    if observations.is_empty() {
        return Ok(false);
    }
    Ok(tx.run(&INSERT, args![rows()]).await? > 0)
}

/// All, by package and version.
pub async fn load_all(mut from: impl Read) -> Result<Vec<Observed>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Observed {
                package: row.text("package")?,
                version: row.text("version")?,
                name: row.text("name")?,
                registered: row.text("registered")?,
                devices: row.u32("devices")?,
            })
        })
        .collect()
}

/// The applications that teach anything, with the packages of which.
pub async fn matched(mut from: impl Read) -> Result<Vec<(u32, String)>> {
    let rows = from.rows(&MATCHED, args![]).await?;
    rows.iter()
        .map(|row| Ok((row.u32("software")?, row.text("package")?)))
        .collect()
}

/// Packages, of these (ids in lower case), and the devices on which a version was deployed and found.
pub async fn devices_deployed(
    mut from: impl Read,
    packages: &[String],
) -> Result<Vec<(String, DeviceId)>> {
    let names = Rows::of(packages.iter().map(String::as_str));
    let rows = from.rows(&DEVICES_DEPLOYED, args![names]).await?;
    rows.iter()
        .map(|row| Ok((row.text("name")?, DeviceId(row.int("device")?))))
        .collect()
}

/// Versions that were deployed to these devices and found there, the later behind the earlier.
pub async fn deployed(mut from: impl Read, devices: &[DeviceId]) -> Result<Vec<Deployed>> {
    let ids = Rows::of(devices.iter().copied());
    let rows = from.rows(&DEPLOYED, args![ids]).await?;
    rows.iter()
        .map(|row| {
            Ok(Deployed {
                device: DeviceId(row.int("device")?),
                package: row.text("name")?,
                version: row.text("version")?,
            })
        })
        .collect()
}
