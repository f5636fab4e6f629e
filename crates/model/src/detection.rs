//! Whether a release is on a device: the same rule for the agent, before and after it runs an
//! installer, and for the server, after a restart.

use std::cmp::Ordering;

use fleetmend_versions::{debian, display, fix_date};
use serde::{Deserialize, Serialize};

use crate::inventory::{Place, Software};
use crate::name_pattern;
use crate::release::{Action, AptUpgrade};

/// How an installed Windows application is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Detection {
    /// The MSI's product code: the exact version.
    #[serde(default)]
    pub product_code: Option<String>,
    /// The MSI's upgrade code: any version of the product.
    #[serde(default)]
    pub upgrade_code: Option<String>,
    /// Patterns for `DisplayName` (`*`, `?`, case ignored): any version of the product.
    #[serde(default)]
    pub names: Vec<String>,
    /// The `DisplayVersion` that the release brings: the MSI's own, or the package's version where
    /// there is no code.
    pub display_version: String,
}

/// What detection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detected {
    /// The release's version, or a newer one.
    Installed {
        /// The installed version.
        version: String,
    },
    /// The product, older, or of a version that cannot be compared: never taken for installed.
    Older {
        /// The installed version.
        version: String,
    },
    /// The product is not there.
    Absent,
}

/// Looks for what an action brings among a device's software.
pub fn detect(action: &Action, software: &[Software]) -> Detected {
    match action {
        Action::RunInstaller(run) => detect_application(&run.detection, software),
        Action::AptUpgrade(upgrade) => detect_apt(upgrade, software),
    }
}

fn detect_application(rule: &Detection, software: &[Software]) -> Detected {
    let found: Vec<Found<'_>> = software
        .iter()
        .filter_map(|row| Found::of(rule, row))
        .collect();
    if let Some(exact) = found.iter().find(|it| it.is_certain && it.is_new_enough) {
        return Detected::Installed {
            version: exact.version(),
        };
    }
    // Two copies of one name are one product in two versions, and the newer one counts. A name
    // that only fits the same pattern may be another product: its version proves nothing about
    // this one, so all of them must be new enough.
    let is_behind = |row: &Found<'_>| {
        let has_newer_copy = found
            .iter()
            .any(|other| other.is_new_enough && other.product_name() == row.product_name());
        !row.is_new_enough && !has_newer_copy
    };
    if let Some(behind) = found.iter().find(|row| is_behind(row)) {
        return Detected::Older {
            version: behind.version(),
        };
    }
    match found.iter().find(|row| row.is_new_enough) {
        Some(newest) => Detected::Installed {
            version: newest.version(),
        },
        None => Detected::Absent,
    }
}

/// An installed application that is the product, or may be.
struct Found<'a> {
    row: &'a Software,
    /// By a code of the installer, not by a name.
    is_certain: bool,
    /// Known to be the release's version or a newer one.
    is_new_enough: bool,
}

impl<'a> Found<'a> {
    fn of(rule: &Detection, row: &'a Software) -> Option<Self> {
        if row.place == Place::Dpkg {
            return None;
        }
        let is_exact = is_same_code(rule.product_code.as_ref(), row.product_code.as_ref());
        let is_certain =
            is_exact || is_same_code(rule.upgrade_code.as_ref(), row.upgrade_code.as_ref());
        let is_product = is_certain
            || rule
                .names
                .iter()
                .any(|pattern| name_pattern::matches(pattern, &row.name));
        is_product.then(|| Self {
            row,
            is_certain,
            is_new_enough: is_exact || rule.is_new_enough(&row.version),
        })
    }

    fn version(&self) -> String {
        self.row.version.clone()
    }

    /// The name without what tells the versions of one product apart.
    fn product_name(&self) -> String {
        let is_version = |c: char| c.is_ascii_digit() || c == '.' || c.is_whitespace();
        let name = self.row.name.to_lowercase();
        name.chars().filter(|&c| !is_version(c)).collect()
    }
}

impl Detection {
    /// Whether an installed `DisplayVersion` is known to be the release's or a newer one.
    fn is_new_enough(&self, installed: &str) -> bool {
        let is_package_version = self.product_code.is_none() && self.upgrade_code.is_none();
        let wanted = if is_package_version {
            fix_date::without(&self.display_version, installed)
        } else {
            self.display_version.clone()
        };
        display::compare(installed, &wanted).is_some_and(Ordering::is_ge)
    }
}

fn detect_apt(upgrade: &AptUpgrade, software: &[Software]) -> Detected {
    let key = format!("{}:{}", upgrade.package, upgrade.architecture);
    let Some(row) = software
        .iter()
        .find(|row| row.place == Place::Dpkg && row.key == key)
    else {
        return Detected::Absent;
    };
    let version = row.version.clone();
    match debian::compare(&row.version, &upgrade.version) {
        Ordering::Less => Detected::Older { version },
        Ordering::Equal | Ordering::Greater => Detected::Installed { version },
    }
}

fn is_same_code(wanted: Option<&String>, found: Option<&String>) -> bool {
    matches!((wanted, found), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
}
