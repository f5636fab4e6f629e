//! What the install script leaves in the package's folder besides what was packed. The scripts that are
//! run later, before the package is changed or removed, find it there.

use std::collections::BTreeSet;

use super::interpreter::Interpreter;
use super::path;
use super::recipe_file::below;
use super::state::{MAX_FILES, Removed, State};

/// What is there besides, and what of the package is gone.
#[derive(Debug, Clone, Default)]
pub(super) struct Brought {
    /// Keys of folders that archives or installers bring files into.
    folders: BTreeSet<String>,
    /// Keys of files that are downloaded, copied or written.
    files: BTreeSet<String>,
    /// Whether something may have been unpacked that does not go with the package's folder.
    pub(super) may_lie_elsewhere: bool,
    /// What is gone: not for certain, as the script may have ended before.
    removed: Vec<Removed>,
}

impl Brought {
    /// Adds what another run brings.
    pub(super) fn add(&mut self, other: &Self) {
        self.folders.extend(other.folders.iter().cloned());
        self.files.extend(other.files.iter().cloned());
        self.may_lie_elsewhere |= other.may_lie_elsewhere;
        for gone in &other.removed {
            if self.removed.len() < MAX_FILES && !self.removed.contains(gone) {
                self.removed.push(gone.clone());
            }
        }
    }
}

impl State {
    /// What is left of a script in the package's folder.
    pub(super) fn brought(&self) -> Brought {
        let own = |keys: &mut dyn Iterator<Item = &str>| {
            let own = keys.filter(|it| path::in_package(it).is_some());
            own.map(str::to_owned).collect()
        };
        let downloads = self.downloads.iter().map(|(path, _)| path);
        let copies = self.copies.iter().map(|(path, _)| path);
        let files = downloads.chain(copies).chain(&self.unsure);
        let removed = self.removed.iter().map(|it| Removed {
            is_sure: false,
            ..it.clone()
        });
        Brought {
            folders: own(&mut self.brought_into()),
            files: own(&mut files.map(String::as_str)),
            may_lie_elsewhere: self.unpacked.iter().any(|it| !path::is_passing(&it.0)),
            removed: removed.collect(),
        }
    }
}

impl Interpreter<'_> {
    /// Begins where the install script has left the package's folder.
    pub(super) fn begin_with(&mut self, brought: &Brought) {
        self.state.filled.extend(brought.folders.iter().cloned());
        self.state.unsure.extend(brought.files.iter().cloned());
        self.state.removed.clone_from(&brought.removed);
        self.brought = brought.clone();
    }

    /// Whether the install script may have brought what lies at a path.
    pub(super) fn is_from_install(&self, text: &str) -> bool {
        let key = path::key(text);
        let Brought { folders, files, .. } = &self.brought;
        let mut all = folders.iter().chain(files);
        all.any(|it| *it == key || below(&key, it).is_some())
    }
}
