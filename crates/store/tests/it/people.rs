//! Users, sessions, setup links, failed sign-ins, audit.

use fleetmend_model::UserId;
use fleetmend_store::audit::{AuditFilter, Entry};
use fleetmend_store::login_failures::Failures;
use fleetmend_store::{Db, Error, Page, audit, login_failures, sessions, setup_links, users};

use crate::fixture::{T0, both, t};

both! {
    async fn a_users_name_is_unique_and_ignores_case(db: Db) {
        let mut tx = db.begin().await.unwrap();
        assert_eq!(users::count(&mut tx).await.unwrap(), 0);
        let anna = users::insert(&mut tx, "Anna", "hash", "administrator", T0).await.unwrap();
        let error = users::insert(&mut tx, "ANNA", "hash", "viewer", T0).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        users::insert(&mut tx, "ben", "hash", "viewer", T0).await.unwrap();
        users::set_password(&mut tx, anna, "hash 2").await.unwrap();
        users::set_role(&mut tx, anna, "viewer").await.unwrap();
        users::set_disabled(&mut tx, anna, true).await.unwrap();
        users::set_role(&mut tx, UserId(99), "viewer").await.unwrap_err();
        tx.commit().await.unwrap();
        let stored = users::by_name(&db, "anna").await.unwrap().unwrap();
        assert_eq!(users::get(&db, anna).await.unwrap().unwrap(), stored);
        assert_eq!((stored.name.as_str(), stored.password_hash.as_str()), ("Anna", "hash 2"));
        assert_eq!((stored.role.as_str(), stored.disabled), ("viewer", true));
        let names: Vec<_> = users::list(&db).await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["Anna", "ben"]);
        assert_eq!(users::count(&db).await.unwrap(), 2);
    }

    async fn a_session_is_good_until_it_ends_or_its_user_is_disabled(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let anna = users::insert(&mut tx, "anna", "hash", "administrator", T0).await.unwrap();
        for (token, end) in [("t1", 100), ("t2", 200), ("t3", 300)] {
            sessions::insert(&mut tx, token, anna, "csrf", T0, t(end)).await.unwrap();
        }
        let session = sessions::get(&mut tx, "t1", t(99)).await.unwrap().unwrap();
        assert_eq!((session.user, session.user_name.as_str()), (anna, "anna"));
        assert_eq!((session.role.as_str(), session.csrf.as_str()), ("administrator", "csrf"));
        assert_eq!(sessions::get(&mut tx, "t1", t(100)).await.unwrap(), None);
        sessions::touch(&mut tx, "t1", t(50), t(150)).await.unwrap();
        let session = sessions::get(&mut tx, "t1", t(149)).await.unwrap().unwrap();
        assert_eq!((session.last_seen, session.expires_at), (t(50), t(150)));
        assert_eq!(sessions::delete_expired(&mut tx, t(150)).await.unwrap(), 1);
        sessions::delete(&mut tx, "t2").await.unwrap();
        assert_eq!(sessions::get(&mut tx, "t2", t(1)).await.unwrap(), None);
        users::set_disabled(&mut tx, anna, true).await.unwrap();
        assert_eq!(sessions::get(&mut tx, "t3", t(1)).await.unwrap(), None);
        assert_eq!(sessions::delete_of_user(&mut tx, anna).await.unwrap(), 1);
    }

    async fn a_setup_link_is_used_once_and_in_time(db: Db) {
        let mut tx = db.begin().await.unwrap();
        for link in ["a", "b", "c"] {
            setup_links::insert(&mut tx, link, t(100)).await.unwrap();
        }
        assert!(setup_links::is_good(&mut tx, "a", t(99)).await.unwrap());
        assert!(setup_links::claim(&mut tx, "a", t(99)).await.unwrap());
        assert!(!setup_links::claim(&mut tx, "a", t(99)).await.unwrap());
        assert!(!setup_links::is_good(&mut tx, "a", t(99)).await.unwrap());
        assert!(!setup_links::claim(&mut tx, "b", t(100)).await.unwrap(), "too late");
        assert!(!setup_links::claim(&mut tx, "x", t(1)).await.unwrap(), "unknown");
        setup_links::delete_unused(&mut tx).await.unwrap();
        assert!(!setup_links::claim(&mut tx, "c", t(1)).await.unwrap());
    }

    async fn failures_are_counted_by_name_and_by_address(db: Db) {
        let mut tx = db.begin().await.unwrap();
        login_failures::add(&mut tx, "Anna", "1.1.1.1", t(10)).await.unwrap();
        login_failures::add(&mut tx, "anna", "2.2.2.2", t(20)).await.unwrap();
        login_failures::add(&mut tx, "ben", "1.1.1.1", t(30)).await.unwrap();
        let count = async |tx: &mut fleetmend_store::Tx, since| {
            login_failures::count_since(tx, "ANNA", "1.1.1.1", t(since)).await.unwrap()
        };
        assert_eq!(count(&mut tx, 0).await, Failures { by_name: 2, by_address: 2 });
        assert_eq!(count(&mut tx, 10).await, Failures { by_name: 1, by_address: 1 });
        login_failures::clear(&mut tx, "Anna").await.unwrap();
        assert_eq!(count(&mut tx, 0).await, Failures { by_name: 0, by_address: 1 });
        assert_eq!(login_failures::delete_until(&mut tx, t(30)).await.unwrap(), 1);
        assert_eq!(count(&mut tx, 0).await, Failures::default());
    }

    async fn the_audit_is_read_newest_first(db: Db) {
        let entry = |who: &str, action: &str, subject: &str| Entry {
            at: T0,
            who: who.to_owned(),
            from_address: "1.1.1.1".to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            before: None,
            after: Some("{}".to_owned()),
        };
        let entries = [
            entry("anna", "approve_patches", "patch 1"),
            entry("ben", "approve_patches", "patch 2"),
            entry("anna", "deploy_patch", "patch 1"),
        ];
        let mut tx = db.begin().await.unwrap();
        for it in &entries {
            audit::append(&mut tx, it).await.unwrap();
        }
        tx.commit().await.unwrap();
        let any = AuditFilter::default;
        let first = audit::list(&db, &any(), &Page::first(2)).await.unwrap();
        assert_eq!(first.rows.iter().map(|(_, it)| it).collect::<Vec<_>>(), [&entries[2], &entries[1]]);
        let rest = audit::list(&db, &any(), &Page::after(2, first.next.unwrap())).await.unwrap();
        assert_eq!((&rest.rows[0].1, rest.next), (&entries[0], None));
        for (filter, wanted) in [
            (AuditFilter { who: Some("anna".to_owned()), ..any() }, 2),
            (AuditFilter { action: Some("approve_patches".to_owned()), ..any() }, 2),
            (AuditFilter { subject: Some("patch 2".to_owned()), ..any() }, 1),
        ] {
            assert_eq!(audit::list(&db, &filter, &Page::first(9)).await.unwrap().rows.len(), wanted);
        }
    }
}
