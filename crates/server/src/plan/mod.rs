//! The plan stage: all that decides when something runs, read from the database. The decisions are those of
//! the crate of that name.

mod facts;
pub mod schedules;
pub mod shown;
mod unread;
mod world;

pub use world::{Devices, Loaded, load, wanted};
