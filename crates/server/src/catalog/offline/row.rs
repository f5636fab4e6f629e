//! The lines of an export: package versions, and the addresses of installers.

use fleetmend_model::SourceId;
use fleetmend_model::recipe::Checksum;
use fleetmend_store::blobs::is_digest;
use fleetmend_store::fetched_files::{FetchedFile, LONGEST_ADDRESS, named};
use fleetmend_store::packages::{NewPackage, Package};
use fleetmend_versions::nuget::Version;
use serde::{Deserialize, Serialize};

/// The longest id of a package, in characters.
const LONGEST_ID: usize = 200;
/// The longest texts that are shown in lists, in characters.
const LONGEST_TEXT: usize = 10_000;

/// A package version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRow {
    /// The package's id as the source writes it.
    pub id: String,
    /// The version as the source writes it.
    pub version: String,
    /// The version's normalized text.
    pub normalized: String,
    /// Whether it is a prerelease.
    pub prerelease: bool,
    /// What a person calls it.
    pub title: String,
    /// Its software's authors.
    pub authors: String,
    /// Its software's home page; empty where there is none.
    pub project_url: String,
    /// Everything else that the source says, JSON.
    pub metadata: String,
    /// Where the source has the nupkg.
    pub location: String,
    /// The nupkg's digest as the source names it (`SHA512:…`, hexadecimal), where it does.
    pub hash: Option<String>,
    /// The SHA-256 of the nupkg, where the exporting server, or a folder that it reads, had it.
    pub sha256: Option<String>,
    /// Whether the source lists it.
    pub listed: bool,
    /// Why it is in quarantine on the exporting server.
    pub quarantine: Option<String>,
}

impl PackageRow {
    /// A version as it is known here.
    pub fn of(it: Package) -> Self {
        Self {
            id: it.shown_id,
            version: it.version,
            normalized: it.normalized,
            prerelease: it.prerelease,
            title: it.title,
            authors: it.authors,
            project_url: it.project_url,
            metadata: it.metadata,
            location: it.content_location,
            hash: it.content_hash,
            sha256: it.content_sha256,
            listed: it.listed,
            quarantine: it.quarantine.map(|(_, cause)| cause),
        }
    }

    /// What the lines are ordered by, and none has twice.
    pub fn key(&self) -> (String, &str) {
        (self.id.to_lowercase(), &self.normalized)
    }

    /// What is wrong with it, if something is.
    pub fn fault(&self) -> Option<String> {
        let is_id = !self.id.trim().is_empty() && self.id.chars().count() <= LONGEST_ID;
        if !is_id || self.id.chars().any(char::is_control) {
            return Some(format!("'{}' is no id of a package", self.id));
        }
        if parsed(&self.version).as_deref() != Some(&self.normalized) {
            let Self {
                version,
                normalized,
                ..
            } = self;
            return Some(format!(
                "'{normalized}' is not the version '{version}' normalised"
            ));
        }
        for (field, text) in [
            ("title", &self.title),
            ("authors", &self.authors),
            ("project_url", &self.project_url),
            ("quarantine", self.quarantine.as_ref().unwrap_or(&self.id)),
        ] {
            if text.chars().count() > LONGEST_TEXT {
                return Some(format!(
                    "'{field}' is longer than {LONGEST_TEXT} characters"
                ));
            }
        }
        if self.location.is_empty() || self.location.len() > LONGEST_ADDRESS {
            return Some("'location' is empty or too long".to_owned());
        }
        if serde_json::from_str::<serde_json::Map<_, _>>(&self.metadata).is_err() {
            return Some("'metadata' is no JSON object".to_owned());
        }
        if self.hash.is_some() && self.checksum().is_none() {
            return Some("'hash' is no digest".to_owned());
        }
        let is_right = self.sha256.as_deref().is_none_or(is_digest);
        (!is_right).then(|| "'sha256' is no SHA-256".to_owned())
    }

    /// The digest that the source names for the nupkg.
    fn checksum(&self) -> Option<Checksum> {
        digest(self.hash.as_deref()?).filter(|it| !it.hex.is_empty())
    }

    /// Which file stood where the source has the nupkg, where the exporting server had it.
    pub fn nupkg(&self) -> Option<FetchedFile> {
        Some(FetchedFile {
            address: self.location.clone(),
            named: named(self.checksum().as_ref()),
            sha256: self.sha256.clone()?,
        })
    }

    /// For the catalog.
    pub fn package(self, source: SourceId) -> NewPackage {
        NewPackage {
            source,
            id: self.id,
            version: self.version,
            normalized: self.normalized,
            prerelease: self.prerelease,
            title: self.title,
            authors: self.authors,
            project_url: self.project_url,
            metadata: self.metadata,
            content_location: self.location,
            content_hash: self.hash,
            listed: self.listed,
        }
    }
}

/// A version, normalised.
fn parsed(version: &str) -> Option<String> {
    Some(Version::parse_any(version).ok()?.to_string())
}

/// A digest, as [`named`] writes it: the database keeps it as a part of a key.
fn digest(text: &str) -> Option<Checksum> {
    let (algorithm, hex) = text.split_once(':')?;
    let is_algorithm =
        algorithm.len() <= 16 && algorithm.bytes().all(|it| it.is_ascii_alphanumeric());
    let is_hex = hex.len() <= 128 && hex.bytes().all(|it| it.is_ascii_hexdigit());
    (is_algorithm && is_hex).then(|| Checksum {
        algorithm: algorithm.to_lowercase(),
        hex: hex.to_owned(),
    })
}

/// Which file stood behind the address of an installer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressRow {
    /// The address, without any name and password.
    pub address: String,
    /// The digest that the package names for it: `sha256:…`; empty where it names none.
    pub named: String,
    /// The file's SHA-256.
    pub sha256: String,
}

impl AddressRow {
    /// What is wrong with it, if something is.
    pub fn fault(&self) -> Option<String> {
        if self.address.is_empty() || self.address.len() > LONGEST_ADDRESS {
            return Some("'address' is empty or too long".to_owned());
        }
        if !self.named.is_empty() && digest(&self.named).is_none() {
            return Some("'named' is no digest".to_owned());
        }
        (!is_digest(&self.sha256)).then(|| "'sha256' is no SHA-256".to_owned())
    }
}

impl From<AddressRow> for FetchedFile {
    fn from(it: AddressRow) -> Self {
        Self {
            address: it.address,
            named: it.named,
            sha256: it.sha256,
        }
    }
}
