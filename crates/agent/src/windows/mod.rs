//! Windows: the registry, Windows Installer, EXE installers, the service manager.
//!
//! The modules without `cfg(windows)` are pure: their tests run on every system.

mod access;
mod chocolatey;
mod command_line;
mod exit_code;
mod nuspec;
mod packed_guid;
mod settled;
mod unread;
mod upgrade_codes;
mod zones;

#[cfg(windows)]
mod boot;
#[cfg(windows)]
mod data_folder;
#[cfg(windows)]
mod host;
#[cfg(windows)]
mod job_object;
#[cfg(windows)]
mod listing;
#[cfg(windows)]
mod log_file;
#[cfg(windows)]
mod network;
#[cfg(windows)]
mod platform;
#[cfg(windows)]
mod processes;
#[cfg(windows)]
mod program;
#[cfg(windows)]
mod registry;
#[cfg(windows)]
mod restart;
#[cfg(windows)]
mod run;
#[cfg(all(windows, test))]
mod run_tests;
#[cfg(windows)]
mod security;
#[cfg(windows)]
pub mod service;
#[cfg(windows)]
mod service_main;
#[cfg(windows)]
mod uninstall;

#[cfg(windows)]
pub use data_folder::protect;
#[cfg(windows)]
pub use platform::Windows;
