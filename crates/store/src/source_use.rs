//! What hangs on a source: asked before it is removed.

use fleetmend_model::SourceId;

use crate::db::Read;
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::value::args;

statements! {
    USE = "WITH own AS (SELECT p.id, p.name, p.version FROM patches AS p
                        JOIN packages AS k ON k.id = p.package WHERE k.source = $1),
                open AS (SELECT j.release, own.name, own.version FROM deploy_jobs AS j
                         JOIN own ON own.id = j.patch WHERE j.finished_at IS NULL)
           SELECT (SELECT COUNT(*) FROM packages WHERE source = $1) AS versions,
                  (SELECT COUNT(*) FROM own) AS patches,
                  (SELECT COUNT(DISTINCT m.device) FROM missing AS m
                       JOIN own ON own.id = m.patch) AS devices,
                  (SELECT COUNT(*) FROM open) AS open_jobs,
                  (SELECT COUNT(*) FROM open WHERE release IS NULL AND NOT EXISTS (
                       SELECT 1 FROM releases AS r
                       WHERE r.patch_type = 'third_party' AND r.package = open.name
                         AND r.version = open.version)) AS jobs_without_files,
                  (SELECT COUNT(*) FROM releases AS r
                   WHERE r.patch_type = 'third_party' AND EXISTS (
                       SELECT 1 FROM packages AS k
                       WHERE k.source = $1 AND k.package = r.package
                         AND k.version = r.version)) AS releases";
}

/// What hangs on a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceUse {
    /// Package versions that it has brought.
    pub versions: u64,
    /// Patches that come from it.
    pub patches: u64,
    /// Devices that lack one of them.
    pub devices: u64,
    /// Open jobs for them.
    pub open_jobs: u64,
    /// Those of the open jobs whose files are not mirrored yet.
    pub jobs_without_files: u64,
    /// Releases that were made of its packages.
    pub releases: u64,
}

/// What hangs on a source.
pub async fn of(mut from: impl Read, source: SourceId) -> Result<SourceUse> {
    let row = from.row(&USE, args![source]).await?;
    let row = row.ok_or_else(|| Error::missing("source", source))?;
    Ok(SourceUse {
        versions: row.u64("versions")?,
        patches: row.u64("patches")?,
        devices: row.u64("devices")?,
        open_jobs: row.u64("open_jobs")?,
        jobs_without_files: row.u64("jobs_without_files")?,
        releases: row.u64("releases")?,
    })
}
