//! Approvals by rules: which patches a rule approves, and from when on.
//!
//! There are none until an administrator writes rules, and a policy must let them count. They never
//! approve for critical systems, and say nothing where a person decided.

use fleetmend_model::Millis;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::PatchType;
use serde::{Deserialize, Serialize};

use crate::cool_down::Dates;
use crate::select::Pattern;
use crate::version::Step;

/// The most packages or tags that a rule names.
pub const MOST_NAMES: usize = 200;
/// The longest name of a rule, in characters.
pub const LONGEST_NAME: usize = 100;
/// The greatest age that a rule can ask for, in days.
pub const MOST_DAYS: u32 = 365;

/// A rule that approves. A condition that is not given lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Its name; each once.
    pub name: String,
    /// Whether it approves anything.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// Packages, one of which it must be.
    #[serde(default)]
    pub packages: Vec<Pattern>,
    /// Tags, one of which the package must have; case does not count.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where it comes from.
    #[serde(default)]
    pub patch_type: Option<PatchType>,
    /// The widest step from what is installed, on the device where it is widest.
    #[serde(default)]
    pub widest_step: Option<Step>,
    /// How old it must be at least, in days. What has no date is never old enough.
    #[serde(default)]
    pub min_age_days: u32,
    /// Whether it must fix what is a matter of security.
    #[serde(default)]
    pub security_only: bool,
    /// Whether it must fix what is known to be exploited.
    #[serde(default)]
    pub exploited_only: bool,
}

fn yes() -> bool {
    true
}

/// Why a rule cannot be kept to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Without a name that can be shown.
    #[error("a rule has a name, of at most {LONGEST_NAME} characters")]
    Name,
    /// More than a person can survey.
    #[error("a rule names at most {MOST_NAMES} packages and {MOST_NAMES} tags")]
    TooMany,
    /// A tag without text.
    #[error("a tag of the rule is empty")]
    EmptyTag,
    /// An age that nothing comes to in time.
    #[error("min_age_days is {0}: {MOST_DAYS} at most")]
    Age(u32),
}

/// What rules ask for of a patch.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its package's id.
    pub package: &'a str,
    /// The package's tags.
    pub tags: &'a [String],
    /// Where it comes from.
    pub patch_type: PatchType,
    /// The widest step to it from what devices have.
    pub step: Step,
    /// Its age.
    pub dates: Dates,
    /// Whether it fixes what is a matter of security.
    pub is_security: bool,
    /// Whether it fixes what is known to be exploited.
    pub is_exploited: bool,
}

/// A rule that approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// Which.
    pub rule: &'a ApprovalRule,
    /// From when on; it may be yet to come.
    pub from: Millis,
}

impl ApprovalRule {
    /// Whether it can be kept to.
    pub fn check(&self) -> Result<(), RuleError> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(RuleError::Name);
        }
        if self.packages.len().max(self.tags.len()) > MOST_NAMES {
            return Err(RuleError::TooMany);
        }
        if self.tags.iter().any(|tag| tag.trim().is_empty()) {
            return Err(RuleError::EmptyTag);
        }
        if self.min_age_days > MOST_DAYS {
            return Err(RuleError::Age(self.min_age_days));
        }
        Ok(())
    }

    /// Whether it approves a patch, once that is old enough.
    fn fits(&self, patch: &Facts<'_>) -> bool {
        let is_named = |tag: &String| {
            let tag = tag.trim().to_lowercase();
            patch.tags.iter().any(|it| it.trim().to_lowercase() == tag)
        };
        self.is_enabled
            && (self.packages.is_empty() || self.packages.iter().any(|it| it.fits(patch.package)))
            && (self.tags.is_empty() || self.tags.iter().any(is_named))
            && self.patch_type.is_none_or(|it| it == patch.patch_type)
            && self.widest_step.is_none_or(|widest| patch.step <= widest)
            && (!self.security_only || patch.is_security || patch.is_exploited)
            && (!self.exploited_only || patch.is_exploited)
    }
}

/// The rule that approves a patch first, for a system type on which nobody decided; of several that do so
/// at one time the one that stands first. Nothing for critical systems.
pub fn decide<'a>(
    patch: &Facts<'_>,
    system_type: SystemType,
    rules: &'a [ApprovalRule],
    now: Millis,
) -> Option<Hit<'a>> {
    if system_type == SystemType::Critical {
        return None;
    }
    let fitting = rules.iter().filter(|rule| rule.fits(patch));
    let hits = fitting.filter_map(|rule| {
        let from = match rule.min_age_days {
            0 => now,
            days => patch.dates.aged(days)?.0.max(now),
        };
        Some(Hit { rule, from })
    });
    hits.min_by_key(|hit| hit.from)
}
