//! Feeds as they are met: what each is asked, and what a read of it comes by.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use fleetmend_model::{Millis, SourceId};
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::{ReadNote, Settings, Source, SourceKind};

use super::{Count, Page, Pages, Position, Reader};
use crate::catalog::fetch::{Document, FetchError, Validators};
use crate::catalog::lacks::Lacks;

const LOCATION: &str = "https://feed.example/api/v2/";
const PAGE: usize = 40;

/// What a feed does that does not give what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum No {
    /// An error.
    Status(u16),
    /// No answer in time.
    Slow,
    /// An empty answer.
    Empty,
    /// Whatever it has, from the beginning.
    Same,
    /// What is asked for, without the first of it.
    Behind,
    /// What is asked for, and something that is before it.
    Before,
}

/// How ids are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    IgnoringCase,
    ByBytes,
}

/// A feed over TLS.
struct Feed {
    ids: Vec<String>,
    /// How many entries it skips at most for a question with an order, and what it does beyond; a cap
    /// without a word is a page without a link.
    cap: Option<(usize, Option<No>)>,
    /// What it makes of the question from an id on.
    from: Option<No>,
    compared: Compared,
    /// What it makes of the question without an order.
    plain: Option<No>,
    count: Option<u64>,
    /// What its links begin with.
    links: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Feed {
    /// Of so many packages, in order.
    fn of(packages: usize) -> Self {
        Self {
            ids: (0..packages).map(|it| format!("p{it:05}")).collect(),
            cap: None,
            from: None,
            compared: Compared::IgnoringCase,
            plain: None,
            count: None,
            links: LOCATION,
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn chosen(&self, from: Option<&str>) -> Vec<&str> {
        let is_from = |id: &&str| match (from, self.compared) {
            (None, _) => true,
            (Some(from), Compared::IgnoringCase) => id.to_lowercase() >= from.to_lowercase(),
            (Some(from), Compared::ByBytes) => *id >= from,
        };
        self.ids
            .iter()
            .map(String::as_str)
            .filter(is_from)
            .collect()
    }

    fn answer(&self, url: &str) -> Result<Document, FetchError> {
        let plain = url.replace("%27", "'");
        let rest = plain
            .strip_prefix(LOCATION)
            .expect("an address of the feed");
        let (question, skip) = rest.split_once("&$skip=").unwrap_or((rest, "0"));
        let skip: usize = skip.parse().expect("a number");
        let from = question
            .split("Id%20ge%20'")
            .nth(1)
            .and_then(|it| it.split('\'').next());
        let mut chosen = self.chosen(from);
        if let (Some(from), Some(no)) = (from, self.from) {
            match no {
                No::Status(_) | No::Slow => return Err(failure(url, no)),
                No::Empty => chosen.clear(),
                No::Same => chosen = self.chosen(None),
                No::Behind => drop(chosen.remove(0)),
                No::Before => {
                    let first = self.ids.iter().rposition(|it| it == from).unwrap() - 5;
                    chosen = self.ids[first..].iter().map(String::as_str).collect();
                }
            }
        }
        let is_ordered = question.contains("$orderby");
        if let Some(no) = self.plain.filter(|_| !is_ordered) {
            return Err(failure(url, no));
        }
        let cap = self.cap.filter(|_| is_ordered);
        if let Some((most, Some(no))) = cap
            && skip >= most
        {
            return Err(failure(url, no));
        }
        let end = chosen.len().min(skip + PAGE);
        let is_cut = cap.is_some_and(|(most, no)| no.is_none() && end >= most);
        let next = (end < chosen.len() && !is_cut)
            .then(|| format!("{}{question}&$skip={end}", self.links).replace('&', "&amp;"));
        let document = document(&chosen[skip..end], next.as_deref());
        Ok(Document::Changed(
            document.into_bytes(),
            Validators::default(),
        ))
    }
}

fn failure(url: &str, no: No) -> FetchError {
    let url = url.to_owned();
    match no {
        No::Status(status) => FetchError::Status { url, status },
        _ => FetchError::Unreachable {
            url,
            cause: "no whole answer in 60 s".to_owned(),
            is_slow: true,
        },
    }
}

fn document(ids: &[&str], next: Option<&str>) -> String {
    let mut text = "<feed xmlns=\"http://www.w3.org/2005/Atom\" \
         xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">"
        .to_owned();
    for id in ids {
        let _ = write!(
            text,
            "<entry><title>{id}</title><content type=\"application/zip\" src=\"package/{id}/1.0\"/>\
             <m:properties><d:Version>1.0</d:Version></m:properties></entry>"
        );
    }
    if let Some(next) = next {
        let _ = write!(text, "<link rel=\"next\" href=\"{next}\"/>");
    }
    text + "</feed>"
}

impl Pages for Feed {
    async fn get(&self, url: &str, _: &Validators) -> anyhow::Result<Document> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(url.to_owned());
        Ok(self.answer(url)?)
    }

    /// Nothing is answered after a status that has the host left alone.
    async fn count(&self, _: &str) -> Count {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_refused = matches!(self.from, Some(No::Status(403 | 429)));
        match self.count {
            _ if is_refused && asked.iter().any(|it| it.contains("ge%20'")) => Count::NoAnswer,
            Some(count) => Count::Is(count),
            None => Count::Unknown,
        }
    }
}

/// What a read comes by.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    pages: Vec<Page>,
    known: Vec<KnownPage>,
    entries: u64,
    error: Option<anyhow::Error>,
}

fn source(failures: i64) -> Source {
    Source {
        id: SourceId(1),
        kind: SourceKind::Feed,
        settings: Settings::new(LOCATION, "feed"),
        user_name: None,
        sealed_password: None,
        private_hosts: Vec::new(),
        last_read: ReadNote {
            failures,
            ..ReadNote::default()
        },
    }
}

async fn read_after(feed: &Feed, failures: i64, known: Vec<KnownPage>) -> Seen {
    let source = source(failures);
    let mut reader = Reader::new(feed, &source, known);
    let mut at = Position::start(LOCATION, Millis(1), None);
    let mut seen = Seen::default();
    loop {
        match reader.step(&mut at).await {
            Ok(Some(step)) => {
                let page = step.page.expect("no page is unchanged");
                seen.ids
                    .extend(page.packages.iter().map(|it| it.id.clone()));
                seen.pages.push(page);
                seen.known.push(step.known);
            }
            Ok(None) if at.next.is_some() => {}
            Ok(None) => break,
            Err(error) => {
                seen.error = Some(error);
                break;
            }
        }
    }
    seen.entries = at.entries;
    seen
}

async fn read(feed: &Feed) -> Seen {
    read_after(feed, 0, Vec::new()).await
}

fn assert_whole(feed: &Feed, seen: &Seen, about: &str) {
    assert!(seen.error.is_none(), "{about}: {:?}", seen.error);
    assert_eq!(seen.ids.len(), feed.ids.len(), "{about}");
    assert_eq!(seen.entries, feed.ids.len() as u64, "{about}");
}

#[tokio::test]
async fn links_without_tls_of_a_feed_with_it_are_read_with_it_and_nothing_is_asked_without() {
    let mut feed = Feed::of(130);
    feed.links = "http://feed.example/api/v2/";
    let seen = read(&feed).await;
    assert_whole(&feed, &seen, "");
    let asked = feed.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|it| it.starts_with(LOCATION)), "{asked:?}");
    assert!(seen.pages.iter().all(|it| it.left_out.is_empty()));
}

#[tokio::test]
async fn links_to_another_host_are_asked_of_the_feeds_own_and_told_once() {
    let mut feed = Feed::of(130);
    feed.links = "http://nexus:8081/api/v2/";
    let seen = read(&feed).await;
    assert_whole(&feed, &seen, "");
    assert!(feed.asked().iter().all(|it| it.starts_with(LOCATION)));
    let told: Vec<_> = seen.pages.iter().flat_map(|it| &it.left_out).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].why.contains("the host nexus, which is not asked"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_feed_is_read_by_its_own_links_with_one_request_a_page_however_long_it_is() {
    for count in [None, Some(10_000), Some(12_345)] {
        let mut feed = Feed::of(12_345);
        feed.count = count;
        let seen = read(&feed).await;
        assert_whole(&feed, &seen, "");
        assert_eq!(feed.asked().len(), 12_345_usize.div_ceil(PAGE), "{count:?}");
    }
}

#[tokio::test]
async fn an_order_that_the_comparison_does_not_have_loses_nothing_where_there_is_no_cap() {
    let mut feed = Feed::of(0);
    feed.compared = Compared::ByBytes;
    feed.ids = (0..12_000)
        .map(|it| format!("{}{it:05}", if it % 2 == 0 { 'P' } else { 'p' }))
        .collect();
    feed.ids.sort_by_key(|it| it.to_lowercase());
    assert_whole(&feed, &read(&feed).await, "");
}

#[tokio::test]
async fn behind_a_cap_on_results_the_feed_is_asked_for_what_comes_from_the_last_id_on() {
    let statuses = [400, 404, 406, 410, 500, 501, 502, 503].map(No::Status);
    let ends = statuses
        .into_iter()
        .chain([No::Slow])
        .map(Some)
        .chain([None]);
    for no in ends {
        let mut feed = Feed::of(12_345);
        feed.cap = Some((5_000, no));
        let seen = read(&feed).await;
        assert_whole(&feed, &seen, &format!("{no:?}"));
        let asked = feed.asked();
        let from: Vec<_> = asked.iter().filter(|it| it.contains("ge%20'")).collect();
        assert!(from[0].contains("'p04999'"), "{no:?}: {from:?}");
        assert!(asked.iter().all(|it| it.contains("$orderby")), "{no:?}");
    }
}

#[tokio::test]
async fn where_that_is_not_answered_the_feed_is_read_without_an_order_and_so_the_next_time() {
    let failures = [400, 404, 406, 410, 429, 500, 503].map(No::Status);
    let answers = [No::Slow, No::Empty, No::Same, No::Behind, No::Before];
    for no in failures.into_iter().chain(answers) {
        for end in [No::Status(406), No::Status(500)] {
            let mut feed = Feed::of(6_000);
            feed.cap = Some((5_000, Some(end)));
            feed.from = Some(no);
            let seen = read(&feed).await;
            assert_whole(&feed, &seen, &format!("{no:?} {end:?}"));
            feed.asked();
            let seen = read_after(&feed, 0, seen.known).await;
            assert_whole(&feed, &seen, &format!("{no:?} {end:?}"));
            assert_eq!(feed.asked().len(), 6_000 / PAGE, "{no:?} {end:?}");
        }
    }
}

#[tokio::test]
async fn a_place_that_is_never_answered_in_time_is_left_after_some_reads() {
    for end in [No::Slow, No::Status(503)] {
        let mut feed = Feed::of(6_000);
        feed.cap = Some((5_000, Some(end)));
        feed.from = Some(No::Slow);
        let seen = read(&feed).await;
        assert_eq!(
            (seen.error.is_some(), seen.entries),
            (true, 5_000),
            "{end:?}"
        );
        let seen = read_after(&feed, 2, Vec::new()).await;
        assert_whole(&feed, &seen, &format!("{end:?}"));
    }
}

#[tokio::test]
async fn a_feed_that_does_not_take_an_order_is_asked_without_one() {
    for status in [400, 404, 405, 406, 410, 414, 500, 501] {
        let mut feed = Feed::of(100);
        feed.cap = Some((0, Some(No::Status(status))));
        assert_whole(&feed, &read(&feed).await, &status.to_string());
    }
    for status in [401, 403, 407, 408, 429, 502, 503, 504] {
        let mut feed = Feed::of(100);
        feed.cap = Some((0, Some(No::Status(status))));
        assert!(read(&feed).await.error.is_some(), "{status}");
        assert_eq!(feed.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_feed_that_no_longer_takes_the_plain_question_is_asked_with_an_order_again() {
    let mut feed = Feed::of(100);
    feed.cap = Some((0, Some(No::Status(400))));
    let known = read(&feed).await.known;
    feed.cap = None;
    feed.plain = Some(No::Status(400));
    assert_whole(&feed, &read_after(&feed, 0, known).await, "");
}

/// What a read lacks that comes to its end, of a feed that had so many entries.
async fn lacks(feed: &Feed, before: u64) -> Option<Lacks> {
    let mut source = source(0);
    source.last_read.measure = Some(before);
    let mut reader = Reader::new(feed, &source, []);
    let mut at = Position::start(LOCATION, Millis(1), Some(before));
    while reader.step(&mut at).await.unwrap().is_some() || at.next.is_some() {}
    Lacks::of(&source, &reader, &at).await
}

#[tokio::test]
async fn where_what_is_behind_the_last_id_is_not_answered_the_end_is_none() {
    let failures = [400, 403, 429, 500, 503].map(No::Status);
    for no in failures.into_iter().chain([No::Slow]) {
        for (packages, count, expected) in [
            (
                6_000,
                Some(6_000),
                Some(Lacks::Count {
                    count: 6_000,
                    is_as_ever: false,
                }),
            ),
            (6_000, None, Some(Lacks::Silent(6_000))),
            // As few as it says.
            (4_900, Some(4_900), None),
        ] {
            let mut feed = Feed::of(packages);
            feed.cap = Some((5_000, None));
            feed.from = Some(no);
            feed.count = count;
            assert_eq!(lacks(&feed, 6_000).await, expected, "{no:?} {count:?}");
        }
    }
    let mut feed = Feed::of(6_000);
    feed.cap = Some((5_000, None));
    assert_eq!(lacks(&feed, 6_000).await, None);
}
