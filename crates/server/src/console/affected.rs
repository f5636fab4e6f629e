//! The systems that lack one patch.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Evidence;
use fleetmend_store::approvals::{self, ApprovalRow};
use fleetmend_store::holds::{self, Hold};
use fleetmend_store::missing::{self, AffectedSystem, Dates};
use fleetmend_store::patches::{self, Patch};

use super::view::{self, Choice, Layout, PageError, PathId, Viewer, choices, stored};
use crate::app::App;
use crate::catalog::readiness;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "affected.html")]
struct Affected {
    layout: Layout,
    patch: Patch,
    /// Why it cannot be deployed anywhere.
    why_not: Option<String>,
    /// Why it is offered nowhere.
    held_everywhere: Option<Hold>,
    dates: Dates,
    decisions: Vec<(SystemType, Option<ApprovalRow>)>,
    rows: Vec<AffectedSystem>,
    hostname: String,
    system_types: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

/// The words for [`Evidence`] on pages.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
pub(super) fn evidence_label(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::Override => "an administrator said so",
        Evidence::ChocolateyRecord => "Chocolatey installed it",
        Evidence::ProductCode => "MSI product code",
        Evidence::UpgradeCode => "MSI upgrade code",
        Evidence::SoftwareName => "software name",
        Evidence::Name => "name and publisher",
        Evidence::PackageManager => "package manager",
    }
}

/// The page.
pub async fn page(
    State(app): State<Arc<App>>,
    PathId(id): PathId,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let id = PatchId(id);
    let patch = patches::get(&app.db, id)
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no patch {id}")))?;
    let fields = &viewer.fields;
    let system_type = fields.word("system_type", SystemType::from_key)?;
    let hostname = fields.get("hostname");
    let wanted = fields.wanted_page();
    let listed = missing::affected_systems(&app.db, id, system_type, hostname, &wanted)
        .await
        .map_err(stored)?;
    let mut decided = approvals::of_patch(&app.db, id).await.map_err(stored)?;
    let decisions = SystemType::ALL.map(|system_type| {
        let at = decided
            .iter()
            .position(|row| row.system_type == system_type);
        (system_type, at.map(|at| decided.swap_remove(at)))
    });
    let why_not = readiness::of_patches(&app, [&patch])
        .await
        .map_err(stored)?
        .remove(&id);
    let held_everywhere = holds::everywhere(&app.db, id).await.map_err(stored)?;
    view::page(&Affected {
        why_not,
        held_everywhere,
        dates: missing::dates(&app.db, id).await.map_err(stored)?,
        layout: viewer.layout(
            &app,
            format!("{} {}", patch.title, patch.version),
            "missing",
        ),
        patch,
        decisions: decisions.into(),
        rows: listed.rows,
        is_filtered: hostname.is_some() || system_type.is_some(),
        hostname: hostname.unwrap_or_default().to_owned(),
        system_types: choices(
            &SystemType::ALL,
            system_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        next: listed
            .next
            .map(|after| fields.next_page(&format!("/missing/{id}"), &after)),
    })
}
