//! One function for each kind of outside data: reads the input as the product does, and checks what
//! must hold of whatever came out. None may panic, whatever the input.

pub mod made;
mod made_archives;
mod made_installers;
mod made_queries;

use std::io::{self, Cursor};
use std::panic;
use std::sync::LazyLock;
use std::thread;

use fleetmend_archive::{Reader as Archive, Writer};
use fleetmend_chocolatey::gallery::{Gallery, Item, Request};
use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::nuspec::{Nuspec, parse_nuspec};
use fleetmend_chocolatey::odata::parse_feed;
use fleetmend_chocolatey::script::{self, Package, Script};
use fleetmend_versions::nuget::{Dialect, Version};
use fleetmend_versions::{debian, display, rpm};

/// What became of an input: nothing where it was taken, or why it was refused.
pub type Outcome = Result<(), String>;

/// The stack that readers have in the server, in bytes: that of its runtime's threads.
const STACK: usize = 2 << 20;

/// Reads an input as the server does: on a thread with its stack.
pub fn read_as_server(read: fn(&[u8]) -> Outcome, input: &[u8]) -> Outcome {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, || read(input));
        let ended = running.expect("a thread").join();
        ended.unwrap_or_else(|cause| panic::resume_unwind(cause))
    })
}

/// Reads inputs of one kind.
pub struct Reader {
    /// The reader's name, which is its fuzz target's as well.
    pub name: &'static str,
    /// Reads one input.
    pub read: fn(&[u8]) -> Outcome,
    /// Makes what it reads against, which is not part of what an input costs.
    pub prepare: fn(),
    /// How many inputs a short run of its target makes: some seconds' worth.
    pub runs: u32,
}

/// All readers.
pub const READERS: &[Reader] = &[
    reader("nuspec", nuspec, 400_000),
    reader("feed", feed, 400_000),
    reader("nupkg", nupkg, 400_000),
    reader("script", script, 10_000),
    reader("versions", versions, 400_000),
    reader("gallery", gallery, 400_000),
    Reader {
        prepare: || assert!(!LARGE.is_empty()),
        ..reader("large_gallery", large_gallery, 1_000)
    },
    reader("msi", msi, 400_000),
    reader("program", program, 1_000_000),
    reader("archive", archive, 400_000),
];

const fn reader(name: &'static str, read: fn(&[u8]) -> Outcome, runs: u32) -> Reader {
    Reader {
        name,
        read,
        prepare: || (),
        runs,
    }
}

/// A package's manifest.
pub fn nuspec(input: &[u8]) -> Outcome {
    let nuspec = parse_nuspec(input).map_err(|error| error.to_string())?;
    assert!(!nuspec.id.is_empty(), "a package without an id");
    Ok(())
}

/// A feed's document.
pub fn feed(input: &[u8]) -> Outcome {
    parse_feed(input)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// A package file: opened, every file unpacked to nowhere, its scripts explained.
pub fn nupkg(input: &[u8]) -> Outcome {
    let limits = Limits::default();
    let package = Nupkg::read(input, &limits).map_err(|error| error.to_string())?;
    assert!(package.files().len() <= limits.entries);
    let mut refused = Ok(());
    for file in package.files() {
        assert_inside(&file.path);
        match package.copy_to(&file.path, &mut std::io::sink()) {
            Ok(length) => assert!(length <= limits.entry_bytes),
            Err(error) => refused = Err(error.to_string()),
        }
    }
    let _ = script::analyse(&package);
    refused
}

/// A file of a package written at this path stays below the folder that it is written to, on Windows
/// too.
fn assert_inside(path: &str) {
    let is_part = |part: &str| {
        let name = part.trim_end_matches(['.', ' ']);
        !name.is_empty() && name == part && !part.contains(['\\', ':', '\0'])
    };
    assert!(path.split('/').all(is_part), "{path:?} could lie elsewhere");
}

/// An install script.
pub fn script(input: &[u8]) -> Outcome {
    let nuspec = plain_nuspec("1.0");
    let package = Package {
        nuspec: &nuspec,
        paths: vec![
            "tools/chocolateyInstall.ps1".to_owned(),
            "tools/a.exe".to_owned(),
        ],
        is_complete: true,
        scripts: vec![Script {
            path: "tools/chocolateyInstall.ps1".to_owned(),
            bytes: input.to_vec(),
        }],
        extensions: Vec::new(),
    };
    let explained = script::explain(&package);
    assert!(explained.helpers.resolved <= explained.helpers.calls);
    Ok(())
}

fn plain_nuspec(version: &str) -> Nuspec {
    parse_nuspec(made::nuspec(version).as_bytes()).expect("a plain nuspec")
}

/// An MSI's Property table.
pub fn msi(input: &[u8]) -> Outcome {
    let found = fleetmend_installer::msi::properties(Cursor::new(input));
    found.map(drop).map_err(|error| error.to_string())
}

/// A program's version resource.
pub fn program(input: &[u8]) -> Outcome {
    let found = fleetmend_installer::pe::version_info(Cursor::new(input));
    found.map(drop).map_err(|error| error.to_string())
}

/// The archive that a catalog is carried in: what is taken and written again has the same bytes.
pub fn archive(input: &[u8]) -> Outcome {
    let mut archive = Archive::new(input, 1 << 50);
    let mut again = Writer::new(Same(input));
    let mut rest = input;
    while let Some(entry) = archive.next_entry().map_err(|error| error.to_string())? {
        let mut length = 0;
        let content = archive.content(&entry, |part| {
            length += part.len() as u64;
            Ok(())
        });
        let sha256 = content.map_err(|error| error.to_string())?;
        assert_eq!(length, entry.length);
        let content;
        (_, rest) = rest.split_at(BLOCK);
        (content, rest) = rest.split_at(length as usize);
        (_, rest) = rest.split_at(length.next_multiple_of(BLOCK as u64) as usize - length as usize);
        let added = again.add(&entry.name, length, &sha256, content);
        added.expect("what was read can be written");
    }
    let written = again.finish().expect("what was read can be written");
    assert_eq!(written, archive.finish());
    assert_eq!(written.1, input.len() as u64);
    Ok(())
}

/// What entries of an archive are filled up to, in bytes.
const BLOCK: usize = 512;

/// Bytes that are written must be these.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (before, rest) = self.0.split_at(bytes.len());
        assert_eq!(before, bytes);
        self.0 = rest;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two versions, split at the first line break: every order must be one, from both sides.
pub fn versions(input: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(input);
    let (a, b) = text.split_once('\n').unwrap_or((&text, ""));
    assert_eq!(debian::compare(a, b), debian::compare(b, a).reverse());
    assert_eq!(rpm::compare(a, b), rpm::compare(b, a).reverse());
    assert_eq!(
        display::compare(a, b),
        display::compare(b, a).map(std::cmp::Ordering::reverse)
    );
    let mut outcome = Ok(());
    for dialect in [Dialect::Choco2, Dialect::Choco1] {
        let read = |text| Version::parse_in(text, dialect);
        match (read(a), read(b)) {
            (Ok(a), Ok(b)) => {
                assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
                let again = read(&a.to_string()).expect("a normalised version is one");
                assert_eq!(again, a);
            }
            (Err(error), _) | (_, Err(error)) => outcome = Err(error.to_string()),
        }
    }
    outcome
}

/// A request to the own feed: path and query, split at the first `?`.
pub fn gallery(input: &[u8]) -> Outcome {
    static SMALL: LazyLock<Gallery> = LazyLock::new(|| gallery_of(1, "d"));
    ask(&SMALL, input)
}

/// The same to a feed of many packages.
pub fn large_gallery(input: &[u8]) -> Outcome {
    ask(&LARGE, input)
}

static LARGE: LazyLock<Gallery> =
    LazyLock::new(|| gallery_of(10_000, &"Reads, writes and CHECKS archives. ".repeat(60)));

fn ask(gallery: &Gallery, input: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(input);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let request = Request::parse(path, query).map_err(|error| error.to_string())?;
    let Some(request) = request else {
        return Err("the feed has nothing there".to_owned());
    };
    gallery
        .answer(&request, "https://host/feed/v2", "2026-01-01T00:00:00Z")
        .map(drop)
        .map_err(|error| error.to_string())
}

/// So many packages of three versions: `a`, `a1`, `a2`, ….
fn gallery_of(packages: usize, description: &str) -> Gallery {
    let mut gallery = Gallery::default();
    for number in 0..packages {
        for version in ["1.0", "2.0-beta", "2.0"] {
            let mut nuspec = plain_nuspec(version);
            if number > 0 {
                nuspec.id = format!("a{number}");
            }
            nuspec.description = Some(description.to_owned());
            gallery.insert(Item {
                nuspec,
                size: 1,
                sha512: "x".to_owned(),
                created: "2026-01-01T00:00:00".to_owned(),
                listed: true,
            });
        }
    }
    gallery
}
