use std::io::{Cursor, Write};

use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::package::{nupkg, nuspec, zip};

fn refusal(bytes: &[u8], limits: &Limits) -> String {
    Nupkg::read(bytes, limits)
        .map(|_| ())
        .unwrap_err()
        .to_string()
}

#[test]
fn files_are_found_by_any_spelling_of_their_name() {
    let bytes = nupkg(&[("tools/Set%20up.exe", b"MZ"), ("tools\\b.txt", b"b")]);
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(package.nuspec().id, "acme");
    let paths: Vec<_> = package
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["acme.nuspec", "tools/Set up.exe", "tools/b.txt"]);
    assert_eq!(package.get("TOOLS\\set up.EXE").unwrap(), b"MZ");
    assert_eq!(
        package.get("tools/none").unwrap_err().to_string(),
        "the nupkg has no entry \"tools/none\""
    );
}

#[test]
fn names_that_reach_outside_or_mean_two_things_are_refused() {
    for name in [
        "../evil",
        "tools/../../evil",
        "tools\\..\\evil",
        "tools/%2e%2e/evil",
        "/etc/passwd",
        "\\evil",
        "%2fevil",
        "C:/evil",
        "C:evil",
        "tools/a.exe:stream",
        "tools/nul",
        "tools/CON.txt",
        "tools/a.",
        "tools/a ",
        "tools//a",
        "./a",
        "tools/a\0b",
        "tools/a\nb",
        "tools/a*b",
        "//server/share/a",
    ] {
        let text = refusal(&nupkg(&[(name, b"x")]), &Limits::default());
        assert!(text.contains("is refused: "), "{name:?}: {text}");
    }
}

#[test]
fn one_name_is_one_entry() {
    for (a, b) in [
        ("tools/a", "TOOLS/A"),
        ("tools/a", "tools\\a"),
        ("tools/a", "tools/%61"),
    ] {
        let text = refusal(&nupkg(&[(a, b"1"), (b, b"2")]), &Limits::default());
        assert!(text.contains("more than one entry"), "{a} {b}: {text}");
    }
    // The very same bytes twice: a writer that refuses them is got round by patching the result.
    let mut bytes = nupkg(&[("tools/a1", b"1"), ("tools/a2", b"2")]);
    for at in 0..bytes.len() - 8 {
        if &bytes[at..at + 8] == b"tools/a2" {
            bytes[at + 7] = b'1';
        }
    }
    assert!(refusal(&bytes, &Limits::default()).contains("more than one entry"));
}

#[test]
fn limits_hold_for_entries_bytes_and_ratio() {
    let limits = Limits {
        entries: 3,
        entry_bytes: 2_000_000,
        total_bytes: 3_000_000,
        ratio: 50,
    };
    let many = nupkg(&[("a", b""), ("b", b""), ("c", b"")]);
    assert!(refusal(&many, &limits).contains("has 4 entries"));
    // Bytes that do not pack, so that only the size counts.
    let mut state = 1_u32;
    let mut noise = |count: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count).map(|_| next()).collect()
    };
    assert!(
        refusal(&nupkg(&[("a", &noise(2_000_001))]), &limits).contains("entry \"a\" unpacks to")
    );
    let two = nupkg(&[("a", &noise(1_900_000)), ("b", &noise(1_900_000))]);
    assert!(refusal(&two, &limits).contains("the nupkg unpacks to"));
    let bomb = nupkg(&[("a", &vec![0; 1_900_000])]);
    assert!(refusal(&bomb, &limits).contains("a zip bomb"));
}

#[test]
fn a_size_that_the_zip_understates_is_noticed_while_unpacking() {
    let mut bytes = nupkg(&[("bomb", &vec![0; 30_000_000])]);
    let size = 30_000_000_u32.to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == size {
            bytes[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
        }
    }
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    let read = package.get("bomb");
    assert!(
        read.is_err() || read.as_ref().is_ok_and(|it| it.len() <= 100),
        "{:?}",
        read.map(|it| it.len())
    );
}

#[test]
fn links_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("a.nuspec", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(&nuspec("a", "1.0")).unwrap();
    writer
        .add_symlink("tools/link", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert!(refusal(&bytes, &Limits::default()).contains("is a symbolic link"));
}

#[test]
fn there_must_be_exactly_one_manifest_at_the_root() {
    assert!(
        refusal(&zip(&[("tools/a.nuspec", b"")]), &Limits::default()).contains("0 nuspec files")
    );
    let two = nupkg(&[("b.nuspec", b"")]);
    assert!(refusal(&two, &Limits::default()).contains("2 nuspec files"));
}

#[test]
fn a_package_cut_off_anywhere_is_refused() {
    let bytes = nupkg(&[("tools/a.txt", b"hello")]);
    for end in 0..bytes.len() {
        assert!(
            Nupkg::read(&bytes[..end], &Limits::default()).is_err(),
            "cut at {end}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Nupkg::read(&bytes, &Limits::default());
    }

    #[test]
    fn a_damaged_package_is_read_without_panic(at in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = nupkg(&[("tools/a.txt", b"hello"), ("tools/b.txt", b"hello")]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(package) = Nupkg::read(&bytes, &Limits::default()) {
            for file in package.files() {
                let _ = package.get(&file.path);
            }
        }
    }
}

#[test]
fn a_table_of_contents_has_a_limit_before_it_is_read_whole() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..300 {
        let name = format!("{number}{}", "a".repeat(50_000));
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert!(refusal(&bytes, &Limits::default()).contains("table of contents is larger"));
}
