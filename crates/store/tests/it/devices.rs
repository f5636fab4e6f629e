//! Devices and their list.

use std::time::Duration;

use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::inventory::Boot;
use fleetmend_model::status::Party;
use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, Millis};
use fleetmend_store::devices::{DeviceFilter, DeviceSort, InventoryFacts, NewDevice, Touch};
use fleetmend_store::{Db, Error, Page, devices, missing, scan_jobs};

use crate::fixture::{T0, add_device, add_device_of, add_patch, both, host, lacks, t};

const SILENCE: Duration = Duration::from_secs(60);

fn touch(device: DeviceId, last_seen: Millis, boot: &str) -> Touch {
    Touch {
        device,
        last_seen,
        boot: Boot {
            id: boot.to_owned(),
            at: Some(T0),
        },
        agent_version: "0.2.0".to_owned(),
        protocol: 2,
        scanned_at: Some(last_seen),
    }
}

async fn names(db: &Db, filter: &DeviceFilter, sort: DeviceSort, limit: u32) -> Vec<String> {
    let mut names = Vec::new();
    let mut page = Page::first(limit);
    loop {
        let paged = devices::list(db, filter, sort, &page).await.unwrap();
        assert!(paged.rows.len() <= limit as usize);
        names.extend(paged.rows.into_iter().map(|device| device.host.hostname));
        let Some(next) = paged.next else { return names };
        page = Page::after(limit, next);
    }
}

both! {
    async fn devices_are_found_by_their_whole_name(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let mut ids = Vec::new();
        for (name, certificate) in [("Host", "1"), ("HOST", "2"), ("host-2", "3")] {
            let device = NewDevice {
                host: host(name),
                system_type: SystemType::Normal,
                agent_version: String::new(),
                protocol: 1,
                certificate_sha256: certificate.to_owned(),
            };
            ids.push(devices::insert(&mut tx, &device, T0).await.unwrap());
        }
        assert_eq!(devices::named(&mut tx, "hOST", 9).await.unwrap(), ids[..2]);
        assert_eq!(devices::named(&mut tx, "host", 1).await.unwrap(), ids[..1]);
        assert_eq!(devices::named(&mut tx, "hos", 9).await.unwrap(), []);
    }

    async fn a_device_is_found_by_id_and_certificate_until_it_is_removed(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = add_device(&mut tx, "pc1").await;
        let again = NewDevice {
            host: host("pc2"),
            system_type: SystemType::Normal,
            agent_version: String::new(),
            protocol: 1,
            certificate_sha256: "pc1".to_owned(),
        };
        let error = devices::insert(&mut tx, &again, T0).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        tx.commit().await.unwrap();
        let device = devices::get(&db, id).await.unwrap().unwrap();
        assert_eq!(device.host, host("pc1"));
        assert_eq!((device.enrolled_at, device.last_seen, device.boot), (T0, T0, None));
        assert_eq!(devices::by_certificate(&db, "pc1").await.unwrap().unwrap().id, id);
        assert_eq!(devices::by_certificate(&db, "pc2").await.unwrap(), None);

        let mut tx = db.begin().await.unwrap();
        let patch = add_patch(&mut tx, "7zip").await;
        let lacking = [lacks(&mut tx, id, &[patch]).await];
        missing::replace_for_devices(&mut tx, &lacking, T0).await.unwrap();
        assert!(devices::remove(&mut tx, id, t(9)).await.unwrap());
        assert!(!devices::remove(&mut tx, id, t(10)).await.unwrap());
        let changes = missing::replace_for_devices(&mut tx, &lacking, t(11)).await.unwrap();
        assert_eq!(changes, missing::Changes::default(), "nothing is missing on removed devices");
        tx.commit().await.unwrap();
        assert_eq!(devices::by_certificate(&db, "pc1").await.unwrap(), None);
        let removed = devices::get(&db, id).await.unwrap().unwrap();
        let known = devices::ever_by_certificate(&db, "pc1").await.unwrap();
        assert_eq!(known.as_ref(), Some(&removed));
        assert_eq!(devices::ever_by_certificate(&db, "pc2").await.unwrap(), None);
        assert_eq!((removed.removed_at, removed.missing_third_party), (Some(t(9)), 0));
        assert!(devices::load_all(&db).await.unwrap().is_empty());
        assert!(names(&db, &DeviceFilter::default(), DeviceSort::Hostname, 5).await.is_empty());
        assert!(missing::devices_of(&db, patch, None).await.unwrap().is_empty());
    }

    async fn check_ins_are_written_together_and_an_old_one_does_not_take_the_time_back(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let b = add_device(&mut tx, "b").await;
        let touches = [touch(a, t(50), "boot 1"), touch(b, t(60), "boot 2")];
        devices::touch_many(&mut tx, &touches, SILENCE).await.unwrap();
        let touches = [touch(a, t(40), "boot 3"), touch(DeviceId(999), T0, "")];
        devices::touch_many(&mut tx, &touches, SILENCE).await.unwrap();
        devices::touch_many(&mut tx, &[], SILENCE).await.unwrap();
        tx.commit().await.unwrap();
        let a = devices::get(&db, a).await.unwrap().unwrap();
        assert_eq!((a.last_seen, a.scanned_at), (t(50), Some(t(50))));
        assert_eq!(a.boot, Some(Boot { id: "boot 3".to_owned(), at: Some(T0) }));
        assert_eq!((a.agent_version.as_str(), a.protocol), ("0.2.0", 2));
        assert_eq!(devices::get(&db, b).await.unwrap().unwrap().last_seen, t(60));
    }

    async fn after_a_long_silence_a_device_is_heard_from_anew(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        for (seen, since) in [(50, 0), (110, 0), (100, 0), (171, 171), (200, 171), (261, 261)] {
            let touches = [touch(a, t(seen), "boot")];
            let silence = Duration::from_millis(60);
            devices::touch_many(&mut tx, &touches, silence).await.unwrap();
            let stored = devices::get(&mut tx, a).await.unwrap().unwrap();
            assert_eq!(stored.heard_since, t(since), "{seen}");
        }
    }

    async fn an_inventory_changes_what_the_device_says_of_itself(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = add_device(&mut tx, "old").await;
        let mut renamed = host("New");
        renamed.os_family = OsFamily::Linux;
        let facts = InventoryFacts {
            device: id,
            host: renamed.clone(),
            digest: "d1".to_owned(),
            at: t(7),
            complete: false,
            note: "mirror.example.org: no answer".to_owned(),
            restart_pending: Some("kernel".to_owned()),
            cannot_deploy: None,
        };
        devices::apply_inventories(&mut tx, std::slice::from_ref(&facts)).await.unwrap();
        devices::apply_inventories(&mut tx, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let device = devices::get(&db, id).await.unwrap().unwrap();
        assert_eq!(device.host, renamed);
        assert_eq!(device.inventory_digest.as_deref(), Some("d1"));
        assert_eq!((device.inventory_at, device.inventory_complete), (Some(t(7)), false));
        assert_eq!(device.inventory_note, facts.note);
        assert_eq!(device.restart_pending.as_deref(), Some("kernel"));
        assert_eq!(device.cannot_deploy, None);
        let filter = DeviceFilter { hostname: Some("NEW".to_owned()), ..Default::default() };
        assert_eq!(names(&db, &filter, DeviceSort::Hostname, 5).await, ["New"]);
    }

    async fn order_counters_only_rise(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = add_device(&mut tx, "a").await;
        assert_eq!(devices::next_order_counter(&mut tx, id).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(devices::next_order_counter(&mut tx, id).await.unwrap(), 2);
        assert_eq!(devices::next_order_counter(&mut tx, id).await.unwrap(), 3);
        devices::next_order_counter(&mut tx, DeviceId(999)).await.unwrap_err();
    }

    async fn each_filter_finds_its_devices(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "web_1").await;
        let b = add_device_of(&mut tx, "WEB-2", SystemType::Critical).await;
        add_device(&mut tx, "web%3").await;
        let patch = add_patch(&mut tx, "7zip").await;
        let lacking = [lacks(&mut tx, a, &[patch]).await];
        missing::replace_for_devices(&mut tx, &lacking, T0).await.unwrap();
        scan_jobs::post(&mut tx, b, "on demand", T0, T0).await.unwrap();
        tx.commit().await.unwrap();
        let any = DeviceFilter::default;
        let cases: [(&str, DeviceFilter, &[&str]); 9] = [
            ("all", any(), &["web%3", "WEB-2", "web_1"]),
            ("host", DeviceFilter { hostname: Some("Web".into()), ..any() }, &["web%3", "WEB-2", "web_1"]),
            ("underscore is no wildcard", DeviceFilter { hostname: Some("b_".into()), ..any() }, &["web_1"]),
            ("percent is no wildcard", DeviceFilter { hostname: Some("%".into()), ..any() }, &["web%3"]),
            ("critical", DeviceFilter { system_type: Some(SystemType::Critical), ..any() }, &["WEB-2"]),
            ("linux", DeviceFilter { os_family: Some(OsFamily::Linux), ..any() }, &[]),
            ("posted", DeviceFilter { scan_status: Some(ScanStatus::Posted), ..any() }, &["WEB-2"]),
            ("missing", DeviceFilter { has_missing: Some(true), ..any() }, &["web_1"]),
            ("current", DeviceFilter { has_missing: Some(false), ..any() }, &["web%3", "WEB-2"]),
        ];
        for (name, filter, wanted) in cases {
            assert_eq!(names(&db, &filter, DeviceSort::Hostname, 10).await, wanted, "{name}");
            let totals = devices::totals(&db, &filter).await.unwrap();
            assert_eq!(totals.devices, wanted.len() as u64, "{name}");
        }
        let totals = devices::totals(&db, &any()).await.unwrap();
        assert_eq!((totals.missing_third_party, totals.missing_os), (1, 0));
        assert_eq!(devices::set_system_type(&mut db.begin().await.unwrap(), &[a, b], SystemType::Normal).await.unwrap(), 2);
    }

    async fn pages_have_each_device_once_in_every_order_even_when_all_tie(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let patch = add_patch(&mut tx, "7zip").await;
        for number in 0..23 {
            let device = NewDevice {
                host: host(if number % 5 == 0 { "same" } else { "Same" }),
                system_type: SystemType::Normal,
                agent_version: number.to_string(),
                protocol: 1,
                certificate_sha256: number.to_string(),
            };
            let device = devices::insert(&mut tx, &device, t(number % 3)).await.unwrap();
            let patches = if number % 4 == 0 { &[patch][..] } else { &[] };
            let lacking = lacks(&mut tx, device, patches).await;
            missing::replace_for_devices(&mut tx, &[lacking], T0).await.unwrap();
        }
        tx.commit().await.unwrap();
        for sort in [DeviceSort::Hostname, DeviceSort::LastSeen, DeviceSort::Missing] {
            let whole = devices::list(&db, &DeviceFilter::default(), sort, &Page::first(1000)).await;
            let whole: Vec<_> = whole.unwrap().rows.into_iter().map(|it| it.id).collect();
            assert_eq!(whole.len(), 23);
            for limit in [1, 2, 7, 22, 23] {
                let mut ids = Vec::new();
                let mut page = Page::first(limit);
                loop {
                    let paged =
                        devices::list(&db, &DeviceFilter::default(), sort, &page).await.unwrap();
                    ids.extend(paged.rows.iter().map(|it| it.id));
                    let Some(next) = paged.next else { break };
                    page = Page::after(limit, next);
                }
                assert_eq!(ids, whole, "{sort:?} by {limit}");
            }
        }
        let first = devices::list(&db, &DeviceFilter::default(), DeviceSort::Missing, &Page::first(6))
            .await
            .unwrap();
        assert!(first.rows.iter().all(|it| it.missing_third_party == 1));
    }

    async fn a_cursor_that_the_list_did_not_give_is_refused(db: Db) {
        for cursor in ["", "x", "[]", "[1,2,3]", "[null,1]", "[\"a\",\"b\"]", "{}"] {
            let error = devices::list(
                &db,
                &DeviceFilter::default(),
                DeviceSort::Hostname,
                &Page::after(10, cursor),
            )
            .await
            .unwrap_err();
            assert!(matches!(error, Error::Cursor), "{cursor}: {error}");
        }
    }

    async fn the_device_shows_its_latest_scan(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let id = add_device(&mut tx, "a").await;
        let posted = scan_jobs::post(&mut tx, id, "on demand", T0, t(3)).await.unwrap();
        let scan_jobs::PostedScan::Created(job) = posted else { panic!("{posted:?}") };
        let ping_failed = scan_jobs::ScanMove {
            from: ScanStatus::Posted,
            to: ScanStatus::PingFailed,
            by: Party::Server,
            cause: "not heard from for 6 minutes".to_owned(),
            at: t(4),
            run_at: None,
        };
        scan_jobs::transition(&mut tx, job, &ping_failed).await.unwrap();
        let device = devices::get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!(device.scan_status, Some(ScanStatus::PingFailed));
        assert_eq!((device.scan_cause, device.scan_at), (ping_failed.cause, Some(t(4))));
    }
}
