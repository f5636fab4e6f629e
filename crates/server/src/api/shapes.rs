//! Shapes that several answers share.

use fleetmend_model::Millis;
use fleetmend_model::status::deploy::DeployState;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_store::{Page, Paged};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Rows of a page when the caller does not say.
const DEFAULT_ROWS: u32 = 100;

/// A time as the API writes it: RFC 3339, UTC.
pub(crate) fn time(at: Millis) -> String {
    Timestamp::from_millisecond(at.0)
        .unwrap_or_default()
        .to_string()
}

/// A time, or none.
pub(crate) fn time_opt(at: Option<Millis>) -> Option<String> {
    at.map(time)
}

/// The part of a list that was asked for.
pub(crate) fn page(after: Option<String>, limit: Option<u32>) -> Page {
    Page {
        limit: limit.unwrap_or(DEFAULT_ROWS),
        after: after.filter(|it| !it.is_empty()),
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageBody<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// What to give as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl<T> PageBody<T> {
    /// A page of the store, row by row.
    pub(crate) fn of<R>(paged: Paged<R>, body: impl FnMut(R) -> T) -> Self {
        Self {
            items: paged.rows.into_iter().map(body).collect(),
            next: paged.next,
        }
    }

    /// A list that has one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// A scan's status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScanStatusBody {
    /// 1 to 6.
    number: i64,
    /// The label, word for word.
    label: &'static str,
}

impl From<ScanStatus> for ScanStatusBody {
    fn from(status: ScanStatus) -> Self {
        Self {
            number: status.number(),
            label: status.label(),
        }
    }
}

/// Where a deploy job stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeployStatusBody {
    /// 1 to 13.
    number: i64,
    /// The label, word for word.
    label: &'static str,
    /// Set when the job ended outside the thirteen: `cancelled`, `expired`, `download_failed`,
    /// `refused`.
    ending: Option<&'static str>,
    /// The text of the Status column.
    shown: String,
    /// Whether nothing more happens by itself.
    is_final: bool,
    /// Whether it can be redeployed.
    can_redeploy: bool,
}

impl From<DeployState> for DeployStatusBody {
    fn from(state: DeployState) -> Self {
        Self {
            number: state.status.number(),
            label: state.status.label(),
            ending: state
                .ending
                .map(fleetmend_model::status::deploy::Ending::key),
            shown: state.shown(),
            is_final: state.is_final(),
            can_redeploy: state.can_redeploy(),
        }
    }
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountBody {
    /// How many are new or changed.
    pub(crate) count: u64,
}

/// A new row's id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdBody {
    /// The id.
    pub(crate) id: i64,
}
