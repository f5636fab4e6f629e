//! What every crate has, and what crates may depend on.

use super::Finding;
use super::source::SourceFile;
use crate::workspace::PURE_CRATES;

/// Who may depend on what: dependency, the crates that may, why no other.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("sqlx", &["store"], "only `store` names SQL"),
    ("axum", &["server"], "only `server` names the web framework"),
    ("askama", &["server"], "pages are drawn in `server`"),
];

/// What pure crates may not depend on.
const IMPURE: [&str; 9] = [
    "tokio",
    "sqlx",
    "axum",
    "hyper",
    "reqwest",
    "ureq",
    "fleetmend-store",
    "fleetmend-server",
    "fleetmend-agent",
];

/// Checks a crate's `Cargo.toml`; says nothing of other files.
pub(crate) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(name) = file
        .crate_name()
        .filter(|_| file.path.ends_with("/Cargo.toml"))
    else {
        return findings;
    };
    let mut section = "";
    let mut has_lints = false;
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
            // [dependencies.tokio]
            if let Some(inner) = line.strip_suffix(']')
                && let Some((_, dependency)) = inner.split_once("dependencies.")
            {
                findings.extend(check_dependency(file, index + 1, name, dependency, section));
            }
            continue;
        }
        if section == "[lints]" {
            has_lints |= line.replace(' ', "") == "workspace=true";
        }
        if section.ends_with("dependencies]") && !line.starts_with('#') {
            let end = line.find([' ', '.', '=']).unwrap_or(line.len());
            findings.extend(check_dependency(
                file,
                index + 1,
                name,
                &line[..end],
                section,
            ));
        }
    }
    if !has_lints {
        let why = "the workspace's lints hold for every crate";
        findings.push(Finding::new(
            &file.path,
            0,
            "[lints] workspace = true is missing",
            why,
        ));
    }
    findings
}

fn check_dependency(
    file: &SourceFile,
    line: usize,
    name: &str,
    dependency: &str,
    section: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let for_tests = section.contains("dev-dependencies");
    let rule = format!("`{name}` may not depend on `{dependency}`");
    for (reserved, may, why) in RESERVED {
        if dependency == *reserved && !may.contains(&name) {
            findings.push(Finding::new(&file.path, line, rule.clone(), why));
        }
    }
    if PURE_CRATES.contains(&name) && !for_tests && IMPURE.contains(&dependency) {
        let why = "pure crates do no input and output";
        if findings.is_empty() {
            findings.push(Finding::new(&file.path, line, rule, why));
        }
    }
    findings
}

/// Every crate says at its top what it is for.
pub(crate) fn check_crate_docs(files: &[SourceFile]) -> Vec<Finding> {
    let has = |path: &str| files.iter().find(|file| file.path == path);
    let manifests = files.iter().filter(|file| file.crate_name().is_some());
    let mut findings = Vec::new();
    for manifest in manifests {
        let Some(folder) = manifest.path.strip_suffix("Cargo.toml") else {
            continue;
        };
        for top in ["src/lib.rs", "src/main.rs"] {
            let Some(file) = has(&format!("{folder}{top}")) else {
                continue;
            };
            if !file.text.lines().any(|line| line.starts_with("//! ")) {
                let why = "a newcomer reads it first";
                findings.push(Finding::new(
                    &file.path,
                    1,
                    "a crate says what it is for (//!)",
                    why,
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_allowed_only_where_they_belong() {
        let cases: &[(&str, &str, bool)] = &[
            ("store", "[dependencies]\nsqlx.workspace = true", true),
            ("server", "[dependencies]\nsqlx.workspace = true", false),
            (
                "server",
                "[dependencies]\nsqlx = { workspace = true }",
                false,
            ),
            ("server", "[dependencies.sqlx]\nworkspace = true", false),
            (
                "server",
                "[target.'cfg(unix)'.dependencies]\nsqlx.workspace = true",
                false,
            ),
            ("server", "[dependencies]\naxum.workspace = true", true),
            ("agent", "[dependencies]\naxum.workspace = true", false),
            ("agent", "[dependencies]\ntokio.workspace = true", true),
            ("plan", "[dependencies]\ntokio.workspace = true", false),
            ("plan", "[dependencies]\ntokio-like.workspace = true", true),
            ("plan", "[dev-dependencies]\ntokio.workspace = true", true),
            (
                "plan",
                "[dependencies]\nfleetmend-store.workspace = true",
                false,
            ),
        ];
        for (name, text, allowed) in cases {
            let text = format!("[lints]\nworkspace = true\n{text}\n");
            let file = SourceFile::new(format!("crates/{name}/Cargo.toml"), text.clone());
            assert_eq!(check(&file).is_empty(), *allowed, "{name}: {text}");
        }
    }

    #[test]
    fn a_crate_without_the_workspaces_lints_or_a_doc_comment_is_found() {
        let manifest = SourceFile::new("crates/plan/Cargo.toml", "[package]\n");
        assert_eq!(check(&manifest).len(), 1);
        let bare = SourceFile::new("crates/plan/src/lib.rs", "fn a() {}\n");
        assert_eq!(check_crate_docs(&[manifest, bare]).len(), 1);
        let manifest = SourceFile::new("crates/plan/Cargo.toml", "");
        let good = SourceFile::new("crates/plan/src/lib.rs", "//! Plans.\nfn a() {}\n");
        assert_eq!(check_crate_docs(&[manifest, good]), []);
    }
}
