//! The documents around entries.

use std::fmt::Write as _;

use super::entry::{Entry, Latest, escape};

const XML: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
const NAMESPACES: &str = "xmlns=\"http://www.w3.org/2005/Atom\" \
     xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" \
     xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"";

/// The service document of a feed at `base`, which ends in `/`.
pub fn service(base: &str) -> String {
    format!(
        "{XML}<service xml:base=\"{}\" xmlns=\"http://www.w3.org/2007/app\" \
         xmlns:atom=\"http://www.w3.org/2005/Atom\"><workspace>\
         <atom:title>Default</atom:title><collection href=\"Packages\">\
         <atom:title>Packages</atom:title></collection></workspace></service>",
        escape(base)
    )
}

/// The error document of `OData`.
pub fn error(message: &str) -> String {
    format!(
        "{XML}<error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
         <code></code><message xml:lang=\"en-US\">{}</message></error>",
        escape(message)
    )
}

/// One property of an entry.
pub(super) fn property(name: &str, value: &str) -> String {
    format!(
        "{XML}<{name} xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices\">{}</{name}>",
        escape(value)
    )
}

pub(super) fn single(entry: &Entry, base: &str) -> String {
    let base = escape(base);
    let mut out = String::with_capacity(entry.length(&base) + 512);
    out.push_str(XML);
    out.push_str("<entry xml:base=\"");
    out.push_str(&base);
    out.push_str("\" ");
    out.push_str(NAMESPACES);
    out.push('>');
    entry.write(&mut out, &base, entry.latest[1]);
    out.push_str("</entry>");
    out
}

pub(super) fn feed<'a>(
    name: &str,
    entries: impl Iterator<Item = (&'a Entry, Latest)> + Clone,
    total: Option<usize>,
    next: Option<String>,
    base: &str,
    now: &str,
) -> String {
    let base = escape(base);
    let length: usize = entries
        .clone()
        .map(|(it, _)| it.length(&base) + "<entry></entry>".len())
        .sum();
    let mut out = String::with_capacity(length + 1024 + 4 * base.len());
    for part in [
        XML,
        "<feed xml:base=\"",
        &base,
        "\" ",
        NAMESPACES,
        "><title type=\"text\">",
        name,
        "</title><id>",
        &base,
        name,
        "</id><updated>",
        now,
        "Z</updated><link rel=\"self\" title=\"",
        name,
        "\" href=\"",
        name,
        "\" />",
    ] {
        out.push_str(part);
    }
    if let Some(total) = total {
        out.push_str("<m:count>");
        out.push_str(&total.to_string());
        out.push_str("</m:count>");
    }
    for (entry, latest) in entries {
        out.push_str("<entry>");
        entry.write(&mut out, &base, latest);
        out.push_str("</entry>");
    }
    if let Some(next) = next {
        out.push_str("<link rel=\"next\" href=\"");
        out.push_str(&base);
        out.push_str(&escape(&next));
        out.push_str("\" />");
    }
    out.push_str("</feed>");
    out
}

/// `$metadata`: the entity type and the functions, as clients of the first generation read them
/// before anything else.
pub fn metadata() -> String {
    let mut properties = String::new();
    for (name, kind, nullable) in PROPERTIES {
        let _ = write!(
            properties,
            "<Property Name=\"{name}\" Type=\"Edm.{kind}\" Nullable=\"{nullable}\" />"
        );
    }
    let mut functions = String::new();
    for (name, parameters) in FUNCTIONS {
        let _ = write!(
            functions,
            "<FunctionImport Name=\"{name}\" \
             ReturnType=\"Collection(NuGetGallery.V2FeedPackage)\" EntitySet=\"Packages\" \
             m:HttpMethod=\"GET\">"
        );
        for (name, kind) in *parameters {
            let _ = write!(
                functions,
                "<Parameter Name=\"{name}\" Type=\"Edm.{kind}\" Mode=\"In\" />"
            );
        }
        functions.push_str("</FunctionImport>");
    }
    format!(
        "{XML}<edmx:Edmx Version=\"1.0\" \
         xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\">\
         <edmx:DataServices m:DataServiceVersion=\"2.0\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
         <Schema Namespace=\"NuGetGallery\" \
         xmlns=\"http://schemas.microsoft.com/ado/2006/04/edm\">\
         <EntityType Name=\"V2FeedPackage\" m:HasStream=\"true\">\
         <Key><PropertyRef Name=\"Id\" /><PropertyRef Name=\"Version\" /></Key>\
         {properties}</EntityType>\
         <EntityContainer Name=\"FeedContext\" m:IsDefaultEntityContainer=\"true\">\
         <EntitySet Name=\"Packages\" EntityType=\"NuGetGallery.V2FeedPackage\" />\
         {functions}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
    )
}

const PROPERTIES: &[(&str, &str, bool)] = &[
    ("Id", "String", false),
    ("Version", "String", false),
    ("NormalizedVersion", "String", true),
    ("Title", "String", true),
    ("Authors", "String", true),
    ("Owners", "String", true),
    ("Summary", "String", true),
    ("Description", "String", true),
    ("Copyright", "String", true),
    ("ProjectUrl", "String", true),
    ("IconUrl", "String", true),
    ("LicenseUrl", "String", true),
    ("ProjectSourceUrl", "String", true),
    ("PackageSourceUrl", "String", true),
    ("DocsUrl", "String", true),
    ("MailingListUrl", "String", true),
    ("BugTrackerUrl", "String", true),
    ("ReleaseNotes", "String", true),
    ("Dependencies", "String", true),
    ("PackageHash", "String", true),
    ("PackageHashAlgorithm", "String", true),
    ("PackageSize", "Int64", false),
    ("PackageStatus", "String", true),
    ("PackageTestResultStatus", "String", true),
    ("DownloadCacheStatus", "String", true),
    ("Tags", "String", true),
    ("Created", "DateTime", false),
    ("LastUpdated", "DateTime", false),
    ("PackageApprovedDate", "DateTime", true),
    ("Published", "DateTime", true),
    ("IsLatestVersion", "Boolean", false),
    ("IsAbsoluteLatestVersion", "Boolean", false),
    ("IsPrerelease", "Boolean", false),
    ("Listed", "Boolean", false),
    ("IsApproved", "Boolean", false),
    ("IsDownloadCacheAvailable", "Boolean", false),
    ("RequireLicenseAcceptance", "Boolean", false),
    ("DownloadCount", "Int32", false),
    ("VersionDownloadCount", "Int32", false),
];

type Parameters = &'static [(&'static str, &'static str)];

const FUNCTIONS: &[(&str, Parameters)] = &[
    (
        "Search",
        &[
            ("searchTerm", "String"),
            ("targetFramework", "String"),
            ("includePrerelease", "Boolean"),
        ],
    ),
    ("FindPackagesById", &[("id", "String")]),
    (
        "GetUpdates",
        &[
            ("packageIds", "String"),
            ("versions", "String"),
            ("includePrerelease", "Boolean"),
            ("includeAllVersions", "Boolean"),
            ("targetFrameworks", "String"),
            ("versionConstraints", "String"),
        ],
    ),
];
