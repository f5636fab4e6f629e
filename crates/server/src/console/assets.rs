//! The console's own style sheet and scripts, inside the binary.
//!
//! `live.js` stands where DESIGN.md names htmx: the crates that carry htmx's bytes bring a whole
//! web framework with them, and what these pages need of it is a hundred lines.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use fleetmend_trust::digest_hex;
use http::{HeaderMap, StatusCode, header};

const ASSETS: &[(&str, &str, &str)] = &[
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/live.js"),
    ),
    (
        "setup.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/setup.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../../assets/icon.svg"),
    ),
];

/// One file. Browsers ask each time whether it changed.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, content_type, text)) = ASSETS.iter().find(|it| it.0 == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", &digest_hex(text.as_bytes())[..32]);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let about = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if known == Some(tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, *content_type)], *text).into_response()
}
