//! What the lists of missing patches find, and in which order.

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_model::{DeviceId, PatchId};
use fleetmend_store::holds::{self, NewHold};
use fleetmend_store::missing::{
    self, FixCandidate, PackagesMissing, PatchFilter, PatchSort, list, of_device,
    replace_for_devices, replace_for_packages,
};
use fleetmend_store::patches::NewPatch;
use fleetmend_store::{Db, Page, Tx, approvals, devices, patches};

use crate::fixture::{T0, add_device, add_device_of, add_job, add_patch, both, lacks, patch, t};

async fn put(tx: &mut Tx, device: DeviceId, patches: &[PatchId]) {
    let lacking = lacks(tx, device, patches).await;
    replace_for_devices(tx, &[lacking], T0).await.unwrap();
}

async fn fix(tx: &mut Tx, patch: PatchId, device: DeviceId) {
    let fixed = FixCandidate {
        patch,
        device,
        at: t(9),
        is_missing: false,
    };
    missing::looked_at(tx, &[fixed], &[fixed]).await.unwrap();
}

async fn counted(
    tx: &mut Tx,
    filter: &PatchFilter,
    sort: PatchSort,
) -> Vec<(PatchId, SystemType, u64)> {
    let listed = list(tx, filter, sort, &Page::first(100)).await.unwrap();
    let rows = listed.rows.into_iter();
    rows.map(|it| (it.patch.id, it.system_type, it.affected))
        .collect()
}

both! {
    async fn a_patch_that_is_fixed_everywhere_is_in_the_list_where_it_is_asked_for(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device_of(&mut tx, "a", SystemType::Critical).await;
        let (zip, curl) = (add_patch(&mut tx, "zip").await, add_patch(&mut tx, "curl").await);
        let gone = add_patch(&mut tx, "gone").await;
        put(&mut tx, device, &[zip, curl, gone]).await;
        put(&mut tx, device, &[curl]).await;
        fix(&mut tx, zip, device).await;
        let any = PatchFilter::default;
        let (lacked, fixed) = ((curl, SystemType::Critical, 1), (zip, SystemType::Critical, 0));
        for sort in PatchSort::ALL {
            assert_eq!(counted(&mut tx, &any(), sort).await, [lacked]);
            let filter = PatchFilter { fixed: Some(true), ..any() };
            assert_eq!(counted(&mut tx, &filter, sort).await, [fixed], "{sort:?}");
            let filter = PatchFilter { fixed: Some(false), with_fixed: true, ..any() };
            assert_eq!(counted(&mut tx, &filter, sort).await, [lacked]);
            let filter = PatchFilter { with_fixed: true, ..any() };
            let mut both = counted(&mut tx, &filter, sort).await;
            both.sort();
            assert_eq!(both, [fixed, lacked], "{sort:?}");
        }
    }

    async fn how_many_lack_a_patch_is_counted_whatever_changes_it(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let first = add_device(&mut tx, "a").await;
        let second = add_device(&mut tx, "b").await;
        let third = add_device_of(&mut tx, "c", SystemType::Critical).await;
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let (normal, critical) = (SystemType::Normal, SystemType::Critical);
        let all = PatchFilter::default();
        for device in [first, second, third] {
            put(&mut tx, device, &[x, y]).await;
        }
        let affected = PatchSort::Affected;
        let expected = [(x, normal, 2), (y, normal, 2), (x, critical, 1), (y, critical, 1)];
        assert_eq!(counted(&mut tx, &all, affected).await, expected);
        // Twice the same, and one that is not managed.
        put(&mut tx, second, &[x, y]).await;
        assert_eq!(counted(&mut tx, &all, affected).await, expected);

        let row = lacks(&mut tx, second, &[y]).await.rows[0];
        let new = PackagesMissing { packages: vec!["y".to_owned()], rows: vec![(second, row)] };
        replace_for_packages(&mut tx, &new, t(1)).await.unwrap();
        let expected = [(x, normal, 2), (x, critical, 1), (y, normal, 1)];
        assert_eq!(counted(&mut tx, &all, affected).await, expected);

        devices::set_system_type(&mut tx, &[second, third], critical).await.unwrap();
        let expected = [(x, critical, 2), (x, normal, 1), (y, critical, 1)];
        assert_eq!(counted(&mut tx, &all, affected).await, expected);
        devices::set_system_type(&mut tx, &[second, third], critical).await.unwrap();
        assert_eq!(counted(&mut tx, &all, affected).await, expected);

        devices::remove(&mut tx, second, t(2)).await.unwrap();
        devices::remove(&mut tx, second, t(3)).await.unwrap();
        devices::set_system_type(&mut tx, &[second], normal).await.unwrap();
        put(&mut tx, second, &[x]).await;
        let expected = [(x, normal, 1), (x, critical, 1)];
        assert_eq!(counted(&mut tx, &all, affected).await, expected);
        put(&mut tx, first, &[]).await;
        assert_eq!(counted(&mut tx, &all, affected).await, [(x, critical, 1)]);
    }

    async fn a_name_that_many_hosts_have_finds_the_same_as_one_that_few_have(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let mut lacking = Vec::new();
        for number in 0..1_001 {
            let device = add_device(&mut tx, &format!("many-{number}")).await;
            let patches = if number == 7 { vec![y] } else { vec![] };
            lacking.push(lacks(&mut tx, device, &patches).await);
        }
        replace_for_devices(&mut tx, &lacking, T0).await.unwrap();
        let other = add_device(&mut tx, "other").await;
        put(&mut tx, other, &[x]).await;
        for (hostname, expected) in [("MANY", y), ("many-7", y), ("OTHER", x)] {
            let filter = PatchFilter { hostname: Some(hostname.to_owned()), ..PatchFilter::default() };
            let found = counted(&mut tx, &filter, PatchSort::Title).await;
            assert_eq!(found, [(expected, SystemType::Normal, 1)], "{hostname}");
        }
    }

    async fn what_a_device_lacks_of_a_package_is_found_however_much_else_it_lacks(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "a").await;
        let all = (0..1_001).map(|it| patch(&format!("tool{it}"), "2"));
        let all: Vec<_> = all.chain([patch("zip.install", "2")]).collect();
        let ids = patches::upsert_many(&mut tx, &all, T0).await.unwrap();
        put(&mut tx, device, &ids).await;
        let packages = ["zip", "zip.install"].map(str::to_owned);
        let found = missing::of_packages(&mut tx, device, &packages).await.unwrap().unwrap();
        assert_eq!((found.patch.id, found.patch.name.as_str()), (ids[1_001], "zip.install"));
        let other = ["other".to_owned()];
        assert_eq!(missing::of_packages(&mut tx, device, &other).await.unwrap(), None);
    }

    async fn a_devices_own_list_has_the_filters_of_the_whole_one(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "a").await;
        let new = NewPatch { patch_type: PatchType::Os, security: true, ..patch("curl", "8") };
        let ids = patches::upsert_many(&mut tx, &[patch("zip", "2"), new], T0).await.unwrap();
        let (zip, curl) = (ids[0], ids[1]);
        put(&mut tx, device, &ids).await;
        approvals::set_many(&mut tx, &[(zip, SystemType::Normal)], Approval::Approved, "anna", "", T0)
            .await
            .unwrap();
        let job = add_job(&mut tx, device, zip).await;
        let hold = NewHold {
            device,
            patch: zip,
            job,
            cause: "still there".to_owned(),
            since: t(1),
            is_confirmed: true,
            installed: None,
        };
        holds::put(&mut tx, &hold, t(1)).await.unwrap();
        let any = PatchFilter::default;
        for (what, filter, expected) in [
            ("all", any(), vec![curl, zip]),
            ("type", PatchFilter { patch_type: Some(PatchType::Os), ..any() }, vec![curl]),
            ("approval", PatchFilter { approval: Some(Approval::Approved), ..any() }, vec![zip]),
            ("title", PatchFilter { title: Some("ZIP".to_owned()), ..any() }, vec![zip]),
            ("security", PatchFilter { security: Some(true), ..any() }, vec![curl]),
            ("held", PatchFilter { held: Some(true), ..any() }, vec![zip]),
            ("not held", PatchFilter { held: Some(false), ..any() }, vec![curl]),
        ] {
            let found = of_device(&mut tx, device, &filter, &Page::first(9)).await.unwrap();
            let found: Vec<_> = found.rows.iter().map(|it| it.patch.id).collect();
            assert_eq!(found, expected, "{what}");
        }
    }
}
