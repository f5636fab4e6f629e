//! Package versions in quarantine, and the files that a person accepted in place of others.

use fleetmend_model::recipe::Checksum;
use fleetmend_model::{Millis, PackageId, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::packages;
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};
use crate::wrong_answers;

statements! {
    PUT = "INSERT INTO quarantined_files (package, file, named, algorithm, wanted, found, sha256,
               length)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (package) DO UPDATE SET
               file = excluded.file, named = excluded.named, algorithm = excluded.algorithm, wanted = excluded.wanted,
               found = excluded.found, sha256 = excluded.sha256, length = excluded.length";
    TAKE = "DELETE FROM quarantined_files WHERE package = $1";
    GET = "SELECT q.*, p.shown_id, p.version, p.title, p.quarantined_at, p.quarantine_cause,
               p.id AS row_id, s.name AS source_name
           FROM packages AS p JOIN sources AS s ON s.id = p.source
           LEFT JOIN quarantined_files AS q ON q.package = p.id
           WHERE p.id = $1 AND p.quarantined_at IS NOT NULL";
    LIST = "SELECT q.*, p.shown_id, p.version, p.title, p.quarantined_at, p.quarantine_cause,
                p.id AS row_id, s.name AS source_name
            FROM packages AS p JOIN sources AS s ON s.id = p.source
            LEFT JOIN quarantined_files AS q ON q.package = p.id
            WHERE p.quarantined_at IS NOT NULL
              AND (CAST($1 AS BIGINT) IS NULL
                   OR (p.quarantined_at, p.id) < (CAST($1 AS BIGINT), CAST($2 AS BIGINT)))
            ORDER BY p.quarantined_at DESC, p.id DESC LIMIT $3";
    WITHOUT_FILE = "SELECT p.id FROM packages AS p
                    LEFT JOIN quarantined_files AS q ON q.package = p.id
                    WHERE p.source = $1 AND p.quarantined_at IS NOT NULL AND q.package IS NULL";
    COUNT = "SELECT COUNT(*) AS id FROM packages WHERE quarantined_at IS NOT NULL";
    ACCEPT = "INSERT INTO accepted_files (package, file, named, sha256, accepted_by, accepted_at,
                  reason)
              VALUES ($1, $2, $3, $4, $5, $6, $7)
              ON CONFLICT (package, file) DO UPDATE SET
                  named = excluded.named, sha256 = excluded.sha256,
                  accepted_by = excluded.accepted_by, accepted_at = excluded.accepted_at,
                  reason = excluded.reason";
    ACCEPTED = "SELECT * FROM accepted_files WHERE package = $1 ORDER BY file";
}

/// A file that is not the one that the package names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFile {
    /// Its address, without any name and password; or its path inside the package.
    pub file: String,
    /// The kind of digest that was compared.
    pub algorithm: String,
    /// The digest that the package names or a person accepted, lower-case hexadecimal.
    pub wanted: String,
    /// The file's own digest of that kind.
    pub found: String,
    /// The file's SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// The file's length in bytes.
    pub length: u64,
}

/// A digest of a kind, as [`Accepted::named`] has it.
fn named(checksum: &Checksum) -> String {
    format!("{}:{}", checksum.algorithm, checksum.hex.to_lowercase())
}

/// A package version in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The version.
    pub package: PackageId,
    /// The package's id as its source writes it.
    pub shown_id: String,
    /// The version as its source writes it.
    pub version: String,
    /// What a person calls it.
    pub title: String,
    /// What its source is called.
    pub source: String,
    /// Since when.
    pub since: Millis,
    /// Why, in words.
    pub cause: String,
    /// The file that is wrong.
    pub file: Option<WrongFile>,
    /// The digest that the package itself names for it, as [`Accepted::named`] has it.
    pub named: String,
}

/// A file that a person accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its address or path, as [`WrongFile::file`] has it.
    pub file: String,
    /// The digest that the package names, `sha256:…`: as long as it names that one.
    pub named: String,
    /// The SHA-256 of what is accepted instead, lower-case hexadecimal.
    pub sha256: String,
    /// Who accepted it.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Why.
    pub reason: String,
}

impl Accepted {
    /// The digest that a file must have for which a package names another one.
    pub fn instead_of(all: &[Self], file: &str, checksum: &Checksum) -> Option<Checksum> {
        let named = named(checksum);
        let found = all.iter().find(|it| it.file == file && it.named == named);
        found.map(|it| Checksum {
            algorithm: "sha256".to_owned(),
            hex: it.sha256.clone(),
        })
    }
}

fn read(row: &Row) -> Result<Held> {
    let file = match row.text_opt("file")? {
        None => None,
        Some(file) => Some(WrongFile {
            file,
            algorithm: row.text("algorithm")?,
            wanted: row.text("wanted")?,
            found: row.text("found")?,
            sha256: row.text("sha256")?,
            length: row.u64("length")?,
        }),
    };
    Ok(Held {
        package: PackageId(row.int("row_id")?),
        shown_id: row.text("shown_id")?,
        version: row.text("version")?,
        title: row.text("title")?,
        source: row.text("source_name")?,
        since: row.millis("quarantined_at")?,
        cause: row.text_opt("quarantine_cause")?.unwrap_or_default(),
        file,
        named: row.text_opt("named")?.unwrap_or_default(),
    })
}

/// Puts a version into quarantine because of a file, for which the package names this digest.
pub async fn put(
    tx: &mut Tx,
    package: PackageId,
    cause: &str,
    file: &WrongFile,
    named: &Checksum,
    now: Millis,
) -> Result<()> {
    packages::quarantine(tx, package, Some(cause), now).await?;
    let values = args![
        package,
        &file.file,
        self::named(named),
        &file.algorithm,
        &file.wanted,
        &file.found,
        &file.sha256,
        file.length as i64,
    ];
    tx.run(&PUT, values).await?;
    wrong_answers::clear(tx, package).await
}

/// Lets a version out.
pub async fn end(tx: &mut Tx, package: PackageId, now: Millis) -> Result<()> {
    packages::quarantine(tx, package, None, now).await?;
    tx.run(&TAKE, args![package]).await.map(drop)
}

/// A version, if it is in quarantine.
pub async fn get(mut from: impl Read, package: PackageId) -> Result<Option<Held>> {
    from.row(&GET, args![package])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// A page of the versions in quarantine, the latest that came there first.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<Held>> {
    let mut values = page.cursor(&[Kind::Int, Kind::Int])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let held = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(held, |it| serde_json::json!([it.since, it.package])))
}

/// The versions of a source that are in quarantine without a wrong file that is known: an import said
/// so.
pub async fn without_file(mut from: impl Read, source: SourceId) -> Result<Vec<PackageId>> {
    let rows = from.rows(&WITHOUT_FILE, args![source]).await?;
    rows.iter()
        .map(|row| row.int("id").map(PackageId))
        .collect()
}

/// How many versions are in quarantine.
pub async fn count(mut from: impl Read) -> Result<u64> {
    from.row(&COUNT, args![])
        .await?
        .map_or(Ok(0), |row| row.u64("id"))
}

/// Keeps that a person accepted a file of a package version, in place of one accepted before.
pub async fn accept(tx: &mut Tx, package: PackageId, accepted: &Accepted) -> Result<()> {
    let values = args![
        package,
        &accepted.file,
        &accepted.named,
        &accepted.sha256,
        &accepted.by,
        accepted.at,
        &accepted.reason,
    ];
    tx.run(&ACCEPT, values).await.map(drop)
}

/// The files of a package version that a person accepted.
pub async fn accepted(mut from: impl Read, package: PackageId) -> Result<Vec<Accepted>> {
    let rows = from.rows(&ACCEPTED, args![package]).await?;
    rows.iter()
        .map(|row| {
            Ok(Accepted {
                file: row.text("file")?,
                named: row.text("named")?,
                sha256: row.text("sha256")?,
                by: row.text("accepted_by")?,
                at: row.millis("accepted_at")?,
                reason: row.text("reason")?,
            })
        })
        .collect()
}
