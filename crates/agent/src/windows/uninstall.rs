//! Installed applications: the Uninstall keys of the machine in both views and of every user whose
//! hive is loaded; and what of them could not be read.
//!
//! Source: 'Uninstall Registry Key' of Windows Installer, and what 'Installed apps' shows and hides.

use std::collections::HashMap;

use fleetmend_model::inventory::{Hive, Place, Software, Unread};
use windows_registry::{Key, LOCAL_MACHINE, USERS};

use super::listing::{self, Of, names};
use super::packed_guid::{guid, unpack};
use super::registry::{number, open, open_if_there, text, text_if_there};
use super::unread::{self, Profile};
use super::upgrade_codes::UpgradeCodes;
use crate::platform::PlatformError;

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
/// Where Windows Installer notes which products belong to an upgrade code.
const UPGRADE_CODES: [&str; 2] = [
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes",
    r"SOFTWARE\Classes\Installer\UpgradeCodes",
];
/// Where Windows keeps which users have a profile on the machine.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// How many applications are listed at most.
const MAX_SOFTWARE: usize = 20_000;
/// Entries that are patches of a product, not products. Source: Windows Installer's `ReleaseType`.
const NO_PRODUCTS: [&str; 4] = ["Update", "Hotfix", "Security Update", "Service Pack"];

/// What the registry has of installed applications.
pub(super) struct Found {
    /// In the order of `(place, key)`, each row once.
    pub(super) software: Vec<Software>,
    /// Whose the rows of users are.
    pub(super) hives: Vec<Hive>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
}

/// Everything installed. A key that is not there is empty; one of the machine's two that is there and
/// cannot be read is an error. All else that cannot be read is told.
pub(super) fn found() -> Result<Found, PlatformError> {
    let mut reader = Reader::default();
    for path in UPGRADE_CODES {
        collect_upgrade_codes(LOCAL_MACHINE, path, &mut reader.upgrade_codes)
            .unwrap_or_else(|error| reader.upgrade_codes.leave(&error.message()));
    }
    for (root, place) in [
        ("SOFTWARE", Place::Machine64),
        (r"SOFTWARE\WOW6432Node", Place::Machine32),
    ] {
        let path = format!(r"{root}\{UNINSTALL}");
        let read = open_if_there(LOCAL_MACHINE, &path).and_then(|key| match key {
            Some(key) => reader.collect(&key, place, ""),
            None => Ok(()),
        });
        read.map_err(|error| PlatformError::Failed {
            what: format!(r"reading the registry key HKLM\{path}"),
            why: error.message(),
        })?;
    }
    let loaded = reader.users();
    match profiles() {
        Ok((profiles, has_more)) => {
            let unread = unread::not_loaded(&profiles, has_more, &loaded);
            reader.unread.extend(unread);
        }
        Err(error) => reader.leave(Place::User, "", "", &error.message()),
    }
    Ok(reader.end())
}

/// The list of profiles, and whether there are more.
fn profiles() -> windows_registry::Result<(Vec<Profile>, bool)> {
    let Some(key) = open_if_there(LOCAL_MACHINE, PROFILES)? else {
        return Ok((Vec::new(), false));
    };
    let (users, has_more) = names(&key, Of::Subkeys)?;
    let folder = |user: &str| text(&open(&key, user)?, "ProfileImagePath");
    let profiles = users.into_iter().map(|user| {
        let folder = folder(&user);
        (user, folder)
    });
    Ok((profiles.collect(), has_more))
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    upgrade_codes: UpgradeCodes,
    /// With the user in whose hive it is; empty for the machine's.
    rows: Vec<(Software, String)>,
    users: Vec<String>,
    unread: Vec<Unread>,
}

impl Reader {
    /// Reads the hives that are loaded; gives whose they are.
    fn users(&mut self) -> Vec<String> {
        let loaded = match names(USERS, Of::Subkeys) {
            Ok((users, has_more)) => {
                self.unread.extend(has_more.then(unread::more_users));
                users
            }
            Err(error) => {
                self.leave(Place::User, "", "", &error.message());
                return Vec::new();
            }
        };
        for user in &loaded {
            // `.DEFAULT` is another name of S-1-5-18; `…_Classes` are parts of the hives beside them.
            if !user.starts_with("S-1-") || user.ends_with("_Classes") {
                continue;
            }
            // Without an administrator's rights other users' hives are closed.
            let path = format!(r"{user}\Software\{UNINSTALL}");
            let read = open_if_there(USERS, &path).and_then(|key| match key {
                Some(key) => self.collect(&key, Place::User, user),
                None => Ok(()),
            });
            match read {
                Ok(()) => self.users.push(user.clone()),
                Err(error) => self.leave(Place::User, user, "", &error.message()),
            }
        }
        loaded
    }

    fn collect(
        &mut self,
        uninstall: &Key,
        place: Place,
        user: &str,
    ) -> windows_registry::Result<()> {
        let (keys, mut has_more) = names(uninstall, Of::Subkeys)?;
        for name in keys {
            if self.rows.len() >= MAX_SOFTWARE {
                has_more = true;
                break;
            }
            let row = row(uninstall, &name, place).map_err(|error| error.message());
            let row = row.and_then(|it| it.map(|it| self.upgrade_codes.complete(it)).transpose());
            match row {
                Ok(row) => self.rows.extend(row.map(|it| (it, user.to_owned()))),
                Err(cause) => self.leave(place, user, &name, &cause),
            }
        }
        if has_more {
            let cause = format!("there are more than {MAX_SOFTWARE}");
            self.leave(place, user, "", &cause);
        }
        Ok(())
    }

    fn leave(&mut self, place: Place, user: &str, key: &str, cause: &str) {
        self.unread.push(Unread {
            part: place.into(),
            user: user.to_owned(),
            key: key.to_owned(),
            cause: cause.to_owned(),
        });
    }

    fn end(self) -> Found {
        let mut software: Vec<Software> = self.rows.iter().map(|it| it.0.clone()).collect();
        software.sort_by(|a, b| {
            (a.place, &a.key, &a.name, &a.version).cmp(&(b.place, &b.key, &b.name, &b.version))
        });
        software.dedup();
        let index: HashMap<&Software, u32> = software.iter().zip(0..).collect();
        let hives = self.users.into_iter().map(|user| {
            let rows = self.rows.iter().filter(|it| it.1 == user);
            let mut software: Vec<u32> = rows.filter_map(|it| index.get(&it.0).copied()).collect();
            software.sort_unstable();
            software.dedup();
            Hive { user, software }
        });
        Found {
            hives: hives.collect(),
            unread: self.unread,
            software,
        }
    }
}

/// An application, without its upgrade code; `None` where a key is gone meanwhile or is no application.
fn row(parent: &Key, name: &str, place: Place) -> windows_registry::Result<Option<Software>> {
    let Some(key) = open_if_there(parent, name)? else {
        return Ok(None);
    };
    let is_hidden = number(&key, "SystemComponent") == Some(1)
        || text_if_there(&key, "ParentKeyName")?.is_some()
        || text_if_there(&key, "ReleaseType")?
            .is_some_and(|kind| NO_PRODUCTS.iter().any(|it| it.eq_ignore_ascii_case(&kind)));
    let Some(display_name) = text_if_there(&key, "DisplayName")?.filter(|_| !is_hidden) else {
        return Ok(None);
    };
    Ok(Some(Software {
        place,
        name: display_name,
        version: text_if_there(&key, "DisplayVersion")?.unwrap_or_default(),
        publisher: text_if_there(&key, "Publisher")?.unwrap_or_default(),
        product_code: guid(name),
        upgrade_code: None,
        key: name.to_owned(),
    }))
}

/// Notes for each product code its upgrade code, and what of them cannot be read; where that is the whole
/// list, it is an error.
fn collect_upgrade_codes(
    root: &Key,
    path: &str,
    into: &mut UpgradeCodes,
) -> windows_registry::Result<()> {
    let Some(key) = open_if_there(root, path)? else {
        return Ok(());
    };
    let (all, has_more) = names(&key, Of::Subkeys)?;
    if has_more {
        into.leave(&format!("there are more than {}", listing::MOST));
    }
    for packed in all {
        let Some(upgrade_code) = unpack(&packed) else {
            continue;
        };
        match products(&key, &packed) {
            Ok(products) => {
                for product in products.iter().filter_map(|it| unpack(it)) {
                    into.note(product, &upgrade_code);
                }
            }
            Err(error) => into.leave(&format!("{upgrade_code}: {}", error.message())),
        }
    }
    Ok(())
}

/// The products of an upgrade code, packed; none where it is gone meanwhile.
fn products(parent: &Key, packed: &str) -> windows_registry::Result<Vec<String>> {
    match open_if_there(parent, packed)? {
        Some(key) => Ok(names(&key, Of::Values)?.0),
        None => Ok(Vec::new()),
    }
}
