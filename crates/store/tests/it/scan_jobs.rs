//! Scan jobs.

use std::time::Duration;

use fleetmend_model::inventory::Boot;
use fleetmend_model::status::Party;
use fleetmend_model::status::scan::ScanStatus::{
    self, Aborted, Completed, PingFailed, Posted, Started,
};
use fleetmend_model::{DeviceId, Millis, ScanJobId};
use fleetmend_store::devices::Having;
use fleetmend_store::devices::Touch;
use fleetmend_store::scan_jobs::{PostedScan, ScanMove};
use fleetmend_store::{Db, Error, Page, Tx, devices, scan_jobs};

use crate::fixture::{T0, add_device, both, t};

async fn post(tx: &mut Tx, device: DeviceId, run_at: Millis, now: Millis) -> ScanJobId {
    match scan_jobs::post(tx, device, "on demand", run_at, now)
        .await
        .unwrap()
    {
        PostedScan::Created(id) => id,
        PostedScan::AlreadyOpen(id) => panic!("scan {id} is open already"),
    }
}

fn change(from: ScanStatus, to: ScanStatus, at: Millis) -> ScanMove {
    ScanMove {
        from,
        to,
        by: Party::Agent,
        cause: String::new(),
        at,
        run_at: None,
    }
}

async fn seen(tx: &mut Tx, device: DeviceId, last_seen: Millis) {
    let touch = Touch {
        device,
        last_seen,
        boot: Boot {
            id: "b".to_owned(),
            at: None,
        },
        agent_version: String::new(),
        protocol: 1,
        scanned_at: None,
    };
    let silence = Duration::from_secs(60);
    devices::touch_many(tx, &[touch], silence).await.unwrap();
}

both! {
    async fn a_device_has_one_open_scan_and_asking_sooner_brings_it_forward(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let id = post(&mut tx, a, t(100), T0).await;
        let again = scan_jobs::post(&mut tx, a, "schedule", t(50), t(1)).await.unwrap();
        assert_eq!(again, PostedScan::AlreadyOpen(id));
        scan_jobs::post(&mut tx, a, "schedule", t(70), t(1)).await.unwrap();
        let stored = scan_jobs::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((stored.run_at, stored.reason.as_str()), (t(50), "on demand"));
        scan_jobs::transition(&mut tx, id, &change(Posted, Started, t(60))).await.unwrap();
        scan_jobs::transition(&mut tx, id, &change(Started, Completed, t(61))).await.unwrap();
        assert_eq!(scan_jobs::open_of_device(&mut tx, a).await.unwrap(), None);
        let next = post(&mut tx, a, t(70), t(70)).await;
        tx.commit().await.unwrap();
        assert_eq!(scan_jobs::open_of_device(&db, a).await.unwrap().unwrap().id, next);
        let first = scan_jobs::history(&db, a, &Page::first(1)).await.unwrap();
        assert_eq!(first.rows[0].id, next);
        let rest = scan_jobs::history(&db, a, &Page::after(1, first.next.unwrap())).await.unwrap();
        assert_eq!((rest.rows[0].status, rest.rows[0].finished_at), (Completed, Some(t(61))));
        assert_eq!((rest.rows[0].started_at, rest.next), (Some(t(60)), None));
    }

    async fn each_state_is_written_down_and_a_stale_change_is_refused(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let id = post(&mut tx, a, T0, T0).await;
        scan_jobs::transition(&mut tx, id, &change(Posted, Started, t(1))).await.unwrap();
        let error =
            scan_jobs::transition(&mut tx, id, &change(Posted, PingFailed, t(2))).await.unwrap_err();
        assert!(matches!(error, Error::Moved { .. }), "{error}");
        let retry = ScanMove {
            by: Party::Server,
            cause: "no answer".to_owned(),
            run_at: Some(t(500)),
            ..change(Started, Posted, t(3))
        };
        scan_jobs::transition(&mut tx, id, &retry).await.unwrap();
        let stored = scan_jobs::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((stored.status, stored.retries, stored.run_at), (Posted, 1, t(500)));
        let history = scan_jobs::transitions(&mut tx, id).await.unwrap();
        let shown: Vec<_> =
            history.iter().map(|it| (it.seq, it.status, it.cause.as_str(), it.at, it.by)).collect();
        assert_eq!(
            shown,
            [
                (1, Posted, "", T0, Party::User),
                (2, Started, "", t(1), Party::Agent),
                (3, Posted, "no answer", t(3), Party::Server),
            ]
        );
    }

    async fn the_clocks_lists_hold_the_jobs_that_they_are_for(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let silent = add_device(&mut tx, "silent").await;
        let heard = add_device(&mut tx, "heard").await;
        let later = add_device(&mut tx, "later").await;
        let (of_silent, of_heard) = (post(&mut tx, silent, T0, T0).await, post(&mut tx, heard, T0, T0).await);
        let of_later = post(&mut tx, later, t(900), T0).await;
        seen(&mut tx, heard, t(100)).await;
        let ids = |jobs: Vec<scan_jobs::ScanJob>| jobs.iter().map(|it| it.id).collect::<Vec<_>>();
        let silent_ones = scan_jobs::of_silent_devices(&mut tx, t(110), t(50), 9).await.unwrap();
        assert_eq!(ids(silent_ones), [of_silent]);
        scan_jobs::transition(&mut tx, of_silent, &change(Posted, PingFailed, t(110))).await.unwrap();
        assert!(scan_jobs::answered_again(&mut tx, t(105), 9).await.unwrap().is_empty());
        seen(&mut tx, silent, t(120)).await;
        assert_eq!(ids(scan_jobs::answered_again(&mut tx, t(105), 9).await.unwrap()), [of_silent]);
        let old = scan_jobs::unanswered(&mut tx, t(500), t(500), &Having::Any, 9).await.unwrap();
        assert_eq!(ids(old), [of_silent, of_heard], "one for later is not late before its time");
        let old = scan_jobs::unanswered(&mut tx, t(500), t(110), &Having::Any, 9).await.unwrap();
        assert_eq!(ids(old), [of_heard], "the other was heard from");
        let old = scan_jobs::unanswered(&mut tx, t(900), t(500), &Having::Any, 2).await.unwrap();
        assert_eq!(ids(old), [of_silent, of_heard]);
        let old = scan_jobs::unanswered(&mut tx, t(900), t(500), &Having::Any, 9).await.unwrap();
        assert_eq!(ids(old).last(), Some(&of_later));
    }

    async fn a_scan_is_overdue_when_a_device_that_is_heard_from_stays_too_long_in_a_status(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let id = post(&mut tx, a, t(50), T0).await;
        seen(&mut tx, a, t(1000)).await;
        let overdue = async |tx: &mut Tx, since| {
            let jobs = scan_jobs::overdue(&mut *tx, since, t(900), &Having::Any, 9).await.unwrap();
            jobs.iter().map(|it| it.id).collect::<Vec<_>>()
        };
        assert_eq!(overdue(&mut tx, t(49)).await, [], "it was meant for later");
        assert_eq!(overdue(&mut tx, t(50)).await, [id]);
        scan_jobs::transition(&mut tx, id, &change(Posted, Started, t(130))).await.unwrap();
        assert_eq!(overdue(&mut tx, t(129)).await, []);
        assert_eq!(overdue(&mut tx, t(130)).await, [id]);
        assert!(scan_jobs::overdue(&mut tx, t(130), t(1001), &Having::Any, 9).await.unwrap().is_empty());
        let retry = ScanMove { run_at: Some(t(500)), ..change(Started, Posted, t(200)) };
        scan_jobs::transition(&mut tx, id, &retry).await.unwrap();
        assert_eq!(overdue(&mut tx, t(499)).await, []);
        assert_eq!(overdue(&mut tx, t(500)).await, [id]);
        for (first, last, due) in
            [(400, 499, vec![]), (400, 500, vec![a]), (500, 600, vec![a]), (501, 600, vec![])]
        {
            let devices = scan_jobs::due_between(&mut tx, t(first), t(last)).await.unwrap();
            assert_eq!(devices, due, "{first} to {last}");
        }
        scan_jobs::transition(&mut tx, id, &change(Posted, Started, t(510))).await.unwrap();
        scan_jobs::transition(&mut tx, id, &change(Started, Completed, t(520))).await.unwrap();
        assert_eq!(overdue(&mut tx, t(900)).await, []);
    }

    async fn what_becomes_known_of_a_scan_is_shown_and_changes_nothing_else(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let first = post(&mut tx, a, T0, T0).await;
        scan_jobs::transition(&mut tx, first, &change(Posted, PingFailed, t(1))).await.unwrap();
        scan_jobs::explain(&mut tx, first, "more").await.unwrap();
        let row = devices::get(&mut tx, a).await.unwrap().unwrap();
        assert_eq!((row.scan_cause.as_str(), row.scan_at), ("more", Some(t(1))));
        scan_jobs::transition(&mut tx, first, &change(PingFailed, Aborted, t(2))).await.unwrap();
        post(&mut tx, a, t(3), t(3)).await;
        scan_jobs::explain(&mut tx, first, "afterwards").await.unwrap();
        let stored = scan_jobs::get(&mut tx, first).await.unwrap().unwrap();
        assert_eq!((stored.status, stored.cause.as_str()), (Aborted, "afterwards"));
        let row = devices::get(&mut tx, a).await.unwrap().unwrap();
        assert_eq!(row.scan_cause, "", "it is about the latest");
        assert_eq!(scan_jobs::transitions(&mut tx, first).await.unwrap().len(), 3);
    }
}
