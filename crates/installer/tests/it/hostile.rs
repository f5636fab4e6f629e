//! Programs that are broken on purpose: an error or what is left of them, never a panic, and soon.

use std::io::Cursor;
use std::time::{Duration, Instant};

use fleetmend_e2e::pe::Pe;
use fleetmend_installer::pe::version_info;

/// Where the section of resources begins.
const RSRC: usize = 512;
/// What one file may take.
const LIMIT: Duration = Duration::from_secs(1);

fn right() -> Vec<u8> {
    Pe::new("Acme Tool", "2.0").build()
}

fn read(bytes: &[u8]) -> Result<(), String> {
    let start = Instant::now();
    let outcome = version_info(Cursor::new(bytes));
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    outcome.map(drop).map_err(|error| error.to_string())
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

#[test]
fn a_program_cut_anywhere_is_an_error() {
    let right = right();
    read(&right).unwrap();
    for length in 0..right.len() {
        read(&right[..length]).unwrap_err();
    }
}

#[test]
fn a_program_of_which_any_byte_is_any_other_is_read_or_an_error() {
    let right = right();
    let mut refused = 0;
    for at in 0..right.len() {
        for byte in [0, 1, 0x10, 0x7f, 0x80, 0xff] {
            let mut bytes = right.clone();
            bytes[at] = byte;
            refused += usize::from(read(&bytes).is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn resources_in_circles_beyond_the_file_or_without_number_are_broken() {
    const DIRECTORY: u32 = 1 << 31;
    let entries = |count: u16| u32::from(count) << 16;
    for (what, at, word) in [
        ("a type that is the root itself", RSRC + 20, DIRECTORY),
        ("a name that is its type", RSRC + 44, DIRECTORY + 24),
        ("a language that is a directory", RSRC + 68, DIRECTORY + 48),
        ("a type that is data", RSRC + 20, 24),
        (
            "a directory beyond the section",
            RSRC + 20,
            DIRECTORY + 0x00ff_ffff,
        ),
        (
            "a directory at its very end",
            RSRC + 20,
            DIRECTORY + (right().len() - RSRC - 1) as u32,
        ),
        ("an entry beyond the section", RSRC + 68, 0x7fff_ffff),
        ("a name without an entry", RSRC + 36, entries(0)),
        ("more types than there is file", RSRC + 12, u32::MAX),
        (
            "more names than there is file",
            RSRC + 36,
            entries(u16::MAX),
        ),
        ("data beyond the section", RSRC + 72, 0xffff_ff00),
        ("data in no section", RSRC + 72, 0),
        ("more data than there is", RSRC + 76, 0xffff),
        ("no end of data", RSRC + 76, u32::MAX),
    ] {
        let mut bytes = right();
        put(&mut bytes, at, word);
        let error = read(&bytes).expect_err(what);
        assert_eq!(error, "a Windows program with broken resources", "{what}");
    }
}

#[test]
fn headers_without_end_are_an_error() {
    let optional = 64 + 24;
    for (what, at, word) in [
        ("headers beyond the file", 60, u32::MAX),
        ("sections without number", 64 + 4, 0xffff_8664),
        ("directories without number", optional + 108, u32::MAX),
        (
            "resources beyond all sections",
            optional + 112 + 16,
            0xffff_0000,
        ),
    ] {
        let mut bytes = right();
        put(&mut bytes, at, word);
        read(&bytes).expect_err(what);
    }
}
