//! Chocolatey packages, built as `choco pack` builds them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Cursor, Read as _, Seek, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::msi::escape;

/// What parts the body of a push: no package holds it.
const BOUNDARY: &str = "a-boundary-that-no-package-holds";

/// A package as a push sends it: the media type and the body.
pub fn pushed(nupkg: &[u8]) -> (String, Vec<u8>) {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"package\"; \
         filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(nupkg);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
    (kind, body)
}

/// A Chocolatey package to build: a zip file as the Open Packaging Conventions want it.
#[derive(Debug, Clone)]
pub struct Nupkg {
    /// The package's id.
    pub id: String,
    /// The package's version as its author wrote it.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Its authors.
    pub authors: String,
    /// What it depends on: id and version range (may be empty).
    pub dependencies: Vec<(String, String)>,
    /// Its files: path with `/`, content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Files of nothing but zeros, not compressed: path, length.
    blank_files: Vec<(String, u64)>,
    /// The year and month of its manifest's schema.
    schema: &'static str,
}

impl Nupkg {
    /// A package without files.
    pub fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            title: id.to_owned(),
            authors: "Fleetmend Test Publisher".to_owned(),
            dependencies: Vec::new(),
            files: Vec::new(),
            blank_files: Vec::new(),
            schema: "2015/06",
        }
    }

    /// With a manifest that NuGet 2.8 reads as well: it refuses newer schemas.
    #[must_use]
    pub fn for_the_first_generation(mut self) -> Self {
        self.schema = "2011/08";
        self
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Adds a file of nothing but zeros, which takes as many bytes in the package.
    #[must_use]
    pub fn blank_file(mut self, path: &str, length: u64) -> Self {
        self.blank_files.push((path.to_owned(), length));
        self
    }

    /// Adds a dependency with its version range, which may be empty.
    #[must_use]
    pub fn dependency(mut self, id: &str, range: &str) -> Self {
        self.dependencies.push((id.to_owned(), range.to_owned()));
        self
    }

    /// Adds `tools/chocolateyInstall.ps1`.
    #[must_use]
    pub fn install_script(self, script: &str) -> Self {
        self.file("tools/chocolateyInstall.ps1", script)
    }

    /// The usual way with an embedded MSI: the file in `tools`, and a script that installs it by a
    /// splatted table, with the silent arguments of Chocolatey's own template. `software_name` is the
    /// pattern of the installed program's name.
    #[must_use]
    pub fn embedding_msi(self, file_name: &str, msi: Vec<u8>, software_name: &str) -> Self {
        let script = format!(
            r#"$ErrorActionPreference = 'Stop'
$toolsDir = "$(Split-Path -parent $MyInvocation.MyCommand.Definition)"

$packageArgs = @{{
  packageName    = '{id}'
  fileType       = 'msi'
  file64         = "$toolsDir\{file_name}"
  softwareName   = '{software_name}'
  silentArgs     = "/qn /norestart /l*v `"$($env:TEMP)\$($packageName).$($env:chocolateyPackageVersion).MsiInstall.log`""
  validExitCodes = @(0, 3010, 1641)
}}

Install-ChocolateyInstallPackage @packageArgs
"#,
            id = self.id
        );
        self.file(&format!("tools/{file_name}"), msi)
            .install_script(&script)
    }

    /// The usual way with an EXE that is downloaded: its URL and SHA-256 in a splatted table.
    #[must_use]
    pub fn downloading_exe(self, url: &str, sha256: &str, software_name: &str) -> Self {
        let script = format!(
            r"$ErrorActionPreference = 'Stop'

$packageArgs = @{{
  packageName    = '{id}'
  fileType       = 'exe'
  url64bit       = '{url}'
  checksum64     = '{sha256}'
  checksumType64 = 'sha256'
  softwareName   = '{software_name}'
  silentArgs     = '/S'
  validExitCodes = @(0)
}}

Install-ChocolateyPackage @packageArgs
",
            id = self.id
        );
        self.install_script(&script)
    }

    /// The name that the file has by custom, `<id>.<version>.nupkg`.
    pub fn file_name(&self) -> String {
        format!("{}.{}.nupkg", self.id, self.version)
    }

    /// The package's bytes.
    pub fn build(&self) -> Result<Vec<u8>> {
        Ok(self.write(Cursor::new(Vec::new()))?.into_inner())
    }

    /// Writes the package.
    fn write<W: Write + Seek>(&self, to: W) -> Result<W> {
        let nuspec = format!("{}.nuspec", self.id);
        let properties = "package/services/metadata/core-properties/fleetmend.psmdcp";
        let mut entries = vec![
            (
                "_rels/.rels".to_owned(),
                relationships(&nuspec, properties).into_bytes(),
            ),
            (nuspec, self.nuspec().into_bytes()),
        ];
        entries.extend(self.files.iter().cloned());
        entries.push((
            "[Content_Types].xml".to_owned(),
            self.content_types().into_bytes(),
        ));
        entries.push((properties.to_owned(), self.core_properties().into_bytes()));

        let mut archive = ZipWriter::new(to);
        for (name, content) in entries {
            archive
                .start_file(&*name, SimpleFileOptions::default())
                .with_context(|| format!("cannot pack {name}"))?;
            archive.write_all(&content)?;
        }
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, length) in &self.blank_files {
            archive.start_file(&**name, stored)?;
            io::copy(&mut io::repeat(0).take(*length), &mut archive)?;
        }
        Ok(archive.finish()?)
    }

    /// Writes the package into a folder under its usual name.
    pub fn build_into(&self, folder: &Path) -> Result<()> {
        let path = folder.join(self.file_name());
        let write = || self.write(File::create(&path)?);
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    fn nuspec(&self) -> String {
        let [id, version, title, authors] =
            [&self.id, &self.version, &self.title, &self.authors].map(|text| escape(text));
        let mut dependencies = String::new();
        for (id, range) in &self.dependencies {
            let (id, range) = (escape(id), escape(range));
            let _ = match range.as_str() {
                "" => write!(dependencies, r#"<dependency id="{id}" />"#),
                _ => write!(
                    dependencies,
                    r#"<dependency id="{id}" version="{range}" />"#
                ),
            };
        }
        if !dependencies.is_empty() {
            dependencies = format!("\n    <dependencies>{dependencies}</dependencies>");
        }
        let schema = self.schema;
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/{schema}/nuspec.xsd">
  <metadata>
    <id>{id}</id>
    <version>{version}</version>
    <title>{title}</title>
    <authors>{authors}</authors>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <description>Package made by a test.</description>
    <tags>test</tags>{dependencies}
  </metadata>
</package>
"#
        )
    }

    /// Every extension that occurs must be declared; `choco pack` calls them all octet streams.
    fn content_types(&self) -> String {
        let mut extensions: Vec<&str> = self
            .files
            .iter()
            .filter_map(|(name, _)| Path::new(name).extension()?.to_str())
            .chain(["nuspec"])
            .collect();
        extensions.sort_unstable();
        extensions.dedup();
        let mut text = concat!(
            r#"<?xml version="1.0" encoding="utf-8"?>"#,
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
            r#"<Default Extension="rels" "#,
            r#"ContentType="application/vnd.openxmlformats-package.relationships+xml" />"#,
            r#"<Default Extension="psmdcp" "#,
            r#"ContentType="application/vnd.openxmlformats-package.core-properties+xml" />"#,
        )
        .to_owned();
        for extension in extensions {
            let _ = write!(
                text,
                r#"<Default Extension="{extension}" ContentType="application/octet" />"#
            );
        }
        text + "</Types>"
    }

    fn core_properties(&self) -> String {
        let [id, version, authors] =
            [&self.id, &self.version, &self.authors].map(|text| escape(text));
        format!(
            concat!(
                r#"<?xml version="1.0" encoding="utf-8"?><coreProperties "#,
                r#"xmlns:dc="http://purl.org/dc/elements/1.1/" "#,
                r#"xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties">"#,
                "<dc:creator>{}</dc:creator><dc:identifier>{}</dc:identifier>",
                "<version>{}</version></coreProperties>"
            ),
            authors, id, version
        )
    }
}

fn relationships(nuspec: &str, properties: &str) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?>"#,
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
            r#"<Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" "#,
            r#"Target="/{}" Id="R1" />"#,
            r#"<Relationship Type="http://schemas.openxmlformats.org/package/2006/relationships/"#,
            r#"metadata/core-properties" Target="/{}" Id="R2" /></Relationships>"#
        ),
        escape(nuspec),
        properties
    )
}
