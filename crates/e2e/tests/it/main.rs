//! Each fixture proves here that it is the real thing.

mod debian;
mod feed;
mod postgres;
mod process;
mod windows;
mod windows_platform;
