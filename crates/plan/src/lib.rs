//! What runs where, and why not elsewhere: a pure function of its input and the clock in it.
//!
//! A preview is a plan that is not carried out. Windows, rings, cool-down and pins (what runs
//! *when*) become more inputs of [`plan()`] and more [`Reason`]s. Which devices are meant is
//! [`select`]'s to say, and which [`policy`] one has. What a policy sets of time is read by
//! [`schedule`] and [`window`]; [`jitter`] spreads devices over it.

pub mod hold;
mod input;
pub mod jitter;
mod plan;
pub mod policy;
mod reason;
pub mod schedule;
pub mod select;
pub mod window;

pub use input::{Device, Hold, Input, Patch, Readiness};
pub use plan::{Decision, Entry, Plan, plan};
pub use reason::Reason;
