//! Files by digest.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use fleetmend_store::blobs::Blobs;

#[test]
fn a_kept_file_is_read_under_its_digest_and_no_other_name_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let digest = "ab".repeat(32);
    for _ in 0..2 {
        let mut file = blobs.incoming().unwrap();
        file.write_all(b"bytes").unwrap();
        blobs.keep(file, &digest).unwrap();
    }
    assert!(blobs.has(&digest));
    assert_eq!(blobs.read(&digest, 5).unwrap(), b"bytes");
    blobs.read(&digest, 4).unwrap_err();
    for name in [
        "../../etc/passwd",
        "",
        "AB",
        &"AB".repeat(32),
        &"é".repeat(32),
        &"0".repeat(63),
    ] {
        assert!(!blobs.has(name), "{name}");
        assert_eq!(
            blobs.get(name).unwrap_err().kind(),
            std::io::ErrorKind::NotFound,
            "{name}"
        );
        blobs.keep(blobs.incoming().unwrap(), name).unwrap_err();
    }
}

#[test]
fn an_incoming_file_that_is_not_kept_goes() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let path = blobs.incoming().unwrap().path().to_owned();
    assert!(path.starts_with(folder.path()));
    assert!(!path.exists());
}

#[test]
fn what_a_server_was_about_to_get_when_it_died_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut file = blobs.incoming().unwrap();
    file.write_all(b"half").unwrap();
    let (_, left) = file.keep().unwrap();
    let digest = "cd".repeat(32);
    blobs.keep(blobs.incoming().unwrap(), &digest).unwrap();
    drop(blobs);
    let blobs = Blobs::open(folder.path()).unwrap();
    blobs.clear_incoming().unwrap();
    assert!(!left.exists());
    assert!(blobs.has(&digest));
    blobs.clear_incoming().unwrap();
}

#[test]
fn a_start_leaves_alone_what_a_command_beside_it_is_about_to_get() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let left = |age: u64| {
        let (file, path) = tempfile::NamedTempFile::new_in(folder.path().join("incoming"))
            .unwrap()
            .keep()
            .unwrap();
        let time = SystemTime::now() - Duration::from_hours(age);
        file.set_modified(time).unwrap();
        path
    };
    // Another process.
    let command = Blobs::open(folder.path()).unwrap();
    let staged = command.incoming().unwrap().into_temp_path();
    let (new, old) = (left(23), left(25));
    blobs.clear_incoming().unwrap();
    assert!(staged.exists() && new.exists());
    assert!(!old.exists(), "nobody gets one file for a day");
    let digest = "ab".repeat(32);
    command.keep_closed(staged, &digest).unwrap();
    assert!(blobs.has(&digest));
    drop(command);
    blobs.clear_incoming().unwrap();
    assert!(!new.exists());
}

#[test]
fn what_was_set_aside_when_a_server_died_is_put_back_and_what_is_in_use_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let (one, two) = ("ab".repeat(32), "ac".repeat(32));
    for digest in [&one, &two] {
        let mut file = blobs.incoming().unwrap();
        file.write_all(b"bytes").unwrap();
        blobs.keep(file, digest).unwrap();
        let file = blobs.get(digest).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    assert_eq!(blobs.usage().unwrap(), (2, 10));
    let time = SystemTime::now() - Duration::from_mins(1);
    let unused = |folder| blobs.unused_since(folder, time).unwrap();
    assert_eq!(
        (unused(0xab), unused(0xac)),
        (vec![one.clone()], vec![two.clone()])
    );
    assert_eq!(unused(0xff), [] as [String; 0]);
    blobs.claim(&two).unwrap();
    assert_eq!(unused(0xac), [] as [String; 0]);
    assert!(blobs.set_aside(&one, time).unwrap());
    assert!(!blobs.set_aside(&two, time).unwrap(), "it is in use");
    assert_eq!(unused(0xab), [] as [String; 0]);
    let blobs = Blobs::open(folder.path()).unwrap();
    blobs.put_back().unwrap();
    assert!(blobs.has(&one) && blobs.has(&two));
    assert!(blobs.set_aside(&one, time).unwrap());
    assert!(blobs.remove_aside(&one).unwrap());
    blobs.put_back().unwrap();
    assert!(!blobs.has(&one));
    // The same bytes, once more: they count as new.
    let mut file = blobs.incoming().unwrap();
    file.write_all(b"bytes").unwrap();
    blobs.keep(file, &two).unwrap();
    assert_eq!(unused_of(&blobs, time), [] as [String; 0]);
}

fn unused_of(blobs: &Blobs, time: SystemTime) -> Vec<String> {
    blobs.unused_since(0xac, time).unwrap()
}

#[test]
fn what_is_set_aside_is_found_and_stays_where_somebody_claims_it() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let digest = "ab".repeat(32);
    let put = || {
        let mut file = blobs.incoming().unwrap();
        file.write_all(b"bytes").unwrap();
        blobs.keep(file, &digest).unwrap();
    };
    let now = || SystemTime::now() + Duration::from_mins(1);
    let uses: [(&str, bool, &dyn Fn()); 4] = [
        ("nobody", true, &|| {}),
        ("a reader", true, &|| drop(blobs.get(&digest).unwrap())),
        ("who names it", false, &|| {
            drop(blobs.claim(&digest).unwrap());
        }),
        ("who has it too", false, &put),
    ];
    for (who, is_removed, use_it) in uses {
        put();
        assert!(blobs.set_aside(&digest, now()).unwrap(), "{who}");
        assert!(blobs.has(&digest), "{who}");
        assert_eq!(blobs.read(&digest, 5).unwrap(), b"bytes", "{who}");
        use_it();
        assert_eq!(blobs.remove_aside(&digest).unwrap(), is_removed, "{who}");
        assert_eq!(blobs.has(&digest), !is_removed, "{who}");
    }
    // What came while it was set aside by somebody who died is as new as it is.
    put();
    assert!(blobs.set_aside(&digest, now()).unwrap());
    std::fs::write(folder.path().join("ab").join(&digest), b"bytes").unwrap();
    blobs.put_back().unwrap();
    assert_eq!(blobs.usage().unwrap(), (1, 5));
}
