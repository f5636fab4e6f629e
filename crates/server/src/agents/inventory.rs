//! `POST /agent/v1/inventory`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fleetmend_model::inventory::Inventory;
use fleetmend_protocol::checkin::InventoryReply;
use fleetmend_trust::digest_hex;

use crate::agents::{Caller, body};
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::clean;
use crate::inventory::ingest::Incoming;

/// The largest inventory, in bytes: some thirty thousand entries.
const MAX_INVENTORY: usize = 8 * 1024 * 1024;

/// Stores an inventory and answers when it is stored and matched.
pub async fn inventory(
    State(app): State<Arc<App>>,
    Caller(device): Caller,
    body: Body,
) -> Result<Json<InventoryReply>, ApiError> {
    device.heard(app.now());
    let bytes = body::bytes(body, MAX_INVENTORY).await?;
    let mut inventory: Inventory = body::json(&bytes)?;
    let digest = digest_hex(&bytes);
    let notes = clean::clean(&mut inventory);
    app.ingest
        .store(Incoming::new(device, inventory, digest.clone(), notes))
        .await?;
    app.touch();
    Ok(Json(InventoryReply { digest }))
}
