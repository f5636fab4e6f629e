//! Keeps why a device is refused, for people: its agent is told, and nobody reads that on the machine.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use fleetmend_model::Millis;
use fleetmend_protocol::paths;
use fleetmend_store::devices::{self, Device as Stored, Refusal, Refused};

use crate::app::App;
use crate::error::Told;
use crate::inventory::clean::clean_to;
use crate::net::listener::Peer;
use crate::registry::Device;

/// The same is written down again after this time.
const AGAIN: Duration = Duration::from_hours(1);
/// Something else is after this time: who is refused may come as often as they like.
const ANOTHER: Duration = Duration::from_mins(1);
/// The longest cause, in characters.
const MAX_CAUSE: usize = 300;

/// Notes what a device is refused, and forgets it when the like is taken.
pub async fn note(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let certificate = request.extensions().get::<Peer>();
    let certificate = certificate.and_then(|it| it.certificate_sha256.clone());
    let what = match request.uri().path() {
        paths::CHECKIN => Refused::CheckIn,
        paths::INVENTORY => Refused::Inventory,
        _ => Refused::Reports,
    };
    let response = next.run(request).await;
    let device = certificate.and_then(|it| app.registry.by_certificate(&it));
    let told = response.extensions().get::<Told>().cloned();
    let outcome = match told.filter(|_| response.status().is_client_error()) {
        Some(told) => Some(Err(told)),
        None => response.status().is_success().then_some(Ok(())),
    };
    if let Some((device, outcome)) = device.zip(outcome)
        && let Err(error) = came(&app, &device, what, outcome).await
    {
        tracing::warn!("device {}: a refusal is not kept: {error:#}", device.id);
    }
    response
}

async fn came(
    app: &App,
    device: &Device,
    what: Refused,
    outcome: Result<(), Told>,
) -> anyhow::Result<()> {
    let before = device.refusal();
    let refusal = match outcome {
        Ok(()) if before.as_ref().is_none_or(|it| it.what != what) => return Ok(()),
        Ok(()) => None,
        Err(Told(cause)) => {
            let refusal = refusal(app.now(), what, &cause);
            if !is_due(before.as_ref(), &refusal) {
                return Ok(());
            }
            Some(refusal)
        }
    };
    let mut tx = app.db.begin().await?;
    devices::set_refusal(&mut tx, device.id, refusal.as_ref()).await?;
    tx.commit().await?;
    device.learn(|known| known.refusal = refusal);
    Ok(())
}

/// Notes that a device that is not managed any more still asks.
pub async fn note_removed(app: &App, device: &Stored, told: &str) -> anyhow::Result<()> {
    let refusal = refusal(app.now(), Refused::Certificate, told);
    if !is_due(device.refusal.as_ref(), &refusal) {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    devices::set_refusal(&mut tx, device.id, Some(&refusal)).await?;
    Ok(tx.commit().await?)
}

fn refusal(at: Millis, what: Refused, told: &str) -> Refusal {
    let mut cause = told.to_owned();
    clean_to(&mut cause, MAX_CAUSE);
    Refusal { at, what, cause }
}

/// Whether a refusal is written down after another one.
fn is_due(before: Option<&Refusal>, now: &Refusal) -> bool {
    before.is_none_or(|it| {
        let is_same = (it.what, &it.cause) == (now.what, &now.cause);
        now.at.since(it.at) >= if is_same { AGAIN } else { ANOTHER }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_written_once_an_hour_and_something_else_once_a_minute() {
        let then = Millis(1_000_000_000);
        let first = refusal(then, Refused::Inventory, "too many");
        assert!(is_due(None, &first));
        for (after, cause, expected) in [
            (ANOTHER, "too many", false),
            (AGAIN, "too many", true),
            (ANOTHER / 2, "too large", false),
            (ANOTHER, "too large", true),
        ] {
            let next = refusal(then + after, Refused::Inventory, cause);
            assert_eq!(is_due(Some(&first), &next), expected, "{after:?} {cause}");
        }
    }
}
