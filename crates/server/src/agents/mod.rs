//! The agent API. Everything but the CA and enrolment asks for a device's certificate.

pub mod body;
pub mod checkin;
pub mod enrol;
pub mod epoch;
pub mod facts;
pub mod files;
pub mod inventory;
pub mod refusal;
pub mod remove;
pub mod reports;
pub mod wait;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use fleetmend_store::devices;
use http::request::Parts;

use crate::app::App;
use crate::error::ApiError;
use crate::net::listener::Peer;
use crate::registry::{Device, Known};

/// The device behind the connection's certificate.
pub struct Caller(pub Arc<Device>);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let certificate = parts
            .extensions
            .get::<Peer>()
            .and_then(|peer| peer.certificate_sha256.clone())
            .ok_or_else(|| {
                ApiError::Unauthenticated("this address is for enrolled agents only".to_owned())
            })?;
        if let Some(device) = app.registry.by_certificate(&certificate) {
            return Ok(Self(device));
        }
        // Enrolled at another server over the same database, or removed.
        let stored = devices::ever_by_certificate(&app.db, &certificate)
            .await
            .map_err(anyhow::Error::from)?;
        let told = "this device is not enrolled any more";
        match stored {
            Some(device) if device.removed_at.is_none() => Ok(Self(remember(app, &device))),
            Some(device) => {
                refusal::note_removed(app, &device, told).await?;
                Err(ApiError::Unauthenticated(told.to_owned()))
            }
            None => Err(ApiError::Unauthenticated(told.to_owned())),
        }
    }
}

/// Puts a stored device into the registry.
pub fn remember(app: &App, stored: &devices::Device) -> Arc<Device> {
    let known = Known {
        inventory_digest: stored.inventory_digest.clone(),
        boot: stored
            .boot
            .as_ref()
            .map(|boot| boot.id.clone())
            .unwrap_or_default(),
        agent_version: stored.agent_version.clone(),
        protocol: stored.protocol,
        epoch: String::new(),
        facts: 0,
        host: Known::digest_of(&stored.host),
        scan_failure: stored.scan_failure.clone(),
        refusal: stored.refusal.clone(),
    };
    let device = app.registry.add(
        stored.id,
        &stored.certificate_sha256,
        stored.last_seen,
        known,
    );
    if let Some(at) = stored.scanned_at {
        device.confirm_scan(at);
    }
    device
}
