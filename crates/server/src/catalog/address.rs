//! Which addresses may be fetched from: the one place that decides it.
//!
//! | named by | address | allowed |
//! |---|---|---|
//! | anything | `https` | always |
//! | anything | `http`, a digest names the bytes | yes: other bytes are found out |
//! | a feed at `http` | `http` on the feed's own host | yes: the administrator asked for it |
//! | a feed at `http` | `http` on another host | no |
//! | a feed at `https` | `http` | no |
//! | an install script | `http` | no |
//!
//! The rule holds for the address that is asked and for each that it redirects to; no redirect leaves
//! TLS.

use reqwest::Url;

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// The feed at this address: a page of it, or a nupkg.
    Feed(&'a str),
    /// A package's install script.
    Script,
}

/// Whether an address may be fetched, or why not, as a sentence that goes on from the address.
pub fn may_fetch(address: &Url, named: Named<'_>, has_digest: bool) -> Result<(), &'static str> {
    match address.scheme() {
        "https" => Ok(()),
        "http" if has_digest => Ok(()),
        "http" => match named {
            Named::Script => Err(
                "is an address without TLS, and the package names no checksum: nobody could tell \
                 whether the bytes are the right ones",
            ),
            Named::Feed(feed) => match Url::parse(feed) {
                Ok(feed) if feed.scheme() == "https" => Err(
                    "is an address without TLS, named by a feed with TLS, which gives no digest: \
                     nobody could tell whether the bytes are the right ones",
                ),
                Ok(feed) if feed.host_str() == address.host_str() => Ok(()),
                _ => Err(
                    "is an address without TLS on another host than the feed's, which gives no \
                     digest: nobody could tell whether the bytes are the right ones",
                ),
            },
        },
        _ => Err("is not an http or https address"),
    }
}

/// Whether a redirect may be followed, or why not.
pub fn may_follow(
    from: &Url,
    to: &Url,
    named: Named<'_>,
    has_digest: bool,
) -> Result<(), &'static str> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err("is an address without TLS, to which one with TLS redirects");
    }
    may_fetch(to, named, has_digest)
}

/// Whether what a source offers could be changed on its way here.
pub fn is_unprotected(location: &str) -> bool {
    location.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_leaves_tls_or_leads_where_the_first_address_could_not() {
        for (from, to, has_digest, expected) in [
            ("https://a.example/", "https://b.example/", false, true),
            ("http://a.example/", "https://b.example/", false, true),
            ("http://a.example/", "http://b.example/", true, true),
            ("http://a.example/", "http://b.example/", false, false),
            ("https://a.example/", "http://a.example/", true, false),
            ("https://a.example/", "file:///etc/passwd", true, false),
        ] {
            let [from, to] = [from, to].map(|it| Url::parse(it).unwrap());
            let found = may_follow(&from, &to, Named::Script, has_digest);
            assert_eq!(found.is_ok(), expected, "{from} {to} {has_digest}");
        }
    }

    #[test]
    fn without_tls_only_a_digest_or_the_administrators_own_word_will_do() {
        const HTTPS: Named<'_> = Named::Feed("https://feed.example/api/v2/");
        const HTTP: Named<'_> = Named::Feed("http://feed.example:8080/api/v2/");
        for (address, named, without_digest, with_digest) in [
            ("https://feed.example/p", HTTPS, true, true),
            ("https://cdn.example/p", HTTPS, true, true),
            ("http://feed.example/p", HTTPS, false, true),
            ("http://cdn.example/p", HTTPS, false, true),
            ("https://cdn.example/p", HTTP, true, true),
            ("http://feed.example/p", HTTP, true, true),
            ("http://FEED.example:81/p", HTTP, true, true),
            ("http://cdn.example/p", HTTP, false, true),
            ("https://vendor.example/a.exe", Named::Script, true, true),
            ("http://vendor.example/a.exe", Named::Script, false, true),
            ("ftp://feed.example/p", HTTP, false, false),
            ("file:///etc/passwd", HTTP, false, false),
            ("file:///etc/passwd", Named::Script, false, false),
        ] {
            let url = Url::parse(address).unwrap();
            for (has_digest, allowed) in [(false, without_digest), (true, with_digest)] {
                assert_eq!(
                    may_fetch(&url, named, has_digest).is_ok(),
                    allowed,
                    "{address} by {named:?}, digest: {has_digest}"
                );
            }
        }
    }
}
