//! What a folder of the package holds when a script lists it: what was packed and is left, what the
//! script brought there; and where that is not known, some of it, whichever.

use std::collections::HashSet;

use super::interpreter::Interpreter;
use super::left::Left;
use super::path;
use super::value::{HOLE, STAR, Value};

/// What files are looked for.
pub(super) struct Query {
    /// The folder inside of the package, with `/`; empty for the package itself.
    pub(super) folder: String,
    /// Patterns of which a name must fit one, as written; empty: all fit.
    pub(super) names: Vec<String>,
    /// Patterns of which a name must fit none.
    pub(super) except: Vec<String>,
    pub(super) recurse: bool,
    pub(super) folders: Option<bool>,
    pub(super) is_text_full: bool,
}

impl Query {
    /// Whether a name is looked for.
    fn fits(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let is_one = |all: &[String]| {
            all.iter()
                .any(|it| path::matches(&it.to_lowercase(), &name))
        };
        (self.names.is_empty() || is_one(&self.names)) && !is_one(&self.except)
    }

    /// The path inside of the package that stands for what is found where the files are not at hand: all
    /// that fit a pattern; of several, or less what is left out, some of them, whichever.
    fn open_path(&self) -> String {
        let some = HOLE.to_string();
        let name = match &self.names[..] {
            [pattern] if self.except.is_empty() => pattern.clone(),
            [pattern] if pattern.contains(['*', '?']) => pattern.replace(['*', '?'], &some),
            _ => some,
        };
        let deep = if self.recurse { "**/" } else { "" };
        let open = match self.folder.as_str() {
            "" => format!("{deep}{name}"),
            folder => format!("{folder}/{deep}{name}"),
        };
        path::with_stars(&open)
    }
}

impl Interpreter<'_> {
    /// The files and folders that fit.
    pub(super) fn query(&self, query: &Query) -> Vec<Value> {
        let (mut found, is_settled) = self.packed(query);
        // What an archive brings, and what is put in when the package is packed, is not listed.
        let root = path::item(&query.folder, true, true)
            .to_path()
            .to_lowercase();
        let root = root.trim_end_matches('\\');
        let brings = self.is_brought(query, root);
        let is_open = brings
            || !is_settled
            || self.may_lie_there(query, root)
            || (!self.package.is_complete && found.is_empty());
        if is_open {
            let inside = query.open_path();
            let is_folder = query.folders == Some(true);
            return vec![path::item(&inside, is_folder, query.is_text_full)];
        }
        for known in self.downloaded(query, root) {
            if query.fits(&path::leaf(known)) {
                let inside = path::in_package(known);
                found.extend(inside.map(|it| path::item(&it, false, query.is_text_full)));
            }
        }
        found
    }

    /// What of the package's own files and folders fits, and whether it is known of each file whether it
    /// is there.
    fn packed(&self, query: &Query) -> (Vec<Value>, bool) {
        let mut found: Vec<Value> = Vec::new();
        let mut is_settled = true;
        let lower_folder = query.folder.to_lowercase();
        let prefix = if lower_folder.is_empty() {
            String::new()
        } else {
            format!("{lower_folder}/")
        };
        let mut folders: HashSet<&str> = HashSet::new();
        let all = self.package.paths.iter().map(|it| (it.to_lowercase(), it));
        let mut inside: Vec<(String, &String)> = all
            .filter(|(lower, _)| lower.starts_with(&prefix))
            .collect();
        inside.sort_by(|a, b| a.0.cmp(&b.0));
        for (lower, path) in inside {
            let rest = path::tail(path, &lower[prefix.len()..]);
            // The folders on the way to a file.
            let mut at = 0;
            while let Some(next) = rest[at..].find('/') {
                let folder = &rest[..at + next];
                let name = folder.rsplit('/').next().unwrap_or(folder);
                let is_deep = folder.contains('/');
                let full = &path[..path.len() - rest.len() + folder.len()];
                if query.folders != Some(false)
                    && (query.recurse || !is_deep)
                    && query.fits(name)
                    && folders.insert(full)
                {
                    found.push(path::item(full, true, query.is_text_full));
                }
                at += next + 1;
            }
            let name = rest.rsplit('/').next().unwrap_or(rest);
            if query.folders != Some(true)
                && (query.recurse || !rest.contains('/'))
                && query.fits(name)
            {
                match self.left(path) {
                    Left::All => found.push(path::item(path, false, query.is_text_full)),
                    Left::Perhaps => is_settled = false,
                    Left::Nothing => {}
                }
            }
        }
        (found, is_settled)
    }

    /// Whether an archive or an installer brings files into a folder.
    fn is_brought(&self, query: &Query, root: &str) -> bool {
        self.state.brought_into().any(|folder| {
            folder == root
                || (query.recurse && super::recipe_file::below(folder, root).is_some())
                || super::recipe_file::below(root, folder).is_some()
        })
    }

    /// The keys of files that were downloaded into a folder.
    fn downloaded<'s>(&'s self, query: &Query, root: &str) -> Vec<&'s str> {
        let downloads = self.state.downloads.iter().map(|(known, _)| known.as_str());
        downloads
            .filter(|known| query.folders != Some(true) && is_in(known, query, root))
            .filter(|known| !known.contains(STAR) && !self.is_gone(known))
            .collect()
    }

    /// Whether a file may lie in a folder that the package does not hold: one that is downloaded
    /// under a condition, or under a name that its server gives; a copy; what the script writes.
    fn may_lie_there(&self, query: &Query, root: &str) -> bool {
        if query.folders == Some(true) {
            return false;
        }
        let state = &self.state;
        let downloads = state.downloads.iter().map(|(known, _)| known.as_str());
        let unsure = downloads.filter(|it| it.contains(STAR) || state.is_unsure(it));
        let copies = state.copies.iter().map(|(known, _)| known.as_str());
        let written = state.unsure.iter().map(String::as_str);
        unsure
            .chain(copies)
            .chain(written)
            .filter(|known| is_in(known, query, root) && !self.is_gone(known))
            .filter(|known| path::in_package(known).is_some_and(|it| self.listed(&it).is_none()))
            .map(path::leaf)
            .any(|name| query.fits(&name) || may_fit(&query.names, &name))
    }

    /// Whether what was brought to a path is surely gone again.
    fn is_gone(&self, known: &str) -> bool {
        path::in_package(known).is_some_and(|inside| self.left(&inside) == Left::Nothing)
    }

    /// The file that the package holds at a path, as it writes that.
    pub(super) fn listed(&self, inside: &str) -> Option<&String> {
        let mut paths = self.package.paths.iter();
        paths.find(|path| path.eq_ignore_ascii_case(inside))
    }
}

/// Whether a path, by its key, is one that is looked through.
fn is_in(known: &str, query: &Query, root: &str) -> bool {
    let below = super::recipe_file::below(known, root);
    below.is_some_and(|it| query.recurse || !it.contains('\\'))
}

/// Whether a name of which a part is not known may fit one of some patterns, by their ends.
fn may_fit(patterns: &[String], name: &str) -> bool {
    let Some((_, end)) = name.rsplit_once([STAR, HOLE]) else {
        return false;
    };
    let may = |pattern: &String| {
        let pattern = pattern.to_lowercase();
        let wanted = pattern.rsplit(['*', '?', STAR]).next().unwrap_or_default();
        wanted.ends_with(end) || end.ends_with(wanted)
    };
    patterns.is_empty() || patterns.iter().any(may)
}
