//! The `OpenAPI` document, made from the handlers.

use axum::Json;
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};

use super::{
    application_devices, applications, approval_rules, approvals, audit, catalog, deploy_jobs,
    deployments, devices, downloads, enrol_tokens, feed, freshness, groups, holds, missing,
    overrides, plan, policies, policy_preview, quarantine, scans, session, sources, units,
};

/// The shape of every error.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// What was wrong.
    error: ErrorDetail,
}

/// Inside the error envelope.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// A word for programs, e.g. `not_found`.
    code: String,
    /// A sentence for people.
    message: String,
}

/// The answer to a request that is refused: 400 malformed, 401 not signed in, 403 not allowed,
/// 404 not there, 409 not now, 413 too large, 429 too many tries.
#[derive(IntoResponses)]
#[response(status = "4XX", description = "Refused")]
#[expect(dead_code, reason = "documentation; `ApiError` makes the answers")]
pub(crate) struct Refused(#[to_schema] ErrorEnvelope);

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let cookie = ApiKeyValue::with_description(
            "__Host-fleetmend",
            "Set by create_session. Changes also carry the session's token in X-CSRF-Token.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Fleetmend", description = "Patch management: what the console does, for programs."),
    modifiers(&Security),
    security(("session" = [])),
    paths(
        session::get,
        session::create,
        session::delete,
        devices::list,
        devices::get,
        devices::list_missing,
        devices::set_system_type,
        devices::remove,
        applications::list_of_device,
        applications::explain,
        applications::list,
        application_devices::list,
        overrides::list,
        overrides::create,
        overrides::preview,
        overrides::preview_removal,
        overrides::remove,
        scans::request,
        missing::list,
        missing::get,
        missing::list_systems,
        freshness::list,
        holds::list,
        holds::release,
        approval_rules::list,
        approval_rules::set,
        approval_rules::preview,
        approvals::set,
        deployments::preview,
        deployments::create,
        deploy_jobs::list,
        deploy_jobs::get,
        deploy_jobs::redeploy,
        deploy_jobs::cancel,
        plan::get,
        policies::list,
        policies::create,
        policies::get,
        policies::set,
        policies::set_rank,
        policy_preview::of_new,
        policy_preview::of_one,
        policies::remove,
        groups::list,
        groups::create,
        groups::set,
        groups::remove,
        units::list_trees,
        units::create_tree,
        units::remove_tree,
        units::list,
        units::place,
        units::remove,
        downloads::list,
        downloads::reset,
        downloads::storage,
        quarantine::list,
        quarantine::release,
        quarantine::retry,
        sources::list,
        sources::get,
        sources::create,
        sources::set,
        sources::held_back,
        sources::preview_removal,
        sources::remove,
        sources::remove_gone,
        sources::set_login,
        sources::set_private_hosts,
        sources::read,
        catalog::list,
        catalog::export,
        catalog::import,
        feed::get,
        feed::create_key,
        feed::delete_key,
        feed::set_readers,
        feed::list_packages,
        feed::set_listed,
        feed::list_refused,
        feed::internalize,
        enrol_tokens::create,
        audit::list,
    )
)]
struct Document;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// `GET /api/v1/openapi.json`: open to everybody, as it says nothing of this installation.
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
