//! Where the bytes of a path come from: the package, an address, or an archive.

use std::collections::BTreeMap;

use fleetmend_model::recipe::{Checksum, FileOrigin};

use super::interpreter::{Interpreter, excerpt};
use super::left::Left;
use super::path;
use super::place::{self, CHOCOLATEY_INSTALL};
use super::value::{HOLE, PACKAGE_ROOT, STAR};

/// How often a copy of a copy is followed.
const MAX_COPIES: usize = 8;

/// A file whose bytes are known to come from somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) origin: FileOrigin,
    pub(super) checksum: Option<Checksum>,
    /// Its path inside of the archive that `origin` is, with `/`.
    pub(super) inside: Option<String>,
    /// Headers that its server must be sent.
    pub(super) headers: BTreeMap<String, String>,
    /// The package in whose folder it lies, where that is another one.
    pub(super) package: Option<String>,
    /// The call of a helper that brought it: its place among the calls.
    pub(super) call: Option<usize>,
    /// The name that a download has on the device, where it was saved under one that is known.
    pub(super) saved_as: Option<String>,
}

impl Located {
    /// Whether it is a file of this package, and none inside of another.
    pub(super) fn is_run_where_it_lies(&self) -> bool {
        self.inside.is_none() && self.package.is_none()
    }
}

impl Interpreter<'_> {
    /// Whether a file of the package, by its path inside, is still what the package holds.
    pub(super) fn is_as_packed(&mut self, inside: &str) -> bool {
        let whole = path::item(inside, false, true).to_path();
        let found = self.locate(&whole);
        found.is_ok_and(|it| {
            let origin = &it.origin;
            let is_same = matches!(origin, FileOrigin::Embedded { path } if path.eq_ignore_ascii_case(inside));
            is_same && it.is_run_where_it_lies()
        })
    }

    /// Finds out where a file comes from, or says why that is not known.
    pub(super) fn locate(&mut self, text: &str) -> Result<Located, String> {
        let mut path = text.trim().trim_matches('"').to_owned();
        for _ in 0..MAX_COPIES {
            let key = path::key(&path);
            let copy = self.state.copies.iter().rev().find(|(to, _)| *to == key);
            match copy {
                Some((_, from)) if !self.state.is_unsure(&key) => path.clone_from(from),
                _ => break,
            }
        }
        let key = path::key(&path);
        if self.state.is_unsure(&key) {
            self.unsettle_all();
            return Err(format!(
                "a condition decides what lies at {}",
                excerpt(&path)
            ));
        }
        if let Some((_, found)) = self.state.downloads.iter().rev().find(|it| it.0 == key) {
            let name = path::leaf(text.trim().trim_matches('"'));
            return Ok(Located {
                saved_as: (!name.contains([STAR, HOLE])).then_some(name),
                ..found.clone()
            });
        }
        let inside = path::in_package(&path);
        let embedded = |path: String| Located {
            origin: FileOrigin::Embedded { path },
            checksum: None,
            inside: None,
            headers: BTreeMap::new(),
            package: None,
            call: None,
            saved_as: None,
        };
        if let Some(inside) = &inside {
            if self.is_removed(inside) {
                return Err(format!("the script removes {}", excerpt(inside)));
            }
            if let Some(listed) = self.listed(inside) {
                return Ok(embedded(listed.clone()));
            }
        }
        // Of what is not listed in a folder of sources, an archive is the package's own, but for what
        // may come out of one that was unpacked and holds no more than an archive.
        let is_own = |rest: &str, archive: &Located| {
            inside.is_some()
                && is_archive(rest)
                && !self.package.is_complete
                && !holds_one_tar(archive)
                && !(rest.contains(STAR) && self.is_gone_but_fits(inside.as_deref(), archive))
        };
        let mut archives = self.archives_above(&key);
        if let Some((rest, archive)) = archives.next()
            && !is_own(rest, archive)
        {
            if archives.any(|(_, other)| other.origin != archive.origin) {
                return Err(format!(
                    "which of several archives holds {} is not known",
                    excerpt(&self.facts.written(&path))
                ));
            }
            if archive.inside.is_some() {
                return Err("it lies in an archive in an archive".to_owned());
            }
            let whole = path::normal(&path);
            let rest = path::tail(&whole, rest);
            return Ok(Located {
                inside: Some(shown(rest)),
                ..archive.clone()
            });
        }
        if self.state.unpacked.iter().any(|(folder, _)| *folder == key) {
            return Err(format!(
                "{} is a folder that an archive is unpacked into",
                excerpt(&self.facts.written(&path))
            ));
        }
        match inside {
            Some(inside) if self.is_told_of(&key) => Err(format!(
                "an installer before it may have put {} there",
                excerpt(&shown(&inside))
            )),
            Some(inside) if !self.package.is_complete => Ok(embedded(shown(&inside))),
            Some(inside) => Err(format!(
                "the package has no file {}",
                excerpt(&shown(&inside))
            )),
            None => match self.in_dependency(&path) {
                Some((package, path)) => Ok(Located {
                    package: Some(package),
                    ..embedded(shown(&path))
                }),
                None => Err(format!(
                    "its file is not in the package: {}",
                    excerpt(&self.facts.written(&path))
                )),
            },
        }
    }

    /// Whether an installer of this script was told of a folder above a path, by its key.
    fn is_told_of(&self, key: &str) -> bool {
        let mut told = self.state.filled.iter();
        told.any(|folder| below(key, folder).is_some()) && !self.is_from_install(key)
    }

    /// The archives that were unpacked into the innermost folder above a path and may hold it, the last
    /// one first, each with the path in that folder.
    fn archives_above<'s, 'k>(
        &'s self,
        key: &'k str,
    ) -> impl Iterator<Item = (&'k str, &'s Located)> {
        let above = |(folder, archive): &'s (String, Located)| {
            let rest = below(key, folder)?;
            let may_hold = !holds_one_tar(archive) || is_tar(rest);
            may_hold.then_some((rest, archive))
        };
        let found = self.state.unpacked.iter().rev().filter_map(above);
        let found: Vec<(&str, &Located)> = found.collect();
        let innermost = found.iter().map(|(rest, _)| rest.len()).min();
        found
            .into_iter()
            .filter(move |(rest, _)| Some(rest.len()) == innermost)
    }

    /// Whether a pattern fits an archive which the script has removed: what it finds came out of that.
    fn is_gone_but_fits(&self, pattern: Option<&str>, archive: &Located) -> bool {
        let (Some(pattern), FileOrigin::Embedded { path }) = (pattern, &archive.origin) else {
            return false;
        };
        // Of all folders that lie deeper, none is one too.
        let pattern = pattern
            .to_lowercase()
            .replace(STAR, "*")
            .replace("**/", "*");
        self.left(path) == Left::Nothing && path::matches(&pattern, &path.to_lowercase())
    }

    /// The package that this one depends on and in whose folder a path lies, with the path in it.
    fn in_dependency(&self, path: &str) -> Option<(String, String)> {
        let own = format!("{CHOCOLATEY_INSTALL}\\lib\\{}", self.package.nuspec.id);
        let path = path::normal(&path.replace(PACKAGE_ROOT, &own));
        let (package, inside) = path::in_other_package(&path)?;
        let mut dependencies = self.package.nuspec.dependencies.iter();
        let found = dependencies.find(|it| it.id.eq_ignore_ascii_case(package))?;
        let is_known = place::is_plain(&inside.replace(STAR, "*"));
        is_known.then(|| (found.id.clone(), inside))
    }
}

/// A path inside of a package or an archive for results.
pub(super) fn shown(path: &str) -> String {
    place::written(path).replace('\\', "/")
}

/// The path or address of a file, without what an address asks for.
fn name_of(file: &Located) -> &str {
    match (&file.inside, &file.origin) {
        (Some(inside), _) => inside,
        (None, FileOrigin::Embedded { path }) => path,
        (None, FileOrigin::Url { url }) => url.split(['?', '#']).next().unwrap_or(url),
    }
}

/// The name of what is run as an installer and is an archive by its name.
pub(super) fn archive_run(file: &Located) -> Option<&str> {
    Some(name_of(file)).filter(|it| is_archive(it))
}

/// Whether an archive is a compressed one of another kind, which is all that it holds. By which name
/// that is written, its own header may say.
fn holds_one_tar(archive: &Located) -> bool {
    let saved_as = archive.saved_as.as_deref().filter(|it| it.contains('.'));
    let path = match (&archive.inside, &archive.origin) {
        (None, FileOrigin::Url { .. }) => saved_as.unwrap_or(name_of(archive)),
        _ => name_of(archive),
    };
    let lower = path.to_ascii_lowercase();
    let is_compressed = |end: &str| lower.strip_suffix(end).is_some_and(is_tar);
    ["tgz", "txz", "tbz2"]
        .iter()
        .any(|it| lower.ends_with(&format!(".{it}")))
        || [".gz", ".xz", ".bz2", ".zst"]
            .into_iter()
            .any(is_compressed)
}

/// Whether a path is, or may be where it is a pattern, that of such an archive as a compressed one holds,
/// beside which nothing lies.
fn is_tar(path: &str) -> bool {
    const TAR: &str = ".tar";
    let path = path.to_ascii_lowercase();
    let may_be = |(_, end): (&str, &str)| TAR.ends_with(end);
    path.ends_with(TAR) || path.rsplit_once([STAR, '*']).is_some_and(may_be)
}

/// Whether a file is an archive itself. In a folder of sources, from which those are left out, one
/// that is unpacked beside another is the package's own.
fn is_archive(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, end)| end);
    ["zip", "7z", "rar", "tar", "gz", "xz", "iso", "cab"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(extension))
}

/// What of a path comes behind a folder; both as keys.
pub(super) fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    let rest = rest.strip_prefix(['\\', '/'])?;
    (!rest.is_empty()).then_some(rest)
}
