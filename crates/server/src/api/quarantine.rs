//! Package versions in quarantine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::PackageId;
use fleetmend_store::quarantine::{self, Held, WrongFile};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Id, Params};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time};
use crate::app::App;
use crate::catalog::quarantine::{look_again, offered_instead};
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// A package version in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldBody {
    /// The version's id.
    id: i64,
    /// The package's id.
    package: String,
    /// The version.
    version: String,
    /// What a person calls it.
    title: String,
    /// What its source is called.
    source: String,
    /// Since when.
    since: String,
    /// Why.
    cause: String,
    /// The file that is wrong, where that is known.
    file: Option<WrongFileBody>,
    /// The version that is offered meanwhile.
    offered: Option<String>,
}

/// A file that is not the one that the package names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrongFileBody {
    /// Its address, or its path inside the package.
    file: String,
    /// The kind of digest that the package names.
    algorithm: String,
    /// The digest that the package names, hexadecimal.
    wanted: String,
    /// The file's own digest of that kind.
    found: String,
    /// The file's SHA-256.
    sha256: String,
    /// Its length in bytes.
    length: u64,
}

impl From<WrongFile> for WrongFileBody {
    fn from(it: WrongFile) -> Self {
        Self {
            file: it.file,
            algorithm: it.algorithm,
            wanted: it.wanted,
            found: it.found,
            sha256: it.sha256,
            length: it.length,
        }
    }
}

fn body(it: Held, offered: Option<String>) -> HeldBody {
    HeldBody {
        id: it.package.0,
        package: it.shown_id,
        version: it.version,
        title: it.title,
        source: it.source,
        since: time(it.since),
        cause: it.cause,
        file: it.file.map(Into::into),
        offered,
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuarantineParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// What a person accepts.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReleaseBody {
    /// The SHA-256 of the file that was found, as the list gives it: that file and no other counts as
    /// the right one from now on.
    sha256: String,
    /// Why it is right although its digest is not the one that the package names.
    reason: String,
}

/// Package versions in quarantine, the latest that came there first.
#[utoipa::path(get, path = "/api/v1/quarantine", operation_id = "list_quarantine",
    tag = "packages", params(QuarantineParams),
    responses((status = 200, body = PageBody<HeldBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<QuarantineParams>,
) -> Result<Json<PageBody<HeldBody>>, ApiError> {
    let listed = quarantine::list(&app.db, &page(it.after, it.limit))
        .await
        .map_err(stored)?;
    let offered = offered_instead(&app, &listed.rows).await.map_err(stored)?;
    let mut offered = offered.into_iter();
    Ok(Json(PageBody::of(listed, |it| {
        body(it, offered.next().flatten())
    })))
}

/// Release a version from quarantine: the file that was found is accepted, and no other.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/release",
    operation_id = "release_quarantined", tag = "packages",
    params(("id" = i64, Path, description = "The version's id")),
    request_body = ReleaseBody, responses((status = 204), Refused))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<ReleaseBody>,
) -> Result<StatusCode, ApiError> {
    let id = PackageId(id);
    crate::catalog::quarantine::release(&app, id, &it.sha256, &it.reason, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a version in quarantine looked at again: its files must be those that the package names.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/retry",
    operation_id = "request_quarantined_retry", tag = "packages",
    params(("id" = i64, Path, description = "The version's id")),
    responses((status = 204), Refused))]
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    look_again(&app, PackageId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
