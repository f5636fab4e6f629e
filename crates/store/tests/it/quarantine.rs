//! Package versions in quarantine.

use fleetmend_model::recipe::Checksum;
use fleetmend_store::quarantine::{self, Accepted, WrongFile};
use fleetmend_store::{Db, Page, packages};

use crate::fixture::{T0, both, t};
use crate::packages::{add_source, package};

fn wrong(found: &str) -> WrongFile {
    WrongFile {
        file: "https://vendor.example/setup.exe".to_owned(),
        algorithm: "sha256".to_owned(),
        wanted: "aa".to_owned(),
        found: found.to_owned(),
        sha256: found.to_owned(),
        length: 3,
    }
}

fn checksum(algorithm: &str, hex: &str) -> Checksum {
    Checksum {
        algorithm: algorithm.to_owned(),
        hex: hex.to_owned(),
    }
}

both! {
    async fn a_version_is_held_with_its_file_until_it_is_let_out(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let source = add_source(&mut tx, "https://a", 1).await;
        let new: Vec<_> = ["1.0.0", "2.0.0", "3.0.0"]
            .into_iter()
            .map(|version| package(source, "Tool", version))
            .collect();
        let ids = packages::upsert_many(&mut tx, &new, T0).await.unwrap();
        for (n, id) in ids.iter().take(2).enumerate() {
            let now = t(n as i64);
            let named = checksum("sha256", "AA");
            quarantine::put(&mut tx, *id, "wrong", &wrong("bb"), &named, now).await.unwrap();
        }
        // As an older server put it there.
        packages::quarantine(&mut tx, ids[2], Some("old"), t(9)).await.unwrap();
        assert_eq!(quarantine::count(&mut tx).await.unwrap(), 3);
        let first = quarantine::list(&mut tx, &Page::first(2)).await.unwrap();
        let next = Page::after(2, first.next.clone().unwrap());
        let second = quarantine::list(&mut tx, &next).await.unwrap();
        let all: Vec<_> = first.rows.into_iter().chain(second.rows).collect();
        let shown: Vec<_> = all.iter().map(|it| (it.version.as_str(), it.since)).collect();
        assert_eq!(shown, [("3.0.0", t(9)), ("2.0.0", t(1)), ("1.0.0", t(0))]);
        assert_eq!((&all[0].file, all[0].named.as_str()), (&None, ""));
        assert_eq!((&all[1].file, all[1].named.as_str()), (&Some(wrong("bb")), "sha256:aa"));
        assert_eq!(all[1].source, "https://a");

        let named = checksum("sha256", "aa");
        quarantine::put(&mut tx, ids[1], "worse", &wrong("cc"), &named, t(20)).await.unwrap();
        let held = quarantine::get(&mut tx, ids[1]).await.unwrap().unwrap();
        assert_eq!((held.cause.as_str(), held.file), ("worse", Some(wrong("cc"))));
        quarantine::end(&mut tx, ids[1], t(30)).await.unwrap();
        assert_eq!(quarantine::get(&mut tx, ids[1]).await.unwrap(), None);
        assert_eq!(quarantine::count(&mut tx).await.unwrap(), 2);
    }

    async fn an_accepted_file_counts_as_long_as_the_package_names_the_same_digest(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let source = add_source(&mut tx, "https://a", 1).await;
        let new = package(source, "Tool", "1.0.0");
        let id = packages::upsert_many(&mut tx, &[new], T0).await.unwrap()[0];
        for sha256 in ["bb", "cc"] {
            let accepted = Accepted {
                file: wrong("").file,
                named: "sha512:aa".to_owned(),
                sha256: sha256.to_owned(),
                by: "anna".to_owned(),
                at: T0,
                reason: "seen".to_owned(),
            };
            quarantine::accept(&mut tx, id, &accepted).await.unwrap();
            assert_eq!(quarantine::accepted(&mut tx, id).await.unwrap(), [accepted]);
        }
        let all = quarantine::accepted(&mut tx, id).await.unwrap();
        let file = wrong("").file;
        for (file, algorithm, hex, expected) in [
            (file.as_str(), "sha512", "AA", Some("cc")),
            (&file, "sha512", "ab", None),
            (&file, "sha256", "aa", None),
            ("https://vendor.example/other.exe", "sha512", "aa", None),
        ] {
            let found = Accepted::instead_of(&all, file, &checksum(algorithm, hex));
            let found = found.map(|it| (it.algorithm, it.hex));
            let expected = expected.map(|it| ("sha256".to_owned(), it.to_owned()));
            assert_eq!(found, expected, "{file} {algorithm} {hex}");
        }
    }
}
