//! Which missing patches are wanted, and in which order.

use fleetmend_model::DeviceId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};

use crate::db::Read;
use crate::error::Result;
use crate::page::contains;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Value, args};

/// Conditions on `patches AS p` and `approvals AS a`: `$1` patch type, `$2` decision, `$3` title, `$4`
/// security, `$5` and `$6` published since and before.
macro_rules! patch_conditions {
    () => {
        concat!(
            " (CAST($1 AS TEXT) IS NULL OR p.patch_type = CAST($1 AS TEXT))
           AND (CAST($2 AS TEXT) IS NULL
                OR COALESCE(a.decision, 'not_approved') = CAST($2 AS TEXT))
           AND (CAST($3 AS TEXT) IS NULL OR p.title_key LIKE CAST($3 AS TEXT) ESCAPE '\\')
           AND (CAST($4 AS BIGINT) IS NULL OR p.security = CAST($4 AS BIGINT))
           AND (CAST($5 AS TEXT) IS NULL OR ",
            published!(),
            " >= CAST($5 AS TEXT))
           AND (CAST($6 AS TEXT) IS NULL OR ",
            published!(),
            " < CAST($6 AS TEXT)) "
        )
    };
}
pub(super) use patch_conditions;

statements! {
    /// Goes through the index of names, and to no device itself.
    NAMED = "SELECT id FROM devices
             WHERE removed_at IS NULL AND hostname_key LIKE $1 ESCAPE '\\'
             ORDER BY hostname_key, id LIMIT $2";
}

/// Devices that are looked up by what each of them lacks. Of more, those that lack a patch are looked for
/// patch by patch: of most patches one is found soon.
const FEW: u32 = 1_000;

/// Which missing patches are wanted; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchFilter {
    /// Third-party or OS.
    pub patch_type: Option<PatchType>,
    /// For devices of which system type. Of no meaning in the list of one device.
    pub system_type: Option<SystemType>,
    /// With which decision for that system type.
    pub approval: Option<Approval>,
    /// Part of the title or the package's name, case ignored.
    pub title: Option<String>,
    /// Part of the name of a host that lacks it, case ignored. Of no meaning in the list of one device.
    pub hostname: Option<String>,
    /// Whether it closes a security hole.
    pub security: Option<bool>,
    /// Whether it is held everywhere or on some device; in the list of one device, for that one.
    pub held: Option<bool>,
    /// Published at this time or later: `YYYY-MM-DDThh:mm:ss`, UTC.
    pub published_since: Option<String>,
    /// Published before this time, written like that.
    pub published_before: Option<String>,
    /// Whether a device that had lacked it was found to have it. With `true` also those that no device
    /// lacks any more.
    pub fixed: Option<bool>,
    /// Also those that no device lacks any more, where one was found to have it.
    pub with_fixed: bool,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchSort {
    /// By title, case ignored.
    #[default]
    Title,
    /// Those that most devices lack first.
    Affected,
    /// Those that this server saw last first.
    Newest,
}

impl PatchSort {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Title, Self::Affected, Self::Newest];

    /// The word for it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Affected => "affected",
            Self::Newest => "newest",
        }
    }

    /// The order with a word.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// The values of `patch_conditions`.
pub(super) fn patch_values(filter: &PatchFilter) -> Vec<Value> {
    args![
        filter.patch_type.map(PatchType::key),
        filter.approval.map(Approval::key),
        contains(filter.title.as_deref()),
        filter.security,
        &filter.published_since,
        &filter.published_before,
    ]
}

/// Devices with a text in their names, as one of two values: a list of them where they are few, else a
/// pattern of their names. Both are NULL where the names do not matter.
pub(super) async fn hosts(from: &mut impl Read, hostname: Option<&str>) -> Result<[Value; 2]> {
    let pattern = contains(hostname);
    if matches!(pattern, Value::Text(None)) {
        return Ok([Value::Text(None), pattern]);
    }
    let values = vec![pattern.clone(), Value::from(i64::from(FEW) + 1)];
    let rows = from.rows(&NAMED, values).await?;
    if rows.len() > FEW as usize {
        return Ok([Value::Text(None), pattern]);
    }
    let ids = rows.iter().map(|row| row.int("id").map(DeviceId));
    let ids = ids.collect::<Result<Vec<_>>>()?;
    Ok([Rows::of(ids).into_value(), Value::Text(None)])
}
