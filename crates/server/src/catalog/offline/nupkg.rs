//! Where the nupkg of a version is that an export carries: in the store, or in a folder as it lies there.

use std::io::Read as _;
use std::path::PathBuf;

use fleetmend_store::packages::Package;
use fleetmend_store::sources::{Source, SourceKind};
use fleetmend_store::{Tx, fetched_files};

use super::super::fetch::shown;
use super::super::folder::MAX_NUPKG;
use super::super::store_file::{at_hand, kept};
use super::super::{digest, nupkgs, regular};
use crate::app::App;

/// How many versions without a file are named one by one.
const MOST_NAMED: usize = 5;

/// Where a nupkg is.
pub enum Nupkg {
    /// In the store, under this SHA-256.
    Kept(String),
    /// In a folder, if it is as it was when that was read.
    Lying(Lying),
    /// Not here.
    Elsewhere,
}

/// A file that a source's folder had when that was read.
pub struct Lying {
    /// Its full path.
    pub path: PathBuf,
    /// Its SHA-256 then.
    pub sha256: String,
    /// Whose it is, for a person: `id version`.
    pub name: String,
}

/// Finds the nupkg of a version. A device need not have it: what was pushed, imported or lies in a folder is
/// here before anything is fetched.
pub async fn find(
    app: &App,
    tx: &mut Tx,
    source: &Source,
    package: &Package,
) -> anyhow::Result<Nupkg> {
    if let Some(sha256) = &package.content_sha256
        && let Some(found) = kept(&app.blobs, sha256)
    {
        return Ok(Nupkg::Kept(found.sha256));
    }
    // What is in quarantine is not what it is said to be.
    if package.quarantine.is_some() {
        return Ok(Nupkg::Elsewhere);
    }
    let named = nupkgs::named(package);
    if let Some(found) = named.as_ref().and_then(|it| at_hand(&app.blobs, it)) {
        return Ok(Nupkg::Kept(found.sha256));
    }
    let location = &package.content_location;
    match (source.kind, named) {
        (SourceKind::Folder, Some(named)) if package.listed => Ok(Nupkg::Lying(Lying {
            path: location.into(),
            sha256: named.hex.to_lowercase(),
            name: format!("{} {}", package.shown_id, package.version),
        })),
        (SourceKind::Imported, named) => {
            let address = shown(location);
            let known = fetched_files::get(tx, source.id, &address, named.as_ref()).await?;
            let found = known.and_then(|it| kept(&app.blobs, &it.sha256));
            Ok(found.map_or(Nupkg::Elsewhere, |it| Nupkg::Kept(it.sha256)))
        }
        _ => Ok(Nupkg::Elsewhere),
    }
}

impl Lying {
    /// Its length; or what is wrong with it, where it is not what it was any more.
    pub fn length(&self) -> Result<u64, String> {
        let changed = || "it changed since its folder was read".to_owned();
        let unreadable = |error| format!("it cannot be read: {error}");
        let file = regular::open(&self.path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        if length > MAX_NUPKG {
            return Err(changed());
        }
        // One that grows meanwhile is another file.
        let found = digest::sha256(file.take(length)).map_err(unreadable)?;
        if found == self.sha256 {
            Ok(length)
        } else {
            Err(changed())
        }
    }
}

/// What is said of a package of which versions are not here.
pub fn not_here(id: &str, versions: &[String]) -> String {
    let named = &versions[..versions.len().min(MOST_NAMED)];
    let more = match versions.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the nupkg of {id}: not here in {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_not_here_are_named_and_many_are_counted() {
        let versions: Vec<_> = (1..8).map(|it| format!("{it}.0")).collect();
        for (count, expected) in [
            (1, "the nupkg of far: not here in 1.0"),
            (2, "the nupkg of far: not here in 1.0, 2.0"),
            (
                7,
                "the nupkg of far: not here in 1.0, 2.0, 3.0, 4.0, 5.0 and 2 more",
            ),
        ] {
            assert_eq!(not_here("far", &versions[..count]), expected);
        }
    }
}
