//! Whether two locations are one source: pure.

use fleetmend_model::SourceId;
use fleetmend_store::sources::{Source, SourceKind};
use reqwest::Url;

use crate::error::ApiError;

/// Refuses a location that another source than `itself` has, in whatever spelling.
pub fn refuse_same(
    all: &[Source],
    kind: SourceKind,
    location: &str,
    itself: Option<SourceId>,
) -> Result<(), ApiError> {
    let place = place(kind, location);
    let same = all.iter().find(|it| {
        let is_other = it.kind == kind && Some(it.id) != itself;
        is_other && self::place(kind, &it.settings.location) == place
    });
    let Some(same) = same else { return Ok(()) };
    let what = match kind {
        SourceKind::Folder => "folder",
        SourceKind::Feed | SourceKind::Own | SourceKind::Imported => "feed",
    };
    Err(ApiError::Conflict(format!(
        "source {}, '{}', at {} is the same {what} as '{location}' already: change that one",
        same.id, same.settings.name, same.settings.location
    )))
}

/// What all spellings of a location have in common: letter case of a host, a protocol's own port, and
/// slashes at the end say nothing.
fn place(kind: SourceKind, location: &str) -> String {
    match (kind, Url::parse(location)) {
        (SourceKind::Feed, Ok(url)) => url.as_str().trim_end_matches('/').to_owned(),
        (SourceKind::Folder, _) => std::path::Path::new(location)
            .components()
            .collect::<std::path::PathBuf>()
            .display()
            .to_string(),
        _ => location.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_one_place_however_it_is_spelled() {
        for (kind, one, other, is_same) in [
            (
                SourceKind::Feed,
                "https://a.example/api/v2",
                "https://a.example/api/v2/",
                true,
            ),
            (
                SourceKind::Feed,
                "https://a.example/api/v2",
                "https://a.example/api/v2//",
                true,
            ),
            (
                SourceKind::Feed,
                "https://a.example/api/v2/",
                "https://A.Example:443/api/v2",
                true,
            ),
            (
                SourceKind::Feed,
                "http://a.example:80",
                "http://a.example/",
                true,
            ),
            (
                SourceKind::Feed,
                "https://a.example/x/../api/v2",
                "https://a.example/api/v2",
                true,
            ),
            (
                SourceKind::Feed,
                "https://a.example/api/v2",
                "http://a.example/api/v2",
                false,
            ),
            (
                SourceKind::Feed,
                "https://a.example/api/v2",
                "https://a.example/API/v2",
                false,
            ),
            (
                SourceKind::Feed,
                "https://a.example/api/v2",
                "https://a.example:8443/api/v2",
                false,
            ),
            (
                SourceKind::Feed,
                "https://a.example/one/",
                "https://a.example/two/",
                false,
            ),
            (SourceKind::Folder, "/srv/packages", "/srv//packages/", true),
            (SourceKind::Folder, "/srv/packages", "/srv/./packages", true),
            (SourceKind::Folder, "/srv/packages", "/srv/Packages", false),
            (SourceKind::Imported, "import:a", "import:a/", false),
        ] {
            assert_eq!(
                place(kind, one) == place(kind, other),
                is_same,
                "{one} {other}"
            );
        }
    }
}
