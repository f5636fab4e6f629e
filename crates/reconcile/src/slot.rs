//! What applications and records of one package say together for the device that has them.

use std::cmp::{Ordering, Reverse};

use fleetmend_model::inventory::ChocolateyRecord;

use crate::answer::Answer;
use crate::device::{Older, Registered, Says};
use crate::state::State;

/// What an application comes to on a device that has something else beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The application, see [`Registered::id`].
    pub id: u32,
    /// In the place of the answer's own state.
    pub state: State,
    /// Why, in a sentence.
    pub why: String,
}

/// What there is of one copy on the device.
#[derive(Default)]
pub(crate) struct Slot<'a> {
    /// What is excluded or pinned.
    unwanted: Vec<Registered<'a>>,
    /// What Chocolatey has pinned.
    pinned: Option<&'a ChocolateyRecord>,
    current: Vec<Registered<'a>>,
    is_denied: bool,
    older: Vec<(Older<'a>, Registered<'a>)>,
    recorded_current: Option<&'a ChocolateyRecord>,
    recorded: Option<Older<'a>>,
}

/// Why an older application counts for nothing.
enum Beside<'s, 'a> {
    Unwanted(&'s Registered<'a>),
    Pinned(&'a ChocolateyRecord),
    Current(&'s Registered<'a>),
    Recorded(&'a ChocolateyRecord),
}

impl<'a> Slot<'a> {
    pub(crate) fn add_row(&mut self, says: Says<'a>, row: Registered<'a>) {
        match says {
            Says::Nothing => {}
            Says::Current => self.current.push(row),
            Says::Unwanted => self.unwanted.push(row),
            Says::Denied => self.is_denied = true,
            Says::Lacks(found) => self.older.push((found, row)),
        }
    }

    pub(crate) fn add_record(&mut self, says: Says<'a>, record: &'a ChocolateyRecord) {
        match says {
            Says::Nothing | Says::Denied => {}
            Says::Unwanted => self.pinned = first_record(self.pinned, record),
            Says::Current => self.recorded_current = first_record(self.recorded_current, record),
            Says::Lacks(found) => keep_better(&mut self.recorded, found),
        }
    }

    pub(crate) fn missing(self) -> Option<Older<'a>> {
        if !self.unwanted.is_empty() || self.pinned.is_some() {
            return None;
        }
        let is_registered = !self.older.is_empty();
        let counts = |it: &&(Older<'a>, Registered<'a>)| self.beside(&it.0, &it.1).is_none();
        let counting = self.older.iter().filter(counts).map(|it| &it.0);
        let best = counting.max_by(|a, b| better(a, b)).cloned();
        // What an up-to-date copy or a current record contradicts was recorded before.
        let is_recorded = self.current.is_empty()
            && self.recorded_current.is_none()
            && (is_registered || !self.is_denied);
        self.recorded.filter(|_| is_recorded).or(best)
    }

    /// What an older application stands beside that makes it count for nothing.
    fn beside(&self, older: &Older<'_>, row: &Registered<'_>) -> Option<Beside<'_, 'a>> {
        if let Some(it) = first(self.unwanted.iter()) {
            return Some(Beside::Unwanted(it));
        }
        if let Some(it) = self.pinned {
            return Some(Beside::Pinned(it));
        }
        let replacing = self.current.iter().filter(|it| it.copy.replaces(&row.copy));
        if let Some(it) = first(replacing) {
            return Some(Beside::Current(it));
        }
        // Chocolatey installed the version on offer. Only proof that an older one is there now, put there
        // by something else, says otherwise.
        let record = self.recorded_current.filter(|_| !older.is_proof());
        record.map(Beside::Recorded)
    }

    /// Of the applications that are older than what is on offer, those that nothing is missing for.
    pub(crate) fn here(&self) -> impl Iterator<Item = Here> {
        self.older.iter().filter_map(|(older, row)| {
            let (state, why) = self.beside(older, row)?.says();
            let id = row.id;
            Some(Here { id, state, why })
        })
    }
}

impl Beside<'_, '_> {
    fn says(&self) -> (State, String) {
        match self {
            Self::Unwanted(it) => {
                let (name, why) = (it.name, it.answer.why());
                (it.answer.state(), format!("as {name} is: {why}"))
            }
            Self::Pinned(it) => {
                let (package, version) = (&it.id, &it.version);
                let why = format!(
                    "Chocolatey on the device has {package} pinned: it stays as it is installed, at \
                     {version}"
                );
                (State::Pinned, why)
            }
            Self::Current(it) => {
                let (name, version) = (it.name, it.version);
                let is = match it.answer {
                    Answer::Newer { .. } => "newer than what is on offer",
                    _ => "what is on offer",
                };
                let why = format!("{name} {version} is on the device as well, and is {is}");
                (State::NotMissing, why)
            }
            Self::Recorded(it) => {
                let (package, version) = (&it.id, &it.version);
                let why = format!(
                    "Chocolatey's own record says that {package} {version} is installed, and what \
                     the application registers does not prove the contrary"
                );
                (State::NotMissing, why)
            }
        }
    }
}

/// The same of two whatever order they come in.
fn first_record<'a>(
    one: Option<&'a ChocolateyRecord>,
    other: &'a ChocolateyRecord,
) -> Option<&'a ChocolateyRecord> {
    let both = one.into_iter().chain([other]);
    both.min_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)))
}

/// The same one whatever order they come in.
fn first<'s, 'a>(rows: impl Iterator<Item = &'s Registered<'a>>) -> Option<&'s Registered<'a>>
where
    'a: 's,
{
    rows.min_by_key(|it| (it.name, it.version, it.id))
}

fn keep_better<'a>(kept: &mut Option<Older<'a>>, found: Older<'a>) {
    if kept.as_ref().is_none_or(|old| better(&found, old).is_gt()) {
        *kept = Some(found);
    }
}

/// Of several rows for one copy: `.install` before the package that only pulls it in, the surer
/// one, the older one as text. Does not depend on the order in which they come.
pub(crate) fn better(a: &Older<'_>, b: &Older<'_>) -> Ordering {
    let rank = |it: &Older<'_>| {
        (
            it.package.ends_with(".install"),
            it.confidence,
            Reverse(it.evidence),
        )
    };
    rank(a)
        .cmp(&rank(b))
        .then_with(|| b.installed.cmp(a.installed))
        .then_with(|| b.why().cmp(&a.why()))
}
