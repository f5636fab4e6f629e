//! The console: pages drawn by the server.
//!
//! Every page is read by [`view::Viewer`], every change comes through [`form::Change`], which
//! checks the session's word. Both call the services that the REST API calls. Everything works
//! without JavaScript, but for pages that refresh themselves and the setup link's shortcut.

mod affected;
mod application_devices;
mod applications;
mod assets;
mod audit;
mod carry;
mod deploy;
mod deployments;
mod device;
mod devices;
mod downloads;
mod enrol;
mod feed;
mod fields;
mod form;
mod freshness;
pub mod headers;
mod holds;
mod job;
mod live;
mod login;
mod missing;
mod notice;
mod overrides;
mod plan;
mod policies;
mod quarantine;
mod remove_device;
mod remove_source;
mod setup;
mod source;
mod sources;
mod time;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::app::App;

pub(crate) use view::{counted, stored};

/// Every page and form.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || Redirect::to("/devices")))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/setup", get(setup::page).post(setup::use_link))
        .route("/devices", get(devices::page))
        .route("/devices/scan", post(devices::scan))
        .route("/devices/system-type", post(devices::set_system_type))
        .route("/devices/{id}", get(device::page))
        .route(
            "/devices/{id}/remove",
            get(remove_device::question).post(remove_device::remove),
        )
        .route("/devices/{id}/software", get(applications::of_device))
        .route(
            "/devices/{id}/software/{software}",
            get(applications::explanation),
        )
        .route("/applications", get(applications::page))
        .route("/applications/{id}/devices", get(application_devices::page))
        .route("/policies", get(policies::page))
        .route("/policies/{id}", get(policies::one))
        .route("/overrides", get(overrides::page).post(overrides::add))
        .route("/overrides/new", get(overrides::form))
        .route(
            "/overrides/{id}/remove",
            get(overrides::question).post(overrides::remove),
        )
        .route("/missing", get(missing::page))
        .route("/missing/approve", post(missing::approve))
        .route("/missing/disapprove", post(missing::disapprove))
        .route("/missing/{id}", get(affected::page))
        .route("/freshness", get(freshness::page))
        .route("/holds", get(holds::page))
        .route("/holds/{id}/release", post(holds::release))
        .route("/plan", get(plan::page))
        .route("/deploy/preview", post(deploy::preview))
        .route("/deploy", post(deploy::deploy))
        .route("/deployments", get(deployments::page))
        .route("/deployments/redeploy", post(deployments::redeploy))
        .route("/deployments/cancel", post(deployments::cancel))
        .route("/deployments/{id}", get(job::page))
        .route("/downloads", get(downloads::page))
        .route("/downloads/reset", post(downloads::reset))
        .route("/quarantine", get(quarantine::page))
        .route("/quarantine/{id}/release", post(quarantine::release))
        .route("/quarantine/{id}/retry", post(quarantine::retry))
        .route("/sources", get(sources::page).post(sources::add))
        .route("/sources/carry", get(carry::page))
        .route("/sources/carry/export", post(carry::export))
        .route(
            "/sources/carry/import",
            post(carry::import).layer(DefaultBodyLimit::disable()),
        )
        .route("/sources/{id}", get(source::page).post(source::set))
        .route("/sources/{id}/held-back", get(source::held_back))
        .route(
            "/sources/{id}/remove",
            get(remove_source::question).post(remove_source::remove),
        )
        .route("/sources/{id}/remove-gone", post(source::remove_gone))
        .route("/sources/{id}/login", post(source::set_login))
        .route(
            "/sources/{id}/private-hosts",
            post(source::set_private_hosts),
        )
        .route("/sources/{id}/read", post(source::read))
        .route("/feed", get(feed::page))
        .route("/feed/keys", post(feed::make_key))
        .route("/feed/keys/revoke", post(feed::revoke_key))
        .route("/feed/readers", post(feed::set_readers))
        .route("/feed/packages/listed", post(feed::set_listed))
        .route("/feed/internalize", post(feed::internalize))
        .route("/enrol", get(enrol::page).post(enrol::make_token))
        .route("/audit", get(audit::page))
        .route("/live", get(live::changes))
        .route("/assets/{name}", get(assets::asset))
        .fallback(view::not_found)
        .layer(axum::middleware::map_response(headers::secure))
}
