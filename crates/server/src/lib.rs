//! The server: agent API, REST, console, and the jobs behind them.
//!
//! Read top to bottom, the folders are the way of the data: [`catalog`] and [`inventory`], what is
//! [`missing`], [`approvals`], [`policies`], `plan`, [`deployments`]. `router.rs` and `jobs.rs` are the two tables of
//! contents.

pub mod agents;
pub mod api;
mod app;
mod application_commands;
pub mod approvals;
pub mod catalog;
mod catalog_commands;
mod clock;
mod config;
pub mod console;
mod costs;
mod data_folder;
pub mod deployments;
mod disk_watch;
mod error;
pub mod feed;
mod file_limit;
mod freshness_commands;
mod handle;
pub mod inventory;
pub mod jobs;
mod journal;
pub mod missing;
mod missing_commands;
mod net;
mod new_keys;
mod output;
pub mod people;
mod plan;
mod plan_commands;
pub mod policies;
mod policy_commands;
mod registry;
mod router;
mod server_id;
mod source_commands;
mod start;
pub mod storage;
mod text_digest;
pub mod upkeep;
mod whole_list;

pub use app::App;
pub use catalog::offline::import::Wanted;
pub use catalog::offline::scope::Scope;
pub use catalog::sources::Given;
pub use clock::{Clock, system_clock};
pub use config::{Config, Patience, Policy};
pub use error::ApiError;
pub use file_limit::raise_file_limit;
pub use freshness_commands::FreshnessQuery;
pub use handle::{AgentStanding, Handle};
pub use missing::overrides::Given as GivenOverride;
pub use missing::query::PatchQuery;
pub use new_keys::{NewKeys, new_keys};
pub use output::Output;
pub use plan::shown::PlanQuery;
pub use start::{Running, open, start};
