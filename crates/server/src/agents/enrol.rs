//! Enrolment: `GET /agent/v1/ca` and `POST /agent/v1/enrol`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fleetmend_model::Millis;
use fleetmend_model::device::{Host, SystemType};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_store::enrol_tokens::Enrolled;
use fleetmend_store::{Tx, devices, enrol_tokens};
use fleetmend_trust::{EnrolToken, TrustRoot, digest_hex};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::agents::{body, remember};
use crate::app::App;
use crate::error::ApiError;
use crate::inventory::scans;
use crate::journal;
use crate::net::pki;
use crate::people::Actor;
use crate::policies::assign;

/// The largest enrolment request, in bytes.
const MAX_REQUEST: usize = 64 * 1024;

/// The CA's certificate, DER. Public; agents compare its digest with their token's.
pub async fn ca(State(app): State<Arc<App>>) -> Vec<u8> {
    app.keys.ca_der.clone()
}

/// Makes a token, stores the digest of its secret and notes who made it.
pub async fn make_token(
    app: &App,
    url: &str,
    label: &str,
    valid: Duration,
    actor: &Actor,
) -> anyhow::Result<EnrolToken> {
    let mut secret = [0; 16];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| anyhow::anyhow!("the system's random source failed"))?;
    let ca_sha256 = ring::digest::digest(&ring::digest::SHA256, &app.keys.ca_der)
        .as_ref()
        .try_into()
        .context("a SHA-256 has 32 bytes")?;
    let token = EnrolToken {
        server_url: url.to_owned(),
        ca_sha256,
        secret,
    };
    let now = app.now();
    let mut tx = app.db.begin().await?;
    let secret = digest_hex(token.secret_hex().as_bytes());
    enrol_tokens::create(&mut tx, &secret, label, now, now + valid).await?;
    journal::record(
        &mut tx,
        actor,
        "make_enrol_token",
        "enrolment token",
        label,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(token)
}

/// Trades a token for a certificate.
pub async fn enrol(State(app): State<Arc<App>>, body: Body) -> Result<Json<EnrolReply>, ApiError> {
    let request: EnrolRequest = body::json(&body::bytes(body, MAX_REQUEST).await?)?;
    if request.protocol < fleetmend_protocol::OLDEST {
        return Err(ApiError::Denied(
            "protocol_too_old",
            format!(
                "the agent speaks protocol {}, the server needs {} or newer: install a newer agent",
                request.protocol,
                fleetmend_protocol::OLDEST
            ),
        ));
    }
    let certificate = pki::device_certificate(&app.keys.ca, &request.signing_request)
        .map_err(|error| ApiError::Bad(format!("field 'signing_request': {error:#}")))?;
    let mut host = request.host;
    clean_host(&mut host);
    let now = app.now();
    let new = devices::NewDevice {
        host,
        system_type: SystemType::Normal,
        agent_version: request.agent_version.chars().take(64).collect(),
        protocol: request.protocol,
        certificate_sha256: certificate.sha256,
    };
    let enrolled = Enrolled {
        key_sha256: certificate.key_sha256,
        certificate: certificate.pem,
    };
    let (device, certificate) = claim(&app, &request.secret, &new, enrolled, now).await?;
    app.touch();
    tracing::info!("device {} enrolled: {}", device.id, device.host.hostname);
    remember(&app, &device);
    Ok(Json(EnrolReply {
        device: device.id,
        certificate,
        ca: app.keys.ca_pem.clone(),
        trust: TrustRoot {
            level: 0,
            release_keys: vec![app.keys.release.public()],
            order_keys: vec![app.keys.order.public()],
        },
    }))
}

/// In one transaction: the token is used, the device exists, its first scan is posted. Gives the
/// device and its certificate.
async fn claim(
    app: &App,
    secret: &str,
    new: &devices::NewDevice,
    enrolled: Enrolled,
    now: Millis,
) -> Result<(devices::Device, String), ApiError> {
    let failed = |error: fleetmend_store::Error| ApiError::Internal(error.into());
    let mut tx = app.db.begin().await.map_err(failed)?;
    let secret = digest_hex(secret.as_bytes());
    match enrol_tokens::claim(&mut tx, &secret, now)
        .await
        .map_err(failed)?
    {
        enrol_tokens::Claim::Claimed => {}
        enrol_tokens::Claim::Unknown => {
            return Err(denied(
                "token_unknown",
                "the enrolment token is not one of this server's",
            ));
        }
        enrol_tokens::Claim::Used => {
            let again = again(&mut tx, &secret, &enrolled.key_sha256, now).await;
            return again.map_err(failed)?.ok_or_else(|| {
                denied(
                    "token_used",
                    "the enrolment token was used before: each enrols one machine",
                )
            });
        }
        enrol_tokens::Claim::Expired => {
            return Err(denied(
                "token_expired",
                "the enrolment token expired: make a new one",
            ));
        }
    }
    let id = devices::insert(&mut tx, new, now).await.map_err(failed)?;
    enrol_tokens::set_device(&mut tx, &secret, id, &enrolled)
        .await
        .map_err(failed)?;
    scans::post(&mut tx, id, "enrolment", now).await?;
    assign::soon(app, &mut tx, now).await?;
    let device = devices::get(&mut tx, id)
        .await
        .map_err(failed)?
        .ok_or_else(|| anyhow::anyhow!("device {id} is gone"))?;
    tx.commit().await.map_err(failed)?;
    Ok((device, enrolled.certificate))
}

/// What the device with this key got for a token that is used: it asks again because the answer
/// was lost. `None` for everybody else.
async fn again(
    tx: &mut Tx,
    secret_sha256: &str,
    key_sha256: &str,
    now: Millis,
) -> fleetmend_store::Result<Option<(devices::Device, String)>> {
    let token = enrol_tokens::get(&mut *tx, secret_sha256).await?;
    let Some((id, certificate)) = token.as_ref().and_then(|it| it.made_for(key_sha256, now)) else {
        return Ok(None);
    };
    let device = devices::get(&mut *tx, id).await?;
    let device = device.filter(|it| it.removed_at.is_none());
    Ok(device.map(|device| (device, certificate.to_owned())))
}

fn denied(code: &'static str, message: &str) -> ApiError {
    ApiError::Denied(code, message.to_owned())
}

fn clean_host(host: &mut Host) {
    for text in [
        &mut host.hostname,
        &mut host.os_name,
        &mut host.os_version,
        &mut host.architecture,
    ] {
        crate::inventory::clean::clean_text(text);
    }
}
