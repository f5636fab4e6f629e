//! How fresh what devices have is: packages that installed software is matched to, with the version on
//! offer, when that was published, seen and mirrored, and on how many devices the software is.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::{Millis, PackageId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row, storable};

/// `$1` title or package, `$2` and `$3` published since and before, `$4` mirrored. Another source's row of
/// the version says when it was published where the one on offer does not.
macro_rules! fresh {
    () => {
        "SELECT * FROM (
             SELECT t.*,
                 COALESCE(k.published,
                     (SELECT MIN(q.published) FROM packages AS q
                      WHERE q.package = k.package AND q.order_key = k.order_key)) AS published_text,
                 (SELECT MIN(q.first_seen) FROM packages AS q
                  WHERE q.package = k.package AND q.order_key = k.order_key) AS seen_first,
                 (SELECT MIN(r.created_at) FROM releases AS r
                  WHERE r.patch_type = 'third_party' AND r.package = t.package
                    AND r.version = t.version) AS mirrored
             FROM matched_packages AS t LEFT JOIN packages AS k ON k.id = t.offered
             WHERE (CAST($1 AS TEXT) IS NULL OR t.title_key LIKE CAST($1 AS TEXT) ESCAPE '\\')
         ) AS f
         WHERE (CAST($2 AS TEXT) IS NULL OR f.published_text >= CAST($2 AS TEXT))
           AND (CAST($3 AS TEXT) IS NULL OR f.published_text < CAST($3 AS TEXT))
           AND (CAST($4 AS BIGINT) IS NULL
                OR CASE WHEN f.mirrored IS NULL THEN 0 ELSE 1 END = CAST($4 AS BIGINT))"
    };
}

statements! {
    UPSERT = "INSERT INTO matched_packages (package, title, title_key, version, offered, devices)
              SELECT value->>0, value->>1, value->>2, value->>3, CAST(value->>4 AS BIGINT),
                     CAST(value->>5 AS BIGINT)
              FROM jsonb_each($1) WHERE true
              ON CONFLICT (package) DO UPDATE SET
                  title = excluded.title, title_key = excluded.title_key,
                  version = excluded.version, offered = excluded.offered,
                  devices = excluded.devices";
    DELETE = "DELETE FROM matched_packages
              WHERE package IN (SELECT value->>0 FROM jsonb_each($1))";
    ALL = "SELECT * FROM matched_packages";
    BY_TITLE = (concat!(fresh!(), "
           AND (CAST($5 AS TEXT) IS NULL
                OR (f.title_key, f.package) > (CAST($5 AS TEXT), CAST($6 AS TEXT)))
         ORDER BY f.title_key, f.package LIMIT $7"));
    BY_DEVICES = (concat!(fresh!(), "
           AND (CAST($5 AS BIGINT) IS NULL OR f.devices < CAST($5 AS BIGINT)
                OR (f.devices = CAST($5 AS BIGINT) AND f.package > CAST($6 AS TEXT)))
         ORDER BY f.devices DESC, f.package LIMIT $7"));
    /// What nobody knows the date of comes last.
    BY_PUBLISHED = (concat!(fresh!(), "
           AND (CAST($5 AS TEXT) IS NULL
                OR COALESCE(f.published_text, '') < CAST($5 AS TEXT)
                OR (COALESCE(f.published_text, '') = CAST($5 AS TEXT)
                    AND f.package > CAST($6 AS TEXT)))
         ORDER BY COALESCE(f.published_text, '') DESC, f.package LIMIT $7"));
}

/// A package that software of some device is matched to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedPackage {
    /// Its id, lower case.
    pub package: String,
    /// What a person calls it.
    pub title: String,
    /// The version on offer; empty where there is none.
    pub version: String,
    /// That version's row in the catalog.
    pub offered: Option<PackageId>,
    /// How many devices have the software, in any version.
    pub devices: u64,
}

/// A package with the dates of the version on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// The package.
    pub package: MatchedPackage,
    /// When its source published it: `YYYY-MM-DDThh:mm:ss`, UTC.
    pub published: Option<String>,
    /// When this server's catalog had it first.
    pub seen: Option<Millis>,
    /// When this server had its files and made a release of it first.
    pub mirrored: Option<Millis>,
}

/// Which packages are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreshnessFilter {
    /// Part of the title or the package's id, case ignored.
    pub text: Option<String>,
    /// Published at this time or later: `YYYY-MM-DDThh:mm:ss`, UTC.
    pub published_since: Option<String>,
    /// Published before this time, written like that.
    pub published_before: Option<String>,
    /// Whether the server has its files.
    pub mirrored: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessSort {
    /// By title, case ignored.
    #[default]
    Title,
    /// What most devices have first.
    Devices,
    /// What was published last first.
    Published,
}

impl FreshnessSort {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Title, Self::Devices, Self::Published];

    /// The word for it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Devices => "devices",
            Self::Published => "published",
        }
    }

    /// The order with a word.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

fn title_key(it: &MatchedPackage) -> String {
    storable(&format!("{} {}", it.title, it.package).to_lowercase())
}

fn read(row: &Row) -> Result<MatchedPackage> {
    Ok(MatchedPackage {
        package: row.text("package")?,
        title: row.text("title")?,
        version: row.text("version")?,
        offered: row.int_opt("offered")?.map(PackageId),
        devices: row.u64("devices")?,
    })
}

/// Puts these in the place of all that is stored. Rows that are as they were are not written.
pub async fn replace_all(tx: &mut Tx, packages: &[MatchedPackage]) -> Result<()> {
    const BATCH: usize = 5_000;
    let rows = tx.rows(&ALL, args![]).await?;
    let old = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let mut old: HashMap<String, MatchedPackage> =
        old.into_iter().map(|it| (it.package.clone(), it)).collect();
    let new: BTreeMap<&str, &MatchedPackage> = packages
        .iter()
        .map(|it| (it.package.as_str(), it))
        .collect();
    let changed = new
        .into_values()
        .filter(|it| old.remove(&it.package).as_ref() != Some(*it));
    let changed: Vec<&MatchedPackage> = changed.collect();
    for some in changed.chunks(BATCH) {
        let mut rows = Rows::new();
        for it in some {
            rows.push(&row![
                &it.package,
                &it.title,
                title_key(it),
                &it.version,
                it.offered,
                it.devices as i64,
            ]);
        }
        tx.run(&UPSERT, args![rows]).await?;
    }
    if !old.is_empty() {
        tx.run(&DELETE, args![Rows::of(old.into_keys())]).await?;
    }
    Ok(())
}

/// A page of how fresh what devices have is.
pub async fn list(
    mut from: impl Read,
    filter: &FreshnessFilter,
    sort: FreshnessSort,
    page: &Page,
) -> Result<Paged<Freshness>> {
    let (statement, kind) = match sort {
        FreshnessSort::Title => (&BY_TITLE, Kind::Text),
        FreshnessSort::Devices => (&BY_DEVICES, Kind::Int),
        FreshnessSort::Published => (&BY_PUBLISHED, Kind::Text),
    };
    let mut values = args![
        contains(filter.text.as_deref()),
        &filter.published_since,
        &filter.published_before,
        filter.mirrored,
    ];
    values.extend(page.cursor(&[kind, Kind::Text])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(statement, values).await?;
    let rows = rows.iter().map(|row| {
        Ok(Freshness {
            package: read(row)?,
            published: row.text_opt("published_text")?,
            seen: row.millis_opt("seen_first")?,
            mirrored: row.millis_opt("mirrored")?,
        })
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    Ok(page.cut(rows, |it| {
        let package = &it.package.package;
        match sort {
            FreshnessSort::Title => serde_json::json!([title_key(&it.package), package]),
            FreshnessSort::Devices => serde_json::json!([it.package.devices, package]),
            FreshnessSort::Published => {
                serde_json::json!([it.published.as_deref().unwrap_or_default(), package])
            }
        }
    }))
}
