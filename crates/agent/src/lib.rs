//! The agent: asks the server what to do, does only what is signed, and says truthfully what came
//! of it.
//!
//! [`core`] decides (pure), [`platform`] is the operating system, the rest carries out.

pub mod cli;
pub mod core;
mod courier;
mod enrolment;
mod files;
mod identity;
mod journal;
mod link;
mod listener;
mod look;
mod network;
pub mod platform;
mod runner;
mod scan;
mod spawn;

#[cfg(target_os = "linux")]
pub mod linux;
// Its pure modules are tested on every system.
#[cfg(any(windows, test))]
pub mod windows;

pub use identity::{Identity, certificate_sha256, set_aside};
pub use link::fetch_ca;
pub use runner::moment;
