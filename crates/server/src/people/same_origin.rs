//! Whether a browser says that a request was made by a page of this console. For forms that
//! nobody is signed in for yet and that therefore have no word to check (sign-in, first password).

use http::{HeaderMap, header};

use crate::error::ApiError;

/// Refuses what a browser marks as another site's (`Sec-Fetch-Site`, or `Origin` in older ones).
/// A client that is no browser sends neither, and nobody else's cookies either.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_own(headers) {
        return Ok(());
    }
    Err(ApiError::Denied(
        "other_site",
        "the form was sent by another site's page: open the console itself and try again"
            .to_owned(),
    ))
}

fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers
        .get(header::HOST)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    origin.as_bytes().strip_prefix(b"https://") == Some(host)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn requests_that_a_browser_marks_as_another_sites_are_refused() {
        for (headers, own) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (
                &[
                    ("origin", "https://fleet.example:8443"),
                    ("host", "fleet.example:8443"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "https://evil.example"),
                    ("host", "fleet.example:8443"),
                ],
                false,
            ),
            (&[("origin", "null"), ("host", "fleet.example:8443")], false),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect();
            assert_eq!(is_own(&map), own, "{headers:?}");
        }
    }
}
