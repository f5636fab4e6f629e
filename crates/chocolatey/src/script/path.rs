//! Windows paths as texts, with the mark for the package's folder.

use std::borrow::Cow;
use std::rc::Rc;

use super::place::CHOCOLATEY_INSTALL;
use super::value::{FileItem, HOLE, PACKAGE_ROOT, STAR, TEMP, Value};

/// `Split-Path -Parent`.
pub(super) fn parent(path: &str) -> String {
    let path = path.trim_end_matches(['\\', '/']);
    match path.rfind(['\\', '/']) {
        Some(at) => path[..at].to_owned(),
        None if path.chars().eq([PACKAGE_ROOT]) => format!("{CHOCOLATEY_INSTALL}\\lib"),
        // The folder above a place is not known; above a name alone there is none.
        None if super::place::is_plain(path) => String::new(),
        None => HOLE.to_string(),
    }
}

/// `Split-Path -Leaf`.
pub(super) fn leaf(path: &str) -> String {
    let path = path.trim_end_matches(['\\', '/']);
    path.rsplit(['\\', '/']).next().unwrap_or(path).to_owned()
}

/// `Join-Path`.
pub(super) fn join(folder: &str, child: &str) -> String {
    let folder = folder.trim_end_matches(['\\', '/']);
    let child = child.trim_start_matches(['\\', '/']);
    format!("{folder}\\{child}")
}

/// The end of a path that is `end` in lower case: by its folders, for a letter may be longer or shorter in
/// lower case.
pub(super) fn tail<'p>(path: &'p str, end: &str) -> &'p str {
    let separator = ['\\', '/'];
    let deep = end.matches(separator).count();
    let before = path.rmatch_indices(separator).nth(deep);
    before.map_or(path, |(at, _)| &path[at + 1..])
}

/// The path inside of the package, with `/` between its parts; `None` where the text does not begin
/// in the package's folder or leads out of it. May hold [`HOLE`].
pub(super) fn in_package(text: &str) -> Option<String> {
    let text = text.trim_matches('"').strip_prefix(PACKAGE_ROOT)?;
    let text = text
        .strip_prefix(['\\', '/'])
        .or(text.is_empty().then_some(""))?;
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The package in whose folder a path lies, by its name, and the path inside of it.
pub(super) fn in_other_package(path: &str) -> Option<(&str, String)> {
    let rest = path.strip_prefix(CHOCOLATEY_INSTALL)?;
    let mut parts = rest.split(['\\', '/']).filter(|it| !it.is_empty());
    let is_library = parts.next()?.eq_ignore_ascii_case("lib");
    let package = parts.next().filter(|_| is_library)?;
    let parts: Vec<&str> = parts.collect();
    let is_plain = !parts.is_empty() && !parts.contains(&"..");
    is_plain.then(|| (package, parts.join("/")))
}

/// A path in the package's folder that is named by Chocolatey's own, by the package's mark.
pub(super) fn canonical<'t>(text: &'t str, package: &str) -> Cow<'t, str> {
    let own = |text: &str| -> Option<String> {
        let rest = text.strip_prefix(CHOCOLATEY_INSTALL)?;
        let length = "\\lib\\".len() + package.len();
        let (begin, end) = rest.split_at_checked(length)?;
        let is_own =
            begin.replace('/', "\\").to_lowercase() == format!("\\lib\\{}", package.to_lowercase());
        let ends = end.is_empty() || end.starts_with(['\\', '/']);
        (is_own && ends).then(|| format!("{PACKAGE_ROOT}{end}"))
    };
    own(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A path without `.` and `..`.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['\\', '/']) {
        match part {
            "." => {}
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("\\")
}

/// The static methods of `System.IO.Path` on one path.
pub(super) fn part(name: &str, of: &str) -> Option<Value> {
    let file = leaf(of);
    let dot = file.rfind('.');
    Some(match name {
        "getfilename" => Value::text(file),
        "getdirectoryname" => Value::text(parent(of)),
        "getfilenamewithoutextension" => Value::text(&file[..dot.unwrap_or(file.len())]),
        "getextension" => Value::text(dot.map_or("", |at| &file[at..])),
        "getfullpath" if !of.contains(HOLE) => Value::text(normal(of)),
        _ => return None,
    })
}

/// A path in lower case and one spelling, to compare it by.
pub(super) fn key(path: &str) -> String {
    let lower = path.to_lowercase();
    match in_package(&lower) {
        Some(inside) if inside.is_empty() => PACKAGE_ROOT.to_string(),
        Some(inside) => item(&inside, false, true).to_path(),
        None => normal(&lower),
    }
}

/// Whether a path does not depend on the folder that a script runs in.
pub(super) fn is_full(path: &str) -> bool {
    let path = path.trim_start_matches('"');
    path.get(1..3).is_some_and(|it| it == ":\\" || it == ":/")
        || path.starts_with("\\\\")
        || path
            .chars()
            .next()
            .is_some_and(|c| !super::place::is_plain(&c.to_string()))
}

/// Whether a path is in the package's folder or the one for temporary files: what is changed there
/// changes nothing that an installation leaves behind.
pub(super) fn is_passing(path: &str) -> bool {
    let path = path.trim_matches('"');
    in_package(path).is_some()
        || (path.strip_prefix(TEMP).is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with(['\\', '/'])) && !rest.contains("..")
        }))
}

/// A file of the package as `Get-ChildItem` gives it.
pub(super) fn item(path: &str, is_folder: bool, is_text_full: bool) -> Value {
    Value::File(Rc::new(FileItem {
        path: format!("{PACKAGE_ROOT}\\{}", path.replace('/', "\\")),
        is_folder,
        is_text_full,
    }))
}

/// Some of what a pattern stands for, whichever; what else a value is, it stays.
pub(super) fn some_of(value: &Value) -> Value {
    match value {
        Value::File(file) => Value::File(Rc::new(FileItem {
            path: file.path.replace(STAR, &HOLE.to_string()),
            is_folder: file.is_folder,
            is_text_full: file.is_text_full,
        })),
        other => other.clone(),
    }
}

/// Whether a value is a file or folder of the package.
pub(super) fn is_item_in_package(value: &Value) -> bool {
    matches!(value, Value::File(file) if in_package(&file.path).is_some())
}

/// Simple wildcards to the mark for them.
pub(super) fn with_stars(text: &str) -> String {
    text.replace(['*', '?'], &STAR.to_string())
}

/// Simple wildcards: `*` any run, `?` any one character.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
