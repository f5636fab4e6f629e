//! A package on its way in: written to disk and digested part by part, looked at there, and kept
//! only if it comes into the feed.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::multipart::{Field, MultipartError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::file_reader::FileReader;
use ring::digest::{Context, SHA256, SHA512};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::add::{AddError, Nupkg, examine};
use super::answer::Refusal;
use crate::app::App;
use crate::catalog::digest;
use crate::disk_watch::DiskWatch;

/// Parts that wait for the disk: more are not read from the client.
const WAITING: usize = 8;

/// A package that came in whole, and can be read.
pub(super) struct Incoming {
    pub(super) file: NamedTempFile,
    pub(super) nupkg: Nupkg,
}

/// Takes a package in, and looks at it.
pub(super) async fn receive(app: &Arc<App>, field: Field<'_>) -> Result<Incoming, Refusal> {
    let (blobs, file) = (app.blobs.clone(), app.blobs.incoming()?);
    let (send, parts) = mpsc::channel(WAITING);
    let written = tokio::task::spawn_blocking(move || write(&blobs, file, parts));
    let limit = app.policy.push_limit_megabytes * 1_000_000;
    let forwarded = forward(field, &send, limit).await;
    // Whatever came of it, the file is closed then, and gone unless it is kept.
    drop(send);
    let written = written.await.context("a package cannot be stored")?;
    forwarded?;
    let (file, sha256, sha512) = written?;
    let nupkg = tokio::task::spawn_blocking(move || {
        let reader = file.reopen().and_then(FileReader::new);
        let reader = reader.context("a package cannot be read")?;
        examine(reader, sha256, sha512).map(|nupkg| Incoming { file, nupkg })
    });
    Ok(nupkg.await.context("a package cannot be read")??)
}

/// A package that was made here, in a file that is read with `reader`.
pub(super) fn of_file(file: NamedTempFile, reader: FileReader) -> Result<Incoming, AddError> {
    let (mut sha256, mut sha512) = (Context::new(&SHA256), Context::new(&SHA512));
    let digested = digest::each_part(reader.clone(), |part| {
        sha256.update(part);
        sha512.update(part);
    });
    digested.context("a package cannot be read")?;
    let sha256 = fleetmend_trust::hex(sha256.finish().as_ref());
    let nupkg = examine(reader, sha256, STANDARD.encode(sha512.finish()))?;
    Ok(Incoming { file, nupkg })
}

/// Hands on what comes in.
async fn forward(
    mut field: Field<'_>,
    send: &mpsc::Sender<Bytes>,
    limit: u64,
) -> Result<(), Refusal> {
    let mut length = 0;
    while let Some(part) = field.chunk().await.map_err(broken)? {
        length += part.len() as u64;
        if length > limit {
            let text = format!("a package may have {limit} bytes at most");
            return Err(Refusal::TooLarge(text));
        }
        if send.send(part).await.is_err() {
            // The writer tells why it ended.
            break;
        }
    }
    Ok(())
}

/// What a request that broke off is answered with.
pub(super) fn broken(error: MultipartError) -> Refusal {
    Refusal::Bad(format!("the request broke off: {}", error.body_text()))
}

/// Writes a file to its end; gives it with its SHA-256 (lower-case hexadecimal) and its SHA-512
/// (Base64).
fn write(
    blobs: &Blobs,
    mut file: NamedTempFile,
    mut parts: mpsc::Receiver<Bytes>,
) -> io::Result<(NamedTempFile, String, String)> {
    let mut watch = DiskWatch::default();
    let (mut sha256, mut sha512) = (Context::new(&SHA256), Context::new(&SHA512));
    while let Some(part) = parts.blocking_recv() {
        sha256.update(&part);
        sha512.update(&part);
        watch.takes(blobs, part.len())?;
        file.write_all(&part)?;
    }
    let sha256 = fleetmend_trust::hex(sha256.finish().as_ref());
    Ok((file, sha256, STANDARD.encode(sha512.finish())))
}
