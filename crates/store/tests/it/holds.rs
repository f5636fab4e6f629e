//! Updates that were installed and whose version did not change.

use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, DeployStatus};
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId};
use fleetmend_store::deploy_jobs::JobMove;
use fleetmend_store::devices::InventoryFacts;
use fleetmend_store::holds::{self, HoldFilter, NewHold};
use fleetmend_store::missing::{PatchFilter, PatchSort};
use fleetmend_store::{Db, Page, Tx, deploy_jobs, devices, missing};

use crate::fixture::{T0, add_device, add_job, add_patch, both, host, lacks, t};

fn hold(device: DeviceId, patch: PatchId, job: DeployJobId, since: Millis) -> NewHold {
    NewHold {
        device,
        patch,
        job,
        cause: format!("job {job} was in vain"),
        since,
        is_confirmed: true,
        installed: None,
    }
}

async fn ends(tx: &mut Tx, job: DeployJobId, status: DeployStatus, at: Millis) {
    let to = DeployState {
        status,
        ending: None,
    };
    let change = JobMove::new(DeployState::NEW, to, Party::Agent, at);
    deploy_jobs::transition(tx, job, &change).await.unwrap();
}

async fn reports(tx: &mut Tx, device: DeviceId, at: Millis) {
    let facts = InventoryFacts {
        device,
        host: host("host"),
        digest: "0".repeat(64),
        at,
        complete: true,
        note: String::new(),
        restart_pending: None,
        cannot_deploy: None,
    };
    devices::apply_inventories(tx, &[facts]).await.unwrap();
}

both! {
    async fn a_patch_has_one_hold_a_device_and_what_is_known_stays(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "a").await;
        let patch = add_patch(&mut tx, "zip").await;
        let job = add_job(&mut tx, device, patch).await;
        let unconfirmed = NewHold { is_confirmed: false, ..hold(device, patch, job, t(1)) };
        holds::put(&mut tx, &unconfirmed, t(1)).await.unwrap();
        assert!(holds::awaits_inventory(&mut tx, device).await.unwrap());
        assert_eq!(holds::to_look_at(&mut tx, 0, 10).await.unwrap(), []);
        reports(&mut tx, device, t(2)).await;
        assert!(!holds::awaits_inventory(&mut tx, device).await.unwrap());
        let other = add_patch(&mut tx, "curl").await;
        holds::put(&mut tx, &NewHold { patch: other, ..unconfirmed.clone() }, t(1)).await.unwrap();
        let no_hold = holds::of_device(&mut tx, device, other).await.unwrap().unwrap();
        holds::forget(&mut tx, no_hold.id).await.unwrap();
        assert_eq!(holds::of_device(&mut tx, device, other).await.unwrap(), None);
        let looked = holds::to_look_at(&mut tx, 0, 10).await.unwrap();
        assert_eq!(looked.len(), 1);
        assert_eq!((looked[0].device, looked[0].is_missing, looked[0].inventory_at), (device, false, t(2)));
        assert!(holds::confirm(&mut tx, looked[0].hold.id, "in vain", Some("1.1"), t(3)).await.unwrap());
        assert!(!holds::confirm(&mut tx, looked[0].hold.id, "again", None, t(4)).await.unwrap());
        holds::put(&mut tx, &hold(device, patch, job, t(5)), t(5)).await.unwrap();
        let kept = holds::of_device(&mut tx, device, patch).await.unwrap().unwrap();
        assert_eq!((kept.cause.as_str(), kept.confirmed_at, kept.since), ("in vain", Some(t(3)), t(1)));
        // Away because it is not on offer: looked at once for each inventory.
        assert_eq!(holds::to_look_at(&mut tx, 0, 10).await.unwrap().len(), 1);
        holds::looked(&mut tx, kept.id, t(2), Some("1.0")).await.unwrap();
        assert_eq!(holds::to_look_at(&mut tx, 0, 10).await.unwrap(), []);
        reports(&mut tx, device, t(6)).await;
        let looked = holds::to_look_at(&mut tx, 0, 10).await.unwrap();
        assert_eq!(looked.len(), 1);
        assert_eq!((looked[0].installed.as_deref(), looked[0].is_complete), (Some("1.1"), true));

        assert!(holds::end(&mut tx, kept.id, Some("anna"), "try it", t(7)).await.unwrap());
        assert!(!holds::end(&mut tx, kept.id, None, "", t(8)).await.unwrap());
        assert_eq!(holds::of_device(&mut tx, device, patch).await.unwrap(), None);
        holds::put(&mut tx, &hold(device, patch, job, t(9)), t(9)).await.unwrap();
        let again = holds::of_device(&mut tx, device, patch).await.unwrap().unwrap();
        assert!(again.id > kept.id);
    }

    async fn a_device_counts_once_and_what_was_before_a_release_not_at_all(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let patch = add_patch(&mut tx, "zip").await;
        let mut all = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let device = add_device(&mut tx, name).await;
            all.push((device, add_job(&mut tx, device, patch).await));
        }
        let tally = holds::tally(&mut tx, patch).await.unwrap();
        assert_eq!((tally.in_vain, tally.well), (0, 0));
        for (n, (device, job)) in all.iter().take(3).enumerate() {
            ends(&mut tx, *job, DeployStatus::UnknownError, t(10 + n as i64)).await;
            holds::put(&mut tx, &hold(*device, patch, *job, t(10 + n as i64)), t(20)).await.unwrap();
        }
        let (well, job) = all[3];
        ends(&mut tx, job, DeployStatus::Completed, t(10)).await;
        // Again and again on the same device.
        for _ in 0..3 {
            let job = add_job(&mut tx, well, patch).await;
            ends(&mut tx, job, DeployStatus::Completed, t(11)).await;
        }
        let tally = holds::tally(&mut tx, patch).await.unwrap();
        assert_eq!((tally.in_vain, tally.well), (3, 1));
        assert!(holds::put_everywhere(&mut tx, patch, "in vain", t(21)).await.unwrap());
        assert!(!holds::put_everywhere(&mut tx, patch, "in vain", t(22)).await.unwrap());
        assert_eq!(holds::groundless(&mut tx, 10).await.unwrap(), []);
        let everywhere = holds::everywhere(&mut tx, patch).await.unwrap().unwrap();
        holds::end(&mut tx, everywhere.id, Some("anna"), "try it", t(30)).await.unwrap();
        let tally = holds::tally(&mut tx, patch).await.unwrap();
        assert_eq!((tally.in_vain, tally.well), (0, 0));

        holds::put_everywhere(&mut tx, patch, "in vain", t(40)).await.unwrap();
        devices::remove(&mut tx, all[0].0, t(41)).await.unwrap();
        for (device, _) in &all[1..3] {
            let own = holds::of_device(&mut tx, *device, patch).await.unwrap().unwrap();
            assert_eq!(holds::groundless(&mut tx, 10).await.unwrap(), []);
            holds::end(&mut tx, own.id, None, "found", t(42)).await.unwrap();
        }
        assert_eq!(holds::groundless(&mut tx, 10).await.unwrap().len(), 1);
    }

    async fn lists_show_what_holds_a_patch_back_and_on_how_many_devices(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (zip, curl) = (add_patch(&mut tx, "zip").await, add_patch(&mut tx, "curl").await);
        let mut all = Vec::new();
        for name in ["alpha", "beta", "gamma"] {
            let device = add_device(&mut tx, name).await;
            all.push((device, add_job(&mut tx, device, zip).await));
            let missing = lacks(&mut tx, device, &[zip, curl]).await;
            missing::replace_for_devices(&mut tx, &[missing], T0).await.unwrap();
        }
        for (n, (device, job)) in all.iter().take(2).enumerate() {
            let is_confirmed = n == 0;
            let new = NewHold { is_confirmed, ..hold(*device, zip, *job, t(1)) };
            holds::put(&mut tx, &new, t(1)).await.unwrap();
        }
        let held = |held| PatchFilter { held, ..PatchFilter::default() };
        for (filter, expected) in [(None, 2), (Some(true), 1), (Some(false), 1)] {
            let page = Page::first(10);
            let listed = missing::list(&mut tx, &held(filter), PatchSort::Title, &page).await.unwrap();
            assert_eq!(listed.rows.len(), expected, "{filter:?}");
        }
        let page = Page::first(10);
        for sort in [PatchSort::Title, PatchSort::Affected, PatchSort::Newest] {
            let listed = missing::list(&mut tx, &held(Some(true)), sort, &page).await.unwrap();
            let row = &listed.rows[0];
            assert_eq!((row.patch.id, row.affected, row.held_devices), (zip, 3, 1), "{sort:?}");
            assert_eq!(row.held_everywhere, None);
        }
        let shown = async |tx: &mut Tx| -> Vec<_> {
            let systems = missing::affected_systems(tx, zip, None, None, &Page::first(10)).await.unwrap();
            let hold = |it: missing::AffectedSystem| it.hold.map(|it| (it.device, it.confirmed_at.is_some()));
            systems.rows.into_iter().map(hold).collect()
        };
        let (alpha, beta) = (all[0].0, all[1].0);
        let own = vec![Some((Some(alpha), true)), Some((Some(beta), false)), None];
        assert_eq!(shown(&mut tx).await, own);
        holds::put_everywhere(&mut tx, zip, "in vain", t(2)).await.unwrap();
        let both = vec![Some((Some(alpha), true)), Some((None, true)), Some((None, true))];
        assert_eq!(shown(&mut tx).await, both);
        let of_alpha = missing::of_device(&mut tx, alpha, &PatchFilter::default(), &page).await.unwrap();
        let of_alpha: Vec<_> = of_alpha.rows.iter().map(|it| (it.patch.id, it.hold.is_some())).collect();
        assert_eq!(of_alpha, [(curl, false), (zip, true)]);

        let any = HoldFilter::default;
        for (what, filter, expected) in [
            ("all", any(), vec!["everywhere", "beta", "alpha"]),
            ("patch", HoldFilter { patch: Some(curl), ..any() }, vec![]),
            ("device", HoldFilter { device: Some(beta), ..any() }, vec!["beta"]),
            ("everywhere", HoldFilter { everywhere: Some(true), ..any() }, vec!["everywhere"]),
            ("on devices", HoldFilter { everywhere: Some(false), ..any() }, vec!["beta", "alpha"]),
            ("title", HoldFilter { title: Some("ZIP T".to_owned()), ..any() }, vec!["everywhere", "beta", "alpha"]),
            ("host", HoldFilter { hostname: Some("ALP".to_owned()), ..any() }, vec!["alpha"]),
        ] {
            let mut found = Vec::new();
            let mut page = Page::first(1);
            loop {
                let listed = holds::list(&mut tx, &filter, &page).await.unwrap();
                found.extend(listed.rows.into_iter().map(|it| it.hostname.unwrap_or("everywhere".to_owned())));
                let Some(next) = listed.next else { break };
                page = Page::after(1, next);
            }
            assert_eq!(found, expected, "{what}");
        }
    }
}
