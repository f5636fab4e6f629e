//! Bringing a database's schema up to date.
//!
//! Each migration is one file a database under `migrations/`, carried in the binary, and runs in
//! one transaction. A migration that was released is never edited: the checksum of what ran is
//! kept, and a difference is an error. Add a file with the next number to both folders and a line
//! to both lists.

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlSafeStr as _, SqliteConnection};

use crate::error::{Error, Result};

/// Where the applied migrations are recorded.
const TABLE: &str = "schema_migrations";

const SQLITE: &[(i64, &str, &str)] = &[
    (
        1,
        "first schema",
        include_str!("../migrations/sqlite/0001_first_schema.sql"),
    ),
    (
        2,
        "missing grounds",
        include_str!("../migrations/sqlite/0002_missing_grounds.sql"),
    ),
    (
        3,
        "agent epoch",
        include_str!("../migrations/sqlite/0003_agent_epoch.sql"),
    ),
    (
        4,
        "enrolled key",
        include_str!("../migrations/sqlite/0004_enrolled_key.sql"),
    ),
    (
        12,
        "outages",
        include_str!("../migrations/sqlite/0012_outages.sql"),
    ),
    (
        13,
        "heard since",
        include_str!("../migrations/sqlite/0013_heard_since.sql"),
    ),
    (
        14,
        "queue claimed by",
        include_str!("../migrations/sqlite/0014_queue_claimed_by.sql"),
    ),
    (
        22,
        "read plan and problems",
        include_str!("../migrations/sqlite/0022_read_plan_and_problems.sql"),
    ),
    (
        50,
        "feed",
        include_str!("../migrations/sqlite/0050_feed.sql"),
    ),
    (
        60,
        "source pages",
        include_str!("../migrations/sqlite/0060_source_pages.sql"),
    ),
    (
        61,
        "source settings",
        include_str!("../migrations/sqlite/0061_source_settings.sql"),
    ),
    (
        70,
        "private hosts",
        include_str!("../migrations/sqlite/0070_private_hosts.sql"),
    ),
    (
        71,
        "downloads",
        include_str!("../migrations/sqlite/0071_downloads.sql"),
    ),
    (
        72,
        "quarantine",
        include_str!("../migrations/sqlite/0072_quarantine.sql"),
    ),
    (
        73,
        "installer versions",
        include_str!("../migrations/sqlite/0073_installer_versions.sql"),
    ),
    (
        80,
        "feed provenance",
        include_str!("../migrations/sqlite/0080_feed_provenance.sql"),
    ),
    (
        81,
        "own feed as source",
        include_str!("../migrations/sqlite/0081_own_feed_as_source.sql"),
    ),
    (
        90,
        "carried catalog",
        include_str!("../migrations/sqlite/0090_carried_catalog.sql"),
    ),
    (
        100,
        "package extensions",
        include_str!("../migrations/sqlite/0100_package_extensions.sql"),
    ),
    (
        101,
        "internalized",
        include_str!("../migrations/sqlite/0101_internalized.sql"),
    ),
    (
        110,
        "observations",
        include_str!("../migrations/sqlite/0110_observations.sql"),
    ),
    (
        111,
        "overrides",
        include_str!("../migrations/sqlite/0111_overrides.sql"),
    ),
    (
        112,
        "applications",
        include_str!("../migrations/sqlite/0112_applications.sql"),
    ),
    (
        120,
        "release_origins",
        include_str!("../migrations/sqlite/0120_release_origins.sql"),
    ),
    (
        121,
        "imported files",
        include_str!("../migrations/sqlite/0121_imported_files.sql"),
    ),
    (
        122,
        "holds",
        include_str!("../migrations/sqlite/0122_holds.sql"),
    ),
    (
        123,
        "patch dates",
        include_str!("../migrations/sqlite/0123_patch_dates.sql"),
    ),
    (
        124,
        "missing counts",
        include_str!("../migrations/sqlite/0124_missing_counts.sql"),
    ),
    (
        125,
        "first known dates",
        include_str!("../migrations/sqlite/0125_first_known_dates.sql"),
    ),
    (
        126,
        "fix candidates",
        include_str!("../migrations/sqlite/0126_fix_candidates.sql"),
    ),
    (
        127,
        "matched packages",
        include_str!("../migrations/sqlite/0127_matched_packages.sql"),
    ),
    (
        128,
        "wrong answers",
        include_str!("../migrations/sqlite/0128_wrong_answers.sql"),
    ),
    (
        130,
        "feed refusals basis",
        include_str!("../migrations/sqlite/0130_feed_refusals_basis.sql"),
    ),
    (
        131,
        "missed versions",
        include_str!("../migrations/sqlite/0131_missed_versions.sql"),
    ),
    (
        132,
        "read measure",
        include_str!("../migrations/sqlite/0132_read_measure.sql"),
    ),
    (
        133,
        "source interval",
        include_str!("../migrations/sqlite/0133_source_interval.sql"),
    ),
    (
        135,
        "override versions",
        include_str!("../migrations/sqlite/0135_override_versions.sql"),
    ),
    (
        137,
        "application names",
        include_str!("../migrations/sqlite/0137_application_names.sql"),
    ),
    (
        138,
        "override highest",
        include_str!("../migrations/sqlite/0138_override_highest.sql"),
    ),
    (
        140,
        "device facts",
        include_str!("../migrations/sqlite/0140_device_facts.sql"),
    ),
    (
        141,
        "groups and units",
        include_str!("../migrations/sqlite/0141_groups_and_units.sql"),
    ),
    (
        142,
        "policies",
        include_str!("../migrations/sqlite/0142_policies.sql"),
    ),
    (
        144,
        "hold installed",
        include_str!("../migrations/sqlite/0144_hold_installed.sql"),
    ),
    (
        145,
        "unnamed",
        include_str!("../migrations/sqlite/0145_unnamed.sql"),
    ),
    (
        146,
        "policy versions enabled",
        include_str!("../migrations/sqlite/0146_policy_versions_enabled.sql"),
    ),
    (
        150,
        "scanned at",
        include_str!("../migrations/sqlite/0150_scanned_at.sql"),
    ),
    (
        151,
        "partial scans",
        include_str!("../migrations/sqlite/0151_partial_scans.sql"),
    ),
    (
        152,
        "gate",
        include_str!("../migrations/sqlite/0152_gate.sql"),
    ),
    (
        153,
        "schedule marks",
        include_str!("../migrations/sqlite/0153_schedule_marks.sql"),
    ),
    (
        154,
        "approved by rule",
        include_str!("../migrations/sqlite/0154_approved_by_rule.sql"),
    ),
    (
        155,
        "old answers",
        include_str!("../migrations/sqlite/0155_old_answers.sql"),
    ),
    (
        156,
        "unseen",
        include_str!("../migrations/sqlite/0156_unseen.sql"),
    ),
    (
        157,
        "refusals",
        include_str!("../migrations/sqlite/0157_refusals.sql"),
    ),
];

const POSTGRES: &[(i64, &str, &str)] = &[
    (
        1,
        "first schema",
        include_str!("../migrations/postgres/0001_first_schema.sql"),
    ),
    (
        2,
        "missing grounds",
        include_str!("../migrations/postgres/0002_missing_grounds.sql"),
    ),
    (
        3,
        "agent epoch",
        include_str!("../migrations/postgres/0003_agent_epoch.sql"),
    ),
    (
        4,
        "enrolled key",
        include_str!("../migrations/postgres/0004_enrolled_key.sql"),
    ),
    (
        12,
        "outages",
        include_str!("../migrations/postgres/0012_outages.sql"),
    ),
    (
        13,
        "heard since",
        include_str!("../migrations/postgres/0013_heard_since.sql"),
    ),
    (
        14,
        "queue claimed by",
        include_str!("../migrations/postgres/0014_queue_claimed_by.sql"),
    ),
    (
        22,
        "read plan and problems",
        include_str!("../migrations/postgres/0022_read_plan_and_problems.sql"),
    ),
    (
        50,
        "feed",
        include_str!("../migrations/postgres/0050_feed.sql"),
    ),
    (
        60,
        "source pages",
        include_str!("../migrations/postgres/0060_source_pages.sql"),
    ),
    (
        61,
        "source settings",
        include_str!("../migrations/postgres/0061_source_settings.sql"),
    ),
    (
        70,
        "private hosts",
        include_str!("../migrations/postgres/0070_private_hosts.sql"),
    ),
    (
        71,
        "downloads",
        include_str!("../migrations/postgres/0071_downloads.sql"),
    ),
    (
        72,
        "quarantine",
        include_str!("../migrations/postgres/0072_quarantine.sql"),
    ),
    (
        73,
        "installer versions",
        include_str!("../migrations/postgres/0073_installer_versions.sql"),
    ),
    (
        80,
        "feed provenance",
        include_str!("../migrations/postgres/0080_feed_provenance.sql"),
    ),
    (
        81,
        "own feed as source",
        include_str!("../migrations/postgres/0081_own_feed_as_source.sql"),
    ),
    (
        90,
        "carried catalog",
        include_str!("../migrations/postgres/0090_carried_catalog.sql"),
    ),
    (
        100,
        "package extensions",
        include_str!("../migrations/postgres/0100_package_extensions.sql"),
    ),
    (
        101,
        "internalized",
        include_str!("../migrations/postgres/0101_internalized.sql"),
    ),
    (
        110,
        "observations",
        include_str!("../migrations/postgres/0110_observations.sql"),
    ),
    (
        111,
        "overrides",
        include_str!("../migrations/postgres/0111_overrides.sql"),
    ),
    (
        112,
        "applications",
        include_str!("../migrations/postgres/0112_applications.sql"),
    ),
    (
        120,
        "release_origins",
        include_str!("../migrations/postgres/0120_release_origins.sql"),
    ),
    (
        121,
        "imported files",
        include_str!("../migrations/postgres/0121_imported_files.sql"),
    ),
    (
        122,
        "holds",
        include_str!("../migrations/postgres/0122_holds.sql"),
    ),
    (
        123,
        "patch dates",
        include_str!("../migrations/postgres/0123_patch_dates.sql"),
    ),
    (
        124,
        "missing counts",
        include_str!("../migrations/postgres/0124_missing_counts.sql"),
    ),
    (
        125,
        "first known dates",
        include_str!("../migrations/postgres/0125_first_known_dates.sql"),
    ),
    (
        126,
        "fix candidates",
        include_str!("../migrations/postgres/0126_fix_candidates.sql"),
    ),
    (
        127,
        "matched packages",
        include_str!("../migrations/postgres/0127_matched_packages.sql"),
    ),
    (
        128,
        "wrong answers",
        include_str!("../migrations/postgres/0128_wrong_answers.sql"),
    ),
    (
        130,
        "feed refusals basis",
        include_str!("../migrations/postgres/0130_feed_refusals_basis.sql"),
    ),
    (
        131,
        "missed versions",
        include_str!("../migrations/postgres/0131_missed_versions.sql"),
    ),
    (
        132,
        "read measure",
        include_str!("../migrations/postgres/0132_read_measure.sql"),
    ),
    (
        133,
        "source interval",
        include_str!("../migrations/postgres/0133_source_interval.sql"),
    ),
    (
        135,
        "override versions",
        include_str!("../migrations/postgres/0135_override_versions.sql"),
    ),
    (
        137,
        "application names",
        include_str!("../migrations/postgres/0137_application_names.sql"),
    ),
    (
        138,
        "override highest",
        include_str!("../migrations/postgres/0138_override_highest.sql"),
    ),
    (
        140,
        "device facts",
        include_str!("../migrations/postgres/0140_device_facts.sql"),
    ),
    (
        141,
        "groups and units",
        include_str!("../migrations/postgres/0141_groups_and_units.sql"),
    ),
    (
        142,
        "policies",
        include_str!("../migrations/postgres/0142_policies.sql"),
    ),
    (
        144,
        "hold installed",
        include_str!("../migrations/postgres/0144_hold_installed.sql"),
    ),
    (
        145,
        "unnamed",
        include_str!("../migrations/postgres/0145_unnamed.sql"),
    ),
    (
        146,
        "policy versions enabled",
        include_str!("../migrations/postgres/0146_policy_versions_enabled.sql"),
    ),
    (
        150,
        "scanned at",
        include_str!("../migrations/postgres/0150_scanned_at.sql"),
    ),
    (
        151,
        "partial scans",
        include_str!("../migrations/postgres/0151_partial_scans.sql"),
    ),
    (
        152,
        "gate",
        include_str!("../migrations/postgres/0152_gate.sql"),
    ),
    (
        153,
        "schedule marks",
        include_str!("../migrations/postgres/0153_schedule_marks.sql"),
    ),
    (
        154,
        "approved by rule",
        include_str!("../migrations/postgres/0154_approved_by_rule.sql"),
    ),
    (
        155,
        "old answers",
        include_str!("../migrations/postgres/0155_old_answers.sql"),
    ),
    (
        156,
        "unseen",
        include_str!("../migrations/postgres/0156_unseen.sql"),
    ),
    (
        157,
        "refusals",
        include_str!("../migrations/postgres/0157_refusals.sql"),
    ),
];

fn migrator(list: &[(i64, &'static str, &'static str)]) -> Migrator {
    let mut migrator = Migrator::with_migrations(
        list.iter()
            .map(|&(version, name, sql)| {
                Migration::new(
                    version,
                    name.into(),
                    MigrationType::Simple,
                    sql.into_sql_str(),
                    false,
                )
            })
            .collect(),
    );
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

pub(crate) async fn sqlite(connection: &mut SqliteConnection) -> Result<()> {
    migrator(SQLITE)
        .run_direct(None, connection, false)
        .await
        .map_err(|e| explain(e, SQLITE))
}

pub(crate) async fn postgres(connection: &mut PgConnection) -> Result<()> {
    let done = migrator(POSTGRES).run_direct(None, connection, false).await;
    if done.is_err() {
        // The lock is the session's; the connection goes back to the pool.
        let _ = connection.unlock().await;
    }
    done.map_err(|e| explain(e, POSTGRES))
}

fn explain(error: MigrateError, list: &[(i64, &str, &str)]) -> Error {
    let known = list.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) if found > known => Error::Newer { found, known },
        other => Error::Migrate(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations() {
        let names = |list: &'static [(i64, &'static str, &'static str)]| {
            list.iter()
                .map(|(version, name, _)| (*version, *name))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(SQLITE), names(POSTGRES));
    }
}
