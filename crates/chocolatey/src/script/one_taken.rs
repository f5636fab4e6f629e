//! What a script takes one of, of all that it has found: which one that is only the device knows.

use super::interpreter::Interpreter;
use super::value::{STAR, Value};

impl Interpreter<'_> {
    /// Keeps in mind that the script takes one of what it has found, whichever.
    pub(super) fn take_one(&mut self, found: &[Value]) {
        if let [Value::Sought(sought)] = found {
            self.one_taken.extend(sought.fact());
        }
        for item in found {
            if let Value::File(file) = item
                && file.path.contains(STAR)
            {
                self.one_of_files.insert(file.path.clone());
            }
        }
    }

    /// Keeps in mind that all files stand for what was found which a pattern stands for.
    pub(super) fn take_all(&mut self, found: &[Value]) {
        for item in found {
            if let Value::File(file) = item {
                self.one_of_files.remove(&file.path);
            }
        }
    }

    /// Whether all that a text takes is of software of which the script takes one entry.
    pub(super) fn is_one_taken(&self, text: &str) -> bool {
        let software = self.facts.software_in(text);
        !software.is_empty() && software.is_subset(&self.one_taken)
    }

    /// Whether a path is that of one of the files which a pattern stands for, or beside it.
    pub(super) fn is_one_of_files(&self, path: &str) -> bool {
        let mut patterns = self.one_of_files.iter();
        patterns.any(|pattern| path.starts_with(pattern.as_str()))
    }
}
