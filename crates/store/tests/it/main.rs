//! Every test of the store runs on SQLite and on PostgreSQL.

mod analyses;
mod approvals_and_patches;
mod blobs;
mod carried;
mod database;
mod deploy_jobs;
mod devices;
mod downloads;
mod feed;
mod fixture;
mod inventories;
mod migrations;
mod missing;
mod observations;
mod outages;
mod packages;
mod people;
mod quarantine;
mod queue;
mod releases;
mod reports;
mod scan_jobs;
mod small_tables;
mod source_pages;
mod source_use;
mod statements;
