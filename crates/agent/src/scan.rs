//! A scan as the agent makes it: the inventory, and its way to the server.

use std::time::{Duration, Instant};

use fleetmend_trust::digest_hex;

use crate::core::ScanError;
use crate::link::LinkError;
use crate::listener;
use crate::runner::Shared;

/// How long the server is asked to take an inventory.
const DELIVERY: Duration = Duration::from_mins(10);

/// Makes an inventory and sends it, unless its digest is `known`; gives its digest.
pub(crate) fn scan(
    shared: &Shared,
    known: Option<String>,
    send_always: bool,
) -> Result<String, ScanError> {
    let failed = |error: String| {
        tracing::error!("scan: {error}");
        ScanError::Failed(error)
    };
    let progress = |text: &str| tracing::info!("scan: {text}");
    let boot = shared.platform.boot().id;
    let inventory = shared.platform.scan(&progress);
    let inventory = inventory.map_err(|error| failed(error.to_string()))?;
    let json = serde_json::to_vec(&inventory).map_err(|error| failed(error.to_string()))?;
    let digest = digest_hex(&json);
    if send_always || known.as_ref() != Some(&digest) {
        let until = Instant::now() + DELIVERY;
        let mut pause = listener::Backoff::new();
        let post = || shared.link.inventory(&json, &boot).map(|_| ());
        deliver(post, || {
            pause.wait();
            Instant::now() < until
        })?;
    }
    for source in inventory.updates.iter().flat_map(|scan| &scan.unreachable) {
        tracing::warn!(
            "scan: {} cannot be reached: {}",
            source.source,
            source.cause
        );
    }
    let updates = inventory
        .updates
        .as_ref()
        .map_or(0, |scan| scan.updates.len());
    tracing::info!(
        "scan: {} installed, {updates} updates on offer",
        inventory.software.len()
    );
    Ok(digest)
}

/// Sends an inventory until it is taken or refused, or `pause` says that the time is over: what it
/// says is old then, and whatever else waits for a scan waits for too long.
fn deliver(
    mut post: impl FnMut() -> Result<(), LinkError>,
    mut pause: impl FnMut() -> bool,
) -> Result<(), ScanError> {
    loop {
        let error = match post() {
            Ok(()) => return Ok(()),
            Err(error @ LinkError::Refused { .. }) => {
                tracing::error!("the inventory was not taken: {error}");
                return Err(ScanError::Failed(error.to_string()));
            }
            Err(error) => error,
        };
        tracing::warn!("{error}");
        if !pause() {
            return Err(match error {
                LinkError::Unreachable { .. } => ScanError::Unreachable,
                _ => ScanError::NotTaken,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> LinkError {
        LinkError::Unreachable {
            url: "https://server".to_owned(),
            cause: "refused".to_owned(),
        }
    }

    fn answer(status: u16) -> LinkError {
        let message = "why".to_owned();
        if status == 400 {
            LinkError::Refused { status, message }
        } else {
            LinkError::Busy { status, message }
        }
    }

    /// What comes of an inventory whose posts are answered so, the last for ever.
    fn delivered(answers: Vec<Result<(), LinkError>>, pauses: usize) -> (String, usize) {
        let (mut answers, mut posts, mut pauses) = (answers.into_iter(), 0, 0..pauses);
        let result = deliver(
            || {
                posts += 1;
                answers.next().unwrap_or_else(|| Err(unreachable()))
            },
            || pauses.next().is_some(),
        );
        (format!("{result:?}"), posts)
    }

    #[test]
    fn an_inventory_is_sent_until_it_is_taken_or_refused_and_not_for_ever() {
        let all = |answers: Vec<_>| delivered(answers, 2);
        assert_eq!(all(vec![Ok(())]), ("Ok(())".to_owned(), 1));
        let late = vec![Err(unreachable()), Err(answer(503)), Ok(())];
        assert_eq!(all(late), ("Ok(())".to_owned(), 3));
        let (result, posts) = all(vec![Err(answer(503)), Err(answer(400))]);
        assert!(result.starts_with("Err(Failed("), "{result}");
        assert_eq!(posts, 2);
        let busy = (0..9).map(|_| Err(answer(503))).collect();
        assert_eq!(all(busy), ("Err(NotTaken)".to_owned(), 3));
        assert_eq!(all(Vec::new()), ("Err(Unreachable)".to_owned(), 3));
    }
}
