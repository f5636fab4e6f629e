//! The catalog stage: sources are read, packages that a device may have are fetched and analysed,
//! and what is deployed is mirrored.

pub mod address;
pub mod candidates;
pub mod credentials;
pub mod dependency;
pub mod digest;
pub mod extensions;
pub mod feed;
pub mod fetch;
pub mod folder;
pub mod guard;
pub mod intake;
pub mod known;
pub mod metadata;
pub mod mirror;
pub mod nupkgs;
pub mod offered;
pub mod offline;
pub mod own;
pub mod pace;
pub mod package_files;
pub mod priority;
pub mod private_hosts;
pub mod quarantine;
pub mod readiness;
pub mod release;
pub mod resume;
pub mod retire;
pub mod schedule;
pub mod sources;
pub mod store_file;
pub mod sync;
pub mod throughput;
pub mod turns;
pub mod vanished;
mod version_facts;
