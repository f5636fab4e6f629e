//! `POST /agent/v1/inventory`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use fleetmend_model::inventory::Inventory;
use fleetmend_protocol::BOOT_HEADER;
use fleetmend_protocol::checkin::InventoryReply;
use fleetmend_store::{holds, scan_jobs};
use fleetmend_trust::digest_hex;

use crate::agents::{Caller, body};
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::clean;
use crate::inventory::ingest::Incoming;
use crate::registry::Device;

/// The largest inventory, in bytes: some thirty thousand entries.
const MAX_INVENTORY: usize = 8 * 1024 * 1024;

/// Stores an inventory and answers when it is stored and matched.
pub async fn inventory(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<InventoryReply>, ApiError> {
    device.heard(app.now());
    let _turn = device.turn().ok_or_else(|| {
        ApiError::Busy("another inventory of this device is being taken in".to_owned())
    })?;
    may_report(&app, &device).await?;
    let bytes = body::bytes(body, MAX_INVENTORY).await?;
    let mut inventory: Inventory = body::json(&bytes)?;
    let digest = digest_hex(&bytes);
    let notes = clean::clean(&mut inventory);
    let boot = boot(&headers)?;
    app.ingest
        .store(Incoming::new(
            device,
            inventory,
            digest.clone(),
            notes,
            boot,
        ))
        .await?;
    app.touch();
    Ok(Json(InventoryReply { digest }))
}

/// Refuses an inventory of a device that brings many, also where one was asked for.
async fn may_report(app: &App, device: &Device) -> Result<(), ApiError> {
    let Err(wait) = device.may_report(app.now()) else {
        return Ok(());
    };
    let scan = scan_jobs::open_of_device(&app.db, device.id);
    let is_asked_for = scan.await.map_err(anyhow::Error::from)?.is_some()
        || holds::awaits_inventory(&app.db, device.id)
            .await
            .map_err(anyhow::Error::from)?;
    let wait = match is_asked_for.then(|| device.may_answer(app.now())) {
        Some(Ok(())) => return Ok(()),
        Some(Err(wait)) => wait,
        None => wait,
    };
    Err(ApiError::TooMany(wait.as_secs().max(1)))
}

/// The boot that an inventory was made in; agents that are older than the header do not say it.
fn boot(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(BOOT_HEADER) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(boot) if !boot.is_empty() => Ok(Some(boot.to_owned())),
        _ => Err(ApiError::Bad(format!(
            "the header {BOOT_HEADER} names no boot"
        ))),
    }
}
