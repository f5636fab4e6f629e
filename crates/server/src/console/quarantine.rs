//! Package versions in quarantine: what was wrong, what is offered meanwhile, and the way out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::PackageId;
use fleetmend_store::quarantine::{self, Held};

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, PathId, Viewer, stored};
use crate::app::App;
use crate::catalog::quarantine::{look_again, offered_instead};

#[derive(Template)]
#[template(path = "quarantine.html")]
struct List {
    layout: Layout,
    /// With the version that is offered meanwhile.
    rows: Vec<(Held, Option<String>)>,
    next: Option<String>,
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let wanted = fields.wanted_page();
    let listed = quarantine::list(&app.db, &wanted).await.map_err(stored)?;
    let offered = offered_instead(&app, &listed.rows).await.map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Quarantine", "quarantine"),
        rows: listed.rows.into_iter().zip(offered).collect(),
        next: listed
            .next
            .map(|after| fields.next_page("/quarantine", &after)),
    })
}

/// Lets a version out: the file that was found is accepted.
pub async fn release(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    let (sha256, reason) = (change.fields.text("sha256"), change.fields.text("reason"));
    let id = PackageId(id);
    crate::catalog::quarantine::release(&app, id, sha256, reason, change.actor()).await?;
    Ok(change.done("/quarantine", Done::Released, 1))
}

/// Has a version looked at again.
pub async fn retry(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    change: Change,
) -> Result<Response, PageError> {
    look_again(&app, PackageId(id), change.actor()).await?;
    Ok(change.done("/quarantine", Done::LookedAtAgain, 1))
}
