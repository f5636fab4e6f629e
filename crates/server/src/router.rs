//! Every address of the server.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use fleetmend_protocol::paths;

use crate::app::App;
use crate::{agents, api, console, feed};

/// The agent API, the REST API, the console and the feed.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(paths::CA, get(agents::enrol::ca))
        .route(paths::ENROL, post(agents::enrol::enrol))
        .route(paths::CHECKIN, post(agents::checkin::check_in))
        .route(paths::WAIT, get(agents::wait::wait))
        .route(paths::INVENTORY, post(agents::inventory::inventory))
        .route(paths::REPORTS, post(agents::reports::reports))
        .route(
            &format!("{}/{{sha256}}", paths::FILES),
            get(agents::files::file),
        )
        .merge(api::routes())
        .merge(console::routes())
        .merge(feed::routes())
        .with_state(app)
}
