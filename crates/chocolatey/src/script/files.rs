//! `Get-Item` and `Get-ChildItem`: over the package's files, and over what its archives hold, of
//! which only the names are known that the script looks for.

use super::command::Invocation;
use super::interpreter::Interpreter;
use super::listing::Query;
use super::parameters::{Bound, Parameter, bind, switch, value};
use super::path;
use super::place;
use super::state::MAX_FILES;
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

impl Interpreter<'_> {
    pub(super) fn get_files(&mut self, command: &Invocation<'_>) -> Vec<Value> {
        let unknown = || {
            vec![Value::unknown(
                "which files there are is known only at run time",
            )]
        };
        let is_item = command.name == "get-item";
        let bound = bind(&GET_FILES, false, command.arguments.clone());
        if is_item && let Some(nothing) = self.read_of_nothing(&bound, command.line) {
            return nothing;
        }
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
                // Below a folder that the device has a name for.
                if place::has_asked(&text)
                    && !text.contains(HOLE)
                    && self.facts.is_all_told(&text)
                    && let Some(item) = self.on_device(&text, &bound)
                {
                    found.push(item);
                    continue;
                }
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
                match self.on_device(&text, &bound) {
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
        self.take_all(&found);
        self.keep_kinds(&found, command.line);
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
        let is_listed = self.listed(inside).is_some();
        let may_be_put_in = !self.package.is_complete
            && !is_looked_into
            && !self.is_folder(inside)
            && !self.is_brought_into(inside)
            && path::leaf(&inside.replace('/', "\\")).contains('.');
        (is_listed || may_be_put_in).then(|| path::item(inside, false, true).to_path())
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
    fn on_device(&mut self, text: &str, bound: &Bound) -> Option<Value> {
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
        if path.contains(STAR) && self.sought_on_device.len() < MAX_FILES {
            self.sought_on_device.insert(path.clone());
        }
        let item = FileItem {
            path,
            is_folder: bound.is_on("directory"),
            is_text_full: has_wildcard || names("include"),
        };
        Some(Value::File(item.into()))
    }
}

/// Whether what is named must be a folder, for what is in it is looked for.
fn looks_into(bound: &Bound) -> bool {
    bound.is_on("recurse") || bound.is_on("directory") || bound.get("filter").is_some()
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
