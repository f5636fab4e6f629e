//! Where things are.

use std::path::{Path, PathBuf};

/// The Windows target that the agent is built for.
pub(crate) const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";

/// Crates that know no clock, file, socket or database.
pub(crate) const PURE_CRATES: [&str; 9] = [
    "versions",
    "model",
    "chocolatey",
    "installer",
    "reconcile",
    "plan",
    "trust",
    "protocol",
    "archive",
];

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The directory of this build, where the programs are.
pub(crate) fn target_dir() -> PathBuf {
    fleetmend_e2e::cache::target_dir()
}
