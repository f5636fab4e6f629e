//! What installers say of themselves, read from the file without running it: an MSI's properties and a
//! program's version resource.
//!
//! The files are somebody else's: how much is read of one is capped, whatever its own lengths say, and
//! what does not fit is an error.

mod bounded;
mod code_page;
pub mod msi;
mod msi_strings;
pub mod pe;
mod version_info;

pub use version_info::{Version, VersionInfo};

/// Why a file is not an installer of its kind that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is another kind of file, or a broken one. In words, to go on from 'the installer is'.
    #[error("not {kind}: {why}")]
    Not {
        /// With its article.
        kind: &'static str,
        /// What was wrong.
        why: String,
    },
    /// It is of its kind, and lacks what is looked for. In words, to go on from 'the installer is'.
    #[error("{kind} {lack}")]
    Lacks {
        /// With its article.
        kind: &'static str,
        /// What it lacks, or has too much of.
        lack: String,
    },
}
