//! NuGet v2 feeds: Atom documents with `OData` properties, as Chocolatey's gallery, NuGet's and the
//! repository servers write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fleetmend_model::recipe::Checksum;
use fleetmend_versions::nuget::Version;
use quick_xml::events::BytesStart;
use thiserror::Error;

use crate::dependency::{self, Dependency};
use crate::xml::{self, XmlError, XmlReader};

/// The largest document read, in bytes. A page of a hundred entries has about 400 KiB;
/// reading the worst one takes some three times its size.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// The most entries taken from one document.
pub const MAX_ENTRIES: usize = 20_000;

/// `Published` of an unlisted version begins so.
const UNLISTED: &str = "1900-01-01";

/// Why a document is no page of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FeedError {
    /// No XML, or XML that is refused.
    #[error("the answer is not a feed: {0}")]
    Xml(#[from] XmlError),
    /// The server's own error document.
    #[error("the source answered with an error: {message}")]
    Server {
        /// Its message.
        message: String,
    },
    /// XML of another kind.
    #[error("the answer is not a feed: its root element is <{root}>, not <feed> or <entry>")]
    OtherDocument {
        /// The root element's name.
        root: String,
    },
    /// More entries than [`MAX_ENTRIES`].
    #[error("the answer has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
}

/// One document of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// What relative addresses are relative to, if the document says so.
    pub base: Option<String>,
    /// In the document's order; the same version may come twice.
    pub entries: Vec<FeedEntry>,
    /// Address of the next page. It may lead back to a page that was already read.
    pub next: Option<String>,
    /// Entries that cannot be used.
    pub skipped: Vec<SkippedEntry>,
}

/// An entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEntry {
    /// Its id, or its Atom id, or its place in the document.
    pub entry: String,
    /// What is wrong with it.
    pub reason: String,
}

/// One package version as a feed describes it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the feed's own flags, independent of each other"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Package id: `d:Id`, or the Atom title where there is none (Chocolatey's own gallery).
    pub id: String,
    /// Version as written.
    pub version: String,
    /// The version, parsed and normalised.
    pub normalised: Version,
    /// Title for people.
    pub title: Option<String>,
    /// Short description.
    pub summary: Option<String>,
    /// Authors as one text.
    pub authors: Option<String>,
    /// Home page.
    pub project_url: Option<String>,
    /// Tags, in the feed's order.
    pub tags: Vec<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// Where the nupkg is; may be relative to [`FeedPage::base`].
    pub content_url: Option<String>,
    /// The nupkg's digest.
    pub package_hash: Option<Checksum>,
    /// The nupkg's length in bytes.
    pub package_size: Option<u64>,
    /// When it was published, as written (ISO 8601; without a zone it is UTC).
    pub published: Option<String>,
    /// The newest stable version of its package.
    pub is_latest: bool,
    /// The newest version of its package, prereleases included.
    pub is_absolute_latest: bool,
    /// Whether it is a prerelease.
    pub is_prerelease: bool,
    /// Whether the source shows it. An unlisted version can still be downloaded.
    pub listed: bool,
}

/// Reads one document: a feed, or the single entry that `Packages(Id=,Version=)` answers.
///
/// An entry that cannot be used (no id, no version, a version that NuGet cannot read) is put into
/// [`FeedPage::skipped`]; the others are kept.
pub fn parse_feed(bytes: &[u8]) -> Result<FeedPage, FeedError> {
    let text = xml::document(bytes, MAX_DOCUMENT)?;
    let mut reader = XmlReader::new(&text);
    let mut page = FeedPage::default();
    let root = reader.root()?;
    page.base = xml::attribute(&root, "base");
    match xml::local_name(&root) {
        "feed" => read_feed(&mut reader, &mut page)?,
        "entry" => read_entry(&mut reader, &mut page)?,
        "error" => return Err(read_error(&mut reader)),
        name if name.eq_ignore_ascii_case("html") => return Err(XmlError::Html.into()),
        name => {
            return Err(FeedError::OtherDocument { root: cut(name) });
        }
    }
    // To the end, so that a document that is cut off behind its last entry is noticed.
    reader.finish()?;
    Ok(page)
}

fn read_feed(reader: &mut XmlReader<'_>, page: &mut FeedPage) -> Result<(), FeedError> {
    while let Some(start) = reader.child()? {
        match xml::local_name(&start) {
            "entry" => {
                if page.entries.len() + page.skipped.len() >= MAX_ENTRIES {
                    return Err(FeedError::TooManyEntries);
                }
                read_entry(reader, page)?;
            }
            "link" => {
                if xml::attribute(&start, "rel").as_deref() == Some("next") {
                    page.next = xml::attribute(&start, "href").filter(|it| !it.is_empty());
                }
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// The message of the server's own error document, wherever it stands in it.
fn read_error(reader: &mut XmlReader<'_>) -> FeedError {
    let mut message = || -> Result<Option<String>, XmlError> {
        while let Some(start) = reader.child()? {
            if xml::local_name(&start) == "message" {
                return reader.read_text().map(Some);
            }
            reader.skip()?;
        }
        Ok(None)
    };
    match message() {
        Ok(message) => FeedError::Server {
            message: message.map_or_else(
                || "it gives no message".to_owned(),
                |it| it.trim().chars().take(500).collect(),
            ),
        },
        Err(error) => error.into(),
    }
}

/// An entry's fields as written.
#[derive(Default)]
struct RawEntry {
    atom_id: Option<String>,
    atom_title: Option<String>,
    atom_summary: Option<String>,
    atom_authors: Vec<String>,
    content_url: Option<String>,
    id: Option<String>,
    version: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    authors: Option<String>,
    project_url: Option<String>,
    tags: Option<String>,
    dependencies: Option<String>,
    package_hash: Option<String>,
    package_hash_algorithm: Option<String>,
    package_size: Option<String>,
    published: Option<String>,
    is_latest: Option<String>,
    is_absolute_latest: Option<String>,
    is_prerelease: Option<String>,
    listed: Option<String>,
}

fn read_entry(reader: &mut XmlReader<'_>, page: &mut FeedPage) -> Result<(), FeedError> {
    let place = page.entries.len() + page.skipped.len() + 1;
    let mut raw = RawEntry::default();
    while let Some(start) = reader.child()? {
        read_atom(reader, &start, &mut raw)?;
    }
    let name = raw
        .id
        .clone()
        .or_else(|| raw.atom_title.clone())
        .or_else(|| raw.atom_id.clone());
    match raw.into_entry() {
        Ok(entry) => page.entries.push(entry),
        Err(reason) => page.skipped.push(SkippedEntry {
            entry: name.unwrap_or_else(|| format!("entry {place}")),
            reason,
        }),
    }
    Ok(())
}

fn read_atom(
    reader: &mut XmlReader<'_>,
    start: &BytesStart<'_>,
    raw: &mut RawEntry,
) -> Result<(), XmlError> {
    match xml::local_name(start) {
        "id" => raw.atom_id = filled(reader.read_text()?),
        "title" => raw.atom_title = filled(reader.read_text()?),
        "summary" => raw.atom_summary = filled(reader.read_text()?),
        "content" => {
            raw.content_url = xml::attribute(start, "src").filter(|it| !it.is_empty());
            // A feed may put the properties inside of the content element (plain OData).
            while let Some(inner) = reader.child()? {
                read_properties_or_skip(reader, &inner, raw)?;
            }
        }
        "author" => {
            while let Some(inner) = reader.child()? {
                if xml::local_name(&inner) == "name" {
                    raw.atom_authors.extend(filled(reader.read_text()?));
                } else {
                    reader.skip()?;
                }
            }
        }
        _ => read_properties_or_skip(reader, start, raw)?,
    }
    Ok(())
}

fn read_properties_or_skip(
    reader: &mut XmlReader<'_>,
    start: &BytesStart<'_>,
    raw: &mut RawEntry,
) -> Result<(), XmlError> {
    if xml::local_name(start) != "properties" {
        return reader.skip();
    }
    while let Some(property) = reader.child()? {
        let slot = match xml::local_name(&property) {
            "Id" => &mut raw.id,
            "Version" => &mut raw.version,
            "Title" => &mut raw.title,
            "Summary" => &mut raw.summary,
            "Authors" => &mut raw.authors,
            "ProjectUrl" => &mut raw.project_url,
            "Tags" => &mut raw.tags,
            "Dependencies" => &mut raw.dependencies,
            "PackageHash" => &mut raw.package_hash,
            "PackageHashAlgorithm" => &mut raw.package_hash_algorithm,
            "PackageSize" => &mut raw.package_size,
            "Published" => &mut raw.published,
            "IsLatestVersion" => &mut raw.is_latest,
            "IsAbsoluteLatestVersion" => &mut raw.is_absolute_latest,
            "IsPrerelease" => &mut raw.is_prerelease,
            "Listed" => &mut raw.listed,
            _ => {
                reader.skip()?;
                continue;
            }
        };
        *slot = filled(reader.read_text()?);
    }
    Ok(())
}

fn filled(text: String) -> Option<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        None
    } else if trimmed.len() == text.len() {
        Some(text)
    } else {
        Some(trimmed.to_owned())
    }
}

impl RawEntry {
    fn into_entry(self) -> Result<FeedEntry, String> {
        let id = self
            .id
            .or(self.atom_title)
            .ok_or("it has neither d:Id nor a title")?;
        if !is_package_id(&id) {
            return Err(format!("{:?} is not a package id", cut(&id)));
        }
        let version = self.version.ok_or("it has no d:Version")?;
        let normalised = Version::parse_any(&version).map_err(|error| error.to_string())?;
        let package_hash = match self.package_hash {
            None => None,
            Some(hash) => Some(checksum(&hash, self.package_hash_algorithm.as_deref())?),
        };
        let is_true = |text: &Option<String>| {
            text.as_deref()
                .is_some_and(|text| text.eq_ignore_ascii_case("true"))
        };
        let unlisted = self
            .published
            .as_deref()
            .is_some_and(|it| it.starts_with(UNLISTED))
            || self
                .listed
                .as_deref()
                .is_some_and(|it| it.eq_ignore_ascii_case("false"));
        Ok(FeedEntry {
            is_prerelease: normalised.is_prerelease() || is_true(&self.is_prerelease),
            id,
            version,
            normalised,
            title: self.title,
            summary: self.summary.or(self.atom_summary),
            authors: self
                .authors
                .or_else(|| filled(self.atom_authors.join(", "))),
            project_url: self.project_url,
            tags: self
                .tags
                .iter()
                .flat_map(|tags| tags.split_whitespace())
                .map(str::to_owned)
                .collect(),
            dependencies: self
                .dependencies
                .as_deref()
                .map(dependency::parse_list)
                .unwrap_or_default(),
            content_url: self.content_url,
            package_hash,
            package_size: self.package_size.and_then(|size| size.parse().ok()),
            published: self.published,
            is_latest: is_true(&self.is_latest),
            is_absolute_latest: is_true(&self.is_absolute_latest),
            listed: !unlisted,
        })
    }
}

fn checksum(base64: &str, algorithm: Option<&str>) -> Result<Checksum, String> {
    let algorithm = algorithm.unwrap_or("SHA512").to_ascii_lowercase();
    let length = match algorithm.as_str() {
        "sha512" => 64,
        "sha256" => 32,
        "sha1" => 20,
        "md5" => 16,
        _ => {
            return Err(format!(
                "PackageHashAlgorithm {:?} is not known",
                cut(&algorithm)
            ));
        }
    };
    let digest = BASE64
        .decode(base64)
        .ok()
        .filter(|digest| digest.len() == length);
    let Some(digest) = digest else {
        return Err(format!(
            "PackageHash is not the Base64 text of a {algorithm} digest"
        ));
    };
    let hex = fleetmend_model::hex::of(&digest);
    Ok(Checksum { algorithm, hex })
}

/// NuGet's rule for ids: letters, digits and `_`, divided by single `.` or `-`, at most 100
/// characters. Letters of any script are allowed.
pub(crate) fn is_package_id(id: &str) -> bool {
    id.chars().count() <= 100
        && id
            .split(['.', '-'])
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// As much of a text as an error tells.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}
