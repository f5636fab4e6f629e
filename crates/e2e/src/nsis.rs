//! Windows EXE installers of the most common kind, built with NSIS.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process;
use crate::work_dir::WorkDir;

/// Where installers note each start, unless told otherwise.
pub const RUNS_LOG: &str = r"C:\fleetmend-test\runs.log";

/// An NSIS installer to build: 64 bit, silent with `/S`, with an entry in the machine's 64-bit
/// Uninstall hive and an uninstaller that takes it away again.
#[derive(Debug, Clone)]
pub struct Nsis {
    /// `DisplayName`, and the key's name below Uninstall.
    pub name: String,
    /// `DisplayVersion`.
    pub version: String,
    /// `Publisher`.
    pub publisher: String,
    /// The file, as a Windows path, to which each start appends `<name> <version>`, before all else.
    pub runs_log: String,
    /// How long it takes, before it installs.
    pub takes: Duration,
    /// Whether it installs anything.
    pub installs: bool,
    /// What it exits with.
    pub exit_code: u32,
}

impl Nsis {
    /// An installer that installs at once and exits with 0.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            publisher: "Fleetmend Test Publisher".to_owned(),
            runs_log: RUNS_LOG.to_owned(),
            takes: Duration::ZERO,
            installs: true,
            exit_code: 0,
        }
    }

    /// Installs nothing and exits with `exit_code`.
    #[must_use]
    pub fn failing(mut self, exit_code: u32) -> Self {
        self.installs = false;
        self.exit_code = exit_code;
        self
    }

    /// Installs nothing and exits with 0.
    #[must_use]
    pub fn doing_nothing(self) -> Self {
        self.failing(0)
    }

    /// Installs and exits with `exit_code`.
    #[must_use]
    pub fn exiting_with(mut self, exit_code: u32) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// Takes this long, between its note in the log and the installation.
    #[must_use]
    pub fn taking(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    /// Notes its starts in this file (a Windows path) instead of [`RUNS_LOG`].
    #[must_use]
    pub fn logging_to(mut self, runs_log: &str) -> Self {
        runs_log.clone_into(&mut self.runs_log);
        self
    }

    /// Writes the installer to `path`.
    pub fn build(&self, path: &Path) -> Result<()> {
        let folder = WorkDir::new("nsis")?;
        fs::write(folder.path().join("installer.nsi"), self.script())?;
        let mut makensis = Command::new("makensis");
        makensis
            .current_dir(folder.path())
            .args(["-V2", "-INPUTCHARSET", "UTF8", "installer.nsi"]);
        process::run(&mut makensis, Duration::from_secs(30))?
            .success()
            .with_context(|| format!("makensis cannot build {} {}", self.name, self.version))?;
        fs::copy(folder.path().join("installer.exe"), path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    fn script(&self) -> String {
        let [name, version, publisher, runs_log] =
            [&self.name, &self.version, &self.publisher, &self.runs_log].map(|text| escape(text));
        let log_folder = runs_log
            .rsplit_once('\\')
            .map_or("C:\\", |(folder, _)| folder);
        let numbers = numbers(&self.version);
        let key = format!(r"Software\Microsoft\Windows\CurrentVersion\Uninstall\{name}");
        let mut script = format!(
            r#"Target amd64-unicode
Name "{name}"
OutFile "installer.exe"
RequestExecutionLevel admin
InstallDir "$PROGRAMFILES64\{name}"
VIProductVersion {numbers}
VIAddVersionKey ProductName "{name}"
VIAddVersionKey ProductVersion "{version}"
VIAddVersionKey FileVersion "{version}"
VIAddVersionKey CompanyName "{publisher}"
VIAddVersionKey FileDescription "{name}"
VIAddVersionKey LegalCopyright ""
Page instfiles
Function .onInit
  CreateDirectory "{log_folder}"
  FileOpen $0 "{runs_log}" a
  FileSeek $0 0 END
  FileWrite $0 "{name} {version}$\r$\n"
  FileClose $0
FunctionEnd
Section
  SetRegView 64
"#
        );
        if !self.takes.is_zero() {
            let _ = writeln!(script, "  Sleep {}", self.takes.as_millis());
        }
        if self.installs {
            let _ = write!(
                script,
                r#"  SetOutPath "$INSTDIR"
  FileOpen $0 "$INSTDIR\app.txt" w
  FileWrite $0 "{version}"
  FileClose $0
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "{key}" "DisplayName" "{name}"
  WriteRegStr HKLM "{key}" "DisplayVersion" "{version}"
  WriteRegStr HKLM "{key}" "Publisher" "{publisher}"
  WriteRegStr HKLM "{key}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "{key}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
"#
            );
        }
        let _ = write!(
            script,
            r#"  SetErrorLevel {exit_code}
SectionEnd
Section "Uninstall"
  SetRegView 64
  Delete "$INSTDIR\app.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "{key}"
SectionEnd
"#,
            exit_code = self.exit_code
        );
        script
    }
}

/// A version as four numbers; what is no number is 0.
fn numbers(version: &str) -> String {
    let numbers = version.split('.').map(|it| it.parse::<u16>().unwrap_or(0));
    let four: Vec<String> = numbers
        .chain([0; 4])
        .take(4)
        .map(|it| it.to_string())
        .collect();
    four.join(".")
}

/// Makes a text safe inside an NSIS string in double quotes.
fn escape(text: &str) -> String {
    text.replace('$', "$$").replace('"', "$\\\"")
}
