//! Reads a NuGet v2 feed page by page.
//!
//! A feed is asked for its latest versions by id. Public feeds give no more than some 10,000 results
//! to one question, so after some thousands the question is put anew, for the ids behind the last one
//! seen. A feed that does not understand that is read by its own links to the end.

use std::collections::HashSet;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::odata::{FeedEntry, FeedPage, MAX_DOCUMENT, parse_feed};
use fleetmend_model::{Millis, SourceId};
use fleetmend_store::packages::NewPackage;
use fleetmend_store::sources::{LeftOut, Source};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::address::Named;
use super::credentials::Login;
use super::fetch::{self, Ask, FetchError, shown};
use super::schedule::Asked;
use crate::app::App;

/// Pages of one read at most: more than any feed has at 40 entries a page.
const MAX_PAGES: u64 = 5_000;
/// Entries after which the question is put anew.
const NEW_QUESTION: u64 = 5_000;
/// The longest text kept of what was left out, in characters.
const MAX_TEXT: usize = 300;

/// How far a read has come: kept, so that one that was interrupted goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The page to read next; absent at the end.
    pub next: Option<String>,
    /// When the read began.
    pub began_at: Millis,
    /// Entries so far.
    pub entries: u64,
    pages: u64,
    /// Whether the feed took a question with an order.
    is_ordered: bool,
    /// Entries since the question was put.
    since_question: u64,
    /// The last id seen.
    last_id: String,
    /// Where the feed's own links go on, if it does not understand the question put last.
    own_links: Option<String>,
}

impl Position {
    /// The beginning.
    pub fn start(location: &str, now: Millis) -> Self {
        Self {
            next: Some(question(location, None)),
            began_at: now,
            entries: 0,
            pages: 0,
            is_ordered: true,
            since_question: 0,
            last_id: String::new(),
            own_links: None,
        }
    }

    /// Whether this read has just begun.
    pub fn is_start(&self) -> bool {
        self.pages == 0
    }
}

/// What one page has.
#[derive(Debug, Default)]
pub struct Page {
    /// Its packages.
    pub packages: Vec<NewPackage>,
    /// What cannot be used.
    pub left_out: Vec<LeftOut>,
}

/// Reads a feed from a position on.
pub struct Reader<'a> {
    app: &'a App,
    source: SourceId,
    location: &'a str,
    login: Option<&'a Login>,
    private_hosts: &'a [String],
    /// Pages and ids that this read has seen: feeds link in circles.
    seen: HashSet<String>,
    seen_ids: HashSet<String>,
}

impl<'a> Reader<'a> {
    /// For a source.
    pub fn new(app: &'a App, source: &'a Source, login: Option<&'a Login>) -> Self {
        Self {
            app,
            source: source.id,
            location: &source.location,
            login,
            private_hosts: &source.private_hosts,
            seen: HashSet::new(),
            seen_ids: HashSet::new(),
        }
    }

    /// Reads the next page and moves the position on, if the page could be read.
    pub async fn page(&mut self, at: &mut Position) -> anyhow::Result<Page> {
        let Some(url) = at.next.clone() else {
            return Ok(Page::default());
        };
        if at.pages >= MAX_PAGES {
            bail!("the feed has more than {MAX_PAGES} pages");
        }
        if !self.seen.insert(url.clone()) {
            tracing::warn!(
                "{}: a page links back to one that was read",
                shown(self.location)
            );
            at.next = None;
            return Ok(Page::default());
        }
        let page = match self.fetch(&url).await {
            Ok(page) => page,
            Err(error) => match self.without_question(at, &error) {
                Some(other) => {
                    at.next = Some(other);
                    return Ok(Page::default());
                }
                None => return Err(error),
            },
        };
        let is_new = |entry: &FeedEntry| !self.seen_ids.contains(&entry.id.to_lowercase());
        let is_ignored = at.own_links.is_some() && !page.entries.iter().any(is_new);
        if is_ignored && let Some(own) = at.own_links.take() {
            // It answers from the beginning, whatever is asked.
            at.is_ordered = false;
            at.next = Some(own);
            return Ok(Page::default());
        }
        self.move_on(at, &url, &page)?;
        Ok(self.read(page))
    }

    async fn fetch(&self, url: &str) -> anyhow::Result<FeedPage> {
        let ask = Ask {
            url,
            named: Named::Feed(self.location),
            asked: Asked::Page,
            login: self.login,
            private_hosts: self.private_hosts,
            cap: MAX_DOCUMENT as u64,
        };
        let bytes = fetch::document(self.app, &ask).await?;
        parse_feed(&bytes).with_context(|| format!("{} answered", shown(url)))
    }

    /// Where to go on if the feed did not take our own question.
    fn without_question(&self, at: &mut Position, error: &anyhow::Error) -> Option<String> {
        let is_refused = match error.downcast_ref::<FetchError>() {
            Some(FetchError::Status { status, .. }) => matches!(status, 400 | 404 | 500 | 501),
            _ => false,
        };
        if !is_refused || !at.is_ordered {
            return None;
        }
        if at.is_start() {
            at.is_ordered = false;
            return Some(plain_question(self.location));
        }
        let own = at.own_links.take()?;
        at.is_ordered = false;
        Some(own)
    }

    fn move_on(&mut self, at: &mut Position, url: &str, page: &FeedPage) -> anyhow::Result<()> {
        let next = page
            .next
            .as_deref()
            .map(|link| resolve(url, link))
            .transpose()?;
        at.is_ordered &= is_in_order(&at.last_id, &page.entries);
        at.own_links = None;
        at.pages += 1;
        at.entries += page.entries.len() as u64;
        at.since_question += page.entries.len() as u64;
        if let Some(last) = page.entries.last() {
            at.last_id.clone_from(&last.id);
        }
        let ids = page.entries.iter().map(|entry| entry.id.to_lowercase());
        self.seen_ids.extend(ids);
        if at.is_ordered && next.is_some() && at.since_question >= NEW_QUESTION {
            at.since_question = 0;
            at.own_links = next;
            at.next = Some(question(self.location, Some(&at.last_id)));
        } else {
            at.next = next;
        }
        Ok(())
    }

    fn read(&self, page: FeedPage) -> Page {
        let mut read = Page {
            left_out: page
                .skipped
                .into_iter()
                .map(|it| left_out(&it.entry, &it.reason))
                .collect(),
            ..Page::default()
        };
        for entry in &page.entries {
            if let Some(package) = package(self.source, self.location, entry) {
                read.packages.push(package);
            } else {
                let what = format!("{} {}", entry.id, entry.version);
                let why = "the address of its nupkg is none, or carries a name or password";
                read.left_out.push(left_out(&what, why));
            }
        }
        read
    }
}

/// Something left out, with texts of a length to show.
pub fn left_out(what: &str, why: &str) -> LeftOut {
    let cut = |text: &str| text.chars().take(MAX_TEXT).collect();
    LeftOut {
        what: cut(what),
        why: cut(why),
    }
}

/// The latest versions by id, from behind an id on.
fn question(location: &str, behind: Option<&str>) -> String {
    let base = location.trim_end_matches('/');
    match behind {
        None => format!("{base}/Packages()?$filter=IsLatestVersion&$orderby=Id"),
        // Ids hold letters, digits, '.', '-' and '_' alone; letters may be of any script.
        Some(id) => format!(
            "{base}/Packages()?$filter=IsLatestVersion%20and%20Id%20gt%20'{}'&$orderby=Id",
            encoded(id)
        ),
    }
}

fn encoded(id: &str) -> String {
    id.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The latest versions, in the feed's own order.
fn plain_question(location: &str) -> String {
    let base = location.trim_end_matches('/');
    format!("{base}/Packages()?$filter=IsLatestVersion")
}

/// Whether ids come in an order, as far as every collation has it: by their first letters.
fn is_in_order(last: &str, entries: &[FeedEntry]) -> bool {
    let first = |id: &str| {
        let c = id.chars().next()?.to_ascii_lowercase();
        c.is_ascii_alphanumeric().then_some(c)
    };
    let firsts: Vec<char> = std::iter::once(last)
        .chain(entries.iter().map(|entry| entry.id.as_str()))
        .filter_map(first)
        .collect();
    firsts.is_sorted()
}

/// A link of a page, which must stay on the feed's own host: a feed that sends its readers
/// elsewhere is not what the administrator named.
fn resolve(page: &str, link: &str) -> anyhow::Result<String> {
    let page = Url::parse(page)?;
    let target = page
        .join(link)
        .context("the link to the next page is not an address")?;
    if target.host_str() != page.host_str() {
        bail!(
            "the link to the next page leads to another host, {}",
            target.host_str().unwrap_or("")
        );
    }
    Ok(target.to_string())
}

fn package(source: SourceId, location: &str, entry: &FeedEntry) -> Option<NewPackage> {
    let base = location.trim_end_matches('/');
    let content = entry
        .content_url
        .clone()
        .unwrap_or_else(|| format!("{base}/package/{}/{}", entry.id, entry.version));
    let content = Url::parse(base).ok()?.join(&content).ok()?;
    if !content.username().is_empty() || content.password().is_some() {
        return None;
    }
    Some(NewPackage {
        source,
        id: entry.id.clone(),
        version: entry.version.clone(),
        normalized: entry.normalised.to_string(),
        prerelease: entry.is_prerelease,
        title: entry.title.clone().unwrap_or_else(|| entry.id.clone()),
        authors: entry.authors.clone().unwrap_or_default(),
        project_url: entry.project_url.clone().unwrap_or_default(),
        metadata: serde_json::json!({
            "summary": entry.summary,
            "tags": entry.tags,
            "published": entry.published,
        })
        .to_string(),
        content_location: content.to_string(),
        content_hash: entry
            .package_hash
            .as_ref()
            .map(|hash| format!("{}:{}", hash.algorithm, hash.hex)),
        listed: entry.listed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_put_for_the_ids_behind_one() {
        let location = "https://feed.example/api/v2/";
        assert_eq!(
            question(location, None),
            "https://feed.example/api/v2/Packages()?$filter=IsLatestVersion&$orderby=Id"
        );
        assert_eq!(
            question(location, Some("7zip.install")),
            "https://feed.example/api/v2/Packages()?$filter=IsLatestVersion%20and%20Id%20gt%20\
             '7zip.install'&$orderby=Id"
        );
        assert!(question(location, Some("Über-app")).contains("'%C3%9Cber-app'"));
    }

    #[test]
    fn links_stay_on_the_feeds_host() {
        let page = "https://feed.example/api/v2/Packages()?$skip=40";
        assert_eq!(
            resolve(page, "Packages()?$skip=80").unwrap(),
            "https://feed.example/api/v2/Packages()?$skip=80"
        );
        for link in ["https://other.example/", "//other.example/x", "http://["] {
            assert!(resolve(page, link).is_err(), "{link}");
        }
    }
}
