//! An export on its way out of, and into, a request: the archive is written and read off the async
//! threads, and neither side runs ahead of the other.

use std::io::{self, Read, Write};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::export::{self, Prepared};
use super::import::{self, Wanted};
use super::report::Imported;
use crate::agents::body::broken;
use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;

/// Parts that wait: a bound on memory.
const WAITING: usize = 8;
/// Bytes of a part on its way out.
const PART: usize = 256 * 1024;

/// The answer's body that an export is written into. Once all of it went out it is noted.
pub fn body_of(app: &Arc<App>, prepared: Prepared, actor: Actor) -> Body {
    let (send, parts) = mpsc::channel(WAITING);
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let (to, by) = (send.clone(), actor.clone());
        let at = Arc::clone(&app);
        let writing = tokio::task::spawn_blocking(move || {
            let out = io::BufWriter::with_capacity(PART, Outgoing(to));
            prepared.write(&at, &by, out, |_| {})
        });
        let noted = match writing.await {
            Ok(Ok(carried)) => export::note(&app, &carried, &actor).await,
            Ok(Err(error)) => {
                // The reader must see that it is not whole.
                let _ = send.send(Err(io::Error::other(error.to_string()))).await;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = noted {
            tracing::warn!("an export of the catalog: {error:#}");
        }
    });
    let parts = futures_util::stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part| (part, parts))
    });
    Body::from_stream(parts)
}

struct Outgoing(mpsc::Sender<io::Result<Bytes>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::other("whoever asked for it went away"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes an export in that comes part by part.
pub async fn import_stream<E: std::error::Error + 'static>(
    app: &Arc<App>,
    mut parts: impl Stream<Item = Result<Bytes, E>> + Unpin,
    wanted: &Wanted,
    actor: &Actor,
) -> Result<Imported, ApiError> {
    let cap = app
        .policy
        .import_limit_gigabytes
        .saturating_mul(1_000_000_000);
    let (send, incoming) = mpsc::channel(WAITING);
    let input = Incoming {
        parts: incoming,
        part: Bytes::new(),
    };
    let forward = async {
        while let Some(part) = parts.next().await {
            match part {
                Ok(part) => {
                    if send.send(Ok(part)).await.is_err() {
                        // The import tells why it reads no more.
                        break;
                    }
                }
                Err(error) => {
                    let _ = send.send(Err(io::Error::other("it broke off"))).await;
                    return Err(broken(&error, "the file broke off on its way"));
                }
            }
        }
        drop(send);
        Ok(())
    };
    let import = Box::pin(import::import(app, input, cap, wanted, actor));
    let (forwarded, imported) = tokio::join!(forward, import);
    forwarded?;
    Ok(imported?)
}

struct Incoming {
    parts: mpsc::Receiver<io::Result<Bytes>>,
    part: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.part = part?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.part.len());
        buffer[..count].copy_from_slice(&self.part.split_to(count));
        Ok(count)
    }
}
