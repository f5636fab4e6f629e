//! Settings and enrolment tokens.

use fleetmend_store::enrol_tokens::{self, Claim, Enrolled};
use fleetmend_store::{Db, Error, Page, settings};

use crate::fixture::{T0, add_device, both, t};

both! {
    async fn a_setting_is_set_changed_and_taken_away(db: Db) {
        let mut tx = db.begin().await.unwrap();
        settings::set(&mut tx, "b", "1").await.unwrap();
        settings::set(&mut tx, "a", "2").await.unwrap();
        settings::set(&mut tx, "b", "3").await.unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(settings::all(&mut tx).await.unwrap(), [pair("a", "2"), pair("b", "3")]);
        settings::delete(&mut tx, "a").await.unwrap();
        assert_eq!(settings::get(&mut tx, "a").await.unwrap(), None);
    }

    async fn a_token_is_claimed_once_in_time_and_each_refusal_says_why(db: Db) {
        let mut tx = db.begin().await.unwrap();
        enrol_tokens::create(&mut tx, "s1", "office", T0, t(100)).await.unwrap();
        let error = enrol_tokens::create(&mut tx, "s1", "office", T0, t(100)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        enrol_tokens::create(&mut tx, "s2", "old", T0, t(50)).await.unwrap();
        enrol_tokens::create(&mut tx, "s3", "revoked", t(1), t(500)).await.unwrap();
        assert!(enrol_tokens::revoke(&mut tx, "s3", t(2)).await.unwrap());
        assert!(!enrol_tokens::revoke(&mut tx, "s3", t(3)).await.unwrap());
        for (secret, now, wanted) in [
            ("s1", t(99), Claim::Claimed),
            ("s1", t(99), Claim::Used),
            ("s1", t(101), Claim::Used),
            ("s2", t(50), Claim::Expired),
            ("s3", t(4), Claim::Expired),
            ("s4", t(1), Claim::Unknown),
        ] {
            let claim = enrol_tokens::claim(&mut tx, secret, now).await.unwrap();
            assert_eq!(claim, wanted, "{secret}");
        }
        let device = add_device(&mut tx, "pc").await;
        let used = enrol_tokens::get(&mut tx, "s1").await.unwrap().unwrap();
        assert_eq!((used.device, used.enrolled), (None, None));
        let got = Enrolled { key_sha256: "ab".to_owned(), certificate: "pem".to_owned() };
        enrol_tokens::set_device(&mut tx, "s1", device, &got).await.unwrap();
        let used = enrol_tokens::get(&mut tx, "s1").await.unwrap().unwrap();
        assert_eq!((used.used_at, used.device), (Some(t(99)), Some(device)));
        assert_eq!(used.enrolled.as_ref(), Some(&got));
        assert_eq!(used.made_for("ab", t(99)), Some((device, "pem")));
        assert_eq!(used.made_for("ab", t(100)), None, "its time is over");
        assert_eq!(used.made_for("cd", t(99)), None, "another machine");
        tx.commit().await.unwrap();

        let mut labels = Vec::new();
        let mut page = Page::first(1);
        loop {
            let paged = enrol_tokens::list(&db, &page).await.unwrap();
            labels.extend(paged.rows.into_iter().map(|it| it.label));
            let Some(next) = paged.next else { break };
            page = Page::after(1, next);
        }
        assert_eq!(labels, ["revoked", "office", "old"]);
    }

    async fn of_many_that_claim_a_token_at_once_one_gets_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        enrol_tokens::create(&mut tx, "s", "x", T0, t(100)).await.unwrap();
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut tx = db.begin().await.unwrap();
                    let claim = enrol_tokens::claim(&mut tx, "s", t(1)).await.unwrap();
                    tx.commit().await.unwrap();
                    claim
                })
            })
            .collect();
        let mut claimed = 0;
        for task in tasks {
            match task.await.unwrap() {
                Claim::Claimed => claimed += 1,
                other => assert_eq!(other, Claim::Used),
            }
        }
        assert_eq!(claimed, 1);
    }

    async fn a_claim_that_is_not_committed_leaves_the_token(db: Db) {
        let mut tx = db.begin().await.unwrap();
        enrol_tokens::create(&mut tx, "s", "x", T0, t(100)).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(enrol_tokens::claim(&mut tx, "s", t(1)).await.unwrap(), Claim::Claimed);
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(enrol_tokens::claim(&mut tx, "s", t(1)).await.unwrap(), Claim::Claimed);
    }
}
