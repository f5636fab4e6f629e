//! Real installers as the mirror reads them, whole and with bytes that are wrong.

use std::io::Cursor;
use std::time::{Duration, Instant};

use fleetmend_e2e::msi::Msi;
use fleetmend_e2e::nsis::Nsis;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_installer::msi::properties;
use fleetmend_installer::pe::version_info;
use fleetmend_installer::{ReadError, Version};

/// What one file may take.
const LIMIT: Duration = Duration::from_secs(1);

fn nsis() -> Vec<u8> {
    let folder = WorkDir::new("nsis").unwrap();
    let path = folder.path().join("setup.exe");
    Nsis::new("Acme Tool", "2.10.3").build(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn msi() -> (Msi, Vec<u8>) {
    let folder = WorkDir::new("msi").unwrap();
    let path = folder.path().join("setup.msi");
    let mut msi = Msi::new("Acme Größe", "2.10.3");
    "Müller & Söhne".clone_into(&mut msi.manufacturer);
    msi.build(&path).unwrap();
    (msi, std::fs::read(path).unwrap())
}

#[test]
fn an_nsis_installer_tells_its_product_and_versions() {
    let info = version_info(Cursor::new(nsis())).unwrap().unwrap();
    assert_eq!(info.product_name, "Acme Tool");
    assert_eq!(info.company_name, "Fleetmend Test Publisher");
    assert_eq!(
        (&*info.product_version, &*info.file_version),
        ("2.10.3", "2.10.3")
    );
    let version = Some(Version([2, 10, 3, 0]));
    assert_eq!(
        (info.fixed_product_version, info.fixed_file_version),
        (version, version)
    );
}

#[test]
fn an_msi_tells_what_it_registers() {
    let (built, bytes) = msi();
    let found = properties(Cursor::new(&bytes)).unwrap();
    assert_eq!(found.product_code, built.product_code);
    assert_eq!(found.upgrade_code.as_ref(), Some(&built.upgrade_code));
    assert_eq!(found.product_name, built.name);
    assert_eq!(found.product_version, built.version);
    assert_eq!(found.manufacturer, built.manufacturer);
    let not = |bytes: &[u8]| properties(Cursor::new(bytes)).unwrap_err();
    for other in [&nsis()[..], b"", b"<html>", &bytes[..600]] {
        let error = not(other);
        assert!(matches!(error, ReadError::Not { .. }), "{error}");
    }
}

/// Tries a file with bytes that are wrong, one at a time, at places spread over it: an error or what is
/// left of it, soon.
fn try_wrong_bytes<T>(right: &[u8], read: impl Fn(&[u8]) -> Result<T, ReadError>) {
    let mut refused = 0;
    let step = (right.len() / 1_000).max(1);
    let dense = 0..right.len().min(1_536);
    for at in dense.chain((0..right.len()).step_by(step)) {
        for byte in [0, 0x7f, 0xff] {
            let mut bytes = right.to_vec();
            bytes[at] = byte;
            let start = Instant::now();
            refused += usize::from(read(&bytes).is_err());
            assert!(start.elapsed() < LIMIT, "byte {at} is {byte}");
        }
    }
    for length in (0..right.len()).step_by(step) {
        let _ = read(&right[..length]);
    }
    assert!(refused > 0);
}

#[test]
fn an_msi_with_any_byte_wrong_is_read_or_refused() {
    try_wrong_bytes(&msi().1, |bytes| properties(Cursor::new(bytes)));
}

#[test]
fn a_program_with_any_byte_wrong_is_read_or_refused() {
    let right = nsis();
    // Behind its headers and resources it is the installer's own.
    let end = right.len().min(200_000);
    try_wrong_bytes(&right[..end], |bytes| version_info(Cursor::new(bytes)));
}

#[test]
fn an_msi_whose_sectors_go_in_circles_is_refused_soon() {
    let (_, right) = msi();
    let word = |at: usize| u32::from_le_bytes(right[at..at + 4].try_into().unwrap());
    let sector = 1_usize << right[30];
    // The first sector of the allocation table, as the header names it.
    let table = (word(76) as usize + 1) * sector;
    let entries = (sector / 4).min(right.len() / sector);
    for from in 0..entries {
        for to in [0, from / 2, from, entries - 1] {
            let mut bytes = right.clone();
            let at = table + 4 * from;
            bytes[at..at + 4].copy_from_slice(&(to as u32).to_le_bytes());
            let start = Instant::now();
            let _ = properties(Cursor::new(bytes));
            assert!(start.elapsed() < LIMIT, "{from} to {to}");
        }
    }
}
