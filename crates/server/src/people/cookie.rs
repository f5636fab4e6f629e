//! The session cookie.
//!
//! `__Host-` (RFC 6265bis, section 4.1.3.2) makes browsers refuse it without `Secure`, with a
//! domain, or for another path: no other host or plain HTTP can set it.

use http::{HeaderMap, HeaderValue, header};

const NAME: &str = "__Host-fleetmend";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The header that sets the session's token. `max_age` is in seconds.
pub(crate) fn set(token: &str, max_age: u64) -> anyhow::Result<HeaderValue> {
    Ok(HeaderValue::from_str(&format!(
        "{NAME}={token}; Max-Age={max_age}; {ATTRIBUTES}"
    ))?)
}

/// The header that takes the cookie away.
pub(crate) fn clear() -> anyhow::Result<HeaderValue> {
    set("", 0)
}

/// The session's token in a request.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == NAME && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies_and_only_under_its_exact_name() {
        for (header, found) in [
            ("__Host-fleetmend=abc", Some("abc")),
            ("a=1; __Host-fleetmend=abc; b=2", Some("abc")),
            ("fleetmend=abc", None),
            ("x__Host-fleetmend=abc", None),
            ("__Host-fleetmend=", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(header));
            assert_eq!(token(&headers), found, "{header}");
        }
    }
}
