//! The catalog: every known version of every package, by source.

mod order_key;
mod problems;
mod write;

use fleetmend_model::recipe::{ANALYSER, Analysis, Verdict};
use fleetmend_model::{Millis, PackageId, SourceId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, Value, args, to_json};

pub use order_key::order_key;
pub(crate) use problems::STATEMENTS as PROBLEM_STATEMENTS;
pub use problems::{Problem, retry_now, set_problem, with_problems};
pub(crate) use write::STATEMENTS as WRITE_STATEMENTS;
pub use write::{NewPackage, store_many, upsert_many};

statements! {
    GET = "SELECT * FROM packages WHERE id = $1";
    GET_MANY = "SELECT * FROM packages
                WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    FIND = "SELECT * FROM packages WHERE source = $1 AND package = $2 AND normalized = $3";
    VERSIONS = "SELECT * FROM packages WHERE source = $1 AND package = $2
                ORDER BY order_key DESC, id";
    /// Of each package of each source the version that can be used first, then the newest.
    OFFERS = "SELECT id, source, package, version, order_key, is_usable FROM (
                  SELECT p.id, p.source, p.package, p.version, p.order_key,
                         CASE WHEN p.quarantined_at IS NULL AND (p.prerelease = 0 OR $1 = 1)
                              THEN 1 ELSE 0 END AS is_usable,
                         ROW_NUMBER() OVER (
                             PARTITION BY p.package, p.source
                             ORDER BY CASE WHEN p.quarantined_at IS NULL
                                                AND (p.prerelease = 0 OR $1 = 1)
                                           THEN 0 ELSE 1 END, p.order_key DESC, p.id) AS place
                  FROM packages AS p JOIN sources AS s ON s.id = p.source
                  WHERE p.listed = 1 AND s.enabled = 1
                    AND (CAST($2 AS TEXT) IS NULL OR p.package IN (
                         SELECT value->>0 FROM jsonb_each(CAST($2 AS TEXT))))) AS ranked
              WHERE place = 1 ORDER BY package, source";
    SET_ANALYSIS = "UPDATE packages SET verdict = $2, analysis = $3, analysed_at = $4,
                        content_sha256 = $5, problem = NULL, problem_tries = 0
                    WHERE id = $1";
    SET_CONTENT = "UPDATE packages SET content_sha256 = $2, problem = NULL, problem_tries = 0
                   WHERE id = $1";
    SET_LISTED = "UPDATE packages SET listed = $2
                  WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    QUARANTINE = "UPDATE packages SET quarantined_at = $2, quarantine_cause = $3 WHERE id = $1";
    LIST = "SELECT p.* FROM packages AS p
            WHERE (CAST($1 AS TEXT) IS NULL OR p.package LIKE CAST($1 AS TEXT) ESCAPE '\\'
                   OR p.title_key LIKE CAST($1 AS TEXT) ESCAPE '\\')
              AND (CAST($2 AS TEXT) IS NULL OR p.verdict = CAST($2 AS TEXT))
              AND (CAST($3 AS BIGINT) IS NULL
                   OR CASE WHEN p.quarantined_at IS NULL THEN 0 ELSE 1 END = CAST($3 AS BIGINT))
              AND (CAST($4 AS BIGINT) IS NULL OR p.source = CAST($4 AS BIGINT))
              AND ($5 = 0 OR NOT EXISTS (
                      SELECT 1 FROM packages AS q
                      WHERE q.package = p.package AND q.source = p.source
                        AND q.order_key > p.order_key))
              AND (CAST($6 AS TEXT) IS NULL OR p.package > CAST($6 AS TEXT)
                   OR (p.package = CAST($6 AS TEXT)
                       AND (p.order_key < CAST($7 AS TEXT)
                            OR (p.order_key = CAST($7 AS TEXT) AND p.id > CAST($8 AS BIGINT)))))
            ORDER BY p.package, p.order_key DESC, p.id LIMIT $9";
    LISTED_OF = "SELECT id, package, normalized FROM packages
                 WHERE source = $1 AND listed = 1 ORDER BY package, order_key DESC";
    ALL_OF = "SELECT id, package, normalized FROM packages WHERE source = $1
              ORDER BY package, normalized";
    COUNT = "SELECT COUNT(*) AS id FROM packages WHERE source = $1";
}

/// A package version as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The row's id.
    pub row: PackageId,
    /// Where it comes from.
    pub source: SourceId,
    /// The package's id in lower case.
    pub id: String,
    /// The package's id as the source writes it.
    pub shown_id: String,
    /// The version as the source writes it.
    pub version: String,
    /// The version's normalized text.
    pub normalized: String,
    /// Whether it is a prerelease.
    pub prerelease: bool,
    /// What a person calls it.
    pub title: String,
    /// Its software's authors.
    pub authors: String,
    /// Its software's home page; empty where there is none.
    pub project_url: String,
    /// Everything else that the source says, JSON.
    pub metadata: String,
    /// Path or URL of the nupkg.
    pub content_location: String,
    /// The nupkg's digest as the source names it.
    pub content_hash: Option<String>,
    /// SHA-256 of the nupkg that was fetched.
    pub content_sha256: Option<String>,
    /// What its install script does, once it was looked at.
    pub analysis: Option<Analysis>,
    /// When that was.
    pub analysed_at: Option<Millis>,
    /// Why the nupkg cannot be had or read.
    pub problem: Option<Problem>,
    /// Whether the source lists it.
    pub listed: bool,
    /// Since when, and why, it must not be used.
    pub quarantine: Option<(Millis, String)>,
    /// When this server saw it first.
    pub first_seen: Millis,
}

/// Which packages are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageFilter {
    /// Part of the id or the title, case ignored.
    pub text: Option<String>,
    /// What the analysis came to.
    pub verdict: Option<Verdict>,
    /// Whether it is in quarantine.
    pub quarantined: Option<bool>,
    /// From which source.
    pub source: Option<SourceId>,
    /// Only the latest version of each id and source.
    pub latest_only: bool,
}

/// An analysis as it was stored; none that another analyser made.
fn analysis(row: &Row) -> Result<Option<Analysis>> {
    #[derive(serde::Deserialize)]
    struct Made {
        #[serde(default)]
        analyser: u32,
    }
    match row.json_opt::<Analysis>("analysis") {
        Ok(analysis) => Ok(analysis.filter(|it| it.analyser == ANALYSER)),
        // Another analyser's may be of another shape.
        Err(error) => match row.json_opt::<Made>("analysis")? {
            Some(made) if made.analyser == ANALYSER => Err(error),
            _ => Ok(None),
        },
    }
}

fn read(row: &Row) -> Result<Package> {
    let cause = row.text_opt("quarantine_cause")?.unwrap_or_default();
    Ok(Package {
        row: PackageId(row.int("id")?),
        source: SourceId(row.int("source")?),
        id: row.text("package")?,
        shown_id: row.text("shown_id")?,
        version: row.text("version")?,
        normalized: row.text("normalized")?,
        prerelease: row.flag("prerelease")?,
        title: row.text("title")?,
        authors: row.text("authors")?,
        project_url: row.text("project_url")?,
        metadata: row.text("metadata")?,
        content_location: row.text("content_location")?,
        content_hash: row.text_opt("content_hash")?,
        content_sha256: row.text_opt("content_sha256")?,
        analysis: analysis(row)?,
        analysed_at: row.millis_opt("analysed_at")?,
        problem: match row.text_opt("problem")? {
            None => None,
            Some(why) => Some(Problem {
                why,
                tries: row.int("problem_tries")?,
                retry_at: row.millis_opt("problem_retry_at")?,
            }),
        },
        listed: row.flag("listed")?,
        quarantine: row.millis_opt("quarantined_at")?.map(|at| (at, cause)),
        first_seen: row.millis("first_seen")?,
    })
}

/// A package version by its row.
pub async fn get(mut from: impl Read, package: PackageId) -> Result<Option<Package>> {
    from.row(&GET, args![package])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Package versions by their rows; those that are not there are left out.
pub async fn get_many(mut from: impl Read, packages: &[PackageId]) -> Result<Vec<Package>> {
    let ids = Rows::of(packages.iter().copied());
    from.rows(&GET_MANY, args![ids])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A package version by its identity.
pub async fn find(
    mut from: impl Read,
    source: SourceId,
    id: &str,
    normalized: &str,
) -> Result<Option<Package>> {
    let values = args![source, id.to_lowercase(), normalized];
    from.row(&FIND, values)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All versions of a package that a source has or had, newest first.
pub async fn versions(mut from: impl Read, source: SourceId, id: &str) -> Result<Vec<Package>> {
    from.rows(&VERSIONS, args![source, id.to_lowercase()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// What one source has of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The newest version that can be used; where none can, the newest.
    pub row: PackageId,
    /// Whose it is.
    pub source: SourceId,
    /// The package's id in lower case.
    pub package: String,
    /// The version as the source writes it.
    pub version: String,
    /// [`order_key`] of the version.
    pub order_key: String,
    /// Whether it can be used: it is not in quarantine, and no prerelease unless those are wanted.
    pub is_usable: bool,
}

/// What every enabled source has of every package that it lists, or of these alone: by package, then
/// by source.
pub async fn offers(
    mut from: impl Read,
    with_prereleases: bool,
    ids: Option<&[&str]>,
) -> Result<Vec<Offer>> {
    let ids = match ids {
        Some(ids) => Rows::of(ids.iter().map(|id| id.to_lowercase())).into_value(),
        None => Value::Text(None),
    };
    let rows = from.rows(&OFFERS, args![with_prereleases, ids]).await?;
    rows.iter()
        .map(|row| {
            Ok(Offer {
                row: PackageId(row.int("id")?),
                source: SourceId(row.int("source")?),
                package: row.text("package")?,
                version: row.text("version")?,
                order_key: row.text("order_key")?,
                is_usable: row.flag("is_usable")?,
            })
        })
        .collect()
}

/// A version of a source, as far as its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// The row's id.
    pub row: PackageId,
    /// The package's id in lower case.
    pub id: String,
    /// The version's normalized text.
    pub normalized: String,
}

/// What a source lists as far as is known: by id, the newest version first.
pub async fn listed_of(mut from: impl Read, source: SourceId) -> Result<Vec<ListedVersion>> {
    let rows = from.rows(&LISTED_OF, args![source]).await?;
    identities(&rows)
}

/// Every version that a source has or had: by id and normalized version, byte by byte.
pub async fn all_of(mut from: impl Read, source: SourceId) -> Result<Vec<ListedVersion>> {
    let rows = from.rows(&ALL_OF, args![source]).await?;
    identities(&rows)
}

fn identities(rows: &[Row]) -> Result<Vec<ListedVersion>> {
    rows.iter()
        .map(|row| {
            Ok(ListedVersion {
                row: PackageId(row.int("id")?),
                id: row.text("package")?,
                normalized: row.text("normalized")?,
            })
        })
        .collect()
}

/// Stores what the analysis of a nupkg came to, and the SHA-256 of that nupkg.
pub async fn set_analysis(
    tx: &mut Tx,
    package: PackageId,
    analysis: &Analysis,
    content_sha256: &str,
    now: Millis,
) -> Result<()> {
    let json = to_json("analysis", analysis)?;
    let values = args![package, analysis.verdict.key(), json, now, content_sha256];
    match tx.run(&SET_ANALYSIS, values).await? {
        0 => Err(Error::missing("package", package)),
        _ => Ok(()),
    }
}

/// Stores the SHA-256 of a nupkg that was fetched and not analysed.
pub async fn set_content(tx: &mut Tx, package: PackageId, content_sha256: &str) -> Result<()> {
    let values = args![package, content_sha256];
    match tx.run(&SET_CONTENT, values).await? {
        0 => Err(Error::missing("package", package)),
        _ => Ok(()),
    }
}

/// Notes whether the source still lists versions.
pub async fn set_listed(tx: &mut Tx, packages: &[PackageId], listed: bool) -> Result<()> {
    let ids = Rows::of(packages.iter().copied());
    tx.run(&SET_LISTED, args![ids, listed]).await.map(drop)
}

/// Puts a version in quarantine with a cause, or lets it out with `None`.
pub async fn quarantine(
    tx: &mut Tx,
    package: PackageId,
    cause: Option<&str>,
    now: Millis,
) -> Result<()> {
    let at = cause.map(|_| now);
    match tx.run(&QUARANTINE, args![package, at, cause]).await? {
        0 => Err(Error::missing("package", package)),
        _ => Ok(()),
    }
}

/// A page of the catalog: by id, the newest version first.
pub async fn list(
    mut from: impl Read,
    filter: &PackageFilter,
    page: &Page,
) -> Result<Paged<Package>> {
    let mut values = args![
        contains(filter.text.as_deref()),
        filter.verdict.map(Verdict::key),
        filter.quarantined,
        filter.source,
        filter.latest_only,
    ];
    values.extend(page.cursor(&[Kind::Text, Kind::Text, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let packages = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(packages, |it| {
        serde_json::json!([it.id, order_key(&it.normalized), it.row])
    }))
}

/// How many versions a source has brought.
pub async fn count(mut from: impl Read, source: SourceId) -> Result<u64> {
    from.row(&COUNT, args![source])
        .await?
        .map_or(Ok(0), |row| row.u64("id"))
}
