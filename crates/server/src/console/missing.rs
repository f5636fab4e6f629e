//! The list of missing patches, a row for each patch and system type, and the decisions on them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_store::missing::{self, MissingPatch, PatchFilter, PatchSort};
use fleetmend_store::sources;

use super::deploy::{Target, Where};
use super::fields::Fields;
use super::form::Change;
use super::notice::Done;
use super::view::{self, Choice, Layout, PageError, Viewer, choices, either, stored};
use crate::app::App;
use crate::approvals;
use crate::catalog::readiness;
use crate::error::ApiError;
use crate::missing::published;

#[derive(Template)]
#[template(path = "missing.html")]
struct List {
    layout: Layout,
    rows: Vec<MissingPatch>,
    /// Why patches cannot be deployed anywhere.
    why_not: HashMap<PatchId, String>,
    title: String,
    hostname: String,
    patch_types: Vec<Choice>,
    system_types: Vec<Choice>,
    approvals: Vec<Choice>,
    security: Vec<Choice>,
    held: Vec<Choice>,
    fixed: Vec<Choice>,
    with_fixed: Vec<Choice>,
    sorts: Vec<Choice>,
    published_since: String,
    published_before: String,
    is_filtered: bool,
    has_sources: bool,
    next: Option<String>,
}

fn filter(fields: &Fields) -> Result<PatchFilter, ApiError> {
    Ok(PatchFilter {
        patch_type: fields.word("patch_type", PatchType::from_key)?,
        system_type: fields.word("system_type", SystemType::from_key)?,
        approval: fields.word("approval", Approval::from_key)?,
        title: fields.owned("title"),
        hostname: fields.owned("hostname"),
        security: fields.parsed("security")?,
        held: fields.parsed("held")?,
        published_since: published::of("published_since", fields.get("published_since"))?,
        published_before: published::of("published_before", fields.get("published_before"))?,
        fixed: fields.parsed("fixed")?,
        with_fixed: fields.parsed("with_fixed")?.unwrap_or_default(),
    })
}

fn label(sort: PatchSort) -> &'static str {
    match sort {
        PatchSort::Title => "Title",
        PatchSort::Affected => "Most affected systems",
        PatchSort::Newest => "Newest",
    }
}

/// The page.
pub async fn page(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response, PageError> {
    let fields = &viewer.fields;
    let filter = filter(fields)?;
    let wanted = fields.wanted_page();
    let sort = fields.word("sort", PatchSort::from_key)?;
    let listed = missing::list(&app.db, &filter, sort.unwrap_or_default(), &wanted)
        .await
        .map_err(stored)?;
    let why_not = readiness::of_patches(&app, listed.rows.iter().map(|row| &row.patch))
        .await
        .map_err(stored)?;
    view::page(&List {
        layout: viewer.layout(&app, "Missing Patches", "missing"),
        rows: listed.rows,
        why_not,
        title: fields.text("title").to_owned(),
        hostname: fields.text("hostname").to_owned(),
        patch_types: choices(
            &[PatchType::Os, PatchType::ThirdParty],
            filter.patch_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        system_types: choices(
            &SystemType::ALL,
            filter.system_type,
            |it| it.key().to_owned(),
            |it| it.label().to_owned(),
        ),
        approvals: choices(
            &Approval::ALL,
            filter.approval,
            |it| it.key().to_owned(),
            |it| it.list_label().to_owned(),
        ),
        security: either(filter.security, "Security", "Other"),
        held: either(filter.held, "Held", "Not held"),
        fixed: either(filter.fixed, "On some device", "Nowhere yet"),
        with_fixed: choices(
            &[true],
            Some(filter.with_fixed),
            |it| it.to_string(),
            |_| "By some device, or fixed everywhere".to_owned(),
        ),
        sorts: choices(
            &PatchSort::ALL[1..],
            sort,
            |it| it.key().to_owned(),
            |it| label(it).to_owned(),
        ),
        published_since: fields.text("published_since").to_owned(),
        published_before: fields.text("published_before").to_owned(),
        is_filtered: filter != PatchFilter::default(),
        has_sources: !sources::list(&app.db).await.map_err(stored)?.is_empty(),
        next: listed
            .next
            .map(|after| fields.next_page("/missing", &after)),
    })
}

/// Approves the ticked patches.
pub async fn approve(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    decide(&app, &change, Approval::Approved, Done::Approved).await
}

/// Disapproves the ticked patches.
pub async fn disapprove(
    State(app): State<Arc<App>>,
    change: Change,
) -> Result<Response, PageError> {
    decide(&app, &change, Approval::Disapproved, Done::Disapproved).await
}

async fn decide(
    app: &Arc<App>,
    change: &Change,
    decision: Approval,
    done: Done,
) -> Result<Response, PageError> {
    let mut patches = Vec::new();
    for target in change.fields.ids::<Target>("target")? {
        let Where::SystemType(system_type) = target.devices else {
            return Err(ApiError::Bad("a decision is for a system type".to_owned()).into());
        };
        patches.push((target.patch, system_type));
    }
    if patches.is_empty() {
        return Ok(change.done("/missing", Done::NothingChosen, 0));
    }
    let reason = change.fields.text("reason");
    approvals::set(app, &patches, decision, reason, change.actor()).await?;
    Ok(change.done("/missing", done, patches.len() as u64))
}
