//! Why a read of a feed that came to its end may not have seen all that the feed has.

use std::fmt::Write as _;

use fleetmend_store::sources::{LeftOut, Source};

use super::feed::{Count, Pages, Position, Reader, left_out};
use super::fetch::shown;
use super::missed;

/// What is said of a feed that gives less than it counts, before the two numbers.
const FEWER: &str = "gives fewer entries than it counts: ";
/// What is said of one that gives less than before, and does not say how much there is.
const SILENT: &str = "gives fewer entries than before, and did not answer how many it has: ";

/// Why a read that came to an end may not have seen all that the feed has.
#[derive(Debug, PartialEq, Eq)]
pub enum Lacks {
    /// The feed leads back to a page that was read.
    Loop(String),
    /// The feed says that it has so many entries, which is more than it gave.
    Count {
        /// How many.
        count: u64,
        /// Whether it gave as many as ever: it counts what it shows nobody, as some do.
        is_as_ever: bool,
    },
    /// The feed gave less than so many entries, which is what it had before, and did not answer when it
    /// was asked whether there is more.
    Silent(u64),
}

/// How many entries the next read must come by to count as whole without a question. Only a read that saw
/// all, and of which nothing waits for a decision, makes that fewer than `before`.
pub fn measure(before: Option<u64>, entries: u64, is_beyond_doubt: bool) -> Option<u64> {
    let seen = Some(entries);
    if is_beyond_doubt {
        seen
    } else {
        seen.max(before)
    }
}

/// What the last read told of a feed that gives less than it has.
pub fn fewer(source: &Source) -> Option<&str> {
    let why = &source.last_read.left_out.first()?.why;
    let is_fewer = [FEWER, SILENT].iter().any(|it| why.starts_with(it));
    is_fewer.then_some(why)
}

impl Lacks {
    /// Why a read that came to an end may not have seen all that the feed has. One that saw less than what
    /// was seen before, or than the feed counted at a first read, asks the feed how much there is: entries
    /// that move over the end of a page while a read goes on are on no page that it sees, and a page that is
    /// cut off looks like the last. So does one whose predecessor was told to have seen too few.
    pub async fn of(
        source: &Source,
        reader: &Reader<'_, impl Pages>,
        at: &Position,
    ) -> Option<Self> {
        if let Some(page) = &at.loops_at {
            return Some(Self::Loop(page.clone()));
        }
        let before = source.last_read.measure.max(at.expected);
        let is_as_ever = before.is_some_and(|it| it <= at.entries);
        if is_as_ever && fewer(source).is_none() {
            return None;
        }
        let count = match (reader.count().await, at.counted) {
            (Count::Is(count), _) | (_, Some(count)) => Count::Is(count),
            (count, None) => count,
        };
        match count {
            Count::Is(count) => (count > at.entries).then_some(Self::Count { count, is_as_ever }),
            Count::Unknown if !at.is_unanswered => None,
            Count::Unknown | Count::NoAnswer => before.filter(|_| !is_as_ever).map(Self::Silent),
        }
    }

    /// Whether the next read may see more: then it looks at each page anew, and is not asked for as often.
    pub fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::Count {
                is_as_ever: true,
                ..
            }
        )
    }

    /// For a person: `waiting` versions were not given and are still offered.
    pub fn told(&self, source: &Source, entries: u64, waiting: usize) -> LeftOut {
        match self {
            Self::Loop(page) => left_out(
                &shown(page),
                "the feed leads back to this page, which was read: what should be behind it is not \
                 known, and nothing is taken away",
            ),
            Self::Count { count: all, .. } | Self::Silent(all) => {
                let begins = match self {
                    Self::Silent(_) => SILENT,
                    _ => FEWER,
                };
                let mut why = format!("{begins}{entries} of {all}");
                if waiting > 0 {
                    let (reads, hours) = (missed::READS, missed::WHILE.as_secs() / 3600);
                    let _ = write!(
                        why,
                        "; {waiting} versions that it did not give stay on offer until {reads} such \
                         reads in a row, over {hours} hours, did not have them"
                    );
                }
                left_out(&source.settings.location, &why)
            }
        }
    }
}
