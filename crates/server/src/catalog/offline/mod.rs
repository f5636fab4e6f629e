//! The catalog in one file, for sites without internet: written by one server, carried there, and read
//! by another.
//!
//! # The format
//!
//! A tar archive (POSIX ustar), so that any tool lists it; read here in one spelling alone
//! (`fleetmend_archive`). Every entry has the SHA-256 of its content in its name:
//!
//! 1. `manifest-<sha256>.json`: a [`manifest::Manifest`]: the format's number, who made it and when, the
//!    sources, and how much of everything follows.
//! 2. For each source, in the manifest's order, `rows-<number>-<sha256>.jsonl`: a line a package
//!    version ([`row::PackageRow`]), all that the source has or had, by id and version; then
//!    `addresses-<number>-<sha256>.jsonl`: a line a [`row::AddressRow`]: which file stood behind the
//!    address of an installer of its packages, and which checksum the package names for it. By address
//!    and checksum. What a source says of an address counts for its own packages alone.
//! 3. `files/<sha256>`: nupkgs and installers that the rows or addresses name, by digest.
//!
//! The entries and lines are in one order, and nothing in them is of the moment but the manifest's
//! time: the same catalog makes the same bytes.
//!
//! # What is trusted
//!
//! The digests show that the file is as it was made, not who made it: its catalog is believed like that
//! of a feed. Who wants more compares the SHA-256 of the whole file with the one that the exporting
//! server said. It carries no password, no permission for private networks, no release and no
//! approval: an import makes packages known and brings files, which are checked against the packages'
//! checksums when they are used, and nothing else.

pub mod at_hand;
pub mod export;
pub mod import;
pub mod lines;
pub mod manifest;
mod nupkg;
pub mod report;
pub mod row;
pub mod scope;
pub mod stage;
pub mod streams;
pub mod to_disk;
pub mod wanted;

use fleetmend_store::sources::{Source, SourceKind};

/// The largest export that is read from a disk, in bytes.
pub const LARGEST: u64 = 1 << 50;
/// The setting with the installation's id.
const ORIGIN: &str = "installation";
/// What the location of an imported source begins with.
const IMPORTED: &str = "import:";

/// What stands for a source in every export: a feed's own address, for it is the same whoever reads
/// it; of a folder, or a server's own feed, the installation's id and the path.
fn place(source: &Source, origin: &str) -> String {
    let location = &source.settings.location;
    match source.kind {
        SourceKind::Feed => location.clone(),
        SourceKind::Folder | SourceKind::Own => format!("{origin}:{location}"),
        SourceKind::Imported => location
            .strip_prefix(IMPORTED)
            .unwrap_or(location)
            .to_owned(),
    }
}

/// Whether a place is a folder of this installation, or its feed.
fn is_of(place: &str, origin: &str) -> bool {
    place
        .strip_prefix(origin)
        .is_some_and(|rest| rest.starts_with(':'))
}

/// The location of the source that an import makes of a [`place`].
fn location(place: &str) -> String {
    format!("{IMPORTED}{place}")
}
