//! Real outside parts for end-to-end tests.
//!
//! Nothing here stands in for Fleetmend's own code: each module builds or starts a real piece of
//! the world around it. Windows installers ([`msi`], [`nsis`], and of headers alone [`pe`]) and a Windows machine to run them on
//! ([`wine`]); Debian packages ([`deb`]), a signed repository of them ([`apt_repository`]) and a
//! Debian machine ([`debian_root`]) that can be booted ([`booted`]); Chocolatey packages (`nupkg`) and the web site that offers
//! them (`feed`); a database server ([`postgres`]).
//!
//! What is dear to make (a Wine prefix, a Debian root) is made once and kept in the target
//! directory ([`cache`]); each test works on a copy of its own ([`work_dir`]), which is cleared
//! away when the test ends, or by the next run when the test was killed. What a test machine needs
//! installed is the table in `xtask/src/needs.rs`.

pub mod apt_repository;
pub mod booted;
pub mod cache;
pub mod deb;
pub mod debian_root;
#[cfg(feature = "feed")]
pub mod feed;
#[cfg(feature = "feed")]
mod feed_document;
#[cfg(feature = "feed")]
mod feed_paging;
#[cfg(feature = "feed")]
pub mod hostile_nupkg;
#[cfg(feature = "feed")]
mod http_range;
#[cfg(feature = "feed")]
mod http_site;
pub mod msi;
pub mod nsis;
#[cfg(feature = "feed")]
pub mod nupkg;
#[cfg(feature = "feed")]
mod odata_filter;
pub mod pe;
pub mod postgres;
pub mod process;
pub mod wine;
pub mod work_dir;
