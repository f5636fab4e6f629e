//! What the helpers of a run came to, before the runs for several machines are put together.

use std::rc::Rc;

use fleetmend_model::condition::Condition;
use fleetmend_model::effect::{Effect, Phase};
use fleetmend_model::recipe::{RecipeKind, UninstallStep};

use super::recipe_file::Located;

/// A helper's call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The script, the line, and how many calls stood on that line before: the same in every run.
    pub(super) site: (Rc<str>, u32, usize),
    /// As far as all of it is known.
    pub(super) step: Option<Step>,
}

/// An installation on one machine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) kind: RecipeKind,
    pub(super) file: Located,
    pub(super) arguments: String,
    pub(super) names_places: bool,
    pub(super) exit_codes: Vec<i64>,
    pub(super) software_name: Option<String>,
    /// See [`fleetmend_model::recipe::Recipe::destination`].
    pub(super) destination: Option<String>,
    /// The folder of an archive that alone is unpacked.
    pub(super) part: Option<String>,
    /// What must hold on the device for it to be done.
    pub(super) conditions: Vec<Condition>,
    /// Whether another step takes what this one brings, and nothing of it stays.
    pub(super) is_used: bool,
    /// Whether the installer is run where it lies in the package, beside other files.
    pub(super) has_neighbours: bool,
}

impl Step {
    /// A step without arguments, for which 0 alone is success.
    pub(super) fn new(kind: RecipeKind, file: Located) -> Self {
        Self {
            kind,
            file,
            arguments: String::new(),
            names_places: false,
            exit_codes: vec![0],
            software_name: None,
            destination: None,
            part: None,
            conditions: Vec::new(),
            is_used: false,
            has_neighbours: false,
        }
    }
}

/// A call of the uninstall helper.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UninstallCall {
    pub(super) step: Option<UninstallStep>,
}

/// An effect, and what was installed and uninstalled before it.
pub(super) struct NotedEffect {
    pub(super) effect: Effect,
    /// How many calls of helpers stand before it.
    pub(super) calls: usize,
    /// How many uninstallers were run before it.
    pub(super) uninstalls: usize,
}

impl NotedEffect {
    /// It with its place among what a script installed.
    pub(super) fn among_calls(self, calls: &[Call]) -> Effect {
        let is_own = |call: &&Call| call.step.as_ref().is_none_or(|step| !step.is_used);
        let count = |calls: &[Call]| calls.iter().filter(is_own).count();
        let before = count(calls.get(..self.calls).unwrap_or(calls));
        self.placed(before, count(calls))
    }

    /// It with its place among the uninstallers that a script runs.
    pub(super) fn among_uninstalls(self, count: usize) -> Effect {
        let before = self.uninstalls;
        self.placed(before, count)
    }

    fn placed(self, before: usize, all: usize) -> Effect {
        let phase = match before {
            0 => Phase::Before,
            _ if before < all => Phase::Between,
            _ => Phase::After,
        };
        Effect {
            phase,
            ..self.effect
        }
    }
}
