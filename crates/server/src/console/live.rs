//! Tells open pages that something changed (server-sent events). The page then reads itself again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::error::ApiError;
use crate::people::SignedIn;

/// Changes that come together are told once.
const GATHER: Duration = Duration::from_millis(500);

/// One event for the beginning, so that nothing between drawing the page and listening is lost,
/// then one for each change.
pub async fn changes(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let changed = app.changed.subscribe();
    let ended = Arc::clone(&app);
    let events = futures_util::stream::unfold((changed, true), async |(mut changed, is_first)| {
        if !is_first {
            match changed.recv().await {
                Ok(()) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
            tokio::time::sleep(GATHER).await;
            changed = changed.resubscribe();
        }
        Some((Ok(Event::default().data("changed")), (changed, false)))
    });
    // A stopping server waits for its answers to end.
    let events = events.take_until(async move { ended.stopped().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
