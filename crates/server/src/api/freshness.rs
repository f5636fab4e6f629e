//! How fresh what devices have is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_store::matched_packages::{self, Freshness, FreshnessFilter, FreshnessSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::openapi::Refused;
use super::shapes::{PageBody, page, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::missing::published;
use crate::people::SignedIn;

/// A package that devices have, with the version on offer and its dates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshnessBody {
    /// The package's id, lower case.
    package: String,
    /// What a person calls it.
    title: String,
    /// The version on offer; absent where there is none.
    version: Option<String>,
    /// When its source published it, where it says so.
    published: Option<String>,
    /// When the catalog had it first.
    seen: Option<String>,
    /// When the server had its files and made a release of it first.
    mirrored: Option<String>,
    /// How many devices have the package's software, in any version.
    devices: u64,
}

impl From<Freshness> for FreshnessBody {
    fn from(it: Freshness) -> Self {
        Self {
            package: it.package.package,
            title: it.package.title,
            version: Some(it.package.version).filter(|it| !it.is_empty()),
            published: time_opt(it.published.as_deref().and_then(published::at)),
            seen: time_opt(it.seen),
            mirrored: time_opt(it.mirrored),
            devices: it.package.devices,
        }
    }
}

/// Which packages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FreshnessParams {
    /// Part of the title or the package's id, case ignored.
    text: Option<String>,
    /// Published then or later: a day or a time.
    published_since: Option<String>,
    /// Published before that: a day or a time.
    published_before: Option<String>,
    /// Whether the server has made a release of it.
    mirrored: Option<bool>,
    /// `title` (the default), `devices` (what most devices have first) or `published` (the latest first).
    #[param(value_type = Option<String>)]
    sort: Option<FreshnessSort>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// The packages that devices' software is, with when the version on offer was published, seen and
/// mirrored, whether any device lacks it or not.
#[utoipa::path(get, path = "/api/v1/freshness", operation_id = "list_freshness",
    tag = "missing patches", params(FreshnessParams),
    responses((status = 200, body = PageBody<FreshnessBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<FreshnessParams>,
) -> Result<Json<PageBody<FreshnessBody>>, ApiError> {
    let filter = FreshnessFilter {
        text: it.text,
        published_since: published::of("published_since", it.published_since.as_deref())?,
        published_before: published::of("published_before", it.published_before.as_deref())?,
        mirrored: it.mirrored,
    };
    let page = page(it.after, it.limit);
    let listed = matched_packages::list(&app.db, &filter, it.sort.unwrap_or_default(), &page)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}
