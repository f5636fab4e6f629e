//! Whether a release is on a device: the same rule for the agent, before and after it runs an
//! installer, and for the server.

use std::cmp::Ordering;

use fleetmend_versions::{debian, display};
use serde::{Deserialize, Serialize};

use crate::inventory::{Place, Software};
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
    /// The `DisplayVersion` that the release brings, as far as known.
    pub display_version: String,
}

/// What detection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detected {
    /// The release's version, or a newer one.
    Installed {
        /// The installed version.
        version: String,
    },
    /// The product, older, or of a version that cannot be compared.
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
    let mut best = Detected::Absent;
    for row in software.iter().filter(|row| row.place != Place::Dpkg) {
        if is_same_code(rule.product_code.as_ref(), row.product_code.as_ref()) {
            return Detected::Installed {
                version: row.version.clone(),
            };
        }
        let is_product = is_same_code(rule.upgrade_code.as_ref(), row.upgrade_code.as_ref())
            || rule
                .names
                .iter()
                .any(|pattern| matches_pattern(pattern, &row.name));
        if !is_product {
            continue;
        }
        let version = row.version.clone();
        match display::compare(&row.version, &rule.display_version) {
            Some(Ordering::Equal | Ordering::Greater) => return Detected::Installed { version },
            Some(Ordering::Less) | None => best = Detected::Older { version },
        }
    }
    best
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

/// PowerShell's wildcard match on `*` and `?`, case ignored. Linear in the text for each `*`.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}
