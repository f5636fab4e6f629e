//! Every address of the server.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use fleetmend_protocol::paths;

use crate::app::App;
use crate::{agents, api, console, feed};

/// The agent API, the REST API, the console and the feed.
pub fn router(app: Arc<App>) -> Router {
    let heard = Router::new()
        .route(paths::CHECKIN, post(agents::checkin::check_in))
        .route(paths::INVENTORY, post(agents::inventory::inventory))
        .route(paths::REPORTS, post(agents::reports::reports))
        .route_layer(from_fn_with_state(Arc::clone(&app), agents::refusal::note));
    Router::new()
        .route(paths::CA, get(agents::enrol::ca))
        .route(paths::ENROL, post(agents::enrol::enrol))
        .merge(heard)
        .route(paths::WAIT, get(agents::wait::wait))
        .route(
            &format!("{}/{{sha256}}", paths::FILES),
            get(agents::files::file),
        )
        .merge(api::routes())
        .merge(console::routes())
        .merge(feed::routes())
        .with_state(app)
}
