//! Windows paths as texts, with the mark for the package's folder.

use super::value::{HOLE, PACKAGE_ROOT, Value};

/// `Split-Path -Parent`.
pub(super) fn parent(path: &str) -> String {
    let path = path.trim_end_matches(['\\', '/']);
    match path.rfind(['\\', '/']) {
        Some(at) => path[..at].to_owned(),
        None => String::new(),
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

/// Whether everything that the value names is inside of the package's folder.
pub(super) fn is_in_package(value: &Value) -> bool {
    match value {
        Value::Text(text) => in_package(text).is_some(),
        Value::Array(items) => !items.is_empty() && items.iter().all(is_in_package),
        _ => false,
    }
}

/// The package's files that a path with `*` and `?` in its last part names, as texts under the root.
/// `None`: the path is not known or not in the package.
pub(super) fn glob(text: &str, files: &[String]) -> Option<Vec<Value>> {
    let path = in_package(text)?;
    if path.contains(HOLE) || path.contains('[') {
        return None;
    }
    let (folder, pattern) = path.rsplit_once('/').unwrap_or(("", &path));
    if folder.contains(['*', '?']) {
        return None;
    }
    let pattern = pattern.to_lowercase();
    let mut found: Vec<&String> = files
        .iter()
        .filter(|file| {
            let (its_folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            its_folder.eq_ignore_ascii_case(folder) && matches(&pattern, &name.to_lowercase())
        })
        .collect();
    found.sort_by_key(|file| file.to_lowercase());
    let text = |file: &&String| Value::text(format!("{PACKAGE_ROOT}\\{}", file.replace('/', "\\")));
    Some(found.iter().map(text).collect())
}

/// Simple wildcards: `*` any run, `?` any one character.
fn matches(pattern: &str, name: &str) -> bool {
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
