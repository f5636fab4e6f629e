//! Installed applications: the Uninstall keys of the machine in both views and of every user whose
//! hive is loaded.
//!
//! Source: 'Uninstall Registry Key' of Windows Installer, and what 'Installed apps' shows and hides.

use std::collections::HashMap;

use fleetmend_model::inventory::{Place, Software};
use windows_registry::{Key, LOCAL_MACHINE, USERS};

use super::packed_guid::{guid, unpack};
use super::registry::{number, open, open_if_there, subkeys, text, value_names};
use crate::platform::PlatformError;

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
/// Where Windows Installer notes which products belong to an upgrade code.
const UPGRADE_CODES: [&str; 2] = [
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes",
    r"SOFTWARE\Classes\Installer\UpgradeCodes",
];
/// How many applications are listed at most.
const MAX_SOFTWARE: usize = 20_000;
/// Entries that are patches of a product, not products. Source: Windows Installer's `ReleaseType`.
const NO_PRODUCTS: [&str; 4] = ["Update", "Hotfix", "Security Update", "Service Pack"];

/// Everything installed, in the order of `(place, key)`, each row once. A key that is not there is
/// empty; one of the machine's that is there and cannot be read is an error, so that a scan never
/// takes it for empty.
pub(super) fn software() -> Result<Vec<Software>, PlatformError> {
    let mut upgrade_codes = HashMap::new();
    for path in UPGRADE_CODES {
        collect_upgrade_codes(LOCAL_MACHINE, path, &mut upgrade_codes);
    }
    let mut rows = Vec::new();
    for (root, place) in [
        ("SOFTWARE", Place::Machine64),
        (r"SOFTWARE\WOW6432Node", Place::Machine32),
    ] {
        let path = format!(r"{root}\{UNINSTALL}");
        let key = open_if_there(LOCAL_MACHINE, &path).map_err(|error| PlatformError::Failed {
            what: format!(r"reading the registry key HKLM\{path}"),
            why: error.message(),
        })?;
        if let Some(key) = key {
            collect(&key, place, &upgrade_codes, &mut rows);
        }
    }
    for user in subkeys(USERS) {
        // `.DEFAULT` is another name of S-1-5-18; `…_Classes` are parts of the hives beside them.
        // Without an administrator's rights other users' hives are closed.
        if user.starts_with("S-1-")
            && !user.ends_with("_Classes")
            && let Some(key) = open(USERS, &format!(r"{user}\Software\{UNINSTALL}"))
        {
            collect(&key, Place::User, &upgrade_codes, &mut rows);
        }
    }
    rows.sort_by(|a, b| {
        (a.place, &a.key, &a.name, &a.version).cmp(&(b.place, &b.key, &b.name, &b.version))
    });
    rows.dedup();
    Ok(rows)
}

fn collect(
    uninstall: &Key,
    place: Place,
    upgrade_codes: &HashMap<String, String>,
    rows: &mut Vec<Software>,
) {
    for name in subkeys(uninstall) {
        if rows.len() >= MAX_SOFTWARE {
            return;
        }
        rows.extend(row(uninstall, name, place, upgrade_codes));
    }
}

fn row(
    parent: &Key,
    name: String,
    place: Place,
    upgrade_codes: &HashMap<String, String>,
) -> Option<Software> {
    let key = open(parent, &name)?;
    let is_hidden = number(&key, "SystemComponent") == Some(1)
        || text(&key, "ParentKeyName").is_some()
        || text(&key, "ReleaseType")
            .is_some_and(|kind| NO_PRODUCTS.iter().any(|it| it.eq_ignore_ascii_case(&kind)));
    if is_hidden {
        return None;
    }
    let product_code = guid(&name);
    Some(Software {
        place,
        name: text(&key, "DisplayName")?,
        version: text(&key, "DisplayVersion").unwrap_or_default(),
        publisher: text(&key, "Publisher").unwrap_or_default(),
        upgrade_code: product_code
            .as_ref()
            .and_then(|code| upgrade_codes.get(code).cloned()),
        product_code,
        key: name,
    })
}

/// Notes for each product code its upgrade code.
fn collect_upgrade_codes(root: &Key, path: &str, into: &mut HashMap<String, String>) {
    let Some(key) = open(root, path) else { return };
    for packed in subkeys(&key) {
        let (Some(upgrade_code), Some(products)) = (unpack(&packed), open(&key, &packed)) else {
            continue;
        };
        for product in value_names(&products) {
            if into.len() < MAX_SOFTWARE
                && let Some(product_code) = unpack(&product)
            {
                into.entry(product_code)
                    .or_insert_with(|| upgrade_code.clone());
            }
        }
    }
}
