//! The words of the field as types: ids, devices, inventories, recipes, releases, patches and the
//! two state machines. Pure: no clock, file, socket or database.

pub mod abilities;
pub mod arguments;
pub mod condition;
pub mod cut;
pub mod detection;
pub mod device;
pub mod effect;
pub mod hex;
pub mod id_list;
pub mod ids;
pub mod inventory;
pub mod name_pattern;
pub mod patch;
pub mod recipe;
pub mod release;
pub mod restart;
pub mod run_rules;
pub mod shim;
pub mod status;
pub mod throttle;
pub mod time;
pub mod unit;
pub mod uptime;

pub use ids::{
    DeployJobId, DeploymentId, DeviceId, GroupId, PackageId, PatchId, PolicyId, ReleaseId,
    ScanJobId, SourceId, UnitId, UnitTreeId, UserId,
};
pub use time::Millis;
