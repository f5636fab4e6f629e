//! A file as an HTTP answer: whole or one range of it, with an `ETag` that is its digest.
//!
//! Rules: RFC 9110, sections 13 (conditions) and 14 (ranges). A request for several ranges is
//! answered with the whole file, and so is any of an empty one: the RFC leaves both to the server.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use http::{HeaderMap, StatusCode};
use tokio::task::JoinHandle;

/// How much of a file is read at a time, in bytes; two parts are in memory.
const PART: u64 = 256 * 1024;

/// A file to answer with. It must not change: its digest is its name.
pub struct FileAnswer {
    /// Open for reading.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
    /// Its digest, without quotes.
    pub etag: String,
    /// The media type.
    pub kind: &'static str,
}

/// What of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// The first byte, and the one behind the last.
    Part(u64, u64),
    /// A range that the file does not have.
    Nothing,
}

/// The answer.
pub fn respond(answer: FileAnswer, headers: &HeaderMap) -> io::Result<Response> {
    let FileAnswer {
        mut file,
        length,
        etag,
        kind,
    } = answer;
    let etag = format!("\"{etag}\"");
    let response = Response::builder()
        .header(ETAG, &etag)
        .header(ACCEPT_RANGES, "bytes");
    if is_known(headers, &etag) {
        return response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty())
            .map_err(io::Error::other);
    }
    // Compared strongly: nothing weak, no list and no `*` stands for these very bytes.
    let is_current = headers.get(IF_RANGE).is_none_or(|it| *it == etag);
    let range = headers.get(RANGE).filter(|_| is_current);
    let wanted = range
        .and_then(|range| range.to_str().ok())
        .map_or(Wanted::Whole, |range| wanted(range, length));
    let (start, end, response) = match wanted {
        Wanted::Whole => (0, length, response),
        Wanted::Part(start, end) => {
            let range = format!("bytes {start}-{}/{length}", end - 1);
            let response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, range);
            (start, end, response)
        }
        Wanted::Nothing => {
            return response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(CONTENT_RANGE, format!("bytes */{length}"))
                .body(Body::empty())
                .map_err(io::Error::other);
        }
    };
    file.seek(SeekFrom::Start(start))?;
    response
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_LENGTH, end - start)
        .body(parts(file, end - start))
        .map_err(io::Error::other)
}

/// The file's next bytes, read off the async threads: one part while the one before it is sent.
fn parts(file: File, length: u64) -> Body {
    let start = (Next::NotBegun(file), length);
    let parts = futures_util::stream::try_unfold(start, |(next, left)| async move {
        let reading = match next {
            Next::NotBegun(file) if left > 0 => read(file, left),
            Next::Reading(reading) => reading,
            Next::NotBegun(_) => return Ok::<_, io::Error>(None),
        };
        let (part, file) = reading.await.map_err(io::Error::other)??;
        let left = left - part.len() as u64;
        let next = if left > 0 {
            Next::Reading(read(file, left))
        } else {
            Next::NotBegun(file)
        };
        Ok(Some((part, (next, left))))
    });
    Body::from_stream(parts)
}

/// A file of which a part may be being read.
enum Next {
    NotBegun(File),
    Reading(JoinHandle<io::Result<(Vec<u8>, File)>>),
}

/// Reads the next part of a file of which so many bytes are left to send.
fn read(mut file: File, left: u64) -> JoinHandle<io::Result<(Vec<u8>, File)>> {
    tokio::task::spawn_blocking(move || {
        let mut part = Vec::with_capacity(PART.min(left) as usize);
        (&mut file).take(PART.min(left)).read_to_end(&mut part)?;
        if part.is_empty() {
            return Err(io::Error::other("the file is shorter than it was"));
        }
        Ok((part, file))
    })
}

/// Whether the client says that it has this file; compared weakly.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(',')
                .map(|it| it.trim().trim_start_matches("W/"))
                .any(|it| it == etag || it == "*")
        })
}

fn wanted(range: &str, length: u64) -> Wanted {
    if length == 0 {
        return Wanted::Whole;
    }
    let Some((from, to)) = range
        .trim()
        .strip_prefix("bytes=")
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::Whole;
    };
    let (from, to) = (from.trim(), to.trim());
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from > to => Wanted::Whole,
        (Ok(from), _) if from >= length => Wanted::Nothing,
        (Ok(from), Ok(to)) => Wanted::Part(from, to.saturating_add(1).min(length)),
        (Ok(from), Err(_)) if to.is_empty() => Wanted::Part(from, length),
        (Err(_), Ok(0)) if from.is_empty() => Wanted::Nothing,
        (Err(_), Ok(last)) if from.is_empty() => Wanted::Part(length.saturating_sub(last), length),
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_understood_as_the_rfc_says_and_what_is_not_is_the_whole_file() {
        for (range, expected) in [
            ("bytes=0-", Wanted::Part(0, 10)),
            ("bytes=3-", Wanted::Part(3, 10)),
            ("bytes=3-5", Wanted::Part(3, 6)),
            ("bytes=3-99", Wanted::Part(3, 10)),
            ("bytes=3-18446744073709551615", Wanted::Part(3, 10)),
            ("bytes=-4", Wanted::Part(6, 10)),
            ("bytes=-40", Wanted::Part(0, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-3", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        for range in ["bytes=0-", "bytes=-1", "bytes=5-"] {
            assert_eq!(wanted(range, 0), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_is_given_of_the_very_file_that_is_named_and_of_no_like_one() {
        let status = |condition: http::HeaderName, value: &str| {
            let answer = FileAnswer {
                file: tempfile::tempfile().unwrap(),
                length: 10,
                etag: "a".to_owned(),
                kind: "text/plain",
            };
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, "bytes=3-".parse().unwrap());
            headers.insert(condition, value.parse().unwrap());
            respond(answer, &headers).unwrap().status().as_u16()
        };
        for (value, expected) in [
            ("\"a\"", 206),
            ("W/\"a\"", 200),
            ("\"b\"", 200),
            ("\"b\", \"a\"", 200),
            ("*", 200),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
        ] {
            assert_eq!(status(IF_RANGE, value), expected, "{value}");
        }
        for (value, expected) in [
            ("\"a\"", 304),
            ("W/\"a\"", 304),
            ("\"b\", W/\"a\"", 304),
            ("*", 304),
            ("\"b\"", 206),
        ] {
            assert_eq!(status(IF_NONE_MATCH, value), expected, "{value}");
        }
    }
}
