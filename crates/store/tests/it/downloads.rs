//! Tries that failed, and files of which a part is here.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use fleetmend_model::PatchId;
use fleetmend_store::blobs::Blobs;
use fleetmend_store::downloads::{self, Failed};
use fleetmend_store::partials::{self, Partial};
use fleetmend_store::{Db, Page};

use crate::fixture::{add_patch, both, t};

fn failed(patch: PatchId, tries: u32, at: i64) -> Failed {
    Failed {
        patch,
        tries,
        cause: format!("try {tries}"),
        failed_at: t(at),
        retry_at: (tries < 5).then(|| t(at + 60)),
    }
}

both! {
    async fn tries_are_kept_until_they_are_reset(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let mut patches = Vec::new();
        for name in ["a", "b", "c"] {
            patches.push(add_patch(&mut tx, name).await);
        }
        for (n, patch) in patches.iter().enumerate() {
            for tries in 1..=(n as u32 + 3) {
                let failed = failed(*patch, tries, i64::from(tries));
                downloads::set_failed(&mut tx, &failed).await.unwrap();
                let found = downloads::get(&mut tx, *patch).await.unwrap();
                assert_eq!(found, Some(failed));
            }
        }
        let given_up = downloads::given_up(&mut tx, &patches).await.unwrap();
        assert_eq!(given_up, [failed(patches[2], 5, 5)]);
        let first = downloads::list(&mut tx, &Page::first(2)).await.unwrap();
        let next = Page::after(2, first.next.clone().unwrap());
        let second = downloads::list(&mut tx, &next).await.unwrap();
        assert_eq!(second.next, None);
        let all = first.rows.iter().chain(&second.rows);
        let names: Vec<_> = all.map(|it| (it.name.as_str(), it.jobs)).collect();
        assert_eq!(names, [("c", 0), ("b", 0), ("a", 0)]);
        assert!(downloads::reset(&mut tx, patches[2]).await.unwrap());
        assert!(!downloads::reset(&mut tx, patches[2]).await.unwrap());
        assert_eq!(downloads::get(&mut tx, patches[2]).await.unwrap(), None);
    }
}

#[test]
fn a_part_of_a_file_is_there_with_its_note_until_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let (key, digest) = ("ab".repeat(32), "cd".repeat(32));
    let mut partial = Partial::open(&blobs, &key).unwrap();
    assert_eq!((partial.length(), partial.note()), (0, None));
    partial.append(b"one").unwrap();
    partial.set_note("note").unwrap();
    drop(partial);
    blobs.clear_incoming().unwrap();
    let mut partial = Partial::open(&blobs, &key).unwrap();
    assert_eq!(
        (partial.length(), partial.note().as_deref()),
        (3, Some("note"))
    );
    partial.append(b"two").unwrap();
    let mut text = String::new();
    partial.reader().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "onetwo");
    partial.keep(&blobs, &digest).unwrap();
    assert_eq!(blobs.read(&digest, 6).unwrap(), b"onetwo");
    let mut partial = Partial::open(&blobs, &key).unwrap();
    assert_eq!((partial.length(), partial.note()), (0, None));
    partial.append(b"three").unwrap();
    partial.set_note("note").unwrap();
    partial.clear().unwrap();
    assert_eq!((partial.length(), partial.note()), (0, None));
    partial.append(b"x").unwrap();
    // The digest is here already.
    partial.keep(&blobs, &digest).unwrap();
    assert_eq!(blobs.read(&digest, 6).unwrap(), b"onetwo");
    assert_eq!(Partial::open(&blobs, &key).unwrap().length(), 0);
    Partial::open(&blobs, "../x").unwrap_err();
}

#[test]
fn parts_that_nobody_adds_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let key = "ab".repeat(32);
    let mut partial = Partial::open(&blobs, &key).unwrap();
    partial.append(b"one").unwrap();
    let hour = Duration::from_hours(1);
    // It is open.
    partials::clear_older(&blobs, SystemTime::now() + hour).unwrap();
    drop(partial);
    partials::clear_older(&blobs, SystemTime::now() - hour).unwrap();
    assert_eq!(Partial::open(&blobs, &key).unwrap().length(), 3);
    partials::clear_older(&blobs, SystemTime::now() + hour).unwrap();
    assert_eq!(Partial::open(&blobs, &key).unwrap().length(), 0);
}

#[test]
fn a_part_is_open_once_and_what_was_kept_of_it_is_never_added_to() {
    let folder = tempfile::tempdir().unwrap();
    // Another process has its own.
    let (one, other) = (
        Blobs::open(folder.path()).unwrap(),
        Blobs::open(folder.path()).unwrap(),
    );
    let (key, digest) = ("ab".repeat(32), "cd".repeat(32));
    let mut partial = Partial::open(&one, &key).unwrap();
    partial.append(b"one").unwrap();
    let refused = Partial::open(&other, &key).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    let another = Partial::open(&other, &"ef".repeat(32)).unwrap();
    partial.append(b"two").unwrap();
    partial.keep(&one, &digest).unwrap();
    drop(another);
    let mut partial = Partial::open(&other, &key).unwrap();
    assert_eq!(partial.length(), 0);
    partial.append(b"three").unwrap();
    assert_eq!(one.read(&digest, 6).unwrap(), b"onetwo");
}

#[test]
fn parts_that_many_open_and_keep_at_once_are_whole_under_each_digest() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let key = "ab".repeat(32);
    let keep = |worker: usize| {
        let mut kept = Vec::new();
        while kept.len() < 50 {
            let mut partial = match Partial::open(&blobs, &key) {
                Ok(partial) => partial,
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                    std::thread::yield_now();
                    continue;
                }
            };
            let digest = format!("{worker:032x}{:032x}", kept.len());
            partial.clear().unwrap();
            for byte in digest.bytes() {
                partial.append(&[byte]).unwrap();
            }
            partial.keep(&blobs, &digest).unwrap();
            kept.push(digest);
        }
        kept
    };
    let kept: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|it| scope.spawn(move || keep(it))).collect();
        workers
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    });
    assert_eq!(kept.len(), 200);
    for digest in kept {
        assert_eq!(blobs.read(&digest, 64).unwrap(), digest.as_bytes());
    }
}
