//! Reads a NuGet v2 feed page by page.
//!
//! A feed is asked for its latest versions by id, and read by its own links to the end: they are the one
//! thing that every feed means. Two of its answers need another question:
//!
//! - It refuses a link after some thousands of entries, does not answer it in time, or ends there: public
//!   feeds give no more than some 10,000 results to one question (the Chocolatey community feed answers 406
//!   to a `$skip` beyond). Then it is asked for the ids from the last one on. What it gives is taken only if
//!   that begins with the last entry, as it does where the feed compares ids as it orders them: feeds answer
//!   with nothing, or with what they please, to a question that they do not understand. A feed that orders
//!   ids without regard to case, compares them with it, and has a cap, may leave some out: its count tells.
//! - It refuses the question with an order, or that leads no further: then it is asked without one, from the
//!   beginning. The community feed's links lead to its end that way (some 11,200 entries in 2026), and the
//!   next read begins with that question.
//!
//! A page that is known is asked for only if it has changed.

mod entries;
mod links;
mod position;
mod question;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::odata::{FeedEntry, FeedPage, parse_feed};
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::Source;

pub use self::entries::{Page, fits, left_out};
use self::links::{NextPage, next_page};
pub use self::position::Position;
use self::position::is_in_order;
use super::fetch::{Document, FetchError, Validators, shown};

/// Pages of one read at most: more than any feed has at 40 entries a page.
const MAX_PAGES: u64 = 5_000;
/// After so many failed reads a place that is not answered in time is not waited for any more.
const PATIENCE: i64 = 2;

/// Where the pages come from.
pub trait Pages: Sync {
    /// A page, unless it is as it was when it came with these validators.
    fn get(
        &self,
        url: &str,
        known: &Validators,
    ) -> impl Future<Output = anyhow::Result<Document>> + Send;

    /// How many entries the answer to a question has.
    fn count(&self, url: &str) -> impl Future<Output = Count> + Send;
}

/// How many entries an answer has, as the feed says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Is(u64),
    /// The feed does not say.
    Unknown,
    /// It was not answered, and may be another time.
    NoAnswer,
}

impl Count {
    /// What an answer comes to.
    pub fn of(answer: Result<Document, FetchError>) -> Self {
        match answer {
            Ok(Document::Changed(bytes, _)) => {
                let text = String::from_utf8(bytes).ok();
                let count = text.and_then(|it| it.trim().parse().ok());
                count.map_or(Self::Unknown, Self::Is)
            }
            Err(
                FetchError::Status {
                    status: 401 | 403 | 407 | 408 | 429 | 502..,
                    ..
                }
                | FetchError::Unreachable { .. }
                | FetchError::Paused { .. },
            ) => Self::NoAnswer,
            Ok(Document::Unchanged) | Err(_) => Self::Unknown,
        }
    }

    fn known(self) -> Option<u64> {
        match self {
            Self::Is(count) => Some(count),
            Self::Unknown | Self::NoAnswer => None,
        }
    }
}

/// A page that a read came by.
#[derive(Debug)]
pub struct Step {
    /// What is kept of it.
    pub known: KnownPage,
    /// What it has; absent where it is as it was the last time.
    pub page: Option<Page>,
}

/// What a failed request says of the question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The feed does not take it.
    Refused,
    /// It took too long.
    Slow,
    /// The feed, or what is before it, is out of order.
    Passing,
}

impl Failure {
    /// Nothing where another question would change nothing, or where the host must not be asked again.
    fn of(error: &anyhow::Error) -> Option<Self> {
        match error.downcast_ref::<FetchError>()? {
            FetchError::Status { status, .. } => match status {
                401 | 403 | 407 | 429 => None,
                408 | 502.. => Some(Self::Passing),
                400..=501 => Some(Self::Refused),
                _ => None,
            },
            FetchError::Unreachable { is_slow: true, .. } => Some(Self::Slow),
            _ => None,
        }
    }
}

/// Reads a feed from a position on.
pub struct Reader<'a, P> {
    pages: &'a P,
    source: &'a Source,
    location: &'a str,
    known: HashMap<String, KnownPage>,
    /// Pages that this read has seen: feeds link in circles.
    seen: HashSet<String>,
}

impl<'a, P: Pages> Reader<'a, P> {
    /// For a source, some of whose pages are known.
    pub fn new(
        pages: &'a P,
        source: &'a Source,
        known: impl IntoIterator<Item = KnownPage>,
    ) -> Self {
        Self {
            pages,
            source,
            location: &source.settings.location,
            known: known.into_iter().map(|it| (it.url.clone(), it)).collect(),
            seen: HashSet::new(),
        }
    }

    /// Reads the next page and moves the position on, if the page could be read. Nothing at the end, and
    /// where the feed must be asked otherwise first.
    pub async fn step(&mut self, at: &mut Position) -> anyhow::Result<Option<Step>> {
        if at.is_start() && self.seen.is_empty() {
            self.ask_as_last_time(at);
        }
        let Some(url) = at.next.clone() else {
            if !at.may_end_early() {
                return Ok(None);
            }
            if at.counted.is_none() && at.is_short() {
                // First: after the other question the host may want to be left alone.
                at.counted = self.count().await.known();
            }
            return Ok(self.ask_from_last(at).await);
        };
        if at.pages >= MAX_PAGES {
            bail!("the feed has more than {MAX_PAGES} pages");
        }
        if !self.seen.insert(url.clone()) {
            at.loops_at = at.next.take();
            return Ok(None);
        }
        let step = match self.get(&url, at.is_start()).await {
            Ok(step) => step,
            Err(error) => return self.otherwise(at, error).await,
        };
        at.move_on(&step.known);
        if at.pages == 1 && at.expected.is_none() && at.next.is_some() {
            at.expected = self.count().await.known();
        }
        Ok(Some(step))
    }

    /// How many entries the feed says that the latest versions are.
    pub async fn count(&self) -> Count {
        self.pages.count(&question::count(self.location)).await
    }

    /// The question without an order is known where the one with an order led no further.
    fn ask_as_last_time(&self, at: &mut Position) {
        let plain = question::plain(self.location);
        if self.known.contains_key(&plain) {
            at.ask(plain, false);
        }
    }

    /// Asks otherwise where a request failed, if there is another question.
    async fn otherwise(
        &mut self,
        at: &mut Position,
        error: anyhow::Error,
    ) -> anyhow::Result<Option<Step>> {
        let Some(failure) = Failure::of(&error) else {
            return Err(error);
        };
        if !at.is_start() && !at.may_be_capped() {
            return Err(error);
        }
        if at.can_ask_from_last()
            && let Some(step) = self.ask_from_last(at).await
        {
            return Ok(Some(step));
        }
        let is_hopeless = match failure {
            Failure::Refused => true,
            Failure::Slow => at.is_start() || self.source.last_read.failures >= PATIENCE,
            Failure::Passing => !at.is_start() && self.source.last_read.failures >= PATIENCE,
        };
        let ordered = (question::ordered(self.location, None), true);
        let plain = (question::plain(self.location), false);
        let mut questions = [ordered, plain].into_iter();
        match questions.find(|(it, _)| is_hopeless && !self.seen.contains(it)) {
            Some((question, is_ordered)) => {
                at.ask(question, is_ordered);
                Ok(None)
            }
            None => Err(error),
        }
    }

    /// Asks for the last entry and what is behind it; nothing where the feed does not answer that.
    async fn ask_from_last(&mut self, at: &mut Position) -> Option<Step> {
        let url = question::ordered(self.location, Some(&at.last_id));
        if !self.seen.insert(url.clone()) {
            return None;
        }
        let Ok(step) = self.get(&url, false).await else {
            at.is_unanswered = true;
            return None;
        };
        let page = &step.known;
        let is_answer = page.first_id == at.last_id
            && page.is_in_order
            && (page.last_id != at.last_id || page.next.is_some());
        if is_answer {
            at.move_on_from_last(page);
        }
        is_answer.then_some(step)
    }

    async fn get(&mut self, url: &str, is_first: bool) -> anyhow::Result<Step> {
        let known = self.known.remove(url).unwrap_or_default();
        let validators = Validators {
            etag: known.etag.clone(),
            last_modified: known.last_modified.clone(),
        };
        let (bytes, validators) = match self.pages.get(url, &validators).await? {
            Document::Unchanged => return Ok(Step { known, page: None }),
            Document::Changed(bytes, validators) => (bytes, validators),
        };
        let page = parse_feed(&bytes).with_context(|| format!("{} answered", shown(url)))?;
        let next = page.next.as_deref().map(|link| next_page(url, link));
        let next = next.transpose()?;
        let known = known_page(url, validators, &page, next.as_ref());
        let (location, dialect) = (self.location, self.source.settings.dialect);
        let mut page = Page::of(self.source.id, location, dialect, page);
        if is_first && let Some(host) = next.and_then(|it| it.elsewhere) {
            let why = format!(
                "the feed says that its next pages are at the host {host}, which is not asked: they \
                 are asked of the feed's own"
            );
            page.left_out.push(left_out("links to other pages", &why));
        }
        let page = Some(page);
        Ok(Step { known, page })
    }
}

fn known_page(
    url: &str,
    validators: Validators,
    page: &FeedPage,
    next: Option<&NextPage>,
) -> KnownPage {
    let id = |entry: Option<&FeedEntry>| entry.map_or_else(String::new, |it| it.id.clone());
    KnownPage {
        url: url.to_owned(),
        etag: validators.etag,
        last_modified: validators.last_modified,
        next: next.map(|it| it.url.clone()),
        entries: (page.entries.len() + page.skipped.len()) as u64,
        first_id: id(page.entries.first()),
        last_id: id(page.entries.last()),
        is_in_order: is_in_order(page.entries.iter().map(|it| it.id.as_str())),
    }
}
