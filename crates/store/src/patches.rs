//! Patches: newer versions that devices lack, each once.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::patch::PatchType;
use fleetmend_model::{Millis, PackageId, PatchId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row, storable};

statements! {
    INSERT = "INSERT INTO patches (patch_type, name, architecture, version, title, title_key,
                  security, origin, package, first_seen, published, catalog_seen)
              SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,
                     CAST(value->>6 AS BIGINT), value->>7, CAST(value->>8 AS BIGINT),
                     CAST(value->>9 AS BIGINT),
                     (SELECT k.published FROM packages AS k
                      WHERE k.id = CAST(value->>8 AS BIGINT)),
                     (SELECT k.first_seen FROM packages AS k
                      WHERE k.id = CAST(value->>8 AS BIGINT))
              FROM jsonb_each($1) WHERE true
              ON CONFLICT (patch_type, name, architecture, version) DO UPDATE SET
                  title = excluded.title, title_key = excluded.title_key,
                  security = excluded.security, origin = excluded.origin,
                  package = excluded.package,
                  published = COALESCE(patches.published,
                      (SELECT k.published FROM packages AS k WHERE k.id = patches.package),
                      excluded.published),
                  catalog_seen = COALESCE(patches.catalog_seen,
                      (SELECT k.first_seen FROM packages AS k WHERE k.id = patches.package),
                      excluded.catalog_seen)";
    KNOWN = "SELECT p.* FROM jsonb_each($1) AS j
             JOIN patches AS p ON p.patch_type = j.value->>0 AND p.name = j.value->>1
                 AND p.architecture = j.value->>2 AND p.version = j.value->>3";
    GET = "SELECT * FROM patches WHERE id = $1";
    BY_IDS = "SELECT p.* FROM jsonb_each($1) AS j
              JOIN patches AS p ON p.id = CAST(j.value->>0 AS BIGINT) ORDER BY p.id";
    ALL = "SELECT * FROM patches ORDER BY id";
    OF_PACKAGES = "SELECT DISTINCT o.id FROM jsonb_each($1) AS j
                   JOIN patches AS p ON p.id = CAST(j.value->>0 AS BIGINT)
                   JOIN patches AS o ON o.patch_type = p.patch_type AND o.name = p.name
                   ORDER BY o.id";
}

/// A patch to store. Type, name, architecture and version are its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPatch {
    /// Where it comes from.
    pub patch_type: PatchType,
    /// The package's id in lower case, or the Linux package's name.
    pub name: String,
    /// The architecture; empty where it does not matter.
    pub architecture: String,
    /// The version that it brings.
    pub version: String,
    /// What a person calls it.
    pub title: String,
    /// Whether it closes a security hole, as its origin says.
    pub security: bool,
    /// The archive or source that offers it.
    pub origin: String,
    /// The package version in the catalog.
    pub package: Option<PackageId>,
}

/// A patch as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Its id.
    pub id: PatchId,
    /// Where it comes from.
    pub patch_type: PatchType,
    /// The package's id in lower case, or the Linux package's name.
    pub name: String,
    /// The architecture; empty where it does not matter.
    pub architecture: String,
    /// The version that it brings.
    pub version: String,
    /// What a person calls it.
    pub title: String,
    /// Whether it closes a security hole.
    pub security: bool,
    /// The archive or source that offers it.
    pub origin: String,
    /// The package version in the catalog, as long as it is there.
    pub package: Option<PackageId>,
    /// When a device lacked it first.
    pub first_seen: Millis,
}

pub(crate) fn read(row: &Row) -> Result<Patch> {
    Ok(Patch {
        id: PatchId(row.int("id")?),
        patch_type: row.word("patch_type", PatchType::from_key)?,
        name: row.text("name")?,
        architecture: row.text("architecture")?,
        version: row.text("version")?,
        title: row.text("title")?,
        security: row.flag("security")?,
        origin: row.text("origin")?,
        package: row.int_opt("package")?.map(PackageId),
        first_seen: row.millis("first_seen")?,
    })
}

/// What a patch is searched and sorted by.
pub(crate) fn title_key(title: &str, name: &str) -> String {
    format!("{title} {name}").to_lowercase()
}

type Key = (&'static str, String, String, String);

fn key_of(patch: &NewPatch) -> Key {
    (
        patch.patch_type.key(),
        storable(&patch.name),
        storable(&patch.architecture),
        storable(&patch.version),
    )
}

fn is_current(known: &Patch, new: &NewPatch) -> bool {
    known.title == storable(&new.title)
        && known.security == new.security
        && known.origin == storable(&new.origin)
        && known.package == new.package
}

/// Stores patches that are new, brings the others' title, security flag, origin and package up to
/// date, and returns the ids in the order given. Writes nothing where nothing changed. When a patch was
/// published and seen stays as it was known first.
pub async fn upsert_many(tx: &mut Tx, patches: &[NewPatch], now: Millis) -> Result<Vec<PatchId>> {
    let mut distinct = BTreeMap::new();
    for it in patches {
        distinct.insert(key_of(it), it);
    }
    if distinct.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = known(tx, distinct.keys()).await?;
    let mut rows = Rows::new();
    let mut written = Vec::new();
    for (key, it) in &distinct {
        if known.get(key).is_some_and(|known| is_current(known, it)) {
            continue;
        }
        written.push(key);
        rows.push(&row![
            key.0,
            &key.1,
            &key.2,
            &key.3,
            &it.title,
            title_key(&it.title, &it.name),
            it.security,
            &it.origin,
            it.package,
            now,
        ]);
    }
    if !rows.is_empty() {
        tx.run(&INSERT, args![rows]).await?;
        known.extend(self::known(tx, written.into_iter()).await?);
    }
    patches
        .iter()
        .map(|it| {
            let known = known.get(&key_of(it));
            known
                .map(|it| it.id)
                .ok_or_else(|| Error::missing("patch", it.name.clone()))
        })
        .collect()
}

async fn known(tx: &mut Tx, keys: impl Iterator<Item = &Key>) -> Result<HashMap<Key, Patch>> {
    let mut rows = Rows::new();
    for (patch_type, name, architecture, version) in keys {
        rows.push(&row![*patch_type, name, architecture, version]);
    }
    let rows = tx.rows(&KNOWN, args![rows]).await?;
    rows.iter()
        .map(|row| {
            let it = read(row)?;
            let key = (
                it.patch_type.key(),
                it.name.clone(),
                it.architecture.clone(),
                it.version.clone(),
            );
            Ok((key, it))
        })
        .collect()
}

/// A patch.
pub async fn get(mut from: impl Read, patch: PatchId) -> Result<Option<Patch>> {
    from.row(&GET, args![patch])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The patches with these ids, by id.
pub async fn get_many(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<Patch>> {
    let ids = Rows::of(patches.iter().copied());
    from.rows(&BY_IDS, args![ids])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// All versions of the packages that these patches are of: themselves, and older and newer ones.
pub async fn of_packages(mut from: impl Read, patches: &[PatchId]) -> Result<Vec<PatchId>> {
    let ids = Rows::of(patches.iter().copied());
    let rows = from.rows(&OF_PACKAGES, args![ids]).await?;
    rows.iter().map(|row| row.int("id").map(PatchId)).collect()
}

/// All patches, by id: for the in-memory registry.
pub async fn load_all(mut from: impl Read) -> Result<Vec<Patch>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}
