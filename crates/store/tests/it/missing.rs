//! What devices lack: the writer's rules and the lists.

use std::collections::BTreeMap;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, Confidence, PatchType};
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, DeployStatus};
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_store::deploy_jobs::JobMove;
use fleetmend_store::missing::{
    Changes, Grounds, PatchFilter, PatchSort, affected_systems, list, of_device,
    replace_for_devices,
};
use fleetmend_store::patches::NewPatch;
use fleetmend_store::{Db, Page, Tx, approvals, deploy_jobs, devices, missing, patches};

use crate::fixture::{
    T0, add_device, add_device_of, add_job, add_patch, both, grounds, lacks, patch, t,
};

async fn put(tx: &mut Tx, device: DeviceId, patches: &[PatchId], now: Millis) -> Changes {
    let lacking = lacks(tx, device, patches).await;
    replace_for_devices(tx, &[lacking], now).await.unwrap()
}

async fn since(tx: &mut Tx, device: DeviceId, patch: PatchId) -> Option<Millis> {
    missing::get(tx, device, patch)
        .await
        .unwrap()
        .map(|it| it.since)
}

both! {
    async fn a_row_that_stays_keeps_since_and_one_that_comes_back_begins_anew(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "a").await;
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let changes = put(&mut tx, device, &[x, y], t(1)).await;
        assert_eq!(changes, Changes { added: vec![(device, x), (device, y)], removed: vec![] });
        let changes = put(&mut tx, device, &[y], t(2)).await;
        assert_eq!(changes, Changes { added: vec![], removed: vec![(device, x)] });
        let changes = put(&mut tx, device, &[x, y], t(3)).await;
        assert_eq!(changes, Changes { added: vec![(device, x)], removed: vec![] });
        assert_eq!(since(&mut tx, device, x).await, Some(t(3)));
        assert_eq!(since(&mut tx, device, y).await, Some(t(1)));
        assert_eq!(put(&mut tx, device, &[x, y], t(4)).await, Changes::default());
    }

    async fn a_row_that_changed_says_the_new_thing_since_the_old_time(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "a").await;
        let x = add_patch(&mut tx, "x").await;
        put(&mut tx, device, &[x], t(1)).await;
        let newer = Grounds {
            installed_version: "1.5".to_owned(),
            confidence: Confidence::Strong,
            reason: "1.5 is older".to_owned(),
            ..grounds()
        };
        let ids = missing::intern_grounds(&mut tx, &[([2; 16], &newer)]).await.unwrap();
        let mut lacking = lacks(&mut tx, device, &[x]).await;
        lacking.rows[0].grounds = ids[0];
        let changes = replace_for_devices(&mut tx, &[lacking], t(2)).await.unwrap();
        assert_eq!(changes, Changes::default());
        let stored = missing::get(&mut tx, device, x).await.unwrap().unwrap();
        assert_eq!((stored.grounds, stored.since), (newer, t(1)));
    }

    async fn grounds_are_stored_once_and_keep_their_id(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let other = Grounds { reason: "another\0".to_owned(), ..grounds() };
        let (one, two) = (([1; 16], &grounds()), ([2; 16], &other));
        let first = missing::intern_grounds(&mut tx, &[one, two, one]).await.unwrap();
        assert_eq!(first[0], first[2]);
        assert_ne!(first[0], first[1]);
        let again = missing::intern_grounds(&mut tx, &[two, one]).await.unwrap();
        assert_eq!(again, [first[1], first[0]]);
    }

    async fn a_replacement_touches_no_other_device(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        let x = add_patch(&mut tx, "x").await;
        let both = [lacks(&mut tx, a, &[x]).await, lacks(&mut tx, b, &[x]).await];
        replace_for_devices(&mut tx, &both, t(1)).await.unwrap();
        let next = [lacks(&mut tx, b, &[]).await, lacks(&mut tx, DeviceId(999), &[x]).await];
        let changes = replace_for_devices(&mut tx, &next, t(2)).await.unwrap();
        assert_eq!(changes, Changes { added: vec![], removed: vec![(b, x)] });
        assert_eq!(missing::devices_of(&mut tx, x, None).await.unwrap(), [a]);
        assert_eq!(missing::stored(&mut tx, &[a, b]).await.unwrap().len(), 1);
    }

    async fn counts_of_devices_stay_in_step_whatever_comes(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(add_device(&mut tx, name).await);
        }
        let mut all = Vec::new();
        for number in 0..8 {
            let patch_type = if number % 3 == 0 { PatchType::Os } else { PatchType::ThirdParty };
            all.push(NewPatch { patch_type, ..patch(&format!("p{number}"), "1") });
        }
        let all = patches::upsert_many(&mut tx, &all, T0).await.unwrap();
        let mut state: BTreeMap<DeviceId, u32> = BTreeMap::new();
        // A fixed walk through the subsets; each step replaces one or two devices.
        let mut bits = 0x2545_f491_u32;
        for step in 0..40_i64 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut batch = Vec::new();
            for (index, device) in ids.iter().enumerate() {
                if bits >> (28 + index) & 1 == 0 {
                    continue;
                }
                let set = bits >> (8 * index % 20) & 0xff;
                let patches: Vec<_> =
                    (0..8).filter(|bit| set >> bit & 1 == 1).map(|bit| all[bit]).collect();
                let mut lacking = lacks(&mut tx, *device, &patches).await;
                for row in &mut lacking.rows {
                    if all.iter().position(|id| *id == row.patch).unwrap() % 3 == 0 {
                        row.patch_type = PatchType::Os;
                    }
                }
                batch.push(lacking);
                state.insert(*device, set);
            }
            replace_for_devices(&mut tx, &batch, t(step)).await.unwrap();
            for (device, set) in &state {
                let row = devices::get(&mut tx, *device).await.unwrap().unwrap();
                let os = (0..8).filter(|bit| bit % 3 == 0 && set >> bit & 1 == 1).count();
                let third = (0..8).filter(|bit| bit % 3 != 0 && set >> bit & 1 == 1).count();
                assert_eq!(
                    (row.missing_third_party as usize, row.missing_os as usize),
                    (third, os),
                    "step {step}"
                );
            }
        }
    }

    async fn two_writers_of_the_same_devices_do_not_block_each_other_for_ever(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let mut ids = Vec::new();
        for number in 0..10 {
            ids.push(add_device(&mut tx, &number.to_string()).await);
        }
        let x = add_patch(&mut tx, "x").await;
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let (db, mut ids) = (db.clone(), ids.clone());
                tokio::spawn(async move {
                    ids.rotate_left(number);
                    let mut tx = db.begin().await.unwrap();
                    let mut batch = Vec::new();
                    for id in &ids {
                        let patches = if number % 2 == 0 { &[][..] } else { &[x][..] };
                        batch.push(lacks(&mut tx, *id, patches).await);
                    }
                    replace_for_devices(&mut tx, &batch, T0).await.unwrap();
                    tx.commit().await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for id in ids {
            let counted = devices::get(&db, id).await.unwrap().unwrap().missing_third_party;
            let there = missing::get(&db, id, x).await.unwrap().is_some();
            assert_eq!(counted, u32::from(there));
        }
    }

    async fn the_list_has_a_row_for_each_patch_and_system_type_with_its_affected_count(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "Alpha").await;
        let b = add_device(&mut tx, "beta").await;
        let c = add_device_of(&mut tx, "gamma", SystemType::Critical).await;
        let os = NewPatch {
            patch_type: PatchType::Os,
            title: "libcurl4".to_owned(),
            security: true,
            ..patch("curl", "8")
        };
        let ids = patches::upsert_many(&mut tx, &[patch("zip", "2"), os, patch("unused", "1")], T0)
            .await
            .unwrap();
        let (zip, curl) = (ids[0], ids[1]);
        for (device, patches) in [(a, &[zip][..]), (b, &[zip, curl]), (c, &[zip])] {
            put(&mut tx, device, patches, T0).await;
        }
        approvals::set_many(&mut tx, &[(zip, SystemType::Normal)], Approval::Approved, "anna", "ok", t(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let show = async |filter: PatchFilter, sort: PatchSort| {
            let paged = list(&db, &filter, sort, &Page::first(50)).await.unwrap();
            assert_eq!(paged.next, None);
            let rows = paged.rows.iter();
            rows.map(|it| (it.patch.id, it.system_type, it.affected)).collect::<Vec<_>>()
        };
        let (normal, critical) = (SystemType::Normal, SystemType::Critical);
        let any = PatchFilter::default;
        let zips = [(zip, normal, 2), (zip, critical, 1)];
        let all = [(curl, normal, 1), zips[0], zips[1]];
        assert_eq!(show(any(), PatchSort::Title).await, all);
        assert_eq!(show(any(), PatchSort::Affected).await, [zips[0], all[0], zips[1]]);
        assert_eq!(show(any(), PatchSort::Newest).await, [zips[0], zips[1], all[0]]);
        let text = |text: &str| Some(text.to_owned());
        for (name, filter, wanted) in [
            ("type", PatchFilter { patch_type: Some(PatchType::Os), ..any() }, &all[..1]),
            ("system", PatchFilter { system_type: Some(critical), ..any() }, &all[2..]),
            ("approved", PatchFilter { approval: Some(Approval::Approved), ..any() }, &all[1..2]),
            ("title", PatchFilter { title: text("LIBCURL"), ..any() }, &all[..1]),
            ("package", PatchFilter { title: text("zip"), ..any() }, &all[1..]),
            ("host", PatchFilter { hostname: text("GAM"), ..any() }, &all[2..]),
            ("host of two", PatchFilter { hostname: text("beta"), ..any() }, &all[..2]),
            ("security", PatchFilter { security: Some(true), ..any() }, &all[..1]),
            ("nothing", PatchFilter { title: text("%"), ..any() }, &[]),
        ] {
            assert_eq!(show(filter, PatchSort::Title).await, wanted, "{name}");
        }
        let undecided = PatchFilter { approval: Some(Approval::NotApproved), ..any() };
        assert_eq!(show(undecided, PatchSort::Title).await, [all[0], all[2]]);
        let approved = list(&db, &any(), PatchSort::Title, &Page::first(2)).await.unwrap();
        let row = &approved.rows[1];
        assert_eq!((row.approval, row.decided_by.as_str()), (Approval::Approved, "anna"));
        assert_eq!((row.decided_at, row.decision_reason.as_str()), (Some(t(1)), "ok"));
    }

    async fn pages_of_patches_have_each_row_once_in_every_order(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let b = add_device_of(&mut tx, "b", SystemType::Critical).await;
        let new: Vec<_> = (0..9)
            .map(|number| NewPatch {
                title: "same".to_owned(),
                ..patch(if number < 5 { "x" } else { "y" }, &number.to_string())
            })
            .collect();
        let ids = patches::upsert_many(&mut tx, &new, T0).await.unwrap();
        put(&mut tx, a, &ids, T0).await;
        put(&mut tx, b, &ids[3..], T0).await;
        tx.commit().await.unwrap();
        for sort in [PatchSort::Title, PatchSort::Affected, PatchSort::Newest] {
            let whole =
                list(&db, &PatchFilter::default(), sort, &Page::first(100)).await.unwrap().rows;
            assert_eq!(whole.len(), 15);
            for limit in [1, 4, 14, 15] {
                let mut rows = Vec::new();
                let mut page = Page::first(limit);
                loop {
                    let paged = list(&db, &PatchFilter::default(), sort, &page).await.unwrap();
                    rows.extend(paged.rows);
                    let Some(next) = paged.next else { break };
                    page = Page::after(limit, next);
                }
                assert_eq!(rows, whole, "{sort:?} by {limit}");
            }
        }
    }

    async fn affected_systems_and_a_devices_patches_show_the_latest_job(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "Alpha").await;
        let b = add_device_of(&mut tx, "beta", SystemType::Critical).await;
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        put(&mut tx, a, &[x, y], t(1)).await;
        put(&mut tx, b, &[x], t(1)).await;
        let first = add_job(&mut tx, a, x).await;
        let cancelled = DeployState {
            status: DeployStatus::Posted,
            ending: Some(fleetmend_model::status::deploy::Ending::Cancelled),
        };
        deploy_jobs::transition(&mut tx, first, &JobMove::new(DeployState::NEW, cancelled, Party::User, t(2)))
            .await
            .unwrap();
        let second = add_job(&mut tx, a, x).await;
        approvals::set_many(&mut tx, &[(x, SystemType::Normal)], Approval::Approved, "anna", "", T0)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let systems = affected_systems(&db, x, None, None, &Page::first(1)).await.unwrap();
        assert_eq!(systems.rows[0].hostname, "Alpha");
        let job = systems.rows[0].job.as_ref().unwrap();
        assert_eq!((job.job, job.state), (second, DeployState::NEW));
        let rest = affected_systems(&db, x, None, None, &Page::after(1, systems.next.unwrap()))
            .await
            .unwrap();
        assert_eq!(rest.next, None);
        assert_eq!((rest.rows[0].missing.device, rest.rows[0].job.clone()), (b, None));
        assert_eq!((rest.rows[0].missing.since, rest.rows[0].last_seen), (t(1), T0));
        for (system_type, text, wanted) in [
            (Some(SystemType::Critical), None, vec![b]),
            (None, Some("ALPH"), vec![a]),
            (Some(SystemType::Critical), Some("ALPH"), vec![]),
        ] {
            let found = affected_systems(&db, x, system_type, text, &Page::first(9)).await.unwrap();
            let found: Vec<_> = found.rows.iter().map(|it| it.missing.device).collect();
            assert_eq!(found, wanted);
        }
        assert_eq!(missing::devices_of(&db, x, Some(SystemType::Normal)).await.unwrap(), [a]);

        let any = PatchFilter::default;
        let of_a = of_device(&db, a, &any(), &Page::first(1)).await.unwrap();
        assert_eq!(of_a.rows[0].patch.id, x);
        assert_eq!(of_a.rows[0].approval, Approval::Approved);
        assert_eq!(of_a.rows[0].job.as_ref().unwrap().job, second);
        let next = of_device(&db, a, &any(), &Page::after(1, of_a.next.unwrap())).await.unwrap();
        assert_eq!((next.rows[0].patch.id, next.rows[0].approval), (y, Approval::NotApproved));
        assert_eq!(next.next, None);
        let os = of_device(&db, a, &PatchFilter { patch_type: Some(PatchType::Os), ..any() }, &Page::first(9)).await.unwrap();
        assert!(os.rows.is_empty());
        let of_b = of_device(&db, b, &any(), &Page::first(9)).await.unwrap();
        assert_eq!(of_b.rows[0].approval, Approval::NotApproved, "approved for normal ones only");
    }
}
