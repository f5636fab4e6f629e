//! Windows Installer packages, built with `wixl`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process;
use crate::work_dir::WorkDir;

/// What `msiexec` ends with when it runs the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MsiEnd {
    /// Installs and ends with 0.
    #[default]
    Success,
    /// Installs and ends with 3010: a restart is needed.
    RebootRequired,
    /// Installs nothing and ends with 1603: a launch condition that is never true.
    Refuses,
}

/// An MSI to build. It installs one file, `app.txt`, whose content is its version, into
/// `C:\Program Files\<name>`, and replaces every older version with the same upgrade code.
#[derive(Debug, Clone)]
pub struct Msi {
    /// `ProductName`, which Windows shows as the installed program's name.
    pub name: String,
    /// `ProductVersion`: up to three numbers count.
    pub version: String,
    /// `Manufacturer`.
    pub manufacturer: String,
    /// `ProductCode`, `{…}` in capitals; a new one for each version.
    pub product_code: String,
    /// `UpgradeCode`, `{…}` in capitals; the same for all versions.
    pub upgrade_code: String,
    /// How the installation ends.
    pub end: MsiEnd,
}

impl Msi {
    /// An MSI of this name and version, its codes made from them.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            manufacturer: "Fleetmend Test Publisher".to_owned(),
            product_code: guid(&format!("product {name} {version}")),
            upgrade_code: guid(&format!("upgrade {name}")),
            end: MsiEnd::Success,
        }
    }

    /// Changes how the installation ends.
    #[must_use]
    pub fn ending(mut self, end: MsiEnd) -> Self {
        self.end = end;
        self
    }

    /// Writes the package to `path`.
    pub fn build(&self, path: &Path) -> Result<()> {
        let folder = WorkDir::new("msi")?;
        let source = folder.path().join("product.wxs");
        fs::write(folder.path().join("app.txt"), &self.version)?;
        fs::write(&source, self.wxs())?;
        let mut wixl = Command::new("wixl");
        wixl.current_dir(folder.path())
            .args(["--arch", "x64", "--output"]);
        wixl.arg(std::path::absolute(path)?).arg(&source);
        process::run(&mut wixl, Duration::from_secs(30))?
            .success()
            .with_context(|| format!("wixl cannot build {} {}", self.name, self.version))?;
        Ok(())
    }

    fn wxs(&self) -> String {
        let Self {
            name,
            version,
            manufacturer,
            product_code,
            upgrade_code,
            end,
        } = self;
        let [name, manufacturer] = [name, manufacturer].map(|text| escape(text));
        let component = guid(&format!("component {name} {version}"));
        let condition = match end {
            MsiEnd::Refuses => {
                r#"<Condition Message="This package always refuses.">NEVER_SET</Condition>"#
            }
            _ => "",
        };
        let sequence = match end {
            MsiEnd::RebootRequired => {
                // A fixed place: behind InstallFinalize, wixl would put the removal of the older
                // version last of all, and Wine would then remove both.
                r#"<InstallExecuteSequence><ScheduleReboot Sequence="1450"/></InstallExecuteSequence>"#
            }
            _ => "",
        };
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="{product_code}" Name="{name}" Language="1033" Version="{version}"
           Manufacturer="{manufacturer}" UpgradeCode="{upgrade_code}">
    <Package InstallerVersion="200" Compressed="yes" InstallScope="perMachine"/>
    <MajorUpgrade DowngradeErrorMessage="A newer version is installed."/>
    {condition}
    <Media Id="1" Cabinet="app.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLDIR" Name="{name}">
          <Component Id="App" Guid="{component}" Win64="yes">
            <File Id="AppFile" Name="app.txt" Source="app.txt" KeyPath="yes"/>
          </Component>
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="All" Level="1"><ComponentRef Id="App"/></Feature>
    {sequence}
  </Product>
</Wix>
"#
        )
    }
}

/// A GUID that is always the same for the same text (FNV-1a of it, marked as version 8: custom).
fn guid(text: &str) -> String {
    let half = |seed: u64| {
        text.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    let (high, low) = (half(0xcbf2_9ce4_8422_2325), half(0x9ae1_6a3b_2f90_404f));
    format!(
        "{{{:08X}-{:04X}-8{:03X}-8{:03X}-{:012X}}}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
