//! A file as the rules see it: its crate, and which of its lines are code, comment or test.

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What part of a program a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Product,
    Test,
}

impl SourceFile {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        std::path::Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// The folder of the crate that the file belongs to: `model`, `xtask`; `None` for others.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        match self.path.strip_prefix("crates/") {
            Some(inside) => inside.split_once('/').map(|(name, _)| name),
            None => self.path.starts_with("xtask/").then_some("xtask"),
        }
    }

    /// Whether the whole file belongs to tests.
    fn is_test_file(&self) -> bool {
        let in_tests = self.path.contains("/tests/") || self.path.contains("/benches/");
        // crates/e2e holds nothing but tests and their fixtures.
        let is_tests = self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs");
        in_tests || is_tests || self.path.starts_with("crates/e2e/")
    }

    /// The lines of code without comments: number from 1, part, text. From `#[cfg(test)]` on
    /// everything counts as test: that module stands last in a file.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, Part, &str)> {
        let mut part = if self.is_test_file() {
            Part::Test
        } else {
            Part::Product
        };
        self.text.lines().enumerate().map(move |(index, line)| {
            if line.trim_start().starts_with("#[cfg(test)]") {
                part = Part::Test;
            }
            (index + 1, part, without_comment(line))
        })
    }
}

/// Cuts a `//` comment off a line. A `//` right behind a colon is part of a URL in a text.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(found) = line[from..].find("//") {
        let at = from + found;
        if !line[..at].ends_with(':') {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// Whether `word` stands in `line` on its own, not as part of a longer name.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let starts = !word.starts_with(is_name) || !line[..at].ends_with(is_name);
        let ends = !word.ends_with(is_name) || !line[at + word.len()..].starts_with(is_name);
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_cut_and_urls_are_not() {
        assert_eq!(without_comment("let a = 1; // unsafe"), "let a = 1; ");
        assert_eq!(without_comment("/// unsafe"), "");
        assert_eq!(
            without_comment(r#"let url = "http://x"; // y"#),
            r#"let url = "http://x"; "#
        );
    }

    #[test]
    fn a_word_is_found_only_as_a_whole() {
        assert!(has_word("    unsafe {", "unsafe"));
        assert!(!has_word("deny(unsafe_code)", "unsafe"));
        assert!(has_word("std::thread::sleep(x)", "thread::sleep"));
        assert!(!has_word("mythread::sleepy(x)", "thread::sleep"));
        assert!(has_word("x.unwrap()", ".unwrap()"));
        assert!(!has_word("eprintln!(x)", "println!"));
    }

    #[test]
    fn code_behind_cfg_test_and_in_test_folders_is_test_code() {
        let parts = |path: &str, text: &str| -> Vec<Part> {
            SourceFile::new(path, text)
                .code_lines()
                .map(|(_, part, _)| part)
                .collect()
        };
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(
            parts("crates/plan/src/lib.rs", text),
            [Part::Product, Part::Test, Part::Test]
        );
        assert_eq!(
            parts("crates/plan/tests/it/main.rs", "fn a() {}"),
            [Part::Test]
        );
    }
}
