//! How the rest of a file is asked for of which a part is here, and what an answer to that is.
//!
//! Source: RFC 9110, sections 13.1.5 (`If-Range`), 14.2 to 14.4 (`Range`, `Content-Range`) and 15.5.17
//! (status 416).

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::fetch::validator;

/// What is noted of a file while a part of it is here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A strong `ETag`, or `Last-Modified`, as it came: what says that the rest is of the same file.
    pub validator: Option<String>,
    /// The length of the whole, in bytes, if it was said.
    pub total: Option<u64>,
    /// The most bytes of it that were here at a time: what counts as a step ahead goes beyond them.
    #[serde(default)]
    pub most: u64,
}

impl Note {
    /// Of an answer that brings the whole file.
    pub fn of(headers: &HeaderMap) -> Self {
        let header = |name| validator(headers, name);
        // A weak one (`W/"…"`) says nothing about single bytes.
        let etag = header(header::ETAG).filter(|it: &String| it.starts_with('"'));
        Self {
            validator: etag.or_else(|| header(header::LAST_MODIFIED)),
            total: header(header::CONTENT_LENGTH).and_then(|it| it.parse().ok()),
            most: 0,
        }
    }

    /// As text, for the disk.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From text; what cannot be read says nothing.
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// What is asked with, where so many bytes are here.
pub fn headers(have: u64, note: &Note) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if have == 0 {
        return headers;
    }
    if let Ok(range) = HeaderValue::from_str(&format!("bytes={have}-")) {
        headers.insert(header::RANGE, range);
    }
    let validator = note.validator.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(validator)) = validator {
        headers.insert(header::IF_RANGE, validator);
    }
    headers
}

/// What an answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// The whole file, from its beginning.
    Whole,
    /// The rest, from where the part ends.
    Rest,
    /// Nothing: the part is the whole.
    Nothing,
    /// Nothing that fits: it must be asked for from the beginning.
    Unfit,
}

/// What an answer brings, where so many bytes are here.
pub fn brings(status: StatusCode, headers: &HeaderMap, have: u64) -> Brings {
    let range = headers
        .get(header::CONTENT_RANGE)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.trim().strip_prefix("bytes "));
    match (status, range) {
        (StatusCode::PARTIAL_CONTENT, Some(range)) => match first_of(range) {
            Some(first) if first == have => Brings::Rest,
            _ => Brings::Unfit,
        },
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(range)) => match range.strip_prefix("*/") {
            Some(total) if total.parse() == Ok(have) => Brings::Nothing,
            _ => Brings::Unfit,
        },
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, None) => Brings::Unfit,
        _ => Brings::Whole,
    }
}

/// Of `5-9/10`: 5.
fn first_of(range: &str) -> Option<u64> {
    let (bounds, _) = range.split_once('/')?;
    let (first, last) = bounds.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_rest_is_asked_for_with_what_says_that_it_is_of_the_same_file() {
        const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";
        for (etag, modified, if_range) in [
            (Some("\"a\""), Some(DATE), Some("\"a\"")),
            (Some("W/\"a\""), Some(DATE), Some(DATE)),
            (Some("W/\"a\""), None, None),
            (None, Some(DATE), Some(DATE)),
            (None, None, None),
        ] {
            let mut pairs = vec![(header::CONTENT_LENGTH, "10")];
            pairs.extend(etag.map(|it| (header::ETAG, it)));
            pairs.extend(modified.map(|it| (header::LAST_MODIFIED, it)));
            let note = Note::from_text(&Note::of(&map(&pairs)).to_text());
            assert_eq!(note.total, Some(10));
            let asked = headers(5, &note);
            assert_eq!(asked[header::RANGE], "bytes=5-");
            let found = asked.get(header::IF_RANGE).map(|it| it.to_str().unwrap());
            assert_eq!(found, if_range, "{etag:?} {modified:?}");
            assert!(headers(0, &note).is_empty());
        }
        assert_eq!(Note::from_text("nonsense"), Note::default());
    }

    #[test]
    fn only_a_rest_that_begins_where_the_part_ends_is_put_behind_it() {
        use Brings::{Nothing, Rest, Unfit, Whole};
        for (status, range, expected) in [
            (200, None, Whole),
            (200, Some("bytes 5-9/10"), Whole),
            (206, Some("bytes 5-9/10"), Rest),
            (206, Some("bytes 5-9/*"), Rest),
            (206, Some("bytes 0-9/10"), Unfit),
            (206, Some("bytes 6-9/10"), Unfit),
            (206, Some("bytes 5-4/10"), Unfit),
            (206, Some("bytes 5-/10"), Unfit),
            (206, Some("lines 5-9/10"), Unfit),
            (206, Some("bytes -5-9/10"), Unfit),
            (206, None, Unfit),
            (416, Some("bytes */5"), Nothing),
            (416, Some("bytes */9"), Unfit),
            (416, Some("bytes */*"), Unfit),
            (416, None, Unfit),
        ] {
            let headers = map(&range.map_or(Vec::new(), |it| vec![(header::CONTENT_RANGE, it)]));
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(brings(status, &headers, 5), expected, "{status} {range:?}");
        }
    }

    proptest! {
        #[test]
        fn a_rest_begins_where_the_part_ends_whatever_is_said(have: u64, said in "[0-9/*-]{0,30}") {
            let headers = map(&[(header::CONTENT_RANGE, &format!("bytes {said}"))]);
            let found = brings(StatusCode::PARTIAL_CONTENT, &headers, have);
            let begins = said.starts_with(&format!("{have}-"));
            prop_assert!(found == Brings::Unfit || (found == Brings::Rest && begins));
        }
    }
}
