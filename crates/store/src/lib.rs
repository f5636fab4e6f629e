//! The store: everything the server keeps, in SQLite or PostgreSQL.
//!
//! One file a subject, each with its rows, its statements and its functions. Functions that write
//! take a [`Tx`]; functions that read take anything that is [`Read`]: `&Db` or `&mut Tx`. Ids,
//! statuses and inventories are the model's own types. Only this crate names SQL.

mod db;
mod error;
mod intern;
mod migrate;
mod page;
mod rows;
mod sql;
mod value;

pub mod anomalies;
pub mod applications;
pub mod approvals;
pub mod audit;
pub mod blobs;
pub mod carried_catalogs;
pub mod deploy_jobs;
pub mod deployments;
pub mod device_facts;
pub mod devices;
pub mod downloads;
pub mod enrol_tokens;
pub mod feed_keys;
pub mod feed_packages;
pub mod feed_refusals;
pub mod fetched_files;
pub mod file_reader;
pub mod files;
pub mod groups;
pub mod holds;
pub mod host_pauses;
pub mod installer_versions;
pub mod inventories;
pub mod login_failures;
pub mod matched_packages;
pub mod missed_versions;
pub mod missing;
pub mod observations;
pub mod outages;
pub mod overrides;
pub mod package_extensions;
pub mod packages;
pub mod partials;
pub mod patches;
pub mod policies;
pub mod products;
pub mod quarantine;
pub mod queue;
pub mod releases;
pub mod reports;
pub mod room;
pub mod scan_jobs;
pub mod schedules;
pub mod sessions;
pub mod settings;
pub mod setup_links;
pub mod software;
pub mod source_pages;
pub mod source_use;
pub mod sources;
pub mod units;
pub mod unnamed;
pub mod unneeded;
pub mod users;
pub mod wrong_answers;

pub use db::{Db, Read, Tx};
pub use error::{Error, Result};
pub use page::{MAX_PAGE, Page, Paged};
pub use sql::Sql;
pub use value::{Row, Value};

/// The lists of all files, so that a test can prepare every statement on both databases.
const STATEMENTS: &[&[&Sql]] = &[
    anomalies::STATEMENTS,
    applications::STATEMENTS,
    approvals::STATEMENTS,
    audit::STATEMENTS,
    carried_catalogs::STATEMENTS,
    deploy_jobs::STATEMENTS,
    deploy_jobs::CREATE_STATEMENTS,
    deploy_jobs::GATE_STATEMENTS,
    schedules::STATEMENTS,
    deploy_jobs::LIST_STATEMENTS,
    deployments::STATEMENTS,
    devices::STATEMENTS,
    device_facts::STATEMENTS,
    devices::LIST_STATEMENTS,
    devices::POLICY_STATEMENTS,
    devices::REFUSAL_STATEMENTS,
    downloads::STATEMENTS,
    enrol_tokens::STATEMENTS,
    feed_keys::STATEMENTS,
    feed_packages::STATEMENTS,
    feed_refusals::STATEMENTS,
    matched_packages::STATEMENTS,
    missed_versions::STATEMENTS,
    fetched_files::STATEMENTS,
    files::STATEMENTS,
    groups::STATEMENTS,
    holds::STATEMENTS,
    holds::LIST_STATEMENTS,
    host_pauses::STATEMENTS,
    installer_versions::STATEMENTS,
    inventories::STATEMENTS,
    login_failures::STATEMENTS,
    missing::STATEMENTS,
    missing::BY_DEVICE_STATEMENTS,
    missing::BY_PACKAGE_STATEMENTS,
    missing::BY_PATCH_STATEMENTS,
    missing::COUNTS_STATEMENTS,
    missing::DATES_STATEMENTS,
    missing::FILTER_STATEMENTS,
    missing::GROUNDS_STATEMENTS,
    observations::STATEMENTS,
    outages::STATEMENTS,
    overrides::STATEMENTS,
    package_extensions::STATEMENTS,
    packages::STATEMENTS,
    packages::PROBLEM_STATEMENTS,
    packages::WRITE_STATEMENTS,
    patches::STATEMENTS,
    policies::STATEMENTS,
    products::STATEMENTS,
    quarantine::STATEMENTS,
    queue::STATEMENTS,
    releases::STATEMENTS,
    reports::STATEMENTS,
    scan_jobs::STATEMENTS,
    scan_jobs::LIST_STATEMENTS,
    sessions::STATEMENTS,
    settings::STATEMENTS,
    setup_links::STATEMENTS,
    software::STATEMENTS,
    source_pages::STATEMENTS,
    source_use::STATEMENTS,
    sources::STATEMENTS,
    units::STATEMENTS,
    unneeded::STATEMENTS,
    unnamed::STATEMENTS,
    users::STATEMENTS,
    wrong_answers::STATEMENTS,
];

/// Every statement that this crate runs.
pub fn statements() -> impl Iterator<Item = &'static Sql> {
    STATEMENTS.iter().copied().flatten().copied()
}
