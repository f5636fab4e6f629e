//! An installer inside of the package may read what lies beside it.

use fleetmend_model::recipe::FileOrigin;

use super::Package;

/// The most files that are told.
const MAX_BESIDE: usize = 20;

/// The files of the package that embedded installers may need and that are none themselves.
pub(super) fn beside(package: &Package<'_>, installers: &[FileOrigin]) -> Vec<String> {
    let embedded: Vec<String> = installers
        .iter()
        .filter_map(|origin| match origin {
            FileOrigin::Embedded { path } => Some(path.to_lowercase()),
            FileOrigin::Url { .. } => None,
        })
        .collect();
    let is_beside = |path: &&String| {
        let lower = path.to_lowercase();
        let is_beside = embedded
            .iter()
            .any(|it| !folder(it).is_empty() && folder(&lower).starts_with(folder(it)));
        is_beside && !embedded.contains(&lower) && may_be_read(&lower)
    };
    let found = package.paths.iter().filter(is_beside).take(MAX_BESIDE);
    found.cloned().collect()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether an installer may read a file with that name: not scripts, texts for people and pictures.
fn may_be_read(path: &str) -> bool {
    const NOT_READ: [&str; 19] = [
        "ps1",
        "psm1",
        "psd1",
        "ahk",
        "au3",
        "txt",
        "md",
        "ignore",
        "gui",
        "png",
        "ico",
        "jpg",
        "svg",
        "pdf",
        "rtf",
        "html",
        "url",
        "nuspec",
        "skipautouninstall",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, end)| end);
    !extension.is_empty() && !NOT_READ.contains(&extension)
}
