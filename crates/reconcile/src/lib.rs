//! Which installed software is which package, what is missing, and why. Pure.
//!
//! [`Catalog`] is built once and read by many. [`answer()`] looks at one installed application and
//! depends on nothing else, so its result can be kept by the application's id as long as the
//! catalog stays. [`device::combine`] makes one device's missing patches of those answers and of
//! Chocolatey's own records.

pub mod answer;
mod any_version;
pub mod catalog;
pub mod device;
pub mod fleet;
mod identity;
mod lookup;
pub mod matching;
mod names;
pub mod normal;
pub mod observed;
pub mod overrides;
mod packaged;
mod pattern;
mod pin;
pub mod relation;
pub mod said_text;
mod side_by_side;
mod slot;
mod state;

pub use answer::{Answer, answer, answer_under};
pub use any_version::any_version;
pub use catalog::{Catalog, CatalogPackage, Observed, Product};
pub use device::{Here, MissingPatch, Registered, combine, here, os, third_party};
pub use fleet::{Changed, Fleet, Group, Lacking, Loading};
pub use matching::{Match, candidates, match_software};
pub use overrides::{Decision, Override, Overrides};
pub use packaged::Packaged;
pub use pin::Pin;
pub use state::State;
