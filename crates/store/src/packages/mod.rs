//! The catalog: every known version of every package, by source.

mod order_key;
mod problems;

use fleetmend_model::recipe::{Analysis, Verdict};
use fleetmend_model::{Millis, PackageId, SourceId};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row, storable, to_json};

pub use order_key::order_key;
pub(crate) use problems::STATEMENTS as PROBLEM_STATEMENTS;
pub use problems::{Problem, retry_now, set_problem, with_problems};

statements! {
    /// Other bytes than those that were analysed take the analysis away, and what was wrong with
    /// them; so does another place to have them from.
    UPSERT = "INSERT INTO packages (source, package, shown_id, version, normalized, order_key,
                  prerelease, title, title_key, authors, project_url, metadata, content_location,
                  content_hash, listed, first_seen)
              SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4,
                     value->>5, CAST(value->>6 AS BIGINT), value->>7, value->>8, value->>9,
                     value->>10, value->>11, value->>12, value->>13, CAST(value->>14 AS BIGINT),
                     CAST(value->>15 AS BIGINT)
              FROM json_each($1) WHERE true
              ON CONFLICT (source, package, normalized) DO UPDATE SET
                  shown_id = excluded.shown_id, version = excluded.version,
                  title = excluded.title, title_key = excluded.title_key,
                  authors = excluded.authors, project_url = excluded.project_url,
                  metadata = excluded.metadata, content_location = excluded.content_location,
                  listed = excluded.listed,
                  verdict = CASE WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                                 THEN NULL ELSE packages.verdict END,
                  analysis = CASE WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                                  THEN NULL ELSE packages.analysis END,
                  analysed_at = CASE
                      WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                      THEN NULL ELSE packages.analysed_at END,
                  content_sha256 = CASE
                      WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                      THEN NULL ELSE packages.content_sha256 END,
                  problem = CASE
                      WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                           OR packages.content_location <> excluded.content_location
                      THEN NULL ELSE packages.problem END,
                  problem_tries = CASE
                      WHEN packages.content_hash IS DISTINCT FROM excluded.content_hash
                           OR packages.content_location <> excluded.content_location
                      THEN 0 ELSE packages.problem_tries END,
                  content_hash = excluded.content_hash
              RETURNING id, source, package, normalized";
    GET = "SELECT * FROM packages WHERE id = $1";
    GET_MANY = "SELECT * FROM packages
                WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM json_each($1))";
    FIND = "SELECT * FROM packages WHERE source = $1 AND package = $2 AND normalized = $3";
    VERSIONS = "SELECT p.* FROM packages AS p JOIN sources AS s ON s.id = p.source
                WHERE p.package = $1 ORDER BY p.order_key DESC, s.priority, s.id";
    /// Of equal versions the one of the source that is asked first.
    LATEST = "SELECT * FROM (
                  SELECT p.*, ROW_NUMBER() OVER (PARTITION BY p.package
                             ORDER BY p.order_key DESC, s.priority, s.id) AS place
                  FROM packages AS p JOIN sources AS s ON s.id = p.source
                  WHERE p.listed = 1 AND p.quarantined_at IS NULL AND s.enabled = 1
                    AND (p.prerelease = 0 OR $1 = 1)) AS ranked
              WHERE place = 1 ORDER BY package";
    LATEST_OF = "SELECT * FROM (
                  SELECT p.*, ROW_NUMBER() OVER (PARTITION BY p.package
                             ORDER BY p.order_key DESC, s.priority, s.id) AS place
                  FROM packages AS p JOIN sources AS s ON s.id = p.source
                  WHERE p.package IN (SELECT value->>0 FROM json_each($2))
                    AND p.listed = 1 AND p.quarantined_at IS NULL AND s.enabled = 1
                    AND (p.prerelease = 0 OR $1 = 1)) AS ranked
              WHERE place = 1 ORDER BY package";
    SET_ANALYSIS = "UPDATE packages SET verdict = $2, analysis = $3, analysed_at = $4,
                        content_sha256 = $5, problem = NULL, problem_tries = 0
                    WHERE id = $1";
    SET_LISTED = "UPDATE packages SET listed = $2
                  WHERE id IN (SELECT CAST(value->>0 AS BIGINT) FROM json_each($1))";
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
    COUNT = "SELECT COUNT(*) AS id FROM packages WHERE source = $1";
}

/// A package version as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// Where it comes from.
    pub source: SourceId,
    /// The id as the source writes it; compared in lower case.
    pub id: String,
    /// The version as the source writes it.
    pub version: String,
    /// The version's normalized text; with source and id it is the row's identity.
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
    /// The nupkg's digest as the source names it (`SHA512:…`), where it does.
    pub content_hash: Option<String>,
    /// Whether the source lists it.
    pub listed: bool,
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
    /// SHA-256 of the nupkg that was analysed.
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
        analysis: row.json_opt("analysis")?,
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

/// Stores versions that are new and brings the others up to date; returns the rows' ids in the
/// order given. `first_seen`, quarantine and, as long as the digest stays, the analysis stay.
pub async fn upsert_many(
    tx: &mut Tx,
    packages: &[NewPackage],
    now: Millis,
) -> Result<Vec<PackageId>> {
    let key = |it: &NewPackage| {
        (
            it.source.0,
            storable(&it.id.to_lowercase()),
            storable(&it.normalized),
        )
    };
    let mut distinct = std::collections::BTreeMap::new();
    for it in packages {
        // The last one of several with one identity counts: a statement may not write a row twice.
        distinct.insert(key(it), it);
    }
    let mut rows = Rows::new();
    for ((source, id, normalized), it) in &distinct {
        rows.push(&row![
            *source,
            id,
            &it.id,
            &it.version,
            normalized,
            order_key(&it.normalized),
            it.prerelease,
            &it.title,
            it.title.to_lowercase(),
            &it.authors,
            &it.project_url,
            &it.metadata,
            &it.content_location,
            &it.content_hash,
            it.listed,
            now,
        ]);
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = std::collections::HashMap::with_capacity(distinct.len());
    for row in tx.rows(&UPSERT, args![rows]).await? {
        let key = (
            row.int("source")?,
            row.text("package")?,
            row.text("normalized")?,
        );
        ids.insert(key, PackageId(row.int("id")?));
    }
    packages
        .iter()
        .map(|it| {
            ids.get(&key(it))
                .copied()
                .ok_or_else(|| Error::missing("package", it.id.clone()))
        })
        .collect()
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

/// All versions of a package, newest first; of equal ones the source that is asked first.
pub async fn versions(mut from: impl Read, id: &str) -> Result<Vec<Package>> {
    from.rows(&VERSIONS, args![id.to_lowercase()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The latest usable version of every package (listed, not in quarantine, source enabled), by id.
pub async fn latest_all(mut from: impl Read, with_prereleases: bool) -> Result<Vec<Package>> {
    from.rows(&LATEST, args![with_prereleases])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The latest usable version of each of these packages, by id.
pub async fn latest_of(
    mut from: impl Read,
    ids: &[&str],
    with_prereleases: bool,
) -> Result<Vec<Package>> {
    let ids = Rows::of(ids.iter().map(|id| id.to_lowercase()));
    from.rows(&LATEST_OF, args![with_prereleases, ids])
        .await?
        .iter()
        .map(read)
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
