//! One package version, as the feed shows it.

use std::fmt::Write as _;

use fleetmend_versions::nuget::{Dialect, Version};

use super::properties;
use crate::nuspec::Nuspec;

/// What the feed says of a package version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its manifest.
    pub nuspec: Nuspec,
    /// The nupkg's length in bytes.
    pub size: u64,
    /// The nupkg's SHA-512, Base64.
    pub sha512: String,
    /// When it came into the feed: ISO 8601 in UTC with seconds, without a zone.
    pub created: String,
    /// Whether lists show it. It can be downloaded all the same.
    pub listed: bool,
}

/// `Published` of a version that lists do not show, as NuGet galleries write it.
const UNLISTED: &str = "1900-01-01T00:00:00";

/// How much of a title lists are sorted by, in characters.
const MAX_TITLE: usize = 1_000;

/// What clients see of its place among the versions of its package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Latest {
    pub(super) stable: bool,
    pub(super) absolute: bool,
}

/// An [`Item`] with all that queries look at and answers are made of.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) item: Item,
    pub(super) id_key: String,
    /// The beginning of its title, lower case: what lists are sorted by.
    pub(super) title_key: String,
    /// Lower case, with a space at each end, so that a whole tag is found by ` tag `.
    pub(super) tags: String,
    /// Everything that `Search()` looks into, lower case.
    pub(super) searched: String,
    /// Whether clients can read its version that do not say `semVerLevel=2.0.0`, and those that do. One
    /// version that they cannot read makes them give up the whole answer.
    pub(super) is_readable: [bool; 2],
    /// Among the versions that each of the two can read.
    pub(super) latest: [Latest; 2],
    /// The parts of its XML that stand before, between and behind the feed's address, the flags of
    /// [`Latest`] between the last two.
    parts: [Box<str>; 3],
}

impl Entry {
    pub(super) fn new(item: Item) -> Self {
        let nuspec = &item.nuspec;
        let tags = format!(" {} ", nuspec.tags.join(" ").to_lowercase());
        let texts = [
            Some(&nuspec.id),
            nuspec.title.as_ref(),
            nuspec.summary.as_ref(),
            nuspec.description.as_ref(),
            nuspec.authors.as_ref(),
        ];
        let searched = texts
            .into_iter()
            .flatten()
            .map(|text| text.to_lowercase())
            .chain([tags.clone()])
            .collect::<Vec<_>>()
            .join("\n");
        let shown = properties::shown_version(nuspec);
        let title = nuspec.title.as_ref().unwrap_or(&nuspec.id).chars();
        let title_key = title.take(MAX_TITLE).flat_map(char::to_lowercase).collect();
        Self {
            id_key: nuspec.id.to_lowercase(),
            title_key,
            tags,
            searched,
            is_readable: is_readable(&shown),
            latest: [Latest::default(); 2],
            parts: parts(&item, &shown),
            item,
        }
    }

    pub(super) fn version(&self) -> &Version {
        &self.item.nuspec.normalised
    }

    /// When lists say that it was published.
    pub(super) fn published(&self) -> &str {
        published(&self.item)
    }

    /// The element's content, for a feed at `base` (which ends in `/`).
    pub(super) fn write(&self, out: &mut String, base: &str, latest: Latest) {
        let [head, middle, tail] = &self.parts;
        out.push_str("<id>");
        out.push_str(base);
        out.push_str(head);
        out.push_str(base);
        out.push_str(middle);
        out.push_str(flags(latest));
        out.push_str(tail);
    }

    /// The most that [`Self::write`] adds to what it is given.
    pub(super) fn length(&self, base: &str) -> usize {
        self.parts.iter().map(|part| part.len()).sum::<usize>() + 2 * base.len() + 180
    }
}

fn published(item: &Item) -> &str {
    if item.listed { &item.created } else { UNLISTED }
}

fn flags(latest: Latest) -> &'static str {
    macro_rules! both {
        ($stable:literal, $absolute:literal) => {
            concat!(
                "<d:IsLatestVersion m:type=\"Edm.Boolean\">",
                $stable,
                "</d:IsLatestVersion><d:IsAbsoluteLatestVersion m:type=\"Edm.Boolean\">",
                $absolute,
                "</d:IsAbsoluteLatestVersion>"
            )
        };
    }
    match (latest.stable, latest.absolute) {
        (true, true) => both!("true", "true"),
        (true, false) => both!("true", "false"),
        (false, true) => both!("false", "true"),
        (false, false) => both!("false", "false"),
    }
}

fn is_readable(version: &str) -> [bool; 2] {
    let by = |dialect| Version::parse_in(version, dialect).is_ok();
    [by(Dialect::Choco1), by(Dialect::Choco2)]
}

fn parts(item: &Item, shown_version: &str) -> [Box<str>; 3] {
    let nuspec = &item.nuspec;
    let id = escape(&nuspec.id);
    let version = escape(&nuspec.normalised.to_string());
    let mut head = format!("Packages(Id='{id}',Version='{version}')</id>");
    let _ = write!(
        head,
        "<category term=\"NuGetGallery.V2FeedPackage\" \
         scheme=\"http://schemas.microsoft.com/ado/2007/08/dataservices/scheme\" />\
         <link rel=\"edit\" title=\"V2FeedPackage\" \
         href=\"Packages(Id='{id}',Version='{version}')\" />\
         <title type=\"text\">{id}</title><summary type=\"text\">{}</summary>\
         <updated>{}Z</updated><author><name>{}</name></author>\
         <link rel=\"edit-media\" title=\"V2FeedPackage\" \
         href=\"Packages(Id='{id}',Version='{version}')/$value\" />\
         <content type=\"application/zip\" src=\"",
        escape(nuspec.summary.as_deref().unwrap_or_default()),
        item.created,
        escape(nuspec.authors.as_deref().unwrap_or_default()),
    );
    let middle = format!("package/{id}/{version}\" /><m:properties>");
    let [before, behind] = properties::write(item, shown_version, published(item));
    [
        head.into(),
        (middle + &before).into(),
        (behind + "</m:properties>").into(),
    ]
}

/// Text as XML content or attribute value; characters that XML 1.0 cannot hold become U+FFFD.
pub fn escape(text: &str) -> String {
    let is_allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}') || c >= '\u{10000}';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if is_allowed(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}
