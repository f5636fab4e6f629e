//! dpkg's status file: what is installed, what is held, what was left half done.
//!
//! Format: deb-control(5) and dpkg's manual, 'Package states'. Paragraphs are separated by empty
//! lines, a field is `Name: value`, a line that starts with a space continues the field above.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use fleetmend_model::inventory::{AvailableUpdate, Place, Software};

use crate::platform::PlatformError;

/// Where Debian keeps it.
pub(super) const STATUS_FILE: &str = "/var/lib/dpkg/status";
/// The longest status file that is read, in bytes. A machine with 5,000 packages has about 6 MB.
const MAX_STATUS: u64 = 256 * 1024 * 1024;
/// The most packages that are read.
const MAX_PACKAGES: usize = 200_000;
/// The longest value of a field that is kept, in bytes. Longer ones are no names or versions.
const MAX_VALUE: usize = 4096;

/// One paragraph of the status file, as far as it is needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Package<'a> {
    pub(super) name: &'a str,
    pub(super) architecture: &'a str,
    pub(super) version: &'a str,
    /// The version that was configured last, while another is half done.
    configured: &'a str,
    pub(super) maintainer: &'a str,
    /// Its three words: what is wanted, an error flag, the state.
    status: &'a str,
}

impl Package<'_> {
    /// The version that is unpacked and configured, also where it waits for a trigger. While an
    /// upgrade is half done, that is the version before it: the package is there, and lacks the
    /// upgrade.
    fn installed_version(&self) -> Option<&str> {
        match self.state() {
            "installed" | "triggers-awaited" | "triggers-pending" => Some(self.version),
            _ => self.half_upgraded_from(),
        }
    }

    /// The version before an upgrade that is half done.
    fn half_upgraded_from(&self) -> Option<&str> {
        let is_half_done = matches!(
            self.state(),
            "half-installed" | "unpacked" | "half-configured"
        );
        (is_half_done && !self.configured.is_empty()).then_some(self.configured)
    }

    fn is_installed(&self) -> bool {
        self.installed_version().is_some()
    }

    /// Whether a person said that its version must stay (`apt-mark hold`).
    fn is_held(&self) -> bool {
        self.status.split(' ').next() == Some("hold")
    }

    /// Whether dpkg began something with it and did not end it.
    fn is_interrupted(&self) -> bool {
        self.status.split(' ').nth(1) == Some("reinstreq")
            || matches!(
                self.state(),
                "half-installed"
                    | "unpacked"
                    | "half-configured"
                    | "triggers-awaited"
                    | "triggers-pending"
            )
    }

    fn state(&self) -> &str {
        self.status.split(' ').nth(2).unwrap_or_default()
    }
}

/// Reads the status file's text, whole.
pub(super) fn read(path: &Path) -> Result<String, PlatformError> {
    let failed = |why: String| PlatformError::Failed {
        what: format!("reading the installed packages from {}", path.display()),
        why,
    };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_STATUS + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > MAX_STATUS {
        return Err(failed(format!("it is longer than {MAX_STATUS} bytes")));
    }
    // Old packages may name their maintainer in another encoding.
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The installed packages in the order of their keys.
pub(super) fn software(text: &str) -> Result<Vec<Software>, PlatformError> {
    let mut software: Vec<Software> = packages(text)?
        .into_iter()
        .filter_map(|package| {
            Some(Software {
                place: Place::Dpkg,
                key: format!("{}:{}", package.name, package.architecture),
                name: package.name.to_owned(),
                version: package.installed_version()?.to_owned(),
                publisher: package.maintainer.to_owned(),
                product_code: None,
                upgrade_code: None,
            })
        })
        .collect();
    software.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    software.dedup_by(|a, b| a.key == b.key);
    Ok(software)
}

/// The held packages as `name:architecture`.
pub(super) fn held(text: &str) -> Result<Vec<String>, PlatformError> {
    let held = packages(text)?
        .into_iter()
        .filter(|it| it.is_held() && it.is_installed());
    Ok(held
        .map(|it| format!("{}:{}", it.name, it.architecture))
        .collect())
}

/// The upgrades that dpkg left half done. APT counts them as done and offers them no more.
pub(super) fn half_upgraded(text: &str) -> Result<Vec<AvailableUpdate>, PlatformError> {
    Ok(packages(text)?
        .into_iter()
        .filter(|package| package.half_upgraded_from() != Some(package.version))
        .filter_map(|package| {
            Some(AvailableUpdate {
                package: package.name.to_owned(),
                architecture: package.architecture.to_owned(),
                installed: package.half_upgraded_from()?.to_owned(),
                candidate: package.version.to_owned(),
                security: false,
                origin: String::new(),
            })
        })
        .collect())
}

/// The names of the packages that dpkg left half done.
pub(super) fn interrupted(text: &str) -> Result<Vec<String>, PlatformError> {
    let half_done = packages(text)?.into_iter().filter(Package::is_interrupted);
    Ok(half_done.map(|it| it.name.to_owned()).collect())
}

/// The paragraphs. Those without a name, an architecture or a status describe nothing that dpkg
/// could have installed and are left out.
fn packages(text: &str) -> Result<Vec<Package<'_>>, PlatformError> {
    let mut packages = Vec::new();
    let mut current = Package::default();
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            let package = std::mem::take(&mut current);
            if !package.name.is_empty()
                && !package.architecture.is_empty()
                && !package.status.is_empty()
            {
                packages.push(package);
            }
            if packages.len() > MAX_PACKAGES {
                return Err(PlatformError::Failed {
                    what: "reading the installed packages".to_owned(),
                    why: format!("dpkg's status file has more than {MAX_PACKAGES}"),
                });
            }
            continue;
        }
        // Most lines are of no interest: the first letter decides.
        let field = match line.as_bytes()[0] {
            b'P' => "Package:",
            b'A' => "Architecture:",
            b'V' => "Version:",
            b'C' => "Config-Version:",
            b'M' => "Maintainer:",
            b'S' => "Status:",
            _ => continue,
        };
        let Some(value) = line.strip_prefix(field).map(str::trim) else {
            continue;
        };
        if value.len() > MAX_VALUE {
            continue;
        }
        match field {
            "Package:" => current.name = value,
            "Architecture:" => current.architecture = value,
            "Version:" => current.version = value,
            "Config-Version:" => current.configured = value,
            "Maintainer:" => current.maintainer = value,
            _ => current.status = value,
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: zlib1g
Status: install ok installed
Maintainer: Mark Brown <broonie@debian.org>
Architecture: amd64
Version: 1:1.2.13.dfsg-1
Description: compression library
 Version: 9 is no field on a continued line

Package: fleet-tool
Status: hold ok installed
Architecture: all
Version: 1.0-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 3

Package: broken
Status: install ok half-configured
Architecture: amd64
Version: 4

Package: waiting
Status: install ok triggers-pending
Architecture: amd64
Version: 5

Package: torn
Status: install reinstreq half-installed
Architecture: i386
Version: 6

Package: upgraded
Status: install ok half-configured
Architecture: all
Version: 8
Config-Version: 7
";

    /// Removed, its configuration kept.
    const REMOVED: &str = "\
Package: left-over
Status: deinstall ok config-files
Architecture: all
Version: 8
Config-Version: 8
";

    #[test]
    fn only_installed_packages_are_software_in_the_order_of_their_keys() {
        let software = software(STATUS).unwrap();
        let rows: Vec<_> = software
            .iter()
            .map(|it| (it.key.as_str(), it.version.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("fleet-tool:all", "1.0-1"),
                ("upgraded:all", "7"),
                ("waiting:amd64", "5"),
                ("zlib1g:amd64", "1:1.2.13.dfsg-1")
            ]
        );
        assert_eq!(software[3].publisher, "Mark Brown <broonie@debian.org>");
    }

    #[test]
    fn held_and_half_done_packages_are_found() {
        assert_eq!(held(STATUS).unwrap(), ["fleet-tool:all"]);
        assert_eq!(
            interrupted(STATUS).unwrap(),
            ["broken", "waiting", "torn", "upgraded"]
        );
    }

    #[test]
    fn a_half_done_upgrade_is_still_one_to_do_and_a_removed_package_is_none() {
        let updates = half_upgraded(STATUS).unwrap();
        let rows: Vec<_> = updates
            .iter()
            .map(|it| (&*it.package, &*it.installed, &*it.candidate))
            .collect();
        assert_eq!(rows, [("upgraded", "7", "8")]);
        assert_eq!(half_upgraded(REMOVED).unwrap(), []);
        assert_eq!(software(REMOVED).unwrap(), []);
    }

    #[test]
    fn a_torn_or_strange_file_gives_what_can_be_read() {
        for (text, count) in [
            ("", 0),
            ("\n\n\n", 0),
            (
                "Package: a\nStatus: install ok installed\nArchitecture: all",
                1,
            ),
            ("Package: a\nStatus: install ok installed", 0),
            (
                "Status: install ok installed\nArchitecture: all\n\nPackage: a\n",
                0,
            ),
            ("Package: a\nStatus: install ok\nArchitecture: all\n", 0),
            (": \n:\n \nPackage", 0),
        ] {
            assert_eq!(software(text).unwrap().len(), count, "{text:?}");
        }
        let long = "9".repeat(MAX_VALUE + 1);
        let text = format!(
            "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: {long}\n"
        );
        assert_eq!(software(&text).unwrap()[0].version, "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,400}") {
            let _ = (software(&text), held(&text), interrupted(&text));
        }
    }
}
