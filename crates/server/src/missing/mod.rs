//! The missing stage: installed software against the catalog, stored as what each device lacks.

pub mod age;
pub mod application_devices;
pub mod applications;
pub mod explain;
pub mod fixed;
pub mod index;
pub mod matched_packages;
pub mod matcher;
pub mod on_device;
mod override_check;
pub mod overrides;
pub mod published;
pub mod query;
mod turned;
mod unanswered;
