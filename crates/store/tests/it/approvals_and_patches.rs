//! Patches and the decisions on them.

use fleetmend_model::PatchId;
use fleetmend_model::device::SystemType::{Critical, Normal};
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_store::patches::NewPatch;
use fleetmend_store::{Db, approvals, patches};

use crate::fixture::{T0, both, patch, t};

both! {
    async fn a_patch_is_stored_once_and_brought_up_to_date(db: Db) {
        let os = NewPatch {
            patch_type: PatchType::Os,
            architecture: "amd64".to_owned(),
            ..patch("7zip", "2.0")
        };
        let mut tx = db.begin().await.unwrap();
        let first = patches::upsert_many(
            &mut tx,
            &[patch("7zip", "2.0"), os.clone(), patch("7zip", "2.1"), patch("7zip", "2.0")],
            T0,
        )
        .await
        .unwrap();
        assert_eq!(first[0], first[3]);
        assert_ne!(first[0], first[1]);
        assert_ne!(first[0], first[2]);
        let newer = NewPatch { title: "7-Zip".to_owned(), security: true, ..patch("7zip", "2.0") };
        let second = patches::upsert_many(&mut tx, &[newer, os], t(5)).await.unwrap();
        assert_eq!(second, first[..2]);
        assert!(patches::upsert_many(&mut tx, &[], T0).await.unwrap().is_empty());
        tx.commit().await.unwrap();

        let stored = patches::get(&db, first[0]).await.unwrap().unwrap();
        assert_eq!((stored.title.as_str(), stored.security, stored.first_seen), ("7-Zip", true, T0));
        let all = patches::load_all(&db).await.unwrap();
        assert_eq!(all.len(), 3);
        let some = patches::get_many(&db, &[first[1], PatchId(999), first[0]]).await.unwrap();
        assert_eq!(some.len(), 2);
        assert_eq!(patches::get(&db, PatchId(999)).await.unwrap(), None);
    }

    async fn a_patch_whose_name_has_a_nul_is_found_again(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let odd = patch("a\0b", "1");
        let first = patches::upsert_many(&mut tx, std::slice::from_ref(&odd), T0).await.unwrap();
        let second = patches::upsert_many(&mut tx, &[odd], T0).await.unwrap();
        assert_eq!(first, second);
    }

    async fn a_decision_holds_for_its_system_type_until_the_next(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let ids =
            patches::upsert_many(&mut tx, &[patch("a", "1"), patch("b", "1")], T0).await.unwrap();
        let normal = [(ids[0], Normal), (ids[1], Normal), (ids[0], Normal)];
        approvals::set_many(&mut tx, &normal, Approval::Approved, "anna", "", T0).await.unwrap();
        approvals::set_many(&mut tx, &[(ids[0], Critical)], Approval::Disapproved, "ben", "breaks", T0)
            .await
            .unwrap();
        approvals::set_many(&mut tx, &[(ids[1], Normal)], Approval::NotApproved, "ben", "", t(1))
            .await
            .unwrap();
        approvals::set_many(&mut tx, &[], Approval::Approved, "ben", "", T0).await.unwrap();
        tx.commit().await.unwrap();

        let critical = approvals::get(&db, ids[0], Critical).await.unwrap().unwrap();
        assert_eq!(critical.decision, Approval::Disapproved);
        assert_eq!((critical.decided_by.as_str(), critical.reason.as_str()), ("ben", "breaks"));
        assert_eq!(approvals::get(&db, ids[1], Critical).await.unwrap(), None);
        let of_first = approvals::of_patch(&db, ids[0]).await.unwrap();
        assert_eq!(of_first.iter().map(|it| it.system_type).collect::<Vec<_>>(), [Normal, Critical]);
        let many = approvals::get_many(&db, &[(ids[1], Normal), (ids[0], Normal), (ids[1], Critical)])
            .await
            .unwrap();
        let shown: Vec<_> = many.iter().map(|it| (it.patch, it.decision, it.at)).collect();
        assert_eq!(
            shown,
            [(ids[0], Approval::Approved, T0), (ids[1], Approval::NotApproved, t(1))]
        );
    }
}
