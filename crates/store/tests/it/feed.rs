//! The feed of one's own.

use fleetmend_store::feed_packages::{
    self, FeedPackage, Making, NewFeedPackage, Original, Provenance, PutIn,
};
use fleetmend_store::{Db, Error, Page, files};

use crate::fixture::{T0, both, t};

fn version(package: &str, version: &str, provenance: Provenance) -> NewFeedPackage {
    NewFeedPackage {
        package: package.to_owned(),
        version_key: version.to_owned(),
        nuspec: b"<package />".to_vec(),
        sha256: "ab".repeat(32),
        sha512: "AA==".to_owned(),
        provenance,
        added_by: "somebody".to_owned(),
    }
}

fn original() -> Original {
    Original {
        source: "community".to_owned(),
        location: "https://feed.example/package/acme/1.0".to_owned(),
        sha256: "cd".repeat(32),
    }
}

fn making() -> Making {
    Making {
        program: "a test".to_owned(),
        files: vec![PutIn {
            path: "tools/a.exe".to_owned(),
            url: "https://vendor.example/a.exe".to_owned(),
            sha256: "ef".repeat(32),
            length: 7,
        }],
    }
}

both! {
    async fn a_version_is_kept_with_where_it_came_from_and_never_changes(db: Db) {
        let mut tx = db.begin().await.unwrap();
        files::insert(&mut tx, &"ab".repeat(32), 7, T0).await.unwrap();
        for (number, provenance) in [
            Provenance::Pushed,
            Provenance::Mirrored(original()),
            Provenance::Internalized(original(), making()),
        ].into_iter().enumerate() {
            let new = version("acme", &format!("{number}.0.0"), provenance);
            feed_packages::insert(&mut tx, &new, t(1)).await.unwrap();
            let kept = feed_packages::get(&mut tx, "acme", &new.version_key).await.unwrap();
            let kept = kept.unwrap();
            let expected = FeedPackage { id: kept.id, what: new, length: 7, listed: true, created_at: t(1) };
            assert_eq!(kept, expected);
        }
        let again = version("acme", "0.0.0", Provenance::Mirrored(original()));
        let error = feed_packages::insert(&mut tx, &again, t(2)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        assert_eq!(feed_packages::count(&mut tx).await.unwrap(), 3);
        let other = version("other", "1.0.0", Provenance::Pushed);
        feed_packages::insert(&mut tx, &other, t(2)).await.unwrap();
        assert!(feed_packages::set_listed(&mut tx, "acme", "1.0.0", false).await.unwrap());
        let mut page = Page::first(2);
        let mut found = Vec::new();
        loop {
            let paged = feed_packages::list(&mut tx, Some("ACM"), &page).await.unwrap();
            found.extend(paged.rows.into_iter().map(|it| (it.version, it.provenance.key(), it.listed)));
            let Some(next) = paged.next else { break };
            page = Page::after(2, next);
        }
        let expected = [("2.0.0", "internalized", true), ("1.0.0", "mirrored", false), ("0.0.0", "pushed", true)];
        assert_eq!(found, expected.map(|(version, key, listed)| (version.to_owned(), key, listed)));
        let all = feed_packages::list(&mut tx, None, &Page::first(9)).await.unwrap().rows;
        assert_eq!((all.len(), all[0].package.as_str(), all[0].length), (4, "other", 7));
    }
}
