//! Reads a NuGet v2 feed page by page.
//!
//! A feed is asked for its latest versions by id. Public feeds give no more than some 10,000 results
//! to one question, so after some thousands the question is put anew, for the ids behind the last one
//! seen. A feed that does not understand that is read by its own links to the end. A page that is
//! known is asked for only if it has changed.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::odata::{FeedEntry, FeedPage, parse_feed};
use fleetmend_model::{Millis, SourceId};
use fleetmend_store::fetched_files::LONGEST_ADDRESS;
use fleetmend_store::packages::NewPackage;
use fleetmend_store::source_pages::KnownPage;
use fleetmend_store::sources::{LeftOut, Source};
use fleetmend_versions::nuget::{Dialect, Version};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::fetch::{Document, FetchError, Validators, shown};
use super::metadata::{self, Metadata};

/// Pages of one read at most: more than any feed has at 40 entries a page.
const MAX_PAGES: u64 = 5_000;
/// Entries after which the question is put anew.
const NEW_QUESTION: u64 = 5_000;
/// The longest text kept of what was left out, in characters.
const MAX_TEXT: usize = 300;
/// The longest text kept of a title, a summary and the like, in characters: NuGet's gallery allows
/// 4,000.
const MAX_WORDS: usize = 4_000;
/// The most tags, and the most dependencies, kept of one version.
const MAX_LIST: usize = 200;
/// The longest address followed or kept, in bytes.
const MAX_ADDRESS: usize = LONGEST_ADDRESS;

/// Where the pages come from.
pub trait Pages: Sync {
    /// A page, unless it is as it was when it came with these validators.
    fn get(
        &self,
        url: &str,
        known: &Validators,
    ) -> impl Future<Output = anyhow::Result<Document>> + Send;

    /// How many entries the answer to a question has, where the feed says so.
    fn count(&self, url: &str) -> impl Future<Output = Option<u64>> + Send;
}

/// How far a read has come: kept, so that one that was interrupted goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the feed took a question with an order.
    is_ordered: bool,
    /// Entries since the question was put.
    since_question: u64,
    /// The first id of all.
    #[serde(default)]
    first_id: String,
    /// The last id seen.
    last_id: String,
    /// Where the feed's own links go on, if it does not understand the question put last.
    own_links: Option<String>,
    /// A page that the feed linked to when it had been read: what should have stood there is not
    /// known, and the read ended.
    #[serde(default)]
    pub loops_at: Option<String>,
}

impl Position {
    /// The beginning.
    pub fn start(location: &str, now: Millis, expected: Option<u64>) -> Self {
        Self {
            next: Some(question(location, None)),
            began_at: now,
            entries: 0,
            pages: 0,
            expected,
            is_ordered: true,
            since_question: 0,
            first_id: String::new(),
            last_id: String::new(),
            own_links: None,
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
}

/// What one page has.
#[derive(Debug, Default)]
pub struct Page {
    /// Its packages.
    pub packages: Vec<NewPackage>,
    /// What cannot be used.
    pub left_out: Vec<LeftOut>,
    /// Whether it is there and could not be read: what it had before is not gone.
    pub is_unreadable: bool,
}

/// A page that a read came by.
#[derive(Debug)]
pub struct Step {
    /// What is kept of it.
    pub known: KnownPage,
    /// What it has; absent where it is as it was the last time.
    pub page: Option<Page>,
}

/// Reads a feed from a position on.
pub struct Reader<'a, P> {
    pages: &'a P,
    source: SourceId,
    location: &'a str,
    dialect: Option<Dialect>,
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
            source: source.id,
            location: &source.settings.location,
            dialect: source.settings.dialect,
            known: known.into_iter().map(|it| (it.url.clone(), it)).collect(),
            seen: HashSet::new(),
        }
    }

    /// Reads the next page and moves the position on, if the page could be read. Nothing where the
    /// feed must be asked otherwise first.
    pub async fn step(&mut self, at: &mut Position) -> anyhow::Result<Option<Step>> {
        let Some(url) = at.next.clone() else {
            return Ok(None);
        };
        if at.pages >= MAX_PAGES {
            bail!("the feed has more than {MAX_PAGES} pages");
        }
        if !self.seen.insert(url.clone()) {
            at.loops_at = at.next.take();
            return Ok(None);
        }
        let step = match self.get(&url).await {
            Ok(step) => step,
            Err(error) => match self.without_question(at, &error) {
                Some(other) => {
                    at.next = Some(other);
                    return Ok(None);
                }
                None => return Err(error),
            },
        };
        if let Some(own) = at.own_links.take() {
            // Behind the last id something must come: its own link says so.
            let is_no_answer = step.known.entries == 0 || step.known.first_id == at.first_id;
            if is_no_answer {
                // It answers nothing, or the same, whatever is asked.
                at.is_ordered = false;
                at.next = Some(own);
                return Ok(None);
            }
        }
        move_on(at, self.location, &step.known);
        if at.pages == 1 && at.expected.is_none() && at.next.is_some() {
            at.expected = self.count().await;
        }
        Ok(Some(step))
    }

    /// How many entries the feed says that the latest versions are, where it says so.
    pub async fn count(&self) -> Option<u64> {
        self.pages.count(&count_question(self.location)).await
    }

    async fn get(&mut self, url: &str) -> anyhow::Result<Step> {
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
        let next = page.next.as_deref().map(|link| resolve(url, link));
        let id = |entry: Option<&FeedEntry>| entry.map_or_else(String::new, |it| it.id.clone());
        let known = KnownPage {
            url: url.to_owned(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            next: next.transpose()?,
            entries: (page.entries.len() + page.skipped.len()) as u64,
            first_id: id(page.entries.first()),
            last_id: id(page.entries.last()),
            is_in_order: is_in_order(page.entries.iter().map(|it| it.id.as_str())),
        };
        Ok(Step {
            known,
            page: Some(self.read(page)),
        })
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

    fn read(&self, page: FeedPage) -> Page {
        let mut read = Page::default();
        for entry in page.entries {
            if let Err(why) = fits(self.dialect, &entry.version) {
                let what = format!("{} {}", entry.id, entry.version);
                read.left_out.push(left_out(&what, &why));
                continue;
            }
            let Some(content) = content_url(self.location, page.base.as_deref(), &entry) else {
                let what = format!("{} {}", entry.id, entry.version);
                let why =
                    "the address of its nupkg is none, too long, or carries a name or password";
                read.left_out.push(left_out(&what, why));
                continue;
            };
            read.packages.push(package(self.source, content, entry));
        }
        for it in page.skipped {
            read.left_out.push(left_out(&it.entry, &it.reason));
        }
        read
    }
}

/// Whether the generation of Chocolatey that a source is for can read a version, or why not.
pub fn fits(dialect: Option<Dialect>, version: &str) -> Result<(), String> {
    match dialect {
        None => Ok(()),
        Some(dialect) => match Version::parse_in(version, dialect) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
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

/// How many the latest versions are.
fn count_question(location: &str) -> String {
    let base = location.trim_end_matches('/');
    format!("{base}/Packages()/$count?$filter=IsLatestVersion")
}

/// Whether ids come in an order, as far as every collation has it: by their first letters.
fn is_in_order<'a>(ids: impl IntoIterator<Item = &'a str>) -> bool {
    let first = |id: &str| {
        let c = id.chars().next()?.to_ascii_lowercase();
        c.is_ascii_alphanumeric().then_some(c)
    };
    ids.into_iter().filter_map(first).is_sorted()
}

/// Moves on behind a page.
fn move_on(at: &mut Position, location: &str, page: &KnownPage) {
    at.is_ordered &= page.is_in_order && is_in_order([at.last_id.as_str(), &page.first_id]);
    at.own_links = None;
    at.pages += 1;
    at.entries += page.entries;
    at.since_question += page.entries;
    if at.first_id.is_empty() {
        at.first_id.clone_from(&page.first_id);
    }
    if !page.last_id.is_empty() {
        at.last_id.clone_from(&page.last_id);
    }
    at.next.clone_from(&page.next);
    if at.is_ordered && at.next.is_some() && at.since_question >= NEW_QUESTION {
        at.since_question = 0;
        at.own_links = at.next.replace(question(location, Some(&at.last_id)));
    }
}

/// A link of a page, which must stay on the feed's own host: a feed that sends its readers
/// elsewhere is not what the administrator named.
fn resolve(page: &str, link: &str) -> anyhow::Result<String> {
    let page = Url::parse(page)?;
    let target = page
        .join(link)
        .context("the link to the next page is not an address")?;
    if target.as_str().len() > MAX_ADDRESS {
        bail!("the link to the next page is longer than {MAX_ADDRESS} bytes");
    }
    if target.host_str() != page.host_str() {
        bail!(
            "the link to the next page leads to another host, {}",
            target.host_str().unwrap_or("")
        );
    }
    Ok(target.to_string())
}

/// Where an entry's nupkg is, relative to what the document says, or else to the feed; nothing where
/// that is no address, or one that is too long or carries a name or a password.
fn content_url(location: &str, base: Option<&str>, entry: &FeedEntry) -> Option<String> {
    let feed = Url::parse(&format!("{}/", location.trim_end_matches('/'))).ok()?;
    let content = match &entry.content_url {
        Some(content) => match base {
            Some(base) => feed.join(base).ok()?.join(content).ok()?,
            None => feed.join(content).ok()?,
        },
        None => feed
            .join(&format!("package/{}/{}", entry.id, entry.version))
            .ok()?,
    };
    let is_bare = content.username().is_empty() && content.password().is_none();
    (is_bare && content.as_str().len() <= MAX_ADDRESS).then(|| content.into())
}

/// As much of a text as is kept.
fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

fn package(source: SourceId, content_location: String, entry: FeedEntry) -> NewPackage {
    let metadata = Metadata {
        published: entry.published.map(cut),
        summary: entry.summary.map(cut),
        tags: entry.tags.into_iter().take(MAX_LIST).map(cut).collect(),
        dependencies: metadata::ids(entry.dependencies.into_iter().take(MAX_LIST)),
    };
    NewPackage {
        source,
        metadata: metadata.to_json(),
        normalized: entry.normalised.to_string(),
        prerelease: entry.is_prerelease,
        title: cut(entry.title.unwrap_or_else(|| entry.id.clone())),
        authors: cut(entry.authors.unwrap_or_default()),
        project_url: cut(entry.project_url.unwrap_or_default()),
        content_location,
        content_hash: entry
            .package_hash
            .map(|hash| format!("{}:{}", hash.algorithm, hash.hex)),
        listed: entry.listed,
        id: entry.id,
        version: entry.version,
    }
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
    fn a_nupkgs_address_is_relative_to_what_the_document_says_or_else_to_the_feed() {
        let document = |base: &str, source: &str| {
            format!(
                "<feed xmlns=\"http://www.w3.org/2005/Atom\" \
                 xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" \
                 xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" {base}>\
                 <entry><title>a</title><content type=\"application/zip\" src=\"{source}\"/>\
                 <m:properties><d:Id>a</d:Id><d:Version>1.0</d:Version></m:properties></entry></feed>"
            )
        };
        let other = "xml:base=\"https://h.example/nuget/\"";
        let long = format!("package/{}", "a".repeat(MAX_ADDRESS));
        for (base, source, expected) in [
            (
                "",
                "package/a/1.0",
                Some("https://h.example/api/v2/package/a/1.0"),
            ),
            (
                "",
                "/files/a.nupkg",
                Some("https://h.example/files/a.nupkg"),
            ),
            (
                other,
                "package/a/1.0",
                Some("https://h.example/nuget/package/a/1.0"),
            ),
            (
                other,
                "https://cdn.example/a",
                Some("https://cdn.example/a"),
            ),
            ("xml:base=\"/v2/\"", "a", Some("https://h.example/v2/a")),
            ("", "https://name:word@h.example/a", None),
            ("", long.as_str(), None),
        ] {
            let page = parse_feed(document(base, source).as_bytes()).expect("a feed");
            let found = content_url(
                "https://h.example/api/v2",
                page.base.as_deref(),
                &page.entries[0],
            );
            assert_eq!(found.as_deref(), expected, "{base} {source}");
        }
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
