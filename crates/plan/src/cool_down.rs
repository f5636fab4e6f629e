//! How old a version is, and until when it is left to others.
//!
//! Days are of 24 hours: an age is no matter of clocks.

use std::fmt;
use std::time::Duration;

use fleetmend_model::Millis;
use serde::{Deserialize, Serialize};

const DAY: Duration = Duration::from_hours(24);

/// Feeds give times before this for what they do not list or do not know: no package is that old.
const NO_DATE_BEFORE: Millis = Millis(946_684_800_000);

/// What is known of a version's age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dates {
    /// When its source says that it published it.
    pub published: Option<Millis>,
    /// When the catalog had it first.
    pub in_catalog: Option<Millis>,
    /// When a device lacked it first.
    pub first_missing: Option<Millis>,
}

/// From when on an age is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// It was published.
    Published,
    /// It came into the catalog.
    InCatalog,
    /// A device lacked it.
    FirstMissing,
    /// None of these is known: it is never old enough.
    Unknown,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "counted from when it was published",
            Self::InCatalog => "counted from when it came into the catalog",
            Self::FirstMissing => "counted from when a machine first lacked it",
            Self::Unknown => "as how old it is is not known",
        })
    }
}

impl Dates {
    /// The moment that its age is counted from, if any is known: the same at whatever time that is asked.
    /// A source's date from before there were packages is none; nor is one from after the version was seen.
    pub fn counted(&self) -> Option<(Millis, Counted)> {
        let published = self.published.filter(|at| *at >= NO_DATE_BEFORE);
        let in_catalog = self.in_catalog.map(|at| (at, Counted::InCatalog));
        let missing = self.first_missing.map(|at| (at, Counted::FirstMissing));
        let seen = in_catalog.or(missing);
        match published {
            Some(published) if seen.is_none_or(|(seen, _)| published <= seen) => {
                Some((published, Counted::Published))
            }
            _ => seen,
        }
    }

    /// When it is so many days old; never where no date is known.
    pub fn aged(&self, days: u32) -> Option<(Millis, Counted)> {
        let (from, counted) = self.counted()?;
        Some((from + DAY * days, counted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_counted_from_the_source_s_date_and_else_from_when_it_was_seen() {
        let day = |days: u32| NO_DATE_BEFORE + DAY * days;
        let dates = |published, in_catalog, first_missing| Dates {
            published,
            in_catalog,
            first_missing,
        };
        let in_1900 = Some(Millis(-2_208_988_800_000));
        let (published, in_catalog) = (Counted::Published, Counted::InCatalog);
        let first_missing = Counted::FirstMissing;
        for (dates, expected) in [
            (
                dates(Some(day(5)), Some(day(9)), None),
                Some((day(5), published)),
            ),
            (dates(Some(day(5)), None, None), Some((day(5), published))),
            // What a feed says of what it does not list, and what cannot be.
            (
                dates(in_1900, Some(day(9)), None),
                Some((day(9), in_catalog)),
            ),
            (
                dates(Some(day(12)), Some(day(9)), None),
                Some((day(9), in_catalog)),
            ),
            (
                dates(Some(day(12)), None, Some(day(11))),
                Some((day(11), first_missing)),
            ),
            (
                dates(None, Some(day(9)), Some(day(8))),
                Some((day(9), in_catalog)),
            ),
            (dates(in_1900, None, None), None),
        ] {
            assert_eq!(dates.counted(), expected, "{dates:?}");
            let aged = expected.map(|(from, counted)| (from + DAY * 7, counted));
            assert_eq!(dates.aged(7), aged, "{dates:?}");
        }
    }
}
