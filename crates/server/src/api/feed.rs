//! The feed of one's own: its address, its keys, and who may read it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use fleetmend_store::feed_packages::{self, ListedPackage, PutIn};
use fleetmend_store::feed_refusals::{self, FeedRefusal};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Params};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time, time_opt};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::feed::{self, ask, keys, listing};
use crate::people::{Confirmed, SignedIn};

/// How long a key opens the feed if nothing is said, in days.
pub(crate) const DAYS: u32 = 365;

/// The feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedBody {
    /// Where clients find it.
    url: String,
    /// Whether everybody may read it without a key.
    open: bool,
    /// How many package versions it has.
    packages: usize,
    /// Its keys, by name.
    keys: Vec<FeedKeyBody>,
}

/// A key. Its secret is shown once, when it is made.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedKeyBody {
    /// What it is called.
    name: String,
    /// Whether it also adds and hides packages.
    can_push: bool,
    /// Who made it.
    created_by: String,
    /// When it was made.
    created_at: String,
    /// From when on it opens nothing.
    expires_at: String,
}

/// A key to make.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewFeedKeyBody {
    /// What it is called: one of a kind.
    name: String,
    /// Whether it also adds and hides packages.
    #[serde(default)]
    can_push: bool,
    /// How long it opens the feed, in days: 1 to 1098, 365 by default.
    days: Option<u32>,
}

/// A key's secret: the password of Basic authentication, and the key of `nuget push`. It is shown
/// this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedSecretBody {
    /// The secret.
    secret: String,
}

/// Who may read.
#[derive(Deserialize, ToSchema)]
pub(crate) struct FeedReadersBody {
    /// Whether everybody may read the feed without a key.
    open: bool,
}

/// A package version of the feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedPackageBody {
    /// The package's id, in lower case.
    package: String,
    /// Its version, normalised.
    version: String,
    /// How it came into the feed: `pushed`; `mirrored`, as a source has it; `internalized`, made of
    /// what a source has, with what that would download inside.
    provenance: &'static str,
    /// What the source was called, where it was not pushed.
    source: Option<String>,
    /// Where the source has its nupkg.
    source_location: Option<String>,
    /// SHA-256 of that nupkg.
    source_sha256: Option<String>,
    /// The program that made it, where it was internalized.
    made_by: Option<String>,
    /// The files that were put into it, where it was internalized.
    put_in: Vec<PutInBody>,
    /// Who brought it.
    added_by: String,
    /// When.
    added_at: String,
    /// The nupkg's length in bytes.
    length: u64,
    /// Whether clients' lists show it. Who names it gets it all the same.
    listed: bool,
}

/// A file that was put into an internalized package.
#[derive(Serialize, ToSchema)]
pub(crate) struct PutInBody {
    /// Its path in the package.
    path: String,
    /// The address that it was downloaded from.
    url: String,
    /// Its SHA-256.
    sha256: String,
    /// Its length in bytes.
    length: u64,
}

impl From<PutIn> for PutInBody {
    fn from(it: PutIn) -> Self {
        Self {
            path: it.path,
            url: it.url,
            sha256: it.sha256,
            length: it.length,
        }
    }
}

/// A package version that was to come into the feed and did not.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedRefusedBody {
    /// The package's id.
    package: String,
    /// Its version.
    version: String,
    /// What its source is called.
    source: String,
    /// Why it is not in the feed.
    why: String,
    /// When that was found.
    at: String,
    /// When it is tried again by itself.
    retry_at: Option<String>,
}

impl From<FeedRefusal> for FeedRefusedBody {
    fn from(it: FeedRefusal) -> Self {
        Self {
            package: it.shown_id,
            version: it.version,
            source: it.source,
            why: it.why,
            at: time(it.at),
            retry_at: time_opt(it.retry_at),
        }
    }
}

/// A package to bring into the feed with its installers inside.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InternalizeBody {
    /// The package's id.
    package: String,
    /// The version; the newest that can be used by default.
    version: Option<String>,
}

/// What is brought into the feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct InternalizingBody {
    /// The package's id.
    package: String,
    /// The version.
    version: String,
}

/// Which of those that did not come into the feed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedRefusedParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

impl From<ListedPackage> for FeedPackageBody {
    fn from(it: ListedPackage) -> Self {
        let provenance = it.provenance.key();
        let original = it.provenance.original().cloned();
        let making = it.provenance.making().cloned();
        let (made_by, put_in) = making.map(|it| (it.program, it.files)).unzip();
        let (source, source_location, source_sha256) = match original {
            Some(it) => (Some(it.source), Some(it.location), Some(it.sha256)),
            None => (None, None, None),
        };
        Self {
            package: it.package,
            version: it.version,
            provenance,
            source,
            source_location,
            source_sha256,
            made_by,
            put_in: put_in.into_iter().flatten().map(Into::into).collect(),
            added_by: it.added_by,
            added_at: time(it.created_at),
            length: it.length,
            listed: it.listed,
        }
    }
}

/// Which package versions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedPackageParams {
    /// Part of the package's id.
    text: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Whether lists show a version.
#[derive(Deserialize, ToSchema)]
pub(crate) struct FeedListedBody {
    /// The package's id.
    package: String,
    /// The version.
    version: String,
    /// Whether clients' lists show it.
    listed: bool,
}

/// Package versions of the feed, the one that came last in front.
#[utoipa::path(get, path = "/api/v1/feed/packages", operation_id = "list_feed_packages",
    tag = "feed", params(FeedPackageParams),
    responses((status = 200, body = PageBody<FeedPackageBody>), Refused))]
pub(crate) async fn list_packages(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<FeedPackageParams>,
) -> Result<Json<PageBody<FeedPackageBody>>, ApiError> {
    let wanted = page(it.after, it.limit);
    let listed = feed_packages::list(&app.db, it.text.as_deref(), &wanted)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// Package versions that were to come into the feed and did not, and why, the last one in front.
#[utoipa::path(get, path = "/api/v1/feed/refused", operation_id = "list_feed_refusals",
    tag = "feed", params(FeedRefusedParams),
    responses((status = 200, body = PageBody<FeedRefusedBody>), Refused))]
pub(crate) async fn list_refused(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<FeedRefusedParams>,
) -> Result<Json<PageBody<FeedRefusedBody>>, ApiError> {
    let wanted = page(it.after, it.limit);
    let listed = feed_refusals::list(&app.db, &wanted)
        .await
        .map_err(stored)?;
    Ok(Json(PageBody::of(listed, Into::into)))
}

/// Bring a package of the catalog into the feed with its installers inside, whatever its source is set
/// to. That takes a while; where it cannot be done, `list_feed_refusals` says why.
#[utoipa::path(post, path = "/api/v1/feed/internalize", operation_id = "request_internalized_package",
    tag = "feed", request_body = InternalizeBody,
    responses((status = 200, body = InternalizingBody), Refused))]
pub(crate) async fn internalize(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<InternalizeBody>,
) -> Result<Json<InternalizingBody>, ApiError> {
    let version = it.version.as_deref();
    let asked = ask::internalize(&app, &it.package, version, &by.actor).await?;
    Ok(Json(InternalizingBody {
        package: asked.id,
        version: asked.version,
    }))
}

/// Show a version in clients' lists, or hide it.
#[utoipa::path(post, path = "/api/v1/feed/packages/listed", operation_id = "set_feed_package_listed",
    tag = "feed", request_body = FeedListedBody,
    responses((status = 204, description = "Done"), Refused))]
pub(crate) async fn set_listed(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<FeedListedBody>,
) -> Result<StatusCode, ApiError> {
    listing::set_listed(&app, &it.package, &it.version, it.listed, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The feed and its keys.
#[utoipa::path(get, path = "/api/v1/feed", operation_id = "get_feed", tag = "feed",
    responses((status = 200, body = FeedBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<FeedBody>, ApiError> {
    let keys = keys::list(&app).await?.into_iter().map(|key| FeedKeyBody {
        name: key.name,
        can_push: key.can_push,
        created_by: key.created_by,
        created_at: time(key.created_at),
        expires_at: time(key.expires_at),
    });
    Ok(Json(FeedBody {
        url: feed::url(&app),
        open: app.feed.is_open(),
        packages: app.feed.len(),
        keys: keys.collect(),
    }))
}

/// Make a key.
#[utoipa::path(post, path = "/api/v1/feed/keys", operation_id = "create_feed_key", tag = "feed",
    request_body = NewFeedKeyBody, responses((status = 200, body = FeedSecretBody), Refused))]
pub(crate) async fn create_key(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewFeedKeyBody>,
) -> Result<Json<FeedSecretBody>, ApiError> {
    let days = it.days.unwrap_or(DAYS);
    let secret = keys::make(&app, &it.name, it.can_push, days, &by.actor).await?;
    Ok(Json(FeedSecretBody { secret }))
}

/// Take a key away.
#[utoipa::path(delete, path = "/api/v1/feed/keys/{name}", operation_id = "delete_feed_key",
    tag = "feed", params(("name" = String, Path, description = "The key's name")),
    responses((status = 204, description = "It opens nothing any more"), Refused))]
pub(crate) async fn delete_key(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    keys::revoke(&app, &name, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let everybody read the feed, or only those with a key.
#[utoipa::path(post, path = "/api/v1/feed/readers", operation_id = "set_feed_readers",
    tag = "feed", request_body = FeedReadersBody,
    responses((status = 204, description = "Done"), Refused))]
pub(crate) async fn set_readers(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<FeedReadersBody>,
) -> Result<StatusCode, ApiError> {
    keys::set_open(&app, it.open, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
