//! The REST API, `/api/v1`: what the console does, for programs.
//!
//! JSON both ways. Lists are pages: `after` takes the `next` of the page before. Times are RFC 3339
//! in UTC. Errors have one shape, [`openapi::ErrorEnvelope`]. A caller signs in as a person does
//! ([`session`]); every change carries the session's word in the header `X-CSRF-Token`. To add an
//! endpoint: a file or function here, a line in [`routes`], a line in [`openapi`].

pub(crate) mod application_devices;
pub(crate) mod applications;
mod approval_rules;
mod approvals;
mod audit;
pub(crate) mod catalog;
mod deploy_jobs;
mod deployments;
pub(crate) mod devices;
mod downloads;
pub(crate) mod enrol_tokens;
mod extract;
pub(crate) mod feed;
pub(crate) mod freshness;
mod groups;
pub(crate) mod holds;
pub(crate) mod missing;
mod openapi;
pub(crate) mod overrides;
pub(crate) mod plan;
pub(crate) mod policies;
mod policy_preview;
mod quarantine;
mod scans;
mod session;
mod shapes;
pub(crate) mod source_bodies;
pub(crate) mod sources;
mod units;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, delete, get, post};

use crate::app::App;
use crate::error::ApiError;

pub use openapi::document;
pub(crate) use shapes::{time, time_opt};

/// Every endpoint.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(of_policies())
        .merge(of_deployments())
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .route(
            "/api/v1/session",
            get(session::get)
                .post(session::create)
                .delete(session::delete),
        )
        .route("/api/v1/devices", get(devices::list))
        .route(
            "/api/v1/devices/system-type",
            post(devices::set_system_type),
        )
        .route("/api/v1/devices/remove", post(devices::remove))
        .route("/api/v1/devices/{id}", get(devices::get))
        .route("/api/v1/devices/{id}/missing", get(devices::list_missing))
        .route(
            "/api/v1/devices/{id}/software",
            get(applications::list_of_device),
        )
        .route(
            "/api/v1/devices/{id}/software/{software}",
            get(applications::explain),
        )
        .route("/api/v1/applications", get(applications::list))
        .route(
            "/api/v1/applications/{id}/devices",
            get(application_devices::list),
        )
        .route(
            "/api/v1/overrides",
            get(overrides::list).post(overrides::create),
        )
        .route("/api/v1/overrides/preview", post(overrides::preview))
        .route(
            "/api/v1/overrides/{id}/removal",
            get(overrides::preview_removal),
        )
        .route("/api/v1/overrides/{id}/remove", post(overrides::remove))
        .route("/api/v1/missing", get(missing::list))
        .route("/api/v1/missing/{id}", get(missing::get))
        .route("/api/v1/missing/{id}/systems", get(missing::list_systems))
        .route("/api/v1/freshness", get(freshness::list))
        .route("/api/v1/holds", get(holds::list))
        .route("/api/v1/holds/{id}/release", post(holds::release))
        .route(
            "/api/v1/approval-rules",
            get(approval_rules::list).post(approval_rules::set),
        )
        .route(
            "/api/v1/approval-rules/preview",
            post(approval_rules::preview),
        )
        .route("/api/v1/approvals", post(approvals::set))
        .route("/api/v1/downloads", get(downloads::list))
        .route("/api/v1/downloads/reset", post(downloads::reset))
        .route("/api/v1/storage", get(downloads::storage))
        .route("/api/v1/quarantine", get(quarantine::list))
        .route("/api/v1/quarantine/{id}/release", post(quarantine::release))
        .route("/api/v1/quarantine/{id}/retry", post(quarantine::retry))
        .route("/api/v1/scans", post(scans::request))
        .route("/api/v1/sources", get(sources::list).post(sources::create))
        .route("/api/v1/sources/{id}", get(sources::get).post(sources::set))
        .route("/api/v1/sources/{id}/held-back", get(sources::held_back))
        .route(
            "/api/v1/sources/{id}/removal",
            get(sources::preview_removal),
        )
        .route("/api/v1/sources/{id}/remove", post(sources::remove))
        .route(
            "/api/v1/sources/{id}/remove-gone",
            post(sources::remove_gone),
        )
        .route("/api/v1/sources/{id}/login", post(sources::set_login))
        .route(
            "/api/v1/sources/{id}/private-hosts",
            post(sources::set_private_hosts),
        )
        .route("/api/v1/sources/{id}/read", post(sources::read))
        .route("/api/v1/catalog/carried", get(catalog::list))
        .route("/api/v1/catalog/export", post(catalog::export))
        .route("/api/v1/catalog/import", post(catalog::import))
        .route("/api/v1/feed", get(feed::get))
        .route("/api/v1/feed/readers", post(feed::set_readers))
        .route("/api/v1/feed/packages", get(feed::list_packages))
        .route("/api/v1/feed/packages/listed", post(feed::set_listed))
        .route("/api/v1/feed/refused", get(feed::list_refused))
        .route("/api/v1/feed/internalize", post(feed::internalize))
        .route("/api/v1/feed/keys", post(feed::create_key))
        .route("/api/v1/feed/keys/{name}", delete(feed::delete_key))
        .route("/api/v1/enrol-tokens", post(enrol_tokens::create))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/{*rest}", any(async || not_found()))
        .layer(axum::middleware::map_response(
            crate::console::headers::secure,
        ))
}

/// What runs, and what came of it.
fn of_deployments() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/plan", get(plan::get))
        .route("/api/v1/deployments", post(deployments::create))
        .route("/api/v1/deployments/preview", post(deployments::preview))
        .route("/api/v1/deploy-jobs", get(deploy_jobs::list))
        .route("/api/v1/deploy-jobs/redeploy", post(deploy_jobs::redeploy))
        .route("/api/v1/deploy-jobs/{id}", get(deploy_jobs::get))
        .route("/api/v1/deploy-jobs/{id}/cancel", post(deploy_jobs::cancel))
}

/// Policies, and what conditions name.
fn of_policies() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/policies",
            get(policies::list).post(policies::create),
        )
        .route(
            "/api/v1/policies/{id}",
            get(policies::get).post(policies::set),
        )
        .route("/api/v1/policies/preview", post(policy_preview::of_new))
        .route(
            "/api/v1/policies/{id}/preview",
            post(policy_preview::of_one),
        )
        .route("/api/v1/policies/{id}/rank", post(policies::set_rank))
        .route("/api/v1/policies/{id}/remove", post(policies::remove))
        .route("/api/v1/groups", get(groups::list).post(groups::create))
        .route("/api/v1/groups/{id}", post(groups::set))
        .route("/api/v1/groups/{id}/remove", post(groups::remove))
        .route(
            "/api/v1/unit-trees",
            get(units::list_trees).post(units::create_tree),
        )
        .route("/api/v1/unit-trees/{id}/remove", post(units::remove_tree))
        .route("/api/v1/unit-trees/{id}/units", get(units::list))
        .route("/api/v1/unit-trees/{id}/devices", post(units::place))
        .route("/api/v1/units/{id}/remove", post(units::remove))
}

fn not_found() -> ApiError {
    ApiError::Missing("there is no such address: see /api/v1/openapi.json".to_owned())
}
