//! Policies, and which devices have which.

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, PolicyId};
use fleetmend_store::devices::{self, HasPolicy};
use fleetmend_store::missing::{PatchFilter, PatchSort, list, replace_for_devices};
use fleetmend_store::policies::{self, NewPolicy};
use fleetmend_store::{Db, Error, Page};

use crate::fixture::{T0, add_device, add_patch, both, lacks, t};

fn policy(name: &str) -> NewPolicy {
    NewPolicy {
        name: name.to_owned(),
        is_enabled: true,
        scope: r#"{"include":[{"kind":"all"}]}"#.to_owned(),
        settings: "{}".to_owned(),
    }
}

async fn names(db: &Db) -> Vec<String> {
    let all = policies::all(db).await.unwrap();
    all.into_iter().map(|it| it.what.name).collect()
}

fn has(device: DeviceId, policy: PolicyId, why: &str) -> HasPolicy {
    HasPolicy {
        device,
        policy: Some(policy),
        why: why.to_owned(),
        system_type: SystemType::Normal,
    }
}

both! {
    async fn policies_have_an_order_and_the_last_one_stays(db: Db) {
        assert_eq!(names(&db).await, ["Default"]);
        let mut tx = db.begin().await.unwrap();
        let a = policies::insert(&mut tx, &policy("A"), "anna", T0).await.unwrap();
        let b = policies::insert(&mut tx, &policy("B"), "anna", T0).await.unwrap();
        let error = policies::insert(&mut tx, &policy("DEFAULT"), "anna", T0).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        tx.commit().await.unwrap();
        assert_eq!(names(&db).await, ["A", "B", "Default"]);
        let rest = policies::all(&db).await.unwrap().pop().unwrap();
        assert!(rest.is_rest && rest.what.is_enabled);
        let mut tx = db.begin().await.unwrap();
        policies::set_order(&mut tx, &[rest.id, b, a]).await.unwrap();
        assert!(!policies::remove(&mut tx, rest.id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(names(&db).await, ["B", "A", "Default"]);
        let mut tx = db.begin().await.unwrap();
        assert!(policies::remove(&mut tx, b).await.unwrap());
        assert!(!policies::remove(&mut tx, b).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(names(&db).await, ["A", "Default"]);
    }

    async fn each_change_raises_the_generation_and_what_was_is_kept(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = policies::insert(&mut tx, &policy("A"), "anna", T0).await.unwrap();
        let changed = NewPolicy { settings: r#"{"scan":{}}"#.to_owned(), is_enabled: false, ..policy("Servers") };
        assert!(policies::set(&mut tx, id, 1, &changed, "bea", t(1)).await.unwrap());
        assert!(!policies::set(&mut tx, id, 1, &policy("C"), "carl", t(2)).await.unwrap(), "it is in 2");
        let taken = NewPolicy { name: "default".to_owned(), ..changed.clone() };
        let error = policies::set(&mut tx, id, 2, &taken, "bea", t(2)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let stored = policies::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((&stored.what, stored.generation), (&changed, 2));
        assert_eq!((stored.updated_by.as_str(), stored.updated_at), ("bea", t(1)));
        policies::remove(&mut tx, id).await.unwrap();
        let versions = policies::versions(&mut tx, id).await.unwrap();
        let names: Vec<_> = versions.iter().map(|it| (it.generation, it.name.as_str())).collect();
        assert_eq!(names, [(2, "Servers"), (1, "A")]);
        assert_eq!(versions[1].settings, "{}");
        let error = policies::set(&mut tx, id, 2, &changed, "bea", t(3)).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
    }

    async fn a_device_has_the_policy_that_was_written_down_until_that_is_removed(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = policies::insert(&mut tx, &policy("A"), "anna", T0).await.unwrap();
        let (one, other) = (add_device(&mut tx, "one").await, add_device(&mut tx, "other").await);
        let all = devices::policies(&mut tx).await.unwrap();
        assert!(all.iter().all(|it| it.policy.is_none()), "{all:?}");
        let rest = policies::all(&mut tx).await.unwrap().pop().unwrap().id;
        let wanted = [has(one, id, "host name one"), has(other, rest, "no other policy takes it")];
        devices::set_policies(&mut tx, &wanted).await.unwrap();
        assert_eq!(devices::policies(&mut tx).await.unwrap(), wanted);
        let mut counts = policies::device_counts(&mut tx).await.unwrap();
        counts.sort_unstable();
        let mut both = [(id, 1), (rest, 1)];
        both.sort_unstable();
        assert_eq!(counts, both);
        policies::remove(&mut tx, id).await.unwrap();
        let all = devices::policies(&mut tx).await.unwrap();
        assert_eq!((all[0].policy, all[1].policy), (None, Some(rest)));
    }

    async fn a_policy_can_be_removed_while_devices_are_given_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "one").await;
        tx.commit().await.unwrap();
        for _ in 0..10 {
            let mut tx = db.begin().await.unwrap();
            let id = policies::insert(&mut tx, &policy("A"), "anna", T0).await.unwrap();
            tx.commit().await.unwrap();
            let mut giving = db.begin().await.unwrap();
            assert!(policies::hold_all(&mut giving, [id]).await.unwrap().contains(&id));
            let remove = async {
                let mut tx = db.begin().await.unwrap();
                assert!(policies::remove(&mut tx, id).await.unwrap());
                tx.commit().await.unwrap();
            };
            let give = async {
                devices::set_policies(&mut giving, &[has(device, id, "")]).await.unwrap();
                giving.commit().await.unwrap();
            };
            tokio::join!(remove, give);
            assert_eq!(devices::policies(&db).await.unwrap()[0].policy, None);
            let mut tx = db.begin().await.unwrap();
            assert!(policies::hold_all(&mut tx, [id]).await.unwrap().is_empty());
        }
    }

    async fn a_policy_says_which_devices_are_critical_until_a_person_does(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (one, other) = (add_device(&mut tx, "one").await, add_device(&mut tx, "other").await);
        let rest = policies::all(&mut tx).await.unwrap().pop().unwrap().id;
        devices::set_system_type(&mut tx, &[other], SystemType::Normal).await.unwrap();
        let critical = |device| HasPolicy { system_type: SystemType::Critical, ..has(device, rest, "") };
        devices::set_policies(&mut tx, &[critical(one), critical(other)]).await.unwrap();
        let all = devices::load_all(&mut tx).await.unwrap();
        let types: Vec<_> = all.iter().map(|it| (it.system_type, it.is_system_type_set)).collect();
        assert_eq!(types, [(SystemType::Critical, false), (SystemType::Normal, true)]);
        devices::set_policies(&mut tx, &[has(one, rest, "")]).await.unwrap();
        let again = devices::get(&mut tx, one).await.unwrap().unwrap();
        assert_eq!(again.system_type, SystemType::Normal);
    }

    async fn what_devices_lack_counts_for_the_type_that_a_policy_gives_them(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (one, other) = (add_device(&mut tx, "one").await, add_device(&mut tx, "other").await);
        let rest = policies::all(&mut tx).await.unwrap().pop().unwrap().id;
        devices::set_system_type(&mut tx, &[other], SystemType::Normal).await.unwrap();
        let patch = add_patch(&mut tx, "zip").await;
        for device in [one, other] {
            let lacking = lacks(&mut tx, device, &[patch]).await;
            replace_for_devices(&mut tx, &[lacking], T0).await.unwrap();
        }
        let critical = |device| HasPolicy { system_type: SystemType::Critical, ..has(device, rest, "") };
        let (as_critical, as_normal) = ([critical(one), critical(other)], [has(one, rest, "")]);
        let one_each = [(SystemType::Normal, 1), (SystemType::Critical, 1)];
        for (given, expected) in [
            (as_critical.as_slice(), one_each.as_slice()),
            (&as_critical, &one_each),
            (&as_normal, &[(SystemType::Normal, 2)]),
        ] {
            devices::set_policies(&mut tx, given).await.unwrap();
            let all = PatchFilter::default();
            let listed = list(&mut tx, &all, PatchSort::Title, &Page::first(9)).await.unwrap();
            let counts: Vec<_> = listed.rows.iter().map(|it| (it.system_type, it.affected)).collect();
            assert_eq!(counts, expected);
        }
    }
}
