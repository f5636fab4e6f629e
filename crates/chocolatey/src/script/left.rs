//! What a script leaves of the package's files.

use super::interpreter::Interpreter;
use super::path;
use super::state::Removed;

/// What a script leaves of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It does not touch it.
    All,
    /// It may remove it, under a condition or as one of several.
    Perhaps,
    /// It removes it.
    Nothing,
}

impl Left {
    /// Whether it is there for certain, or perhaps; `None`: it is not there.
    pub(super) fn is_certain(self) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Perhaps => Some(false),
            Self::Nothing => None,
        }
    }
}

impl Interpreter<'_> {
    /// Whether the script has removed or moved a file of the package, or may have.
    pub(super) fn is_removed(&self, path: &str) -> bool {
        self.left(path) != Left::All
    }

    /// What the script has left of a file of the package.
    pub(super) fn left(&self, path: &str) -> Left {
        let lower = path.to_lowercase();
        let name = lower.rsplit('/').next().unwrap_or(&lower);
        let is_meant = |gone: &&Removed| {
            path::matches(&gone.pattern, &lower)
                && !gone.except.iter().any(|it| path::matches(it, name))
        };
        let mut gone = self.state.removed.iter().filter(is_meant).peekable();
        if gone.peek().is_none() {
            return Left::All;
        }
        // `*` stands for no more than the name of one file or folder.
        if gone.any(|it| it.is_sure && is_below(&it.pattern, &lower)) {
            return Left::Nothing;
        }
        Left::Perhaps
    }
}

/// Whether a pattern fits a path or a folder that it lies in, each part for itself.
fn is_below(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut wanted = pattern.split('/');
    wanted.all(|pattern| parts.next().is_some_and(|it| path::matches(pattern, it)))
}
