//! Why a read of a feed that came to its end may not have seen all that the feed has.

use std::fmt::Write as _;

use fleetmend_store::sources::{LeftOut, Source};

use super::feed::{Pages, Position, Reader, left_out};
use super::fetch::shown;
use super::missed;

/// Why a read that came to an end may not have seen all that the feed has.
pub enum Lacks {
    /// The feed leads back to a page that was read.
    Loop(String),
    /// The feed says that it has so many entries, which is more than it gave.
    Count(u64),
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

impl Lacks {
    /// Why a read that came to an end may not have seen all that the feed has. One that saw less than what
    /// was seen before asks the feed how much there is: entries that move over the end of a page while a read goes
    /// on are on no page that it sees, and a page that is cut off looks like the last.
    pub async fn of(
        source: &Source,
        reader: &Reader<'_, impl Pages>,
        at: &Position,
    ) -> Option<Self> {
        if let Some(page) = &at.loops_at {
            return Some(Self::Loop(page.clone()));
        }
        let measure = source.last_read.measure?;
        if measure <= at.entries {
            return None;
        }
        let count = reader.count().await.filter(|count| *count > at.entries)?;
        Some(Self::Count(count))
    }

    /// For a person: `waiting` versions were not given and are still offered.
    pub fn told(&self, source: &Source, entries: u64, waiting: usize) -> LeftOut {
        match self {
            Self::Loop(page) => left_out(
                &shown(page),
                "the feed leads back to this page, which was read: what should be behind it is not \
                 known, and nothing is taken away",
            ),
            Self::Count(count) => {
                let mut why =
                    format!("the feed gave {entries} entries and says that it has {count}");
                if waiting > 0 {
                    let (reads, hours) = (missed::READS, missed::WHILE.as_secs() / 3600);
                    let _ = write!(
                        why,
                        ": {waiting} versions that it did not give stay on offer until {reads} such \
                         reads in a row, over {hours} hours, did not have them"
                    );
                }
                left_out(&source.settings.location, &why)
            }
        }
    }
}
