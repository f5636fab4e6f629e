//! Software and inventories.

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{
    AvailableUpdate, ChocolateyRecord, Part, Place, Software, Unread, UpdateScan, WithheldUpdate,
};
use fleetmend_store::inventories::{Carried, HiveRows, StoredInventory};
use fleetmend_store::software::SoftwareDigest;
use fleetmend_store::{Db, devices, inventories, software};

use crate::fixture::{T0, add_device, both, t};

fn entry(number: u8) -> (SoftwareDigest, Software) {
    let it = Software {
        place: Place::Machine64,
        key: format!("{{KEY-{number}}}"),
        name: format!("Söftware {number} \"x\" \u{1}"),
        version: "1.0".to_owned(),
        publisher: "P".to_owned(),
        product_code: number
            .is_multiple_of(2)
            .then(|| format!("{{CODE-{number}}}")),
        upgrade_code: None,
    };
    ([number; 16], it)
}

fn inventory(device: DeviceId, digest: &str, software: Vec<u32>) -> StoredInventory {
    StoredInventory {
        device,
        digest: digest.to_owned(),
        at: T0,
        software,
        chocolatey: vec![ChocolateyRecord {
            id: "7zip".to_owned(),
            version: "1".to_owned(),
            pinned: true,
        }],
        updates: None,
        withheld: Vec::new(),
        hives: Vec::new(),
        carried: Vec::new(),
    }
}

both! {
    async fn software_is_stored_once_and_keeps_its_id(db: Db) {
        let entries: Vec<_> = (0..10).map(entry).collect();
        let borrowed: Vec<_> = entries.iter().map(|(digest, it)| (*digest, it)).collect();
        let mut tx = db.begin().await.unwrap();
        let first = software::intern_many(&mut tx, &borrowed[..6]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let mixed = [borrowed[7], borrowed[2], borrowed[7], borrowed[5], borrowed[9]];
        let second = software::intern_many(&mut tx, &mixed).await.unwrap();
        assert_eq!(second[1], first[2]);
        assert_eq!(second[3], first[5]);
        assert_eq!(second[0], second[2]);
        assert!(software::intern_many(&mut tx, &[]).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        let all = software::load_matched(&db).await.unwrap();
        assert_eq!(all.len(), 8);
        for row in all {
            let (digest, wanted) = &entries[usize::from(row.digest[0])];
            assert_eq!((&row.digest, &row.software), (digest, wanted));
        }
        let (mut paged, mut after) = (0, None);
        while let Some(last) = software::matched_after(&db, after, 3).await.unwrap().last() {
            assert!(after.is_none_or(|it| it < last.id));
            after = Some(last.id);
            paged += 1;
        }
        assert_eq!(paged, 3, "eight entries, three at once");
        let some = software::get_many(&db, &[second[4], first[0], 9999]).await.unwrap();
        let names: Vec<_> = some.iter().map(|row| row.digest[0]).collect();
        assert_eq!(names, [0, 9]);
    }

    async fn what_the_package_manager_has_is_not_matched(db: Db) {
        let (digest, application) = entry(1);
        let (other, mut it) = entry(2);
        it.place = Place::Dpkg;
        let mut tx = db.begin().await.unwrap();
        let all = [(digest, &application), (other, &it)];
        software::intern_many(&mut tx, &all).await.unwrap();
        let matched = software::load_matched(&mut tx).await.unwrap();
        assert_eq!(matched.iter().map(|it| it.digest).collect::<Vec<_>>(), [digest]);
    }

    async fn known_software_uses_up_no_ids(db: Db) {
        let (digest, it) = entry(1);
        for _ in 0..5 {
            let mut tx = db.begin().await.unwrap();
            software::intern_many(&mut tx, &[(digest, &it)]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let (digest, it) = entry(2);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(software::intern_many(&mut tx, &[(digest, &it)]).await.unwrap(), [2]);
    }

    async fn the_same_software_from_several_writers_at_once_gets_one_id(db: Db) {
        let tasks: Vec<_> = (0..6_u8)
            .map(|shift| {
                let db = db.clone();
                tokio::spawn(async move {
                    let entries: Vec<_> = (0..40).map(|it| entry((it + shift * 7) % 40)).collect();
                    let borrowed: Vec<_> = entries.iter().map(|(d, it)| (*d, it)).collect();
                    let mut tx = db.begin().await.unwrap();
                    software::intern_many(&mut tx, &borrowed).await.unwrap();
                    tx.commit().await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(software::load_matched(&db).await.unwrap().len(), 40);
    }

    async fn an_inventory_takes_the_place_of_the_last(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        let b = add_device(&mut tx, "b").await;
        let gone = add_device(&mut tx, "gone").await;
        devices::remove(&mut tx, gone, T0).await.unwrap();
        let update = AvailableUpdate {
            package: "curl".to_owned(),
            architecture: "amd64".to_owned(),
            installed: "1".to_owned(),
            candidate: "2".to_owned(),
            security: true,
            origin: "Debian-Security".to_owned(),
        };
        let full = StoredInventory {
            updates: Some(UpdateScan {
                provider: "apt".to_owned(),
                unreachable: Vec::new(),
                updates: vec![update],
                withheld: Vec::new(),
            }),
            withheld: vec![WithheldUpdate {
                package: "linux".to_owned(),
                installed: "5".to_owned(),
                candidate: "6".to_owned(),
                why: "held".to_owned(),
            }],
            hives: vec![HiveRows {
                user: "S-1-5-21-1".to_owned(),
                software: vec![9],
            }],
            carried: vec![Carried {
                unread: Unread {
                    part: Part::User,
                    user: "S-1-5-21-2".to_owned(),
                    key: String::new(),
                    cause: "user anna is not logged on".to_owned(),
                },
                seen_at: Some(t(5)),
                software: vec![4, 9],
                chocolatey: Vec::new(),
            }],
            at: t(8),
            ..inventory(a, "d2", vec![9, 3, 4])
        };
        inventories::put_many(&mut tx, &[inventory(a, "d1", vec![1]), inventory(b, "d3", vec![])])
            .await
            .unwrap();
        inventories::put_many(&mut tx, &[full.clone(), inventory(gone, "d4", vec![5])])
            .await
            .unwrap();
        inventories::put_many(&mut tx, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let stored = inventories::get(&db, a).await.unwrap().unwrap();
        assert_eq!(stored, StoredInventory { software: vec![3, 4, 9], ..full.clone() });
        let many = inventories::get_many(&db, &[a, gone]).await.unwrap();
        assert_eq!(many, std::slice::from_ref(&stored));
        let kept_for = |id| stored.kept_for(id).map(|it| it.seen_at);
        assert_eq!(kept_for(4), Some(Some(t(5))));
        // Another user has it now.
        assert_eq!(kept_for(9), None);
        assert_eq!(kept_for(3), None);
        assert_eq!(inventories::digest(&db, b).await.unwrap().as_deref(), Some("d3"));
        assert_eq!(inventories::get(&db, gone).await.unwrap(), None);
        let held = inventories::held_after(&db, None, 5).await.unwrap();
        let held: Vec<_> = held.into_iter().map(|it| (it.device, it.software)).collect();
        assert_eq!(held, [(a, vec![3, 4, 9]), (b, vec![])]);
        let after = inventories::held_after(&db, Some(a), 5).await.unwrap();
        assert_eq!(after.iter().map(|it| it.device).collect::<Vec<_>>(), [b]);
        assert_eq!(inventories::held_by(&db, &[b, gone]).await.unwrap(), after);
        assert_eq!(inventories::held_after(&db, None, 1).await.unwrap()[0].device, a);
    }
}
