//! Lines of JSON on the disk, each under a cap.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::marker::PhantomData;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempPath;
use tokio::sync::mpsc;

use super::manifest::Lines;
use super::stage::ImportError;
use crate::app::App;

/// The longest line, in bytes.
const MAX_LINE: u64 = 1024 * 1024;
/// Lines handed on at a time.
const BATCH: usize = 2_000;
/// Batches that wait: a bound on memory.
const WAITING: usize = 2;

/// Lines on their way to the disk.
pub struct Spool {
    file: BufWriter<tempfile::NamedTempFile>,
    sha256: Context,
    length: u64,
    count: u64,
}

/// Lines on the disk.
pub struct Spooled {
    /// Where they are.
    pub path: TempPath,
    /// Their SHA-256.
    pub sha256: String,
    /// Their length in bytes.
    pub length: u64,
    /// How many they are.
    pub count: u64,
}

impl Spool {
    /// None yet.
    pub fn new(app: &App) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(app.blobs.incoming()?),
            sha256: Context::new(&SHA256),
            length: 0,
            count: 0,
        })
    }

    /// Adds a line, or says why not.
    pub fn push(&mut self, row: &impl Serialize) -> anyhow::Result<Result<(), String>> {
        let mut line = serde_json::to_vec(row)?;
        line.push(b'\n');
        if line.len() as u64 > MAX_LINE {
            return Ok(Err(format!(
                "it is described in more than {MAX_LINE} bytes"
            )));
        }
        self.sha256.update(&line);
        self.length += line.len() as u64;
        self.count += 1;
        self.file.write_all(&line)?;
        Ok(Ok(()))
    }

    /// No more come.
    pub fn end(self) -> anyhow::Result<Spooled> {
        let file = self.file.into_inner()?;
        Ok(Spooled {
            path: file.into_temp_path(),
            sha256: fleetmend_trust::hex(self.sha256.finish().as_ref()),
            length: self.length,
            count: self.count,
        })
    }
}

impl Spooled {
    /// As the manifest has them.
    pub fn lines(&self) -> Lines {
        Lines {
            sha256: self.sha256.clone(),
            length: self.length,
            count: self.count,
        }
    }
}

/// The lines of a file, each under a cap.
pub struct LinesOf<T> {
    input: BufReader<File>,
    number: u64,
    kind: PhantomData<T>,
}

impl<T> LinesOf<T> {
    /// From the first one on.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            input: BufReader::new(File::open(path)?),
            number: 0,
            kind: PhantomData,
        })
    }
}

impl<T: DeserializeOwned> Iterator for LinesOf<T> {
    type Item = Result<T, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.number += 1;
        let mut line = Vec::new();
        let read = (&mut self.input)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line);
        if let Err(error) = read {
            return Some(Err(error.into()));
        }
        if line.is_empty() {
            return None;
        }
        let damaged = |what: &str| ImportError::Damaged(format!("line {}: {what}", self.number));
        if line.pop() != Some(b'\n') {
            return Some(Err(damaged("it is too long, or has no end")));
        }
        Some(serde_json::from_slice(&line).map_err(|error| damaged(&error.to_string())))
    }
}

/// The lines of a file, some at a time, read off the async threads.
pub fn batches<T>(path: &Path) -> mpsc::Receiver<Result<Vec<T>, ImportError>>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let (send, batches) = mpsc::channel(WAITING);
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut lines = match LinesOf::<T>::open(&path) {
            Ok(lines) => lines,
            Err(error) => {
                let _ = send.blocking_send(Err(error.into()));
                return;
            }
        };
        loop {
            let batch: Result<Vec<_>, _> = lines.by_ref().take(BATCH).collect();
            let is_last = batch.as_ref().is_ok_and(Vec::is_empty);
            let is_error = batch.is_err();
            if is_last || send.blocking_send(batch).is_err() || is_error {
                return;
            }
        }
    });
    batches
}
