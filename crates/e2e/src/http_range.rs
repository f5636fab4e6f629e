//! Serving a part of a file, as a client that resumes a download asks for it (RFC 9110, section 14).

use crate::http_site::{Request, Response};

/// A file, or the part of it that the request's `Range` names.
pub(crate) fn ranged_file(
    request: &Request,
    content_type: &'static str,
    content: &[u8],
) -> Response {
    let accepts = ("Accept-Ranges".to_owned(), "bytes".to_owned());
    let Some(range) = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="))
    else {
        let mut response = Response::new(200, content_type, content);
        response.headers.push(accepts);
        return response;
    };
    let length = content.len();
    let bounds = match range.split_once('-') {
        Some(("", last)) => last
            .parse::<usize>()
            .ok()
            .map(|n| (length.saturating_sub(n), length)),
        Some((first, "")) => first.parse().ok().map(|first| (first, length)),
        Some((first, last)) => first
            .parse()
            .ok()
            .zip(last.parse::<usize>().ok())
            .map(|(first, last)| (first, last.saturating_add(1).min(length))),
        None => None,
    };
    let part = bounds
        .filter(|(start, end)| start < end)
        .and_then(|(start, end)| {
            Some((
                content.get(start..end)?,
                format!("bytes {start}-{}/{length}", end - 1),
            ))
        });
    let (mut response, described) = match part {
        Some((part, described)) => (Response::new(206, content_type, part), described),
        None => (
            Response::new(416, "text/plain", ""),
            format!("bytes */{length}"),
        ),
    };
    response
        .headers
        .extend([accepts, ("Content-Range".to_owned(), described)]);
    response
}
