//! The manifest inside of a nupkg.

use fleetmend_versions::nuget::Version;
use quick_xml::events::BytesStart;
use thiserror::Error;

use crate::dependency::Dependency;
use crate::odata::{cut, is_package_id};
use crate::xml::{self, XmlError, XmlReader};

/// The largest manifest read, in bytes.
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;

/// The most dependencies taken.
pub const MAX_DEPENDENCIES: usize = 2_000;

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NuspecError {
    /// No XML, or XML that is refused.
    #[error("the nuspec cannot be read: {0}")]
    Xml(#[from] XmlError),
    /// XML of another kind.
    #[error("the nuspec's root element is <{root}>, not <package>")]
    OtherDocument {
        /// The root element's name.
        root: String,
    },
    /// A required element is absent or empty.
    #[error("the nuspec has no <{0}>")]
    Missing(&'static str),
    /// The id breaks NuGet's rule.
    #[error("the nuspec's id {0:?} is not a package id")]
    BadId(String),
    /// The version cannot be read.
    #[error("the nuspec's version: {0}")]
    BadVersion(String),
    /// More dependencies than [`MAX_DEPENDENCIES`].
    #[error("the nuspec has more than {MAX_DEPENDENCIES} dependencies")]
    TooManyDependencies,
}

/// A package's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nuspec {
    /// Package id, as written.
    pub id: String,
    /// Version, as written.
    pub version: String,
    /// The version, parsed and normalised.
    pub normalised: Version,
    /// Title for people.
    pub title: Option<String>,
    /// Authors as one text.
    pub authors: Option<String>,
    /// Owners of the package as one text.
    pub owners: Option<String>,
    /// Short description.
    pub summary: Option<String>,
    /// Description, Markdown.
    pub description: Option<String>,
    /// Home page of the software.
    pub project_url: Option<String>,
    /// Icon.
    pub icon_url: Option<String>,
    /// Licence of the software.
    pub license_url: Option<String>,
    /// Source code of the software.
    pub project_source_url: Option<String>,
    /// Source of the package.
    pub package_source_url: Option<String>,
    /// Documentation of the software.
    pub docs_url: Option<String>,
    /// Where people talk about the software.
    pub mailing_list_url: Option<String>,
    /// Where faults of the software are told.
    pub bug_tracker_url: Option<String>,
    /// Copyright notice.
    pub copyright: Option<String>,
    /// Whether whoever installs it must accept a licence.
    pub requires_license_acceptance: bool,
    /// Release notes, text or address.
    pub release_notes: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// Reads a nuspec of any schema version (element names alone decide, as in NuGet).
pub fn parse_nuspec(bytes: &[u8]) -> Result<Nuspec, NuspecError> {
    let text = xml::document(bytes, MAX_DOCUMENT)?;
    let mut reader = XmlReader::new(&text);
    let root = reader.root()?;
    let root = xml::local_name(&root);
    if root != "package" {
        return Err(NuspecError::OtherDocument { root: cut(root) });
    }
    let mut raw = Raw::default();
    while let Some(start) = reader.child()? {
        match xml::local_name(&start) {
            "metadata" => raw.read(&mut reader)?,
            _ => reader.skip()?,
        }
    }
    reader.finish()?;
    raw.into_nuspec()
}

#[derive(Default)]
struct Raw {
    id: Option<String>,
    version: Option<String>,
    title: Option<String>,
    authors: Option<String>,
    owners: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    project_url: Option<String>,
    icon_url: Option<String>,
    license_url: Option<String>,
    project_source_url: Option<String>,
    package_source_url: Option<String>,
    docs_url: Option<String>,
    mailing_list_url: Option<String>,
    bug_tracker_url: Option<String>,
    copyright: Option<String>,
    requires_license_acceptance: Option<String>,
    release_notes: Option<String>,
    tags: Option<String>,
    dependencies: Vec<Dependency>,
}

impl Raw {
    fn read(&mut self, reader: &mut XmlReader<'_>) -> Result<(), NuspecError> {
        while let Some(start) = reader.child()? {
            let slot = match xml::local_name(&start) {
                "id" => &mut self.id,
                "version" => &mut self.version,
                "title" => &mut self.title,
                "authors" => &mut self.authors,
                "owners" => &mut self.owners,
                "summary" => &mut self.summary,
                "description" => &mut self.description,
                "projectUrl" => &mut self.project_url,
                "iconUrl" => &mut self.icon_url,
                "licenseUrl" => &mut self.license_url,
                "projectSourceUrl" => &mut self.project_source_url,
                "packageSourceUrl" => &mut self.package_source_url,
                "docsUrl" => &mut self.docs_url,
                "mailingListUrl" => &mut self.mailing_list_url,
                "bugTrackerUrl" => &mut self.bug_tracker_url,
                "copyright" => &mut self.copyright,
                "requireLicenseAcceptance" => &mut self.requires_license_acceptance,
                "releaseNotes" => &mut self.release_notes,
                "tags" => &mut self.tags,
                "dependencies" => {
                    self.read_dependencies(reader)?;
                    continue;
                }
                _ => {
                    reader.skip()?;
                    continue;
                }
            };
            let text = reader.read_text()?;
            let text = text.trim();
            *slot = (!text.is_empty()).then(|| text.to_owned());
        }
        Ok(())
    }

    fn read_dependencies(&mut self, reader: &mut XmlReader<'_>) -> Result<(), NuspecError> {
        while let Some(start) = reader.child()? {
            if xml::local_name(&start) != "group" {
                self.read_dependency(reader, &start, None)?;
                continue;
            }
            let framework = xml::attribute(&start, "targetFramework");
            while let Some(start) = reader.child()? {
                self.read_dependency(reader, &start, framework.as_deref())?;
            }
        }
        Ok(())
    }

    fn read_dependency(
        &mut self,
        reader: &mut XmlReader<'_>,
        start: &BytesStart<'_>,
        framework: Option<&str>,
    ) -> Result<(), NuspecError> {
        let id = xml::attribute(start, "id").filter(|id| !id.trim().is_empty());
        if let Some(id) = id.filter(|_| xml::local_name(start) == "dependency") {
            if self.dependencies.len() >= MAX_DEPENDENCIES {
                return Err(NuspecError::TooManyDependencies);
            }
            self.dependencies.push(Dependency {
                id: id.trim().to_owned(),
                range: xml::attribute(start, "version")
                    .map(|range| range.trim().to_owned())
                    .filter(|range| !range.is_empty()),
                target_framework: framework.map(str::to_owned),
            });
        }
        Ok(reader.skip()?)
    }

    fn into_nuspec(self) -> Result<Nuspec, NuspecError> {
        let id = self.id.ok_or(NuspecError::Missing("id"))?;
        if !is_package_id(&id) {
            return Err(NuspecError::BadId(cut(&id)));
        }
        let version = self.version.ok_or(NuspecError::Missing("version"))?;
        let normalised = Version::parse_any(&version)
            .map_err(|error| NuspecError::BadVersion(error.to_string()))?;
        Ok(Nuspec {
            id,
            version,
            normalised,
            title: self.title,
            authors: self.authors,
            owners: self.owners,
            summary: self.summary,
            description: self.description,
            project_url: self.project_url,
            icon_url: self.icon_url,
            license_url: self.license_url,
            project_source_url: self.project_source_url,
            package_source_url: self.package_source_url,
            docs_url: self.docs_url,
            mailing_list_url: self.mailing_list_url,
            bug_tracker_url: self.bug_tracker_url,
            copyright: self.copyright,
            requires_license_acceptance: self
                .requires_license_acceptance
                .is_some_and(|it| it.eq_ignore_ascii_case("true")),
            release_notes: self.release_notes,
            tags: self
                .tags
                .iter()
                .flat_map(|tags| tags.split_whitespace())
                .map(str::to_owned)
                .collect(),
            dependencies: self.dependencies,
        })
    }
}
