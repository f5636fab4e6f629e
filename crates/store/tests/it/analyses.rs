//! Analyses as they are stored.

use fleetmend_model::recipe::{ANALYSER, Analysis, Verdict};
use fleetmend_store::{Db, packages};

use crate::fixture::{T0, both};
use crate::packages::{add_source, package};

both! {
    async fn what_another_analyser_made_is_no_analysis(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let feed = add_source(&mut tx, "https://a", 10).await;
        let ids = packages::upsert_many(&mut tx, &[package(feed, "zip", "1.0")], T0).await.unwrap();
        for (analyser, is_one) in [(ANALYSER, true), (ANALYSER - 1, false), (ANALYSER + 1, false)] {
            let made = Analysis { analyser, ..Analysis::new(Verdict::Ready) };
            packages::set_analysis(&mut tx, ids[0], &made, "aa", T0).await.unwrap();
            let read = packages::get(&mut tx, ids[0]).await.unwrap().unwrap();
            assert_eq!(read.analysis.is_some(), is_one, "{analyser}");
            assert_eq!(read.content_sha256.as_deref(), Some("aa"), "its nupkg is still there");
        }
    }
}
