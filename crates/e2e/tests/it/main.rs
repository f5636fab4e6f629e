//! Each fixture proves here that it is the real thing; the product is driven from end to end.

mod agent_client;
mod browser;
mod browser_driver;
mod console_client;
mod debian;
mod feed;
mod linux_deploy;
mod linux_machine;
mod postgres;
mod process;
mod server_bad_input;
mod server_crash;
mod server_crash_work;
mod server_feeds;
mod server_hostile_nupkgs;
mod server_process;
mod server_readiness;
mod server_reads;
mod source_view;
mod up;
mod windows;
mod windows_crash;
mod windows_deploy;
mod windows_failures;
mod windows_fleet;
mod windows_platform;
