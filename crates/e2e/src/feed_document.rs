//! The Atom documents of a NuGet v2 feed, shaped as those of the Chocolatey community repository:
//! entries without `d:Id`, the id is the Atom title.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA512, digest};

use crate::msi::escape;
use crate::nupkg::Nupkg;
use crate::odata_filter::Value;

/// When every package of the feed was published: a fixed moment, so that answers never differ.
const PUBLISHED: &str = "2026-01-15T12:00:00.0";
/// The day by which the community feed says 'unlisted'.
const UNLISTED: &str = "1900-01-01T00:00:00";

/// A package in the feed.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) package: Nupkg,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: String,
    pub(crate) listed: bool,
    pub(crate) latest: bool,
}

impl Offered {
    pub(crate) fn new(package: Nupkg, bytes: Vec<u8>, listed: bool) -> Self {
        let hash = BASE64.encode(digest(&SHA512, &bytes));
        Self {
            package,
            bytes,
            hash,
            listed,
            latest: false,
        }
    }

    fn published(&self) -> &'static str {
        if self.listed { PUBLISHED } else { UNLISTED }
    }

    /// A property as `$filter` and `$orderby` see it. They know the id, though entries lack it.
    pub(crate) fn property(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Id" => Value::Text(self.package.id.clone()),
            "Version" => Value::Text(self.package.version.clone()),
            "Title" => Value::Text(self.package.title.clone()),
            "Published" | "Created" | "LastUpdated" => Value::Text(self.published().to_owned()),
            "IsLatestVersion" | "IsAbsoluteLatestVersion" => Value::Bool(self.latest),
            "IsPrerelease" => Value::Bool(self.package.version.contains('-')),
            "IsApproved" => Value::Bool(self.listed),
            "DownloadCount" => Value::Number(0.0),
            _ => return None,
        })
    }

    fn entry(&self, base: &str, namespaces: &str) -> String {
        let Self {
            package,
            bytes,
            hash,
            listed,
            latest,
        } = self;
        let [id, version, title, authors] = [
            &package.id,
            &package.version,
            &package.title,
            &package.authors,
        ]
        .map(|t| escape(t));
        let place = format!(
            "Packages(Id='{}',Version='{version}')",
            id.replace('\'', "''")
        );
        let mut dependencies = Vec::new();
        for (id, range) in &package.dependencies {
            dependencies.push(format!("{}:{}:", escape(id), escape(range)));
        }
        let (published, dependencies) = (self.published(), dependencies.join("|"));
        let prerelease = version.contains('-');
        let size = bytes.len();
        let status = if *listed { "Approved" } else { "Submitted" };
        format!(
            r#"  <entry{namespaces}>
    <id>{base}{place}</id>
    <title type="text">{id}</title>
    <summary type="text">Package made by a test.</summary>
    <updated>2026-01-15T12:00:00Z</updated>
    <author>
      <name>{authors}</name>
    </author>
    <link rel="edit-media" title="V2FeedPackage" href="{place}/$value" />
    <link rel="edit" title="V2FeedPackage" href="{place}" />
    <category term="CCR.Website.V2FeedPackage" scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
    <content type="application/zip" src="{base}package/{id}/{version}" />
    <m:properties xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices">
      <d:Version>{version}</d:Version>
      <d:Title>{title}</d:Title>
      <d:Description>Package made by a test.</d:Description>
      <d:Tags>test</d:Tags>
      <d:Copyright m:null="true"></d:Copyright>
      <d:Created m:type="Edm.DateTime">{PUBLISHED}</d:Created>
      <d:Dependencies>{dependencies}</d:Dependencies>
      <d:DownloadCount m:type="Edm.Int32">0</d:DownloadCount>
      <d:VersionDownloadCount m:type="Edm.Int32">0</d:VersionDownloadCount>
      <d:IsLatestVersion m:type="Edm.Boolean">{latest}</d:IsLatestVersion>
      <d:IsAbsoluteLatestVersion m:type="Edm.Boolean">{latest}</d:IsAbsoluteLatestVersion>
      <d:IsPrerelease m:type="Edm.Boolean">{prerelease}</d:IsPrerelease>
      <d:Language m:null="true"></d:Language>
      <d:Published m:type="Edm.DateTime">{published}</d:Published>
      <d:RequireLicenseAcceptance m:type="Edm.Boolean">false</d:RequireLicenseAcceptance>
      <d:PackageHash>{hash}</d:PackageHash>
      <d:PackageHashAlgorithm>SHA512</d:PackageHashAlgorithm>
      <d:PackageSize m:type="Edm.Int64">{size}</d:PackageSize>
      <d:IsApproved m:type="Edm.Boolean">{listed}</d:IsApproved>
      <d:PackageStatus>{status}</d:PackageStatus>
    </m:properties>
  </entry>
"#
        )
    }
}

fn namespaces(base: &str) -> String {
    format!(
        concat!(
            r#" xml:base="{}" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices""#,
            r#" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata""#,
            r#" xmlns="http://www.w3.org/2005/Atom""#
        ),
        base
    )
}

/// The document of one package.
pub(crate) fn entry_document(base: &str, package: &Offered) -> String {
    let declaration = r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>"#;
    format!("{declaration}\n{}", package.entry(base, &namespaces(base)))
}

/// A page of packages. `collection` is the answered function's name, `next` the next page's address.
pub(crate) fn feed_document(
    base: &str,
    collection: &str,
    packages: &[&Offered],
    next: Option<&str>,
) -> String {
    let mut text = format!(
        r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<feed{}>
  <title type="text">{collection}</title>
  <id>{base}{collection}</id>
  <updated>2026-01-15T12:00:00Z</updated>
  <link rel="self" title="{collection}" href="{collection}" />
"#,
        namespaces(base)
    );
    for package in packages {
        text.push_str(&package.entry(base, ""));
    }
    if let Some(next) = next {
        let _ = writeln!(text, r#"  <link rel="next" href="{}" />"#, escape(next));
    }
    text + "</feed>\n"
}

/// The service document, the answer to the feed's own address.
pub(crate) fn service_document(base: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<service xml:base="{base}" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:app="http://www.w3.org/2007/app" xmlns="http://www.w3.org/2007/app">
  <workspace>
    <atom:title>Default</atom:title>
    <collection href="Packages">
      <atom:title>Packages</atom:title>
    </collection>
  </workspace>
</service>
"#
    )
}

/// The body of an error.
pub(crate) fn error_document(message: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <code></code>
  <message xml:lang="en-US">{}</message>
</error>
"#,
        escape(message)
    )
}
