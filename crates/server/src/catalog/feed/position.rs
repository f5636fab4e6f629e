//! How far a read of a feed has come.

use fleetmend_model::Millis;
use fleetmend_store::source_pages::KnownPage;
use serde::{Deserialize, Serialize};

use super::question;

/// The fewest entries after which a feed that gives no more may have come to a cap on results; one that
/// gives none after fewer has none.
const LEAST_CAP: u64 = 1_000;
/// Caps are round numbers: multiples of this.
const ROUND: u64 = 5_000;

/// How far a read has come: kept, so that one that was interrupted goes on. One of another form is no
/// position: the read begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The page to read next; absent at the end.
    pub next: Option<String>,
    /// When the read began.
    pub began_at: Millis,
    /// Entries so far.
    pub entries: u64,
    /// Pages so far.
    pub pages: u64,
    /// How many entries it will be, as the feed says or as it was the last time.
    #[serde(default)]
    pub expected: Option<u64>,
    /// How many entries there are, as the feed said when it gave fewer.
    #[serde(default)]
    pub counted: Option<u64>,
    /// Whether the feed was asked what is behind the last entry, and did not answer.
    #[serde(default)]
    pub is_unanswered: bool,
    /// Whether the feed was asked with an order, and what it gave came in one.
    is_ordered: bool,
    /// Entries since the question was put.
    since_question: u64,
    /// The last id seen.
    pub(super) last_id: String,
    /// A page that the feed linked to when it had been read: what should have stood there is not
    /// known, and the read ended.
    #[serde(default)]
    pub loops_at: Option<String>,
}

impl Position {
    /// The beginning.
    pub fn start(location: &str, now: Millis, expected: Option<u64>) -> Self {
        Self {
            next: Some(question::ordered(location, None)),
            began_at: now,
            entries: 0,
            pages: 0,
            expected,
            counted: None,
            is_unanswered: false,
            is_ordered: true,
            since_question: 0,
            last_id: String::new(),
            loops_at: None,
        }
    }

    /// The beginning of a read of so many files.
    pub fn at_files(now: Millis, files: u64) -> Self {
        Self {
            next: None,
            ..Self::start("", now, Some(files))
        }
    }

    /// Whether this read has just begun.
    pub fn is_start(&self) -> bool {
        self.pages == 0
    }

    /// Begins anew with another question.
    pub(super) fn ask(&mut self, question: String, is_ordered: bool) {
        self.next = Some(question);
        self.is_ordered = is_ordered;
        (self.entries, self.since_question) = (0, 0);
        self.is_unanswered = false;
        self.last_id.clear();
    }

    /// Moves on behind a page.
    pub(super) fn move_on(&mut self, page: &KnownPage) {
        self.is_ordered &= page.is_in_order && is_in_order([self.last_id.as_str(), &page.first_id]);
        self.is_unanswered = false;
        self.pages += 1;
        self.entries += page.entries;
        self.since_question += page.entries;
        if !page.last_id.is_empty() {
            self.last_id.clone_from(&page.last_id);
        }
        self.next.clone_from(&page.next);
    }

    /// Moves on behind a page that begins with the last entry once more.
    pub(super) fn move_on_from_last(&mut self, page: &KnownPage) {
        self.entries = self.entries.saturating_sub(1);
        self.since_question = 0;
        self.move_on(page);
    }

    /// Whether a feed that refuses its own link here may have come to its cap on results.
    pub(super) fn may_be_capped(&self) -> bool {
        self.since_question >= LEAST_CAP
    }

    /// Whether what is behind the last entry can be asked for.
    pub(super) fn can_ask_from_last(&self) -> bool {
        self.is_ordered && self.may_be_capped() && !self.last_id.is_empty()
    }

    /// Whether the end may be none: the feed has more by its own count, or ended after a round number of
    /// entries, as it does where it has a cap.
    pub(super) fn may_end_early(&self) -> bool {
        let is_round = self.since_question.is_multiple_of(ROUND);
        self.loops_at.is_none() && self.can_ask_from_last() && (self.is_short() || is_round)
    }

    /// Whether there are fewer entries so far than are expected.
    pub(super) fn is_short(&self) -> bool {
        self.expected.is_some_and(|it| it > self.entries)
    }
}

/// Whether ids come in an order, as far as every collation has it: by their first letters.
pub(super) fn is_in_order<'a>(ids: impl IntoIterator<Item = &'a str>) -> bool {
    let first = |id: &str| {
        let c = id.chars().next()?.to_ascii_lowercase();
        c.is_ascii_alphanumeric().then_some(c)
    };
    ids.into_iter().filter_map(first).is_sorted()
}
