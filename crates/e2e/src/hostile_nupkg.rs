//! Package files that are damaged, or made to do harm to whoever unpacks them.

use std::io::{Cursor, Write as _};

use anyhow::Result;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::nupkg::Nupkg;

/// More entries than any package has.
const MANY: usize = 20_001;
/// Unpacks to so much of nothing.
const BOMB: usize = 64 * 1024 * 1024;

/// A package file, and words of what is wrong with it.
#[derive(Debug)]
pub struct Hostile {
    /// What is done to it; also the id of the package that it pretends to be.
    pub id: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// Words that an error about it must have.
    pub words: &'static str,
}

/// Every kind. Those that reach outside name files in the folder `outside`.
pub fn every_kind(outside: &str) -> Result<Vec<Hostile>> {
    let up = "../".repeat(12);
    let climbing = format!("{up}{}/climbed.txt", outside.trim_start_matches('/'));
    let absolute = format!("{outside}/absolute.txt");
    let kind = |id, bytes, words| Hostile { id, bytes, words };
    Ok(vec![
        kind("climbs", with_files("climbs", &[&climbing])?, "is refused"),
        kind(
            "absolute",
            with_files("absolute", &[&absolute])?,
            "is refused",
        ),
        kind(
            "backslashes",
            with_files("backslashes", &[r"tools\..\..\evil.ps1"])?,
            "is refused",
        ),
        kind(
            "drive",
            with_files("drive", &["C:/Windows/evil.dll"])?,
            "is refused",
        ),
        kind(
            "twice",
            with_files("twice", &["tools/a.txt", "TOOLS/A.txt"])?,
            "more than one entry",
        ),
        kind("same-name", same_name("same-name")?, "more than one entry"),
        kind("bomb", bomb("bomb")?, "zip bomb"),
        kind(
            "link",
            link("link", &format!("{outside}/linked"))?,
            "symbolic link",
        ),
        kind("many", many("many")?, "entries, more than"),
        kind(
            "other",
            Nupkg::new("good", "2.0").build()?,
            "it is good 2.0",
        ),
        kind("cut-off", cut_off("cut-off")?, "not a readable nupkg"),
        kind("no-zip", b"PK but no zip".to_vec(), "not a readable nupkg"),
        kind(
            "two-manifests",
            with_files("two-manifests", &["other.nuspec"])?,
            "2 nuspec files",
        ),
    ])
}

/// What the file pretends to be: version 2.0 of a package that installs `<id> Application`.
pub fn pretended(id: &str) -> Nupkg {
    Nupkg::new(id, "2.0")
        .title(&format!("{id} Application"))
        .install_script("Set-Content C:\\ran.txt ran")
}

fn packed(id: &str) -> Result<ZipWriter<Cursor<Vec<u8>>>> {
    let bytes = pretended(id).build()?;
    Ok(ZipWriter::new_append(Cursor::new(bytes))?)
}

fn with_files(id: &str, names: &[&str]) -> Result<Vec<u8>> {
    let mut writer = packed(id)?;
    for name in names {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(b"harm")?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The very same name twice: writers refuse that, so the second is changed in the bytes.
fn same_name(id: &str) -> Result<Vec<u8>> {
    let (first, second) = (b"tools/name-1", b"tools/name-2");
    let mut bytes = with_files(id, &["tools/name-1", "tools/name-2"])?;
    for at in 0..bytes.len() - second.len() {
        if bytes[at..].starts_with(second) {
            bytes[at..at + first.len()].copy_from_slice(first);
        }
    }
    Ok(bytes)
}

fn bomb(id: &str) -> Result<Vec<u8>> {
    let mut writer = packed(id)?;
    writer.start_file("tools/data.bin", SimpleFileOptions::default())?;
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..BOMB / zeros.len() {
        writer.write_all(&zeros)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn link(id: &str, target: &str) -> Result<Vec<u8>> {
    let mut writer = packed(id)?;
    writer.add_symlink("tools/data", target, SimpleFileOptions::default())?;
    Ok(writer.finish()?.into_inner())
}

fn many(id: &str) -> Result<Vec<u8>> {
    let mut writer = packed(id)?;
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..MANY {
        writer.start_file(format!("tools/{number}.txt"), stored)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn cut_off(id: &str) -> Result<Vec<u8>> {
    let mut bytes = pretended(id).build()?;
    bytes.truncate(bytes.len() * 2 / 3);
    Ok(bytes)
}
