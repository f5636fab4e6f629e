//! Extension packages that lie in the same tree as the packages that depend on them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fleetmend_chocolatey::nuspec::Nuspec;
use fleetmend_chocolatey::script::{Extension, extension_ids, is_extension_script};

use crate::package_folder;

/// The most extensions that one package is given.
const MAX_EXTENSIONS: usize = 32;

/// An extension, with the ids of those that it depends on itself; `None`: it cannot be read.
type Read = Option<(Arc<Extension>, Vec<String>)>;

/// The extension packages of a tree.
pub struct Extensions {
    /// Their nuspecs by id in lower case.
    nuspecs: HashMap<String, Vec<PathBuf>>,
    /// What was read.
    known: Mutex<HashMap<PathBuf, Read>>,
}

impl Extensions {
    /// Those among nuspecs, by the names of their files.
    pub fn among(nuspecs: &[PathBuf]) -> Self {
        let mut found: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for path in nuspecs {
            let Some(stem) = path.file_stem() else {
                continue;
            };
            let id = stem.to_string_lossy().to_lowercase();
            if id.ends_with(".extension") {
                found.entry(id).or_default().push(path.clone());
            }
        }
        Self {
            nuspecs: found,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// Those that a package depends on, directly or through others.
    pub fn of(&self, path: &Path, nuspec: &Nuspec) -> Vec<Arc<Extension>> {
        let mut wanted = extension_ids(nuspec);
        let mut found: Vec<Arc<Extension>> = Vec::new();
        while let Some(id) = wanted.pop() {
            let is_known = found.iter().any(|it| it.id() == id);
            if is_known || found.len() >= MAX_EXTENSIONS {
                continue;
            }
            let nearest = self
                .nuspecs
                .get(&id)
                .and_then(|all| all.iter().max_by_key(|it| in_common(it, path)));
            if let Some((extension, more)) = nearest.and_then(|it| self.read(it)) {
                found.push(extension);
                wanted.extend(more);
            }
        }
        found
    }

    fn read(&self, path: &Path) -> Read {
        let mut known = self.known.lock().ok()?;
        let entry = known.entry(path.to_owned()).or_insert_with(|| {
            let folder = package_folder::read(path).ok()?;
            let mut scripts = folder.scripts;
            scripts.retain(|script| is_extension_script(&script.path));
            let extension = Extension::new(&folder.nuspec.id, scripts);
            Some((Arc::new(extension), extension_ids(&folder.nuspec)))
        });
        entry.clone()
    }
}

/// How many parts two paths have in common from their beginning: the same repository's comes first.
fn in_common(one: &Path, other: &Path) -> usize {
    let pairs = one.components().zip(other.components());
    pairs.take_while(|(left, right)| left == right).count()
}
