//! What is kept of a feed's entries.

use fleetmend_chocolatey::odata::{FeedEntry, FeedPage};
use fleetmend_model::SourceId;
use fleetmend_store::packages::NewPackage;
use fleetmend_store::sources::LeftOut;
use fleetmend_versions::nuget::{Dialect, Version};

use super::super::metadata::{self, Metadata};
use super::links::content_url;

/// The longest text kept of what was left out, in characters.
const MAX_TEXT: usize = 300;
/// The longest text kept of a title, a summary and the like, in characters: NuGet's gallery allows
/// 4,000.
const MAX_WORDS: usize = 4_000;
/// The most tags, and the most dependencies, kept of one version.
const MAX_LIST: usize = 200;

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

impl Page {
    /// Of a document of the feed at `location`.
    pub fn of(source: SourceId, location: &str, dialect: Option<Dialect>, page: FeedPage) -> Self {
        let mut read = Self::default();
        for entry in page.entries {
            let mut leave_out = |why: &str| {
                let what = format!("{} {}", entry.id, entry.version);
                read.left_out.push(left_out(&what, why));
            };
            if let Err(why) = fits(dialect, &entry.version) {
                leave_out(&why);
                continue;
            }
            let Some(content) = content_url(location, page.base.as_deref(), &entry) else {
                leave_out(
                    "the address of its nupkg is none, too long, or carries a name or password",
                );
                continue;
            };
            read.packages.push(package(source, content, entry));
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
