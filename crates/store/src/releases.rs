//! Releases: immutable package versions that may be installed, with their signatures.

use fleetmend_model::patch::PatchType;
use fleetmend_model::recipe::Bitness;
use fleetmend_model::release::{Action, Release, ReleaseFile};
use fleetmend_model::{Millis, ReleaseId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, bad, row, to_json};

statements! {
    INSERT = "INSERT INTO releases (patch_type, package, version, payload_digest, envelope,
                  release_json, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7)
              ON CONFLICT (payload_digest) DO NOTHING RETURNING id";
    INSERT_FILES = "INSERT INTO release_files (release, sha256, name, length, bitness)
                    SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2,
                           CAST(value->>3 AS BIGINT), value->>4
                    FROM jsonb_each($1) WHERE true ON CONFLICT (release, sha256, name) DO NOTHING";
    GET = "SELECT * FROM releases WHERE id = $1";
    BY_DIGEST = "SELECT * FROM releases WHERE payload_digest = $1";
    FIND = "SELECT * FROM releases AS r
            WHERE r.patch_type = $1 AND r.package = $2 AND r.version = $3
                AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM release_origins AS o
                     WHERE o.release = r.id AND o.made_from = CAST($4 AS TEXT)))
            ORDER BY r.id DESC LIMIT 1";
    ADD_ORIGIN = "INSERT INTO release_origins (release, made_from) VALUES ($1, $2)
                  ON CONFLICT (release, made_from) DO NOTHING";
    ENVELOPES = "SELECT id, envelope FROM releases ORDER BY id";
    SET_ENVELOPE = "UPDATE releases SET envelope = $2 WHERE id = $1";
    FILES = "SELECT sha256, name, length, bitness FROM release_files WHERE release = $1
             ORDER BY name, sha256";
}

/// A release as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// Its id.
    pub id: ReleaseId,
    /// Where its patches come from.
    pub patch_type: PatchType,
    /// SHA-256 of the signed payload, lower-case hexadecimal.
    pub payload_digest: String,
    /// The signed envelope, JSON.
    pub envelope: String,
    /// What the payload says.
    pub release: Release,
    /// When it was made.
    pub created_at: Millis,
}

fn read(row: &Row) -> Result<StoredRelease> {
    Ok(StoredRelease {
        id: ReleaseId(row.int("id")?),
        patch_type: row.word("patch_type", PatchType::from_key)?,
        payload_digest: row.text("payload_digest")?,
        envelope: row.text("envelope")?,
        release: row.json("release_json")?,
        created_at: row.millis("created_at")?,
    })
}

/// The value in the database.
fn bitness_key(bitness: Bitness) -> &'static str {
    match bitness {
        Bitness::Any => "any",
        Bitness::X64 => "x64",
    }
}

fn bitness_from_key(key: &str) -> Option<Bitness> {
    [Bitness::Any, Bitness::X64]
        .into_iter()
        .find(|it| bitness_key(*it) == key)
}

/// Stores a release and which files it has; they must be in [`crate::files`]. A release with the
/// same payload that is there already is kept as it is, and its id returned.
pub async fn insert(
    tx: &mut Tx,
    patch_type: PatchType,
    release: &Release,
    payload_digest: &str,
    envelope: &str,
    now: Millis,
) -> Result<ReleaseId> {
    let json = to_json("release_json", release)?;
    let values = args![
        patch_type.key(),
        release.package.to_lowercase(),
        &release.version,
        payload_digest,
        envelope,
        json,
        now,
    ];
    let Some(id) = tx.maybe_id(&INSERT, values).await? else {
        let known = by_digest(&mut *tx, payload_digest).await?;
        return known
            .map(|it| it.id)
            .ok_or_else(|| Error::missing("release with the digest", payload_digest));
    };
    if let Action::RunInstaller(run) = &release.action {
        let mut rows = Rows::new();
        for file in &run.files {
            let length = i64::try_from(file.length)
                .map_err(|_| bad("length", format!("the number {}", file.length)))?;
            rows.push(&row![
                id,
                &file.sha256,
                &file.name,
                length,
                bitness_key(file.bitness)
            ]);
        }
        if !rows.is_empty() {
            tx.run(&INSERT_FILES, args![rows]).await?;
        }
    }
    Ok(ReleaseId(id))
}

/// A release.
pub async fn get(mut from: impl Read, release: ReleaseId) -> Result<Option<StoredRelease>> {
    from.row(&GET, args![release])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A release by its payload's digest.
pub async fn by_digest(mut from: impl Read, digest: &str) -> Result<Option<StoredRelease>> {
    from.row(&BY_DIGEST, args![digest])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Notes what a release was made from, as a text that is another for anything else.
pub async fn add_origin(tx: &mut Tx, release: ReleaseId, made_from: &str) -> Result<()> {
    tx.run(&ADD_ORIGIN, args![release, made_from])
        .await
        .map(drop)
}

/// The latest release of a package's version; of those that were made from this, where that is given.
pub async fn find(
    mut from: impl Read,
    patch_type: PatchType,
    package: &str,
    version: &str,
    made_from: Option<&str>,
) -> Result<Option<StoredRelease>> {
    let values = args![patch_type.key(), package.to_lowercase(), version, made_from];
    from.row(&FIND, values)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The signed envelopes of all releases, as JSON.
pub async fn envelopes(mut from: impl Read) -> Result<Vec<(ReleaseId, String)>> {
    let rows = from.rows(&ENVELOPES, args![]).await?;
    rows.iter()
        .map(|row| Ok((ReleaseId(row.int("id")?), row.text("envelope")?)))
        .collect()
}

/// Puts other signatures over the same payload in place.
pub async fn set_envelope(tx: &mut Tx, release: ReleaseId, envelope: &str) -> Result<()> {
    tx.run(&SET_ENVELOPE, args![release, envelope])
        .await
        .map(drop)
}

/// The files of a release, by name.
pub async fn files(mut from: impl Read, release: ReleaseId) -> Result<Vec<ReleaseFile>> {
    let rows = from.rows(&FILES, args![release]).await?;
    rows.iter()
        .map(|row| {
            Ok(ReleaseFile {
                name: row.text("name")?,
                sha256: row.text("sha256")?,
                length: row.u64("length")?,
                bitness: row.word("bitness", bitness_from_key)?,
            })
        })
        .collect()
}
