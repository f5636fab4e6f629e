//! Marks that scripts and packages set for Chocolatey itself: for its shim generator, which goes through
//! the programs of the package's folder when the scripts are done, and for its automatic uninstaller.

use fleetmend_model::effect::Machines;
use fleetmend_model::shim::{AutoUninstaller, ShimKind, ShimMark};

use super::Package;
use super::interpreter::{Interpreter, MAX_FINDINGS};
use super::left::Left;
use super::path;
use super::place;
use super::value::{HOLE, STAR};

impl Interpreter<'_> {
    /// Notes that a file is made which may be a mark.
    pub(super) fn mark(&mut self, file: &str) {
        self.mark_shim(file);
        if path::in_package(file).is_some_and(|inside| skips_auto_uninstaller(&inside)) {
            let always = self.is_certain();
            self.skips_auto_uninstaller |= AutoUninstaller::skipped(always);
        }
    }

    /// Notes that a file is made which may be a mark of a program.
    pub(super) fn mark_shim(&mut self, file: &str) {
        // Of a pattern, all that it stands for are marked, but where the script takes one of these.
        let is_told = !file.contains(HOLE) && !self.is_one_of_files(file);
        let is_certain = self.is_certain() || file.contains(STAR) && self.is_certain_but_patterns();
        let always = is_told && is_certain;
        let mark = path::in_package(file).and_then(|inside| mark(&inside, always));
        if let Some(mark) = mark.filter(|_| self.shims.len() < MAX_FINDINGS) {
            if self.left(&mark.program) == Left::Nothing {
                self.marked_anew.insert(mark.program.clone());
            }
            add(&mut self.shims, mark);
        }
    }

    /// The marks that the script has made, but for those of programs that it has removed since.
    pub(super) fn made_marks(&mut self) -> Vec<ShimMark> {
        let mut marks = std::mem::take(&mut self.shims);
        marks.retain(|mark| {
            self.marked_anew.contains(&mark.program)
                || self.left(&mark.program) != Left::Nothing
                || mark.program.contains('*') && self.spares_some()
        });
        marks
    }

    /// Whether the script leaves some of what it removes by a pattern.
    fn spares_some(&self) -> bool {
        let mut removed = self.state.removed.iter();
        removed.any(|it| !it.except.is_empty())
    }
}

/// The marks that a package brings as files and that its script leaves there, and what such files say to
/// the automatic uninstaller.
pub(super) fn brought(
    package: &Package<'_>,
    left: impl Fn(&str) -> Left,
) -> (Vec<ShimMark>, AutoUninstaller) {
    let mut marks = Vec::new();
    let mut uninstaller = AutoUninstaller::Runs;
    for path in &package.paths {
        let (mark, skips) = (mark(path, true), skips_auto_uninstaller(path));
        if mark.is_none() && !skips {
            continue;
        }
        let Some(always) = left(path).is_certain() else {
            continue;
        };
        marks.extend(mark.map(|it| ShimMark { always, ..it }));
        if skips {
            uninstaller |= AutoUninstaller::skipped(always);
        }
    }
    (marks, uninstaller)
}

/// Whether a file keeps the automatic uninstaller from running: `.skipAutoUninstall`, whatever stands
/// behind that, but in no folder of templates.
pub(super) fn skips_auto_uninstaller(inside: &str) -> bool {
    let lower = inside.to_lowercase();
    let mut folders = lower.split('/');
    let name = folders.next_back().unwrap_or_default();
    name.starts_with(".skipautouninstall") && !folders.any(|it| it == "templates")
}

/// Adds a mark to those that are made besides.
pub(crate) fn add(all: &mut Vec<ShimMark>, mark: ShimMark) {
    match all.iter_mut().find(|it| is_same(it, &mark)) {
        Some(known) => known.always |= mark.always,
        None => all.push(mark),
    }
}

/// Adds the marks of another run: what only one of them makes is not always made.
pub(super) fn merge(all: &mut Vec<ShimMark>, other: &[ShimMark]) {
    for mark in all.iter_mut() {
        let is_there = |it: &ShimMark| is_same(it, mark) && it.always;
        mark.always &= other.iter().any(is_there);
    }
    for mark in other {
        if !all.iter().any(|it| is_same(it, mark)) {
            all.push(ShimMark {
                always: false,
                ..mark.clone()
            });
        }
    }
}

/// The marks of both kinds of machine, each with those that it is made on.
pub(super) fn on_both(large: &mut Vec<ShimMark>, small: &[ShimMark]) {
    for mark in large.iter_mut() {
        if !small.contains(mark) {
            mark.machines = Machines::X64;
        }
    }
    for mark in small {
        if !large.contains(mark) {
            large.push(ShimMark {
                machines: Machines::X86,
                ..mark.clone()
            });
        }
    }
}

fn is_same(one: &ShimMark, other: &ShimMark) -> bool {
    one.program.eq_ignore_ascii_case(&other.program) && one.kind == other.kind
}

/// The mark that a file in the package's folder is.
fn mark(inside: &str, always: bool) -> Option<ShimMark> {
    let (program, end) = inside.rsplit_once('.')?;
    let kind = match end.to_ascii_lowercase().as_str() {
        "ignore" => ShimKind::None,
        "gui" => ShimKind::Gui,
        _ => return None,
    };
    let program = place::written(&program.replace([STAR, HOLE], "*"));
    let is_program = program.to_ascii_lowercase().ends_with(".exe") || program.ends_with('*');
    is_program.then_some(ShimMark {
        program,
        kind,
        always,
        machines: Machines::All,
    })
}
