//! The inventory stage: what agents find on their devices, cleaned, stored, and matched at once.

pub mod allowance;
pub mod carry;
pub mod clean;
pub mod ingest;
mod kept;
mod one_by_one;
pub mod prune;
pub mod scan_reports;
pub mod scans;
pub mod system_type;
pub(crate) mod unread;
pub mod unseen;
