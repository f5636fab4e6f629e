//! The pages of a feed as the Chocolatey community repository writes them, from numbers alone: the
//! same ones every time.
//!
//! Source of the form: entries of the community repository, which have some 5,000 bytes each, most
//! of it in properties that a catalog does not need.

use std::fmt::Write as _;

/// Entries of a page, as the community repository gives them.
pub const PAGE: usize = 40;

/// A feed of so many ids with so many versions each, ordered by id.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// Package ids.
    pub ids: usize,
    /// Versions of each.
    pub versions: usize,
}

impl Feed {
    /// Entries in all.
    pub fn entries(self) -> usize {
        self.ids * self.versions
    }

    /// The documents of all pages.
    pub fn documents(self, base: &str) -> Vec<Vec<u8>> {
        let all = 0..self.pages();
        all.map(|it| self.page(base, it).into_bytes()).collect()
    }

    /// Pages in all.
    pub fn pages(self) -> usize {
        self.entries().div_ceil(PAGE)
    }

    /// A page's document. `base` is the feed's address.
    pub fn page(self, base: &str, number: usize) -> String {
        let first = number * PAGE;
        let last = (first + PAGE).min(self.entries());
        let mut text = String::with_capacity(256 * 1024);
        let _ = write!(
            text,
            "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n\
             <feed xml:base=\"{base}\" xmlns:d=\"{DATA}\" xmlns:m=\"{DATA}/metadata\" \
             xmlns=\"http://www.w3.org/2005/Atom\">\r\n  \
             <title type=\"text\">Packages</title>\r\n  <id>{base}Packages</id>\r\n  \
             <updated>2026-01-15T12:00:00Z</updated>\r\n  \
             <link rel=\"self\" title=\"Packages\" href=\"Packages\" />\r\n"
        );
        for place in first..last {
            self.push_entry(&mut text, base, place);
        }
        if last < self.entries() {
            let _ = write!(
                text,
                "  <link rel=\"next\" href=\"{}\" />\r\n",
                next(base, last).replace('&', "&amp;")
            );
        }
        text.push_str("</feed>");
        text
    }

    /// The number of the page at an address: of the first question, of a page's own link, or of a
    /// question for the ids behind one.
    pub fn number(self, address: &str) -> Option<usize> {
        if let Some((_, skip)) = address.split_once("$skip=") {
            return Some(skip.parse::<usize>().ok()? / PAGE);
        }
        let Some((_, behind)) = address.split_once("Id%20gt%20'") else {
            return Some(0);
        };
        let id = behind.split('\'').next()?;
        let number: usize = id.get(1..6)?.parse().ok()?;
        Some((number + 1) * self.versions / PAGE)
    }

    fn push_entry(self, text: &mut String, base: &str, place: usize) {
        let number = place / self.versions;
        let minor = place % self.versions;
        let is_latest = minor + 1 == self.versions;
        let id = id(number);
        let version = format!("{}.{minor}.{}", number % 13 + 1, number % 7);
        let (year, month, day) = (2015 + number % 10, number % 12 + 1, minor % 28 + 1);
        let date = format!("{year}-{month:02}-{day:02}T11:50:15.577");
        let hash = hash(place);
        let _ = write!(
            text,
            "  <entry>\r\n    <id>{base}Packages(Id='{id}',Version='{version}')</id>\r\n    \
             <title type=\"text\">{id}</title>\r\n    \
             <summary type=\"text\">{SUMMARY}</summary>\r\n    <updated>{date}Z</updated>\r\n    \
             <author>\r\n      <name>Vendor {} &amp; Sons</name>\r\n    </author>\r\n    \
             <link rel=\"edit-media\" title=\"V2FeedPackage\" href=\"Packages(Id='{id}',Version='{version}')/$value\" />\r\n    \
             <link rel=\"edit\" title=\"V2FeedPackage\" href=\"Packages(Id='{id}',Version='{version}')\" />\r\n    \
             <category term=\"CCR.Website.V2FeedPackage\" scheme=\"{DATA}/scheme\" />\r\n    \
             <content type=\"application/zip\" src=\"{base}package/{id}/{version}\" />\r\n    \
             <m:properties xmlns:m=\"{DATA}/metadata\" xmlns:d=\"{DATA}\">\r\n",
            number % 900,
        );
        let mut put = |(name, kind, value): (&str, &str, &str)| {
            let _ = write!(text, "      <d:{name}{kind}>{value}</d:{name}>\r\n");
        };
        let latest = bool_text(is_latest);
        for property in [
            ("Version", "", version.as_str()),
            ("Title", "", &format!("Product {number} (Install)")),
            ("Description", "", &description(number)),
            (
                "Tags",
                " xml:space=\"preserve\"",
                &format!(" product{number} utility foss admin cross-platform "),
            ),
            ("Created", DATE, &date),
            ("DownloadCount", NUMBER, &(number * 31).to_string()),
            ("VersionDownloadCount", NUMBER, &(place * 3).to_string()),
            (
                "GalleryDetailsUrl",
                "",
                &format!("https://gallery.example/{id}/{version}"),
            ),
            (
                "ReportAbuseUrl",
                "",
                &format!("https://gallery.example/abuse/{id}/{version}"),
            ),
            (
                "IconUrl",
                "",
                &format!("https://cdn.example/icons/{id}.png"),
            ),
            ("IsLatestVersion", FLAG, latest),
            ("IsAbsoluteLatestVersion", FLAG, latest),
            ("Published", DATE, &date),
            (
                "LicenseUrl",
                "",
                &format!("https://vendor.example/{id}/LICENSE"),
            ),
            ("PackageHash", "", &hash),
            (
                "PackageSize",
                " m:type=\"Edm.Int64\"",
                &(3000 + number).to_string(),
            ),
            ("ProjectUrl", "", &format!("https://vendor.example/{id}/")),
            (
                "ReleaseNotes",
                "",
                &format!("https://vendor.example/{id}/news/{version}"),
            ),
            (
                "ProjectSourceUrl",
                "",
                &format!("https://code.example/vendor/{id}"),
            ),
            (
                "BugTrackerUrl",
                "",
                &format!("https://code.example/vendor/{id}/issues"),
            ),
            ("PackageTestResultStatusDate", DATE, &date),
            ("PackageValidationResultDate", DATE, &date),
            ("PackageReviewedDate", DATE, &date),
            ("PackageApprovedDate", DATE, &date),
            ("DownloadCacheDate", DATE, &date),
            ("PackageScanResultDate", DATE, &date),
        ] {
            put(property);
        }
        SAME.into_iter().for_each(put);
        text.push_str("    </m:properties>\r\n  </entry>\r\n");
    }
}

/// The address at which a page begins that is not the first.
fn next(base: &str, skip: usize) -> String {
    format!("{base}Packages()?$filter=IsLatestVersion&$orderby=Id&$skip={skip}")
}

const DATE: &str = " m:type=\"Edm.DateTime\"";
const FLAG: &str = " m:type=\"Edm.Boolean\"";
const NUMBER: &str = " m:type=\"Edm.Int32\"";
const NULL: &str = " m:null=\"true\"";

/// Properties that are the same in every entry: name, attributes, value.
const SAME: [(&str, &str, &str); 22] = [
    ("Copyright", "", "Copyright &#xA9; the vendor"),
    (
        "Dependencies",
        "",
        "chocolatey-core.extension:1.3.3:|vcredist140:14.0.0:",
    ),
    ("IsPrerelease", FLAG, "false"),
    ("Language", NULL, ""),
    ("RequireLicenseAcceptance", FLAG, "false"),
    ("PackageHashAlgorithm", "", "SHA512"),
    (
        "PackageSourceUrl",
        "",
        "https://code.example/maintainer/packages",
    ),
    ("DocsUrl", "", "https://vendor.example/docs"),
    ("MailingListUrl", "", ""),
    ("IsApproved", FLAG, "true"),
    ("PackageStatus", "", "Approved"),
    ("PackageSubmittedStatus", "", "Ready"),
    (
        "PackageTestResultUrl",
        "",
        "https://gist.example/bot/fe75a18d65eac35310c096ccced4edd2",
    ),
    ("PackageTestResultStatus", "", "Passing"),
    ("PackageValidationResultStatus", "", "Passing"),
    (
        "PackageCleanupResultDate",
        " m:type=\"Edm.DateTime\" m:null=\"true\"",
        "",
    ),
    ("PackageReviewer", "", "a-moderator"),
    ("IsDownloadCacheAvailable", FLAG, "false"),
    ("DownloadCacheStatus", "", "Checked"),
    ("DownloadCache", NULL, ""),
    ("PackageScanStatus", "", "NotFlagged"),
    ("PackageScanFlagResult", "", "None"),
];

/// Where the properties' names are from.
const DATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices";

const SUMMARY: &str = "What the product is, in a sentence or two as maintainers write them, with \
    an ampersand &amp; a &lt;tag&gt;.";

fn id(number: usize) -> String {
    format!("p{number:05}-product.install")
}

fn bool_text(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// Between a line and three thousand characters, as descriptions are.
fn description(number: usize) -> String {
    const LINE: &str = "## Features\r\n\r\n- It does what its kind does, for people who know why; \
        see the [documentation](https://vendor.example/docs?a=1&amp;b=2) for more.\r\n";
    let mut text = String::from("The product is a tool for administrators.\r\n\r\n");
    for _ in 0..(number * 7919) % 13 {
        text.push_str(LINE);
    }
    text
}

/// The Base64 text of 64 bytes that nothing has.
fn hash(place: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (place as u64);
    let mut text: String = (0..85)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(DIGITS[(state % 64) as usize])
        })
        .collect();
    // The last digit of 64 bytes has four bits of its own, the lowest two are 0.
    text.push('A');
    text + "=="
}

#[cfg(test)]
mod tests {
    use fleetmend_chocolatey::odata::parse_feed;

    use super::*;

    #[test]
    fn the_pages_hold_each_version_once_and_lead_from_one_to_the_next() {
        let feed = Feed {
            ids: 30,
            versions: 8,
        };
        let base = "http://feed.example/api/v2/";
        let mut versions = std::collections::BTreeSet::new();
        let (mut number, mut bytes) = (Some(0), 0);
        while let Some(at) = number {
            let text = feed.page(base, at);
            bytes += text.len();
            let page = parse_feed(text.as_bytes()).unwrap();
            assert_eq!(page.skipped, []);
            versions.extend(
                page.entries
                    .iter()
                    .map(|it| (it.id.clone(), it.version.clone())),
            );
            let behind = page
                .entries
                .last()
                .map(|it| format!("Id%20gt%20'{}'", it.id));
            let next = page.next.map(|next| feed.number(&next).unwrap());
            // A page ends between two ids.
            if let (Some(next), true) = (next, ((at + 1) * PAGE).is_multiple_of(feed.versions)) {
                assert_eq!(feed.number(&behind.unwrap()), Some(next));
            }
            number = next;
        }
        assert_eq!(versions.len(), feed.entries());
        let each = bytes / feed.entries();
        assert!((4_500..7_000).contains(&each), "{each} bytes an entry");
    }
}
