//! What a script looks for among folders alone: where a pattern has become a text, files of such names
//! are still not meant.

use super::interpreter::{Interpreter, Weight};
use super::path;
use super::state::MAX_FILES;
use super::value::{STAR, Value};

/// What a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Folders alone.
    Folders,
    /// All that there is of such names.
    All,
    /// It was looked for both ways.
    Either,
}

impl Interpreter<'_> {
    /// Keeps in mind what was found, by the patterns that stand for it.
    pub(super) fn keep_kinds(&mut self, found: &[Value], line: u32) {
        for item in found {
            let Value::File(file) = item else { continue };
            if !file.path.contains(STAR) {
                continue;
            }
            let new = if file.is_folder {
                Kind::Folders
            } else {
                Kind::All
            };
            let is_full = self.kinds.len() >= MAX_FILES;
            match self.kinds.get_mut(&key(&file.path)) {
                Some(kind) if *kind != new => *kind = Kind::Either,
                Some(_) => {}
                None if is_full => {
                    self.find(Weight::Review, line, "it looks for too many kinds of files");
                }
                None => {
                    self.kinds.insert(key(&file.path), new);
                }
            }
        }
    }

    /// What the pattern stands for that a value is, or that has become its text.
    pub(super) fn kind_of(&self, value: &Value, text: &str) -> Kind {
        match value {
            Value::File(file) if file.is_folder && text.contains(STAR) => Kind::Folders,
            Value::File(_) => Kind::All,
            _ => self.kinds.get(&key(text)).copied().unwrap_or(Kind::All),
        }
    }
}

fn key(text: &str) -> String {
    path::key(text.trim_end_matches(['\\', '/']))
}
