//! Where the links of a feed's pages lead.

use anyhow::{Context as _, bail};
use fleetmend_chocolatey::odata::FeedEntry;
use fleetmend_store::fetched_files::LONGEST_ADDRESS;
use reqwest::Url;

/// The longest address followed or kept, in bytes.
const MAX_ADDRESS: usize = LONGEST_ADDRESS;

/// Where a page's link to the next one leads.
#[derive(Debug, PartialEq, Eq)]
pub struct NextPage {
    /// What is asked.
    pub url: String,
    /// The other host that the link names, and that is never asked.
    pub elsewhere: Option<String>,
}

/// The next page is asked of the host that the page came from, by the same scheme and port, whatever host
/// and scheme its link names: path and question alone are the link's.
///
/// Feeds write what they take for their own address into links, and that is not always the one that they
/// have outside. The Chocolatey community feed is read over https and writes
/// `<link rel="next" href="http://community.chocolatey.org/api/v2/Packages?…&$skiptoken='11','adobeair'" />`
/// (its readers replace the scheme, as seen in 2025 and 2026); a Nexus or `ProGet` behind a reverse proxy
/// writes its inner name. To ask what a link says would leave TLS, or be a host that nobody named.
pub fn next_page(page: &str, link: &str) -> anyhow::Result<NextPage> {
    let mut own = Url::parse(page)?;
    let target = own
        .join(link)
        .context("the link to the next page is not an address")?;
    let Some(host) = target.host_str().filter(|_| is_web(&target)) else {
        bail!("the link to the next page is not an http or https address");
    };
    let elsewhere = (own.host_str() != Some(host)).then(|| host.to_owned());
    own.set_path(target.path());
    own.set_query(target.query());
    own.set_fragment(None);
    if own.as_str().len() > MAX_ADDRESS {
        bail!("the link to the next page is longer than {MAX_ADDRESS} bytes");
    }
    Ok(NextPage {
        url: own.into(),
        elsewhere,
    })
}

fn is_web(address: &Url) -> bool {
    matches!(address.scheme(), "http" | "https")
}

/// Where an entry's nupkg is, relative to what the document says, or else to the feed; nothing where
/// that is no address, or one that is too long or carries a name or a password.
pub fn content_url(location: &str, base: Option<&str>, entry: &FeedEntry) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use fleetmend_chocolatey::odata::parse_feed;

    use super::*;

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
    fn a_next_page_is_asked_of_the_host_of_its_page_and_over_tls_where_that_was() {
        const HTTPS: &str = "https://feed.example/api/v2/Packages()?$skip=40";
        const PORT: &str = "https://feed.example:8443/api/v2/Packages()";
        const HTTP: &str = "http://feed.example:8081/nuget/Packages()";
        for (page, link, expected, elsewhere) in [
            (
                HTTPS,
                "Packages()?$skip=80",
                "https://feed.example/api/v2/Packages()?$skip=80",
                None,
            ),
            (
                HTTPS,
                "http://feed.example/api/v2/Packages?$skiptoken='11','a'",
                "https://feed.example/api/v2/Packages?$skiptoken=%2711%27,%27a%27",
                None,
            ),
            (
                HTTPS,
                "http://FEED.example:80/p?a#b",
                "https://feed.example/p?a",
                None,
            ),
            (
                HTTPS,
                "https://feed.example:444/p",
                "https://feed.example/p",
                None,
            ),
            (
                PORT,
                "http://feed.example:8080/p",
                "https://feed.example:8443/p",
                None,
            ),
            (
                HTTP,
                "http://feed.example/p",
                "http://feed.example:8081/p",
                None,
            ),
            (
                HTTP,
                "https://feed.example/p",
                "http://feed.example:8081/p",
                None,
            ),
            (
                HTTP,
                "http://nexus:8080/p?x",
                "http://feed.example:8081/p?x",
                Some("nexus"),
            ),
            (
                HTTPS,
                "//other.example/x",
                "https://feed.example/x",
                Some("other.example"),
            ),
            (
                HTTPS,
                "http://u:w@other.example/",
                "https://feed.example/",
                Some("other.example"),
            ),
        ] {
            let found = next_page(page, link).unwrap();
            let expected = NextPage {
                url: expected.to_owned(),
                elsewhere: elsewhere.map(str::to_owned),
            };
            assert_eq!(found, expected, "{page} {link}");
        }
        let long = format!("/{}", "a".repeat(MAX_ADDRESS));
        for link in ["http://[", "file:///etc/passwd", "javascript:1", &long] {
            assert!(next_page(HTTPS, link).is_err(), "{link}");
        }
    }
}
