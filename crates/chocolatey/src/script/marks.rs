//! How much there is at a place of a run, to come back to that or to take what came behind it.

use super::interpreter::Interpreter;

/// How much has been found and done, and what is left or stands around.
pub(super) struct Marks {
    findings: usize,
    calls: usize,
    uninstalls: usize,
    effects: usize,
    unless: usize,
    pub(super) doubts: usize,
    pub(super) endings: usize,
    pub(super) silent_endings: usize,
    pub(super) early: usize,
}

impl Interpreter<'_> {
    /// How much there is now.
    pub(super) fn marks(&self) -> Marks {
        Marks {
            findings: self.findings.len(),
            calls: self.calls.len(),
            uninstalls: self.uninstalls.len(),
            effects: self.effects.len(),
            unless: self.failure.unless.len(),
            doubts: self.doubts.len(),
            endings: self.endings.len(),
            silent_endings: self.silent_endings.len(),
            early: self.early.len(),
        }
    }

    /// Forgets what has come since.
    pub(super) fn back_to(&mut self, marks: &Marks) {
        self.findings.truncate(marks.findings);
        self.calls.truncate(marks.calls);
        self.uninstalls.truncate(marks.uninstalls);
        self.effects.truncate(marks.effects);
        self.failure.unless.truncate(marks.unless);
        self.doubts.truncate(marks.doubts);
        self.endings.truncate(marks.endings);
        self.silent_endings.truncate(marks.silent_endings);
        self.early.truncate(marks.early);
    }
}

/// Takes away what stands from a place on.
pub(super) fn take_from<T>(all: &mut Vec<T>, place: usize) -> Vec<T> {
    all.split_off(place.min(all.len()))
}
