//! What of a form comes before its file: until the file begins, all of it is held in memory.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// The most that may come before the file, in bytes: clients and browsers send some hundred.
const MOST: usize = 64 * 1024;

/// The file did not begin in time.
#[derive(Debug, thiserror::Error)]
#[error("it has no file within its first {MOST} bytes")]
pub struct NoFile;

impl NoFile {
    /// Whether an error came of it.
    pub fn is_cause_of(error: &(dyn Error + 'static)) -> bool {
        error.is::<Self>() || error.source().is_some_and(Self::is_cause_of)
    }
}

/// Says that the file began.
#[derive(Debug, Clone, Default)]
pub struct Began(Arc<AtomicBool>);

impl Began {
    /// Says it.
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// A request whose body fails with [`NoFile`] where this does not say in time that its file began.
    pub fn limit(&self, request: Request) -> Request {
        request.map(|body| {
            Body::new(BeforeFile {
                body,
                began: self.clone(),
                came: 0,
                gave: false,
            })
        })
    }
}

/// A body that fails with [`NoFile`].
struct BeforeFile {
    body: Body,
    began: Began,
    came: usize,
    /// Whether a part was given since the reader was last made to look at what it has: it takes all
    /// that it gets before it does.
    gave: bool,
}

impl hyper::body::Body for BeforeFile {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.began.0.load(Ordering::Relaxed) {
            if std::mem::take(&mut self.gave) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.came > MOST {
                return Poll::Ready(Some(Err(Box::new(NoFile))));
            }
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.came = self.came.saturating_add(length);
            self.gave = true;
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
