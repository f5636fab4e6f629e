//! The catalog stage: sources are read, packages that a device may have are fetched and analysed,
//! and what is deployed is mirrored.

pub mod analyse;
pub mod candidates;
pub mod feed;
pub mod fetch;
pub mod folder;
pub mod mirror;
pub mod msi;
pub mod sources;
pub mod sync;
