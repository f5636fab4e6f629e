//! `cargo xtask tidy`: the rules of this repository that no other tool checks.
//!
//! Each finding names the place, the rule and why the rule is there.

mod manifests;
mod sizes;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace;
use source::SourceFile;

/// Folders that hold nothing written by hand.
const SKIPPED_FOLDERS: [&str; 4] = [".git", "target", "dist", "proptest-regressions"];
/// Kinds of file that are looked at, by the end of their name.
const TEXT_KINDS: [&str; 10] = [
    ".rs", ".toml", ".md", ".sql", ".html", ".css", ".sh", ".c", ".service", ".ci/run",
];

/// Something against a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Counted from 1; 0 where the whole file is meant.
    pub(crate) line: usize,
    pub(crate) rule: String,
    pub(crate) why: &'static str,
    /// A warning is shown and does not fail.
    pub(crate) fails: bool,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, rule: impl Into<String>, why: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule: rule.into(),
            why,
            fails: true,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.fails { "error" } else { "warning" };
        write!(
            f,
            "{}:{}: {kind}: {}\n    why: {}",
            self.path, self.line, self.rule, self.why
        )
    }
}

/// Looks at the whole repository, prints what it finds, and fails if any of it is an error.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let findings = check(&files);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.fails).count();
    println!(
        "tidy: {} files, {errors} errors, {} warnings",
        files.len(),
        findings.len() - errors
    );
    if errors > 0 {
        bail!("tidy found {errors} errors");
    }
    Ok(())
}

fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(words::check(file));
        findings.extend(words::check_blanks(file));
        findings.extend(sizes::check(file));
        findings.extend(manifests::check(file));
    }
    findings.extend(sizes::check_exceptions(files));
    findings.extend(manifests::check_crate_docs(files));
    findings
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                collect(root, &path, files)?;
            }
            continue;
        }
        let relative = path.strip_prefix(root).unwrap_or(&path);
        let relative = relative.to_string_lossy().replace('\\', "/");
        if TEXT_KINDS.iter().any(|kind| relative.ends_with(kind)) {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {relative}"))?;
            files.push(SourceFile::new(relative, text));
        }
    }
    Ok(())
}
