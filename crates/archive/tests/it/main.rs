//! Archives, written and read.

use std::io;

use fleetmend_archive::{ArchiveError, Reader, Writer, archive_length};
use proptest::prelude::*;

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (name, content) in files {
        let sha256 = fleetmend_trust::digest_hex(content);
        writer
            .add(name, content.len() as u64, &sha256, *content)
            .unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut reader = Reader::new(bytes, 1 << 20);
    let mut files = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        let sha256 = reader.content(&entry, |part| {
            content.extend_from_slice(part);
            Ok(())
        })?;
        assert_eq!(sha256, fleetmend_trust::digest_hex(&content));
        files.push((entry.name, content));
    }
    assert_eq!(reader.finish().0, fleetmend_trust::digest_hex(bytes));
    Ok(files)
}

// By the system's own `tar`.
#[cfg(target_os = "linux")]
#[test]
fn what_is_written_is_a_tar_archive_to_others() {
    let bytes = archive(&[("a-1.json", b"{}"), ("files/b", &[7; 1024]), ("empty", b"")]);
    assert_eq!(bytes.len() as u64, archive_length([2, 1024, 0]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.tar");
    std::fs::write(&path, &bytes).unwrap();
    let tar = |arguments: &[&str]| {
        let mut command = std::process::Command::new("tar");
        let done = command.args(arguments).arg(&path).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
        done.stdout
    };
    assert_eq!(tar(&["-tf"]), b"a-1.json\nfiles/b\nempty\n");
    assert_eq!(tar(&["-xO", "files/b", "-f"]), [7; 1024]);
}

#[test]
fn what_changed_on_the_disk_is_not_written() {
    let digest = fleetmend_trust::digest_hex(b"as it was");
    for (content, words) in [(&b"as it is!"[..], "damaged"), (b"as", "shorter")] {
        let error = Writer::new(io::sink()).add("name", 9, &digest, content);
        assert!(error.unwrap_err().to_string().contains(words));
    }
}

#[test]
fn an_archive_of_another_spelling_is_refused() {
    let good = archive(&[("name", b"content")]);
    assert_eq!(
        read(&good).unwrap(),
        [("name".to_owned(), b"content".to_vec())]
    );
    // A link, another owner, a time, a longer spelling of the length.
    for (at, byte) in [
        (156, b'2'),
        (114, b'1'),
        (146, b'1'),
        (124, b' '),
        (257, b'U'),
    ] {
        let mut other = good.clone();
        other[at] = byte;
        assert!(read(&other).is_err(), "{at}");
    }
    let more = [&good[..], &[0]].concat();
    assert!(read(&more).is_err());
}

proptest! {
    #[test]
    fn a_byte_that_is_another_is_noticed(at in 0_usize..3072, bit in 0_u8..8) {
        let good = archive(&[("name", b"content"), ("other", &[1; 600])]);
        let mut other = good.clone();
        let at = at % other.len();
        other[at] ^= 1 << bit;
        if let Ok(found) = read(&other) {
            prop_assert_ne!(found, read(&good).unwrap());
        }
    }

    #[test]
    fn an_archive_that_is_cut_off_is_noticed(length in 0_usize..3072) {
        let good = archive(&[("name", b"content"), ("other", &[1; 600])]);
        let cut = read(&good[..length % good.len()]);
        prop_assert!(matches!(cut, Err(ArchiveError::CutOff)));
    }
}
