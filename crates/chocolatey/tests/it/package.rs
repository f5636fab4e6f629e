//! Builds packages for the tests.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) fn nuspec(id: &str, version: &str) -> Vec<u8> {
    format!("<package><metadata><id>{id}</id><version>{version}</version><title>Acme Tool</title></metadata></package>")
        .into_bytes()
}

/// A zip with the given entries.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A nupkg of `acme` 1.2.3 with the given entries.
pub(crate) fn nupkg(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let nuspec = nuspec("acme", "1.2.3");
    let mut all: Vec<(&str, &[u8])> = vec![("acme.nuspec", &nuspec)];
    all.extend_from_slice(entries);
    zip(&all)
}
