//! One package version, as the feed shows it.

use std::fmt::Write as _;

use fleetmend_versions::nuget::Version;

use crate::dependency::Dependency;
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

/// What clients see of its place among the versions of its package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Latest {
    pub(super) stable: bool,
    pub(super) absolute: bool,
}

/// An [`Item`] with all that queries look at and answers are made of.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) item: Item,
    pub(super) id_key: String,
    /// Lower case, with a space at each end, so that a whole tag is found by ` tag `.
    pub(super) tags: String,
    /// Everything that `Search()` looks into, lower case.
    pub(super) searched: String,
    /// Whether clients that do not say `semVerLevel=2.0.0` can read its version.
    pub(super) is_semver1: bool,
    /// Among versions that such clients can read, and among all.
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
        let is_dotted = item
            .nuspec
            .normalised
            .prerelease()
            .is_some_and(|labels| labels.contains('.'));
        Self {
            id_key: nuspec.id.to_lowercase(),
            tags,
            searched,
            is_semver1: !is_dotted && !nuspec.version.contains('+'),
            latest: [Latest::default(); 2],
            parts: parts(&item),
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

fn parts(item: &Item) -> [Box<str>; 3] {
    let nuspec = &item.nuspec;
    let id = escape(&nuspec.id);
    let normalised = nuspec.normalised.to_string();
    let version = escape(&normalised);
    let published = published(item);
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
    let mut middle = format!("package/{id}/{version}\" /><m:properties>");
    let mut text = |name: &str, text: Option<&str>| match text {
        Some(text) => {
            let _ = write!(middle, "<d:{name}>{}</d:{name}>", escape(text));
        }
        None => {
            let _ = write!(middle, "<d:{name} m:null=\"true\" />");
        }
    };
    text("Id", Some(&nuspec.id));
    text("Version", Some(&nuspec.version));
    text("NormalizedVersion", Some(&normalised));
    text("Title", Some(nuspec.title.as_ref().unwrap_or(&nuspec.id)));
    text("Authors", nuspec.authors.as_deref());
    text("Summary", nuspec.summary.as_deref());
    text("Description", nuspec.description.as_deref());
    text("ProjectUrl", nuspec.project_url.as_deref());
    text("IconUrl", nuspec.icon_url.as_deref());
    text("ReleaseNotes", nuspec.release_notes.as_deref());
    text("Dependencies", Some(&dependencies(&nuspec.dependencies)));
    text("PackageHash", Some(&item.sha512));
    text("PackageHashAlgorithm", Some("SHA512"));
    text("PackageStatus", Some("Approved"));
    text("PackageTestResultStatus", Some("Passing"));
    text("DownloadCacheStatus", Some("Unknown"));
    let _ = write!(
        middle,
        "<d:Tags xml:space=\"preserve\"> {} </d:Tags>\
         <d:PackageSize m:type=\"Edm.Int64\">{}</d:PackageSize>",
        escape(&nuspec.tags.join(" ")),
        item.size
    );
    for (name, time) in [
        ("Created", item.created.as_str()),
        ("LastUpdated", &item.created),
        ("Published", published),
    ] {
        let _ = write!(
            middle,
            "<d:{name} m:type=\"Edm.DateTime\">{time}</d:{name}>"
        );
    }
    let mut tail = String::new();
    for (name, flag) in [
        ("IsPrerelease", nuspec.normalised.is_prerelease()),
        ("Listed", item.listed),
        ("IsApproved", true),
        ("IsDownloadCacheAvailable", false),
        ("RequireLicenseAcceptance", false),
    ] {
        let _ = write!(tail, "<d:{name} m:type=\"Edm.Boolean\">{flag}</d:{name}>");
    }
    for name in ["DownloadCount", "VersionDownloadCount"] {
        let _ = write!(tail, "<d:{name} m:type=\"Edm.Int32\">0</d:{name}>");
    }
    tail.push_str("</m:properties>");
    [head.into(), middle.into(), tail.into()]
}

/// `id:range:framework` joined by `|`.
fn dependencies(list: &[Dependency]) -> String {
    let parts: Vec<String> = list
        .iter()
        .map(|it| {
            let range = it.range.as_deref().unwrap_or_default();
            let framework = it.target_framework.as_deref().unwrap_or_default();
            format!("{}:{range}:{framework}", it.id)
        })
        .collect();
    parts.join("|")
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
