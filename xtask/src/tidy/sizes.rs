//! How long a file may be.

use super::Finding;
use super::source::SourceFile;

/// Past this, look for the second thing in the file.
const WARN_LINES: usize = 400;
/// Past this, a file needs a reason in [`EXCEPTIONS`].
const MAX_LINES: usize = 700;
const WHY: &str = "a file does one thing and its name says which";

/// Files that may be longer, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

pub(crate) fn check(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    let excepted = EXCEPTIONS.iter().any(|(path, _)| *path == file.path);
    if !file.is_rust() || lines <= WARN_LINES || excepted {
        return None;
    }
    let limit = if lines > MAX_LINES {
        MAX_LINES
    } else {
        WARN_LINES
    };
    let rule = format!("{lines} lines, more than {limit}");
    let mut finding = Finding::new(&file.path, 0, rule, WHY);
    finding.fails = lines > MAX_LINES;
    Some(finding)
}

/// An exception for a file that is gone or short again is itself a finding.
pub(crate) fn check_exceptions(files: &[SourceFile]) -> Vec<Finding> {
    let needed = |path: &str| {
        files
            .iter()
            .any(|file| file.path == path && file.text.lines().count() > MAX_LINES)
    };
    let unneeded = EXCEPTIONS.iter().filter(|(path, _)| !needed(path));
    unneeded
        .map(|(path, _)| Finding::new(path, 0, "no exception without need", WHY))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rust_files_warn_and_longer_ones_fail() {
        let verdict = |path: &str, lines: usize| {
            check(&SourceFile::new(path, "x\n".repeat(lines))).map(|finding| finding.fails)
        };
        assert_eq!(verdict("crates/plan/src/lib.rs", 400), None);
        assert_eq!(verdict("crates/plan/src/lib.rs", 401), Some(false));
        assert_eq!(verdict("crates/plan/src/lib.rs", 700), Some(false));
        assert_eq!(verdict("crates/plan/src/lib.rs", 701), Some(true));
        assert_eq!(verdict("README.md", 5000), None);
    }
}
