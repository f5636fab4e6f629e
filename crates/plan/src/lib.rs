//! What runs where, and why not elsewhere: a pure function of its input and the clock in it.
//!
//! A preview is a plan that is not carried out. Which devices are meant is [`select`]'s to say, and which
//! [`policy`] one has. What a policy sets of time is read by [`schedule`] and [`window`]; [`jitter`] spreads
//! devices over it. What runs *when* is said by rules that have no caller yet: [`auto`], [`cool_down`],
//! [`pin`], [`ring`], [`queue`].

pub mod auto;
pub mod cool_down;
pub mod hold;
mod input;
pub mod jitter;
mod moment;
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

pub use input::{Device, Hold, Input, Patch, Readiness};
pub use moment::Moment;
pub use plan::{Decision, Entry, Plan, plan};
pub use reason::Reason;
