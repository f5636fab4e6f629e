//! A request's body that must keep a pace: one that trickles in would hold a task and its memory
//! for as long as it likes.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// The pace that every link keeps, in bytes a second. Bodies have caps, so that this ends them.
const PACE: u64 = 4 * 1024;

/// The body came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("it came too slowly")]
pub struct TooSlow;

/// Whether an error is, or came of, [`TooSlow`].
pub fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    error.is::<TooSlow>() || error.source().is_some_and(is_too_slow)
}

/// A body under a limit: some time at first, and more with each byte that came.
pub struct Paced<B> {
    body: B,
    grace: Duration,
    came: u64,
    // Most bodies are there with the head; they need none.
    clock: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Paced<B> {
    /// Puts a body under the limit. Its time begins when it is first waited for.
    pub fn new(body: B, grace: Duration) -> Self {
        Self {
            body,
            grace,
            came: 0,
            clock: None,
        }
    }

    /// Ready when the time for what came is over.
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let allowed = allowed(self.grace, self.came);
        let (began, sleep) = self.clock.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(tokio::time::sleep_until(now + allowed)))
        });
        let limit = *began + allowed;
        if sleep.deadline() != limit {
            sleep.as_mut().reset(limit);
        }
        sleep.as_mut().poll(context)
    }
}

/// How long a body may have taken of which so many bytes came.
fn allowed(grace: Duration, came: u64) -> Duration {
    grace + Duration::from_millis(came.saturating_mul(1000) / PACE)
}

impl<B> Body for Paced<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Buf::remaining);
                self.came = self.came.saturating_add(length as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.poll_limit(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Box::new(TooSlow)))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_came_buys_time() {
        let grace = Duration::from_secs(30);
        for (came, seconds) in [(0, 30), (1, 30), (4096, 31), (8 * 1024 * 1024, 30 + 2048)] {
            assert_eq!(allowed(grace, came).as_secs(), seconds, "{came}");
        }
        assert!(allowed(grace, u64::MAX) > grace);
    }

    #[test]
    fn the_cause_of_an_error_is_found_beneath_it() {
        let beneath = axum::Error::new(TooSlow);
        assert!(is_too_slow(&TooSlow));
        assert!(is_too_slow(&beneath));
        assert!(!is_too_slow(&std::io::Error::other("else")));
    }
}
