//! Packs a changed package. The same plan gives the same bytes, whenever it is packed.

use std::io::{self, Read, Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Plan, content_types, names};
use crate::nupkg::{NupkgError, NupkgIn};

/// The largest part that names the kinds of files, in bytes.
const MAX_TYPES: u64 = 1024 * 1024;
/// A package's own signature, which would not be right any more.
const SIGNATURE: &str = ".signature.p7s";

/// Why a package was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The old package.
    #[error(transparent)]
    Old(#[from] NupkgError),
    /// The new one.
    #[error("the package cannot be written: {0}")]
    New(#[from] ZipError),
    /// A file that is put in.
    #[error("{path} cannot be put in: {error}")]
    File {
        /// Its path in the package.
        path: String,
        /// What was wrong.
        error: io::Error,
    },
    /// A file is another one than the plan says.
    #[error("{path} has {found} bytes, and must have {wanted}")]
    Length {
        /// Its path in the package.
        path: String,
        /// Its length.
        found: u64,
        /// The plan's.
        wanted: u64,
    },
}

impl PackError {
    /// Whether the package itself is the cause: another try would come to the same.
    pub fn is_of_package(&self) -> bool {
        match self {
            Self::Old(_) => true,
            Self::New(error) => !matches!(error, ZipError::Io(_)),
            Self::File { .. } | Self::Length { .. } => false,
        }
    }
}

/// Writes the package that a plan makes. `open` gives the bytes of a SHA-256.
pub fn pack<R, W, F>(
    old: &NupkgIn<R>,
    plan: &Plan,
    mut open: impl FnMut(&str) -> io::Result<F>,
    out: W,
) -> Result<W, PackError>
where
    R: Read + Seek + Clone,
    W: Write + Seek,
    F: Read,
{
    let mut zip = ZipWriter::new(out);
    for file in old.files() {
        let is = |path: &str| file.path.eq_ignore_ascii_case(path);
        if is(SIGNATURE) {
            continue;
        }
        if let Some(script) = plan.scripts.iter().find(|it| is(&it.path)) {
            write(&mut zip, &file.path, &script.bytes)?;
        } else if is(content_types::NAME) {
            write(&mut zip, &file.path, &types(old, plan, &file.path)?)?;
        } else {
            old.copy_raw(&file.path, &mut zip)?;
        }
    }
    for file in &plan.files {
        let error = |error| PackError::File {
            path: file.path.clone(),
            error,
        };
        // Installers are packed by themselves.
        zip.start_file(&*file.path, options(CompressionMethod::Stored))?;
        let mut bytes = open(&file.local.sha256).map_err(error)?;
        let found = io::copy(&mut bytes, &mut zip).map_err(error)?;
        if found != file.local.length {
            return Err(PackError::Length {
                path: file.path.clone(),
                found,
                wanted: file.local.length,
            });
        }
        if let Some(ignored) = names::ignored(&file.path) {
            write(&mut zip, &ignored, &[])?;
        }
    }
    Ok(zip.finish()?)
}

fn write<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    path: &str,
    bytes: &[u8],
) -> Result<(), PackError> {
    zip.start_file(path, options(CompressionMethod::Deflated))?;
    zip.write_all(bytes).map_err(|error| PackError::File {
        path: path.to_owned(),
        error,
    })
}

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
}

/// The kinds of files, those that are put in among them.
fn types<R: Read + Seek + Clone>(
    old: &NupkgIn<R>,
    plan: &Plan,
    path: &str,
) -> Result<Vec<u8>, PackError> {
    let bytes = old.get_up_to(path, MAX_TYPES)?;
    let all = plan.files.iter().flat_map(|it| names::with_mark(&it.path));
    let endings: Vec<String> = all
        .filter_map(|path| Some(path.rsplit_once('.')?.1.to_owned()))
        .collect();
    let changed = content_types::with_endings(&crate::text::decode(&bytes), &endings);
    Ok(changed.map_or(bytes, String::into_bytes))
}
