//! What runs where, and why not elsewhere: a pure function of its input and the clock in it.
//!
//! A preview is a plan that is not carried out. [`plan()`] is for one patch that a person deploys;
//! [`night`](mod@night) is for all that devices lack, by their policies, up to a time to come. Both say the
//! same reasons in the same order. Which devices are meant is [`select`]'s to say, and which [`policy`] one
//! has. What a policy sets of time is read by [`schedule`] and [`window`]; [`jitter`] spreads devices over
//! it. [`gate`] looks once more before an order is signed.

pub mod auto;
pub mod cool_down;
pub mod gate;
pub mod hold;
mod input;
pub mod jitter;
mod judge;
mod moment;
pub mod night;
pub mod pin;
mod plan;
pub mod policy;
pub mod queue;
mod reason;
pub mod ring;
pub mod schedule;
pub mod select;
pub mod version;
pub mod window;

pub use input::{Hold, Readiness};
pub use moment::Moment;
pub use plan::{Decision, Entry, Plan, plan};
pub use reason::{Reason, Weight};
