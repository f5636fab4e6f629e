//! The catalog in one file, for sites without internet.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as RequestBody;
use axum::extract::{Request, State};
use axum::response::Response;
use fleetmend_store::carried_catalogs::{self, Carried};
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Params};
use super::openapi::Refused;
use super::shapes::{PageBody, page, time};
use crate::app::App;
use crate::catalog::offline::export;
use crate::catalog::offline::import::Wanted;
use crate::catalog::offline::scope::Scope;
use crate::catalog::offline::streams;
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Actor, Confirmed, SignedIn};

/// A catalog that was exported or imported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CarriedBody {
    /// Its number.
    id: i64,
    /// `export` or `import`.
    direction: &'static str,
    /// When.
    at: String,
    /// Who.
    who: String,
    /// The file's SHA-256.
    sha256: String,
    /// The file's length in bytes.
    length: u64,
    /// When the file was made, as it says.
    made_at: String,
    /// By which program, as it says.
    made_by: String,
    /// The id of the installation that made it, as it says.
    origin: String,
    /// Sources in it.
    sources: u64,
    /// Package versions in it.
    versions: u64,
    /// Files of packages and installers in it.
    files: u64,
    /// What it brought, in words.
    note: String,
}

impl From<(i64, Carried)> for CarriedBody {
    fn from((id, it): (i64, Carried)) -> Self {
        Self {
            id,
            direction: it.direction.key(),
            at: time(it.at),
            who: it.who,
            sha256: it.sha256,
            length: it.length,
            made_at: time(it.made_at),
            made_by: it.made_by,
            origin: it.origin,
            sources: it.sources,
            versions: it.versions,
            files: it.files,
            note: it.note,
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CarriedParams {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Exports and imports of the catalog, the last one first.
#[utoipa::path(get, path = "/api/v1/catalog/carried", operation_id = "list_carried_catalogs",
    tag = "catalog", params(CarriedParams),
    responses((status = 200, body = PageBody<CarriedBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<CarriedParams>,
) -> Result<Json<PageBody<CarriedBody>>, ApiError> {
    let listed = carried_catalogs::list(&app.db, &page(it.after, it.limit)).await;
    Ok(Json(PageBody::of(listed.map_err(stored)?, Into::into)))
}

/// What an export has beside all package versions.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ExportBody {
    /// Leave out all files of packages and installers.
    #[serde(default)]
    without_files: bool,
    /// Only the files of these packages, by id; empty: all files that are here.
    #[serde(default)]
    packages: Vec<String>,
}

/// Export the catalog: the answer is the file, whose SHA-256 `list_carried_catalogs` has once it went
/// out whole.
#[utoipa::path(post, path = "/api/v1/catalog/export", operation_id = "export_catalog",
    tag = "catalog", request_body = ExportBody,
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>), Refused))]
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<ExportBody>,
) -> Result<Response, ApiError> {
    let packages = it.packages.iter().map(String::as_str);
    answer(&app, &Scope::given(it.without_files, packages), &by.actor).await
}

/// The answer that is an export.
pub(crate) async fn answer(
    app: &Arc<App>,
    scope: &Scope,
    actor: &Actor,
) -> Result<Response, ApiError> {
    let prepared = export::prepare(app, scope).await?;
    let day = time(app.now()).chars().take(10).collect::<String>();
    Response::builder()
        .header(CONTENT_TYPE, "application/x-tar")
        .header(CONTENT_LENGTH, prepared.length)
        .header(
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"fleetmend-catalog-{day}.tar\""),
        )
        .body(streams::body_of(app, prepared, actor.clone()))
        .map_err(|error| ApiError::Internal(error.into()))
}

/// What is wanted of an import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportParams {
    /// The SHA-256 that the file must have.
    sha256: Option<String>,
    /// Take it although what is known was exported later.
    #[serde(default)]
    older: bool,
}

/// What an import brought.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedBody {
    /// The file's SHA-256.
    sha256: String,
    /// Files in it that were not here before.
    new_files: u64,
    /// What it brought, source by source.
    sources: Vec<ImportedSourceBody>,
    /// The same in sentences.
    sentences: Vec<String>,
}

/// What an import brought of one source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedSourceBody {
    /// Its id here.
    id: i64,
    /// What it is called here.
    name: String,
    /// Versions that are new or other than before.
    changed: u64,
    /// Versions that are not offered any more.
    gone: u64,
    /// Versions that it no longer has and that are kept for a person to decide.
    withheld: u64,
}

/// Import a catalog that another server exported: all of it, or nothing where anything in it is wrong.
#[utoipa::path(post, path = "/api/v1/catalog/import", operation_id = "import_catalog",
    tag = "catalog", params(ImportParams),
    request_body(content_type = "application/x-tar", content = Vec<u8>),
    responses((status = 200, body = ImportedBody), Refused))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Params(it): Params<ImportParams>,
    request: Request,
) -> Result<Json<ImportedBody>, ApiError> {
    let body: RequestBody = request.into_body();
    let wanted = Wanted {
        sha256: it.sha256.filter(|it| !it.trim().is_empty()),
        older: it.older,
    };
    let parts = body.into_data_stream();
    let found = streams::import_stream(&app, parts, &wanted, &by.actor).await?;
    Ok(Json(ImportedBody {
        sentences: found.sentences(),
        sha256: found.carried.sha256,
        new_files: found.new_files,
        sources: found
            .sources
            .into_iter()
            .map(|it| ImportedSourceBody {
                id: it.id.0,
                name: it.name,
                changed: it.changed,
                gone: it.gone,
                withheld: it.withheld,
            })
            .collect(),
    }))
}
