//! The properties of an entry: what clients show of a package version, and choose by.
//!
//! Those that a package does not have are left out, which clients take like an empty one.

use std::borrow::Cow;
use std::fmt::Write as _;

use fleetmend_versions::nuget::{Dialect, Version};

use super::entry::{Item, escape};
use crate::dependency::Dependency;
use crate::nuspec::Nuspec;

/// The properties that stand before and behind the flags of the latest version.
pub(super) fn write(item: &Item, shown_version: &str, published: &str) -> [String; 2] {
    let nuspec = &item.nuspec;
    let mut out = String::new();
    let mut text = |name: &str, text: Option<&str>| {
        if let Some(text) = text {
            let _ = write!(out, "<d:{name}>{}</d:{name}>", escape(text));
        }
    };
    text("Id", Some(&nuspec.id));
    text("Version", Some(shown_version));
    text("NormalizedVersion", Some(&nuspec.normalised.to_string()));
    text("Title", Some(nuspec.title.as_ref().unwrap_or(&nuspec.id)));
    text("Authors", nuspec.authors.as_deref());
    text("Owners", nuspec.owners.as_deref());
    text("Summary", nuspec.summary.as_deref());
    text(
        "Description",
        Some(nuspec.description.as_deref().unwrap_or_default()),
    );
    text("Copyright", nuspec.copyright.as_deref());
    for (name, url) in [
        ("ProjectUrl", &nuspec.project_url),
        ("IconUrl", &nuspec.icon_url),
        ("LicenseUrl", &nuspec.license_url),
        ("ProjectSourceUrl", &nuspec.project_source_url),
        ("PackageSourceUrl", &nuspec.package_source_url),
        ("DocsUrl", &nuspec.docs_url),
        ("MailingListUrl", &nuspec.mailing_list_url),
        ("BugTrackerUrl", &nuspec.bug_tracker_url),
    ] {
        text(name, url.as_deref().filter(|url| is_address(url)));
    }
    text("ReleaseNotes", nuspec.release_notes.as_deref());
    text("Dependencies", Some(&dependencies(&nuspec.dependencies)));
    text("PackageHash", Some(&item.sha512));
    text("PackageHashAlgorithm", Some("SHA512"));
    text("PackageStatus", Some("Approved"));
    // Nobody tested it; clients tell `Unknown` from a failure and say nothing of it.
    text("PackageTestResultStatus", Some("Unknown"));
    text("DownloadCacheStatus", Some("Unknown"));
    let _ = write!(
        out,
        "<d:Tags xml:space=\"preserve\"> {} </d:Tags>\
         <d:PackageSize m:type=\"Edm.Int64\">{}</d:PackageSize>",
        escape(&nuspec.tags.join(" ")),
        item.size
    );
    for (name, time) in [
        ("Created", item.created.as_str()),
        ("LastUpdated", &item.created),
        ("PackageApprovedDate", &item.created),
        ("Published", published),
    ] {
        let _ = write!(out, "<d:{name} m:type=\"Edm.DateTime\">{time}</d:{name}>");
    }
    [out, flags_and_counts(item)]
}

/// The version as the manifest writes it, or normalised where only that can be read by clients of
/// the first generation: `1`.
pub(super) fn shown_version(nuspec: &Nuspec) -> Cow<'_, str> {
    let normalised = nuspec.normalised.to_string();
    let reads = |text: &str| Version::parse_in(text, Dialect::Choco1).is_ok();
    if reads(&nuspec.version) || nuspec.version.contains('+') || !reads(&normalised) {
        return (&nuspec.version).into();
    }
    normalised.into()
}

fn flags_and_counts(item: &Item) -> String {
    let nuspec = &item.nuspec;
    let mut out = String::new();
    for (name, flag) in [
        ("IsPrerelease", nuspec.normalised.is_prerelease()),
        ("Listed", item.listed),
        ("IsApproved", true),
        ("IsDownloadCacheAvailable", false),
        (
            "RequireLicenseAcceptance",
            nuspec.requires_license_acceptance,
        ),
    ] {
        let _ = write!(out, "<d:{name} m:type=\"Edm.Boolean\">{flag}</d:{name}>");
    }
    for name in ["DownloadCount", "VersionDownloadCount"] {
        let _ = write!(out, "<d:{name} m:type=\"Edm.Int32\">0</d:{name}>");
    }
    out
}

/// `id:range:framework` joined by `|`.
fn dependencies(list: &[Dependency]) -> String {
    let parts: Vec<String> = list
        .iter()
        .map(|it| {
            let range = it.range.as_deref().unwrap_or_default();
            let framework = it.target_framework.as_deref().unwrap_or_default();
            format!("{}:{range}:{framework}", it.id)
        })
        .collect();
    parts.join("|")
}

/// Whether a text is an address that every client can read: one that it cannot makes clients of the
/// first generation give up the whole answer.
fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let is_name = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    name.starts_with(char::is_alphanumeric)
        && name.chars().all(is_name)
        && !name.contains("..")
        && port.parse::<u16>().is_ok()
        && !text.contains(char::is_whitespace)
        && !text.contains(char::is_control)
}
