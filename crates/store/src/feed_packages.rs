//! The package versions of the feed of one's own. Their bytes are in the mirror.

use fleetmend_model::Millis;
use serde::{Deserialize, Serialize};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::page::{Kind, Page, Paged, contains};
use crate::sql::statements;
use crate::value::{Row, args, bad, to_json};

statements! {
    INSERT = "INSERT INTO feed_packages (package, version_key, nuspec, sha256, sha512, listed,
                  origin, original_source, original_location, original_sha256, internalized, added_by,
                  created_at)
              VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12)
              ON CONFLICT (package, version_key) DO NOTHING";
    SET_LISTED = "UPDATE feed_packages SET listed = $3 WHERE package = $1 AND version_key = $2";
    GET = "SELECT p.*, f.length FROM feed_packages AS p JOIN files AS f ON f.sha256 = p.sha256
           WHERE p.package = $1 AND p.version_key = $2";
    /// In the order of their ids, so that all can be read in pieces.
    AFTER = "SELECT p.*, f.length FROM feed_packages AS p JOIN files AS f ON f.sha256 = p.sha256
             WHERE p.id > $1 ORDER BY p.id LIMIT $2";
    /// Without the manifests, which may be large.
    LIST = "SELECT p.id, p.package, p.version_key, p.origin, p.original_source,
                p.original_location, p.original_sha256, p.internalized, p.added_by, p.listed, p.created_at, f.length
            FROM feed_packages AS p JOIN files AS f ON f.sha256 = p.sha256
            WHERE (CAST($1 AS TEXT) IS NULL OR p.package LIKE CAST($1 AS TEXT) ESCAPE '\\')
              AND (CAST($2 AS BIGINT) IS NULL OR p.id < CAST($2 AS BIGINT))
            ORDER BY p.id DESC LIMIT $3";
    COUNT = "SELECT COUNT(*) AS packages FROM feed_packages";
}

/// How a version came into the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// A person pushed it.
    Pushed,
    /// It is a source's nupkg, byte for byte.
    Mirrored(Original),
    /// It was made of a source's nupkg: what that would download is inside.
    Internalized(Original, Making),
}

/// A source's nupkg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// What the source was called.
    pub source: String,
    /// The nupkg's path or URL there.
    pub location: String,
    /// The nupkg's SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// How an internalized package was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// The program that made it, with its version.
    pub program: String,
    /// The files that were put in.
    pub files: Vec<PutIn>,
}

/// A file that was put into an internalized package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutIn {
    /// Its path in the package.
    pub path: String,
    /// The address that it was downloaded from.
    pub url: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub length: u64,
}

impl Provenance {
    /// The value in the API and the database.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Mirrored(_) => "mirrored",
            Self::Internalized(..) => "internalized",
        }
    }

    /// What it was made of, where it was not pushed.
    pub fn original(&self) -> Option<&Original> {
        match self {
            Self::Pushed => None,
            Self::Mirrored(original) | Self::Internalized(original, _) => Some(original),
        }
    }

    /// What was put in, where it was internalized.
    pub fn making(&self) -> Option<&Making> {
        match self {
            Self::Internalized(_, making) => Some(making),
            Self::Pushed | Self::Mirrored(_) => None,
        }
    }

    fn read(row: &Row) -> Result<Self> {
        let original = || {
            Ok::<_, Error>(Original {
                source: row.text("original_source")?,
                location: row.text("original_location")?,
                sha256: row.text("original_sha256")?,
            })
        };
        match row.text("origin")?.as_str() {
            "pushed" => Ok(Self::Pushed),
            "mirrored" => original().map(Self::Mirrored),
            "internalized" => Ok(Self::Internalized(original()?, row.json("internalized")?)),
            other => Err(bad("origin", format!("the word '{other}'"))),
        }
    }
}

/// A version to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFeedPackage {
    /// The package's id in lower case.
    pub package: String,
    /// The version, normalised, in lower case.
    pub version_key: String,
    /// The nuspec's bytes.
    pub nuspec: Vec<u8>,
    /// The nupkg's SHA-256, lower-case hexadecimal; the mirror has it.
    pub sha256: String,
    /// The nupkg's SHA-512, Base64.
    pub sha512: String,
    /// How it came here.
    pub provenance: Provenance,
    /// Who brought it.
    pub added_by: String,
}

/// A version as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPackage {
    /// Its row.
    pub id: i64,
    /// What was added.
    pub what: NewFeedPackage,
    /// The nupkg's length in bytes.
    pub length: u64,
    /// Whether lists show it.
    pub listed: bool,
    /// When it was added.
    pub created_at: Millis,
}

/// A version as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPackage {
    /// Its row.
    pub id: i64,
    /// The package's id in lower case.
    pub package: String,
    /// The version, normalised, in lower case.
    pub version: String,
    /// How it came here.
    pub provenance: Provenance,
    /// Who brought it.
    pub added_by: String,
    /// The nupkg's length in bytes.
    pub length: u64,
    /// Whether clients' lists show it.
    pub listed: bool,
    /// When it was added.
    pub created_at: Millis,
}

fn read_listed(row: &Row) -> Result<ListedPackage> {
    Ok(ListedPackage {
        id: row.int("id")?,
        package: row.text("package")?,
        version: row.text("version_key")?,
        provenance: Provenance::read(row)?,
        added_by: row.text("added_by")?,
        length: row.u64("length")?,
        listed: row.flag("listed")?,
        created_at: row.millis("created_at")?,
    })
}

fn read(row: &Row) -> Result<FeedPackage> {
    Ok(FeedPackage {
        id: row.int("id")?,
        what: NewFeedPackage {
            package: row.text("package")?,
            version_key: row.text("version_key")?,
            nuspec: row.blob("nuspec")?,
            sha256: row.text("sha256")?,
            sha512: row.text("sha512")?,
            provenance: Provenance::read(row)?,
            added_by: row.text("added_by")?,
        },
        length: row.u64("length")?,
        listed: row.flag("listed")?,
        created_at: row.millis("created_at")?,
    })
}

/// Adds a version. One that is there is [`Error::Exists`]: a version never changes.
pub async fn insert(tx: &mut Tx, new: &NewFeedPackage, now: Millis) -> Result<()> {
    let original = new.provenance.original();
    let making = new.provenance.making();
    let making = making.map(|it| to_json("internalized", it));
    let values = args![
        &new.package,
        &new.version_key,
        new.nuspec.as_slice(),
        &new.sha256,
        &new.sha512,
        new.provenance.key(),
        original.map(|it| it.source.as_str()),
        original.map(|it| it.location.as_str()),
        original.map(|it| it.sha256.as_str()),
        making.transpose()?,
        &new.added_by,
        now,
    ];
    match tx.run(&INSERT, values).await? {
        0 => Err(Error::Exists {
            what: "package version",
            name: format!("{} {}", new.package, new.version_key),
        }),
        _ => Ok(()),
    }
}

/// Shows a version in lists or hides it; false if there is no such version.
pub async fn set_listed(
    tx: &mut Tx,
    package: &str,
    version_key: &str,
    listed: bool,
) -> Result<bool> {
    let changed = tx
        .run(&SET_LISTED, args![package, version_key, listed])
        .await?;
    Ok(changed == 1)
}

/// A version.
pub async fn get(
    mut from: impl Read,
    package: &str,
    version_key: &str,
) -> Result<Option<FeedPackage>> {
    from.row(&GET, args![package, version_key])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The next versions after a row, by row.
pub async fn after(mut from: impl Read, row: i64, limit: u32) -> Result<Vec<FeedPackage>> {
    from.rows(&AFTER, args![row, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A page of versions, the one that came last in front; of those only whose id has `text` in it.
pub async fn list(
    mut from: impl Read,
    text: Option<&str>,
    page: &Page,
) -> Result<Paged<ListedPackage>> {
    let mut values = args![contains(text)];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let listed = rows.iter().map(read_listed).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(listed, |it| serde_json::json!([it.id])))
}

/// How many versions there are.
pub async fn count(mut from: impl Read) -> Result<u64> {
    let row = from.row(&COUNT, args![]).await?;
    row.map_or(Ok(0), |row| row.u64("packages"))
}
