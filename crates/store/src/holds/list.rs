//! The list of holds that are open.

use fleetmend_model::{DeviceId, PatchId};

use super::{Hold, read};
use crate::db::Read;
use crate::error::Result;
use crate::page::{Kind, Page, Paged, contains};
use crate::sql::statements;
use crate::value::{Row, args};

macro_rules! listed_holds {
    () => {
        "SELECT h.*, p.title, p.name, p.version, d.hostname,
             CASE WHEN m.patch IS NULL THEN 0 ELSE 1 END AS is_missing
         FROM holds AS h
         JOIN patches AS p ON p.id = h.patch
         LEFT JOIN devices AS d ON d.id = h.device
         LEFT JOIN missing AS m ON m.device = h.device AND m.patch = h.patch
         WHERE h.ended_at IS NULL AND d.removed_at IS NULL "
    };
}

statements! {
    LIST = (concat!(listed_holds!(), "
           AND (CAST($1 AS BIGINT) IS NULL OR h.patch = CAST($1 AS BIGINT))
           AND (CAST($2 AS BIGINT) IS NULL OR h.device = CAST($2 AS BIGINT))
           AND (CAST($3 AS BIGINT) IS NULL
                OR CASE WHEN h.device IS NULL THEN 1 ELSE 0 END = CAST($3 AS BIGINT))
           AND (CAST($4 AS TEXT) IS NULL OR p.title_key LIKE CAST($4 AS TEXT) ESCAPE '\\')
           AND (CAST($5 AS TEXT) IS NULL OR d.hostname_key LIKE CAST($5 AS TEXT) ESCAPE '\\')
           AND (CAST($6 AS BIGINT) IS NULL OR h.id < CAST($6 AS BIGINT))
         ORDER BY h.id DESC LIMIT $7"));
    LISTED = (concat!(listed_holds!(), " AND h.id = $1"));
}

/// Which holds are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Of which patch.
    pub patch: Option<PatchId>,
    /// Of which device.
    pub device: Option<DeviceId>,
    /// Those that count everywhere, or those of single devices.
    pub everywhere: Option<bool>,
    /// Part of the patch's title or name, case ignored.
    pub title: Option<String>,
    /// Part of the device's name, case ignored.
    pub hostname: Option<String>,
}

/// A hold with what people know its device and patch by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedHold {
    /// The hold.
    pub hold: Hold,
    /// The patch's title.
    pub title: String,
    /// The package's id in lower case, or the Linux package's name.
    pub name: String,
    /// The version that did not come.
    pub version: String,
    /// The machine's name; `None`: it counts everywhere.
    pub hostname: Option<String>,
    /// Whether the device lacks the patch now: it does not while the version is not on offer.
    pub is_missing: bool,
}

fn read_listed(row: &Row) -> Result<ListedHold> {
    Ok(ListedHold {
        hold: read(row)?,
        title: row.text("title")?,
        name: row.text("name")?,
        version: row.text("version")?,
        hostname: row.text_opt("hostname")?,
        is_missing: row.flag("is_missing")?,
    })
}

/// A page of the open holds, the latest first.
pub async fn list(
    mut from: impl Read,
    filter: &HoldFilter,
    page: &Page,
) -> Result<Paged<ListedHold>> {
    let mut values = args![
        filter.patch,
        filter.device,
        filter.everywhere,
        contains(filter.title.as_deref()),
        contains(filter.hostname.as_deref()),
    ];
    values.extend(page.cursor(&[Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let holds = rows.iter().map(read_listed).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(holds, |it| serde_json::json!([it.hold.id])))
}

/// An open hold.
pub async fn listed(mut from: impl Read, id: i64) -> Result<Option<ListedHold>> {
    from.row(&LISTED, args![id])
        .await?
        .as_ref()
        .map(read_listed)
        .transpose()
}
