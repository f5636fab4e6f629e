//! `Get-Item` and `Get-ChildItem`: over the package's files, and over what its archives hold, of
//! which only the names are known that the script looks for.

use std::collections::HashSet;

use super::command::Invocation;
use super::interpreter::Interpreter;
use super::parameters::{Bound, Parameter, bind, switch, value};
use super::path;
use super::recipe_file::tar_name;
use super::state::Removed;
use super::value::{FileItem, HOLE, STAR, Value};

static GET_FILES: [Parameter; 13] = [
    value("path", Some(0), &["literalpath", "pspath"]),
    value("filter", Some(1), &[]),
    value("include", None, &[]),
    value("exclude", None, &[]),
    value("depth", None, &[]),
    value("attributes", None, &[]),
    value("stream", None, &[]),
    switch("recurse", &["s"]),
    switch("force", &[]),
    switch("file", &["af"]),
    switch("directory", &["d", "ad"]),
    switch("name", &[]),
    switch("hidden", &["ah", "h"]),
];

/// What files are looked for.
struct Query {
    /// The folder inside of the package, with `/`; empty for the package itself.
    folder: String,
    /// Patterns of which a name must fit one, as written; empty: all fit.
    names: Vec<String>,
    /// Patterns of which a name must fit none.
    except: Vec<String>,
    recurse: bool,
    folders: Option<bool>,
    is_text_full: bool,
}

impl Interpreter<'_> {
    pub(super) fn get_files(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let unknown = || {
            vec![Value::unknown(
                "which files there are is known only at run time",
            )]
        };
        let is_item = command.name == "get-item";
        let bound = bind(&GET_FILES, false, command.arguments.clone());
        let piped = command.input.clone().unwrap_or_default();
        let paths = match bound.get("path") {
            Some(path) => path.clone().into_items(),
            None => piped,
        };
        if bound.problem.is_some() || paths.is_empty() {
            return unknown();
        }
        let mut found = Vec::new();
        for path in &paths {
            // Each look goes through all of the package's files.
            if !self.charge(self.package.paths.len().saturating_mul(64)) {
                return unknown();
            }
            let Some(text) = self.resolved(&path.to_path()) else {
                return unknown();
            };
            if super::effect_files::is_registry(&text) {
                found.push(self.fact_of_path(path, None));
                continue;
            }
            if !path.is_known() && !text.contains(STAR) {
                let open = unknown();
                return open
                    .into_iter()
                    .map(|it| self.or_asked(it, &[path]))
                    .collect();
            }
            let has_wildcard = text.contains(['*', '?']);
            if is_item && !has_wildcard && self.is_known_file(&text) {
                found.push(full_item(text, false));
                continue;
            }
            let Some(inside) = path::in_package(&text) else {
                // A file or folder of the device: it is named, not looked for.
                if is_item && !has_wildcard {
                    found.push(full_item(text, false));
                    continue;
                }
                match Self::on_device(&text, &bound) {
                    Some(item) => found.push(item),
                    None => return unknown(),
                }
                continue;
            };
            if is_item && !has_wildcard {
                found.push(full_item(text, self.is_folder(&inside)));
                continue;
            }
            if let Some(file) = self.named_file(&inside, looks_into(&bound)) {
                found.push(full_item(file, false));
                continue;
            }
            match query(&inside, is_item, &bound) {
                Some(query) => found.extend(self.query(&query)),
                // Some of the package's files, whichever.
                None => found.push(path::item(&HOLE.to_string(), false, true)),
            }
        }
        found
    }

    /// Whether a path was downloaded, or is named in an archive that was unpacked.
    fn is_known_file(&self, text: &str) -> bool {
        let key = path::key(text);
        self.state.downloads.iter().any(|(path, _)| *path == key)
    }

    /// The path of a file of the package that is named and not looked for. What is looked into is a
    /// folder, whatever its name, unless it is listed as a file.
    fn named_file(&self, inside: &str, is_looked_into: bool) -> Option<String> {
        if inside.contains(['*', '?', STAR]) {
            return None;
        }
        let listed = self
            .package
            .paths
            .iter()
            .any(|path| path.eq_ignore_ascii_case(inside));
        let may_be_put_in = !self.package.is_complete
            && !is_looked_into
            && !self.is_folder(inside)
            && !self.is_brought_into(inside)
            && path::leaf(&inside.replace('/', "\\")).contains('.');
        (listed || may_be_put_in).then(|| path::item(inside, false, true).to_path())
    }

    /// Whether an archive or an installer brings files into a folder of the package, or below it.
    fn is_brought_into(&self, inside: &str) -> bool {
        let folder = path::key(&path::item(inside, true, true).to_path());
        let is_here = |it: &str| it == folder || super::recipe_file::below(it, &folder).is_some();
        self.state.brought_into().any(is_here)
    }

    pub(super) fn is_folder(&self, inside: &str) -> bool {
        let prefix = format!("{}/", inside.to_lowercase());
        inside.is_empty()
            || self
                .package
                .paths
                .iter()
                .any(|path| path.to_lowercase().starts_with(&prefix))
    }

    /// Files of an archive that was unpacked outside of the package, or of the device: they stand for
    /// themselves by a pattern.
    fn on_device(text: &str, bound: &Bound) -> Option<Value> {
        let text = text.trim_end_matches('\\');
        // A path without a folder is looked for where the script happens to run.
        if !text.contains(['\\', '/']) || text.contains([':', '[']) && !path::is_full(text) {
            return None;
        }
        let has_wildcard = text.contains(['*', '?']);
        let (folder, leaf) = if has_wildcard {
            (path::parent(text), Some(path::leaf(text)))
        } else {
            (text.to_owned(), None)
        };
        let names = |name: &str| bound.get(name).is_some();
        // It may be a file, which is found itself.
        if !has_wildcard && !looks_into(bound) && path::leaf(text).contains('.') {
            return None;
        }
        let pattern = one_pattern(bound, leaf)?;
        let deep = if bound.is_on("recurse") { "\\**" } else { "" };
        let path = path::with_stars(&format!("{folder}{deep}\\{pattern}"));
        let item = FileItem {
            path,
            is_folder: bound.is_on("directory"),
            is_text_full: has_wildcard || names("include"),
        };
        Some(Value::File(item.into()))
    }

    fn query(&self, query: &Query) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        // Whether it is known of each of the package's files whether it is there.
        let mut is_settled = true;
        let lower_folder = query.folder.to_lowercase();
        let prefix = if lower_folder.is_empty() {
            String::new()
        } else {
            format!("{lower_folder}/")
        };
        let fits = |name: &str| {
            let name = name.to_lowercase();
            let is_one = |all: &[String]| {
                all.iter()
                    .any(|it| path::matches(&it.to_lowercase(), &name))
            };
            (query.names.is_empty() || is_one(&query.names)) && !is_one(&query.except)
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
                    && fits(name)
                    && folders.insert(full)
                {
                    found.push(path::item(full, true, query.is_text_full));
                }
                at += next + 1;
            }
            let name = rest.rsplit('/').next().unwrap_or(rest);
            if query.folders != Some(true) && (query.recurse || !rest.contains('/')) && fits(name) {
                match self.left(path) {
                    Left::All => found.push(path::item(path, false, query.is_text_full)),
                    Left::Perhaps => is_settled = false,
                    Left::Nothing => {}
                }
            }
        }
        // What an archive brings, and what is put in when the package is packed, is not listed.
        let root = path::item(&query.folder, true, true)
            .to_path()
            .to_lowercase();
        let root = root.trim_end_matches('\\');
        let brings = self.is_brought(query, root);
        if let Some(tar) = self.tar_in(root).filter(|tar| fits(tar))
            && query.folders != Some(true)
            && query.names.iter().all(|it| is_of_tars(it))
        {
            let path = match &query.folder[..] {
                "" => tar,
                folder => format!("{folder}/{tar}"),
            };
            if found.is_empty() && is_settled && !self.is_removed(&path) {
                return vec![path::item(&path, false, query.is_text_full)];
            }
        }
        let is_open = brings
            || !is_settled
            || self.may_lie_there(query, root, &fits)
            || (!self.package.is_complete && found.is_empty());
        if is_open
            && let [pattern] = &query.names[..]
            && query.except.is_empty()
        {
            let deep = if query.recurse { "**/" } else { "" };
            let open = if query.folder.is_empty() {
                format!("{deep}{pattern}")
            } else {
                format!("{}/{deep}{pattern}", query.folder)
            };
            let open = path::with_stars(&open);
            return vec![path::item(
                &open,
                query.folders == Some(true),
                query.is_text_full,
            )];
        }
        if is_open {
            // Some of the folder's files, whichever.
            let any = format!("{}/{HOLE}", query.folder);
            return vec![path::item(
                &any,
                query.folders == Some(true),
                query.is_text_full,
            )];
        }
        for known in self.downloaded(query, root) {
            if fits(&path::leaf(known)) {
                let inside = path::in_package(known);
                found.extend(inside.map(|it| path::item(&it, false, query.is_text_full)));
            }
        }
        found
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
    fn may_lie_there(&self, query: &Query, root: &str, fits: &dyn Fn(&str) -> bool) -> bool {
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
            .filter(|known| path::in_package(known).is_some_and(|it| !self.is_listed(&it)))
            .map(path::leaf)
            .any(|name| fits(&name) || may_fit(&query.names, &name))
    }

    /// Whether what was brought to a path is surely gone again.
    fn is_gone(&self, known: &str) -> bool {
        path::in_package(known).is_some_and(|inside| self.left(&inside) == Left::Nothing)
    }

    /// Whether a path is that of a file which the package holds.
    fn is_listed(&self, inside: &str) -> bool {
        let mut paths = self.package.paths.iter();
        paths.any(|path| path.eq_ignore_ascii_case(inside))
    }

    /// The archive that the only one brought which was unpacked into a folder.
    fn tar_in(&self, root: &str) -> Option<String> {
        let mut here = self.state.unpacked.iter().filter(|it| it.0 == root);
        let archive = here.next().map(|it| &it.1);
        archive.filter(|_| here.next().is_none()).and_then(tar_name)
    }

    /// Whether the script has removed or moved a file of the package, or may have.
    pub(super) fn is_removed(&self, path: &str) -> bool {
        self.left(path) != Left::All
    }

    /// What the script has left of a file of the package.
    pub(super) fn left(&self, path: &str) -> Left {
        let lower = path.to_lowercase();
        let name = lower.rsplit('/').next().unwrap_or(&lower);
        let is_meant = |gone: &&Removed| {
            path::matches(&gone.pattern, &lower)
                && !gone.except.iter().any(|it| path::matches(it, name))
        };
        let mut gone = self.state.removed.iter().filter(is_meant).peekable();
        if gone.peek().is_none() {
            return Left::All;
        }
        // `*` stands for no more than the name of one file or folder.
        if gone.any(|it| it.is_sure && is_below(&it.pattern, &lower)) {
            return Left::Nothing;
        }
        Left::Perhaps
    }
}

/// What a script leaves of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It does not touch it.
    All,
    /// It may remove it, under a condition or as one of several.
    Perhaps,
    /// It removes it.
    Nothing,
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

/// Whether a pattern fits a path or a folder that it lies in, each part for itself.
fn is_below(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut wanted = pattern.split('/');
    wanted.all(|pattern| parts.next().is_some_and(|it| path::matches(pattern, it)))
}

/// Whether what is named must be a folder, for what is in it is looked for.
fn looks_into(bound: &Bound) -> bool {
    bound.is_on("recurse") || bound.is_on("directory") || bound.get("filter").is_some()
}

/// Whether a pattern asks for such archives alone.
fn is_of_tars(pattern: &str) -> bool {
    pattern.to_ascii_lowercase().ends_with(".tar")
}

pub(super) fn full_item(path: String, is_folder: bool) -> Value {
    Value::File(
        FileItem {
            path,
            is_folder,
            is_text_full: true,
        }
        .into(),
    )
}

/// The only pattern that a name must fit, from the path's end, `-Filter` or `-Include`.
fn one_pattern(bound: &Bound, leaf: Option<String>) -> Option<String> {
    let mut patterns: Vec<String> = leaf.into_iter().filter(|it| it != "*").collect();
    for name in ["filter", "include"] {
        if let Some(value) = bound.get(name) {
            for item in value.clone().into_items() {
                patterns.push(item.as_plain()?.to_owned());
            }
        }
    }
    if bound.get("exclude").is_some() || patterns.len() > 1 {
        return None;
    }
    Some(patterns.pop().unwrap_or_else(|| "*".to_owned()))
}

fn query(inside: &str, is_item: bool, bound: &Bound) -> Option<Query> {
    let other = ["depth", "attributes", "name", "stream", "hidden"];
    if inside.contains('[') || other.iter().any(|name| bound.get(name).is_some()) {
        return None;
    }
    let has_wildcard = inside.contains(['*', '?', STAR]);
    let (folder, leaf) = if has_wildcard || is_item {
        inside.rsplit_once('/').unwrap_or(("", inside))
    } else {
        (inside, "*")
    };
    if folder.contains(['*', '?', STAR]) {
        return None;
    }
    let recurse = bound.is_on("recurse");
    let mut names = Vec::new();
    if leaf != "*" {
        names.push(leaf.to_owned());
    }
    // With either, items are found one by one, and their texts are full paths.
    let is_included = bound.get("include").is_some() || bound.get("exclude").is_some();
    for name in ["filter", "include"] {
        let Some(value) = bound.get(name) else {
            continue;
        };
        // Without wildcards in the path or `-Recurse`, `-Include` finds nothing.
        if !names.is_empty() || (name == "include" && !recurse && !has_wildcard) {
            return None;
        }
        for item in value.clone().into_items() {
            names.push(item.as_plain()?.to_owned());
        }
    }
    let mut except = Vec::new();
    for item in bound
        .get("exclude")
        .cloned()
        .map(Value::into_items)
        .unwrap_or_default()
    {
        except.push(item.as_plain()?.to_owned());
    }
    let folders = match (bound.is_on("file"), bound.is_on("directory")) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        _ => None,
    };
    Some(Query {
        folder: folder.to_owned(),
        names,
        except,
        recurse,
        folders,
        is_text_full: is_item || has_wildcard || is_included,
    })
}
