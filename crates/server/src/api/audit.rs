//! What people changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_store::audit::{self, AuditFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::openapi::Refused;
use super::shapes::{PageBody, page, time};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::people::SignedIn;

/// A change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// Its number.
    id: i64,
    /// When.
    at: String,
    /// Who.
    who: String,
    /// From which address.
    from_address: String,
    /// What was done.
    action: String,
    /// To what.
    subject: String,
    /// What it was before, JSON.
    before: Option<String>,
    /// What it is after, JSON.
    after: Option<String>,
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// What was done.
    action: Option<String>,
    /// To what.
    subject: Option<String>,
    /// By whom.
    who: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How many rows: 1 to 1000, 100 by default.
    limit: Option<u32>,
}

/// Changes, newest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "list_audit", tag = "audit",
    params(AuditParams), responses((status = 200, body = PageBody<ChangeBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Params(it): Params<AuditParams>,
) -> Result<Json<PageBody<ChangeBody>>, ApiError> {
    let filter = AuditFilter {
        action: it.action,
        subject: it.subject,
        who: it.who,
    };
    let page = page(it.after, it.limit);
    let listed = audit::list(&app.db, &filter, &page).await.map_err(stored)?;
    Ok(Json(PageBody::of(listed, |(id, it)| ChangeBody {
        id,
        at: time(it.at),
        who: it.who,
        from_address: it.from_address,
        action: it.action,
        subject: it.subject,
        before: it.before,
        after: it.after,
    })))
}
