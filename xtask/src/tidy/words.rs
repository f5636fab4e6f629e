//! What may not stand in the code, where, and why.

use super::Finding;
use super::source::{Part, SourceFile, has_word};
use crate::workspace::PURE_CRATES;

/// The rules' own tables name what they forbid.
const OWN_FOLDER: &str = "xtask/src/tidy";
/// Crates whose programs talk to a person on a terminal.
const TALKING_CRATES: [&str; 3] = ["fleetmend", "lab", "xtask"];

struct Rule {
    forbidden: &'static [&'static str],
    applies: fn(&SourceFile, Part) -> bool,
    why: &'static str,
}

/// Rules for Rust code; comments are not looked at.
const RULES: &[Rule] = &[
    Rule {
        forbidden: &[
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ],
        applies: |file, part| is_pure(file) && part == Part::Product,
        why: "pure crates know no clock, file, socket or process: their callers hand in bytes and times, \
              so every decision can be repeated and tested",
    },
    Rule {
        forbidden: &["tokio::", "reqwest::", "ureq::", "hyper::"],
        applies: |file, _| is_pure(file),
        why: "pure crates do no input and output",
    },
    Rule {
        forbidden: &["sqlx::"],
        applies: |file, _| file.crate_name() != Some("store"),
        why: "only `store` names SQL: both databases are handled and tested in one place",
    },
    Rule {
        forbidden: &["axum::"],
        applies: |file, _| file.crate_name() != Some("server"),
        why: "only `server` names the web framework",
    },
    Rule {
        forbidden: &["unsafe"],
        applies: |file, _| !may_be_unsafe(file),
        why: "unsafe code stands only in the agent's Windows folder and in files that say \
              `allow(unsafe_code, reason = …)`",
    },
    Rule {
        forbidden: &["thread::sleep", "time::sleep"],
        applies: |_, part| part == Part::Test,
        why: "a test waits on the condition, never for a time: sleeping is too long here and too short \
              on a busy machine",
    },
    Rule {
        forbidden: &["println!", "print!", "eprintln!", "eprint!"],
        applies: |file, part| part == Part::Product && !talks(file),
        why: "libraries report by tracing and by their results; only programs' front ends print",
    },
    Rule {
        forbidden: &[".unwrap()"],
        applies: |_, part| part == Part::Product,
        why: "a panic takes a server or an agent down: return an error, or say with `expect` why it \
              cannot happen",
    },
    Rule {
        forbidden: &["todo!", "unimplemented!", "dbg!"],
        applies: |_, _| true,
        why: "unfinished code is not merged",
    },
    Rule {
        forbidden: &["#[ignore"],
        applies: |file, _| file.path != ENTRY_INSIDE_ROOT,
        why: "a test that is not run says nothing; what cannot run here fails, and the needs are \
              installed by `cargo xtask test`",
    },
];

/// Not a test but the program that tests start inside a Debian root.
const ENTRY_INSIDE_ROOT: &str = "crates/agent/src/linux/tests/device.rs";

/// Texts that may stand in no file, comments included.
const FOREIGN_TEXTS: &[(&[&str], &str)] = &[
    (
        &["/home/", "/Users/", "/root/", "/work/"],
        "a path of one developer's machine exists nowhere else",
    ),
    (
        &[
            "deb.debian.org",
            "security.debian.org",
            "static.crates.io",
            "index.crates.io",
        ],
        "mirrors and registries come from the machine's own configuration",
    ),
];

fn is_pure(file: &SourceFile) -> bool {
    file.path.contains("/src/") && file.crate_name().is_some_and(|n| PURE_CRATES.contains(&n))
}

fn may_be_unsafe(file: &SourceFile) -> bool {
    file.path.starts_with("crates/agent/src/windows")
        || file.text.contains("allow(unsafe_code, reason")
}

fn talks(file: &SourceFile) -> bool {
    let is_front_end = ["/main.rs", "/cli.rs", "/build.rs"]
        .iter()
        .any(|end| file.path.ends_with(end));
    is_front_end
        || file.path.contains("/src/bin/")
        || file
            .crate_name()
            .is_some_and(|name| TALKING_CRATES.contains(&name))
}

pub(crate) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.path.starts_with(OWN_FOLDER) {
        return findings;
    }
    for (index, line) in file.text.lines().enumerate() {
        for (texts, why) in FOREIGN_TEXTS {
            for text in texts.iter().filter(|text| has_place(line, text)) {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("no `{text}`"),
                    why,
                ));
            }
        }
    }
    if !file.is_rust() {
        return findings;
    }
    for (number, part, line) in file.code_lines() {
        let line = &ungrouped(line);
        for rule in RULES.iter().filter(|rule| (rule.applies)(file, part)) {
            for word in rule.forbidden.iter().filter(|word| has_word(line, word)) {
                findings.push(Finding::new(
                    &file.path,
                    number,
                    format!("no `{word}`"),
                    rule.why,
                ));
            }
        }
    }
    findings
}

/// Writes `use std::{fs, io};` as `use std::fs, std::io;`, so that a rule finds the whole names.
fn ungrouped(line: &str) -> String {
    match line.trim_start().strip_prefix("use std::{") {
        Some(group) => format!(
            "use std::{}",
            group.replace('}', "").replace(", ", ", std::")
        ),
        None => line.to_owned(),
    }
}

/// Whether `line` holds `text` as the beginning of a path or host: not within a longer path, and
/// something follows.
fn has_place(line: &str, text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "_.-}*".contains(c);
    line.match_indices(text).any(|(at, _)| {
        let begins = !text.starts_with('/') || !line[..at].ends_with(is_name);
        let follows =
            line[at + text.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.');
        begins && (follows || !text.ends_with('/'))
    })
}

/// No blanks at the end of a line, and a line's end at the end of the file.
pub(crate) fn check_blanks(file: &SourceFile) -> Vec<Finding> {
    let why = "it shows up as a change in reviews that changes nothing";
    let mut findings: Vec<Finding> = file
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.ends_with([' ', '\t', '\r']))
        .map(|(index, _)| Finding::new(&file.path, index + 1, "no blanks at a line's end", why))
        .collect();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        let line = file.text.lines().count();
        findings.push(Finding::new(
            &file.path,
            line,
            "a file ends with a line's end",
            why,
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let findings = check(&SourceFile::new(path, text));
        findings
            .into_iter()
            .map(|finding| (finding.line, finding.rule))
            .collect()
    }

    #[test]
    fn each_rule_finds_its_words_where_it_applies_and_nowhere_else() {
        // (path, code, the rule that must find something)
        let cases: &[(&str, &str, Option<&str>)] = &[
            (
                "crates/plan/src/lib.rs",
                "use std::fs;",
                Some("no `std::fs`"),
            ),
            (
                "crates/plan/src/lib.rs",
                "let now = Timestamp::now();",
                Some("no `Timestamp::now`"),
            ),
            ("crates/plan/tests/it.rs", "use std::fs;", None),
            ("crates/store/src/lib.rs", "use std::fs;", None),
            (
                "crates/model/src/lib.rs",
                "use tokio::sync::Mutex;",
                Some("no `tokio::`"),
            ),
            (
                "crates/server/src/lib.rs",
                "use sqlx::Row;",
                Some("no `sqlx::`"),
            ),
            ("crates/store/src/lib.rs", "use sqlx::Row;", None),
            (
                "crates/agent/src/lib.rs",
                "use axum::Router;",
                Some("no `axum::`"),
            ),
            ("crates/server/src/lib.rs", "use axum::Router;", None),
            (
                "crates/agent/src/core.rs",
                "unsafe { x() }",
                Some("no `unsafe`"),
            ),
            ("crates/agent/src/windows/job.rs", "unsafe { x() }", None),
            ("crates/agent/src/core.rs", "// unsafe is not needed", None),
            (
                "crates/agent/src/core.rs",
                "#![allow(unsafe_code, reason = \"FFI\")] unsafe { x() }",
                None,
            ),
            (
                "crates/store/tests/it.rs",
                "thread::sleep(x);",
                Some("no `thread::sleep`"),
            ),
            ("crates/store/src/lib.rs", "tokio::time::sleep(x);", None),
            (
                "crates/store/src/lib.rs",
                "println!();",
                Some("no `println!`"),
            ),
            ("crates/lab/src/lib.rs", "println!();", None),
            ("crates/agent/src/main.rs", "println!();", None),
            ("fuzz/src/bin/hostile.rs", "println!();", None),
            (
                "crates/store/src/lib.rs",
                "x.unwrap();",
                Some("no `.unwrap()`"),
            ),
            ("crates/store/tests/it.rs", "x.unwrap();", None),
            ("crates/store/src/lib.rs", "x.unwrap_or_default();", None),
            ("crates/store/tests/it.rs", "todo!()", Some("no `todo!`")),
            (
                "crates/store/tests/it.rs",
                "#[ignore]",
                Some("no `#[ignore`"),
            ),
            ("README.md", "see /home/ann/fleetmend", Some("no `/home/`")),
            ("README.md", "see https://example.org/home/ann", None),
            ("README.md", "see /home/<user>", None),
            ("README.md", "the crate may print! and todo!", None),
        ];
        for (path, code, rule) in cases {
            let expected: Vec<(usize, String)> =
                rule.iter().map(|rule| (2, (*rule).to_owned())).collect();
            assert_eq!(
                found(path, &format!("\n{code}\n")),
                expected,
                "{path}: {code}"
            );
        }
    }

    #[test]
    fn blanks_at_the_end_of_lines_and_a_missing_last_line_end_are_found() {
        let lines = |text: &str| -> Vec<usize> {
            let file = SourceFile::new("a.md", text);
            check_blanks(&file)
                .into_iter()
                .map(|finding| finding.line)
                .collect()
        };
        assert_eq!(lines("good\nbad \n\tgood\n"), [2]);
        assert_eq!(lines("good\nno end"), [2]);
        assert!(lines("").is_empty());
    }
}
