//! Applications beside known versions of their packages.

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{Place, Software};
use fleetmend_store::observations::{self, NewObservation};
use fleetmend_store::{Db, devices, software};

use crate::fixture::{T0, add_device, both};

async fn software(db: &Db, digest: u8, version: &str) -> u32 {
    let it = Software {
        place: Place::Machine64,
        key: "Tool".to_owned(),
        name: "Tool".to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    };
    let mut tx = db.begin().await.unwrap();
    let ids = software::intern_many(&mut tx, &[([digest; 16], &it)])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ids[0]
}

async fn device(db: &Db, name: &str) -> DeviceId {
    let mut tx = db.begin().await.unwrap();
    let device = add_device(&mut tx, name).await;
    tx.commit().await.unwrap();
    device
}

fn seen(device: DeviceId, version: &str, software: u32) -> NewObservation {
    NewObservation {
        device,
        package: "tool".to_owned(),
        version: version.to_owned(),
        software,
    }
}

async fn replace(db: &Db, devices: &[DeviceId], all: &[NewObservation]) -> bool {
    let mut tx = db.begin().await.unwrap();
    let is_new = observations::replace(&mut tx, devices, all).await.unwrap();
    tx.commit().await.unwrap();
    is_new
}

async fn counts(db: &Db) -> Vec<(String, String, u32)> {
    let all = observations::load_all(db).await.unwrap();
    all.into_iter()
        .map(|it| (it.version, it.registered, it.devices))
        .collect()
}

both! {
    async fn what_a_device_teaches_replaces_what_it_taught_before(db: Db) {
        let ids = [device(&db, "a").await, device(&db, "b").await];
        let (old, new) = (software(&db, 1, "1.0.7").await, software(&db, 2, "2.0.9").await);
        let first = [seen(ids[0], "1.0", old), seen(ids[1], "1.0", old)];
        assert!(replace(&db, &ids, &first).await);
        assert!(!replace(&db, &ids, &first).await, "nothing is new");
        assert_eq!(counts(&db).await, [("1.0".to_owned(), "1.0.7".to_owned(), 2)]);
        assert!(replace(&db, &ids[..1], &[seen(ids[0], "2.0", new)]).await);
        let both = [
            ("1.0".to_owned(), "1.0.7".to_owned(), 1),
            ("2.0".to_owned(), "2.0.9".to_owned(), 1),
        ];
        assert_eq!(counts(&db).await, both);
        assert!(!replace(&db, &ids[1..], &[]).await);
        assert_eq!(counts(&db).await, both[1..]);
    }

    async fn a_device_that_is_removed_teaches_nothing(db: Db) {
        let device = device(&db, "a").await;
        let tool = software(&db, 1, "1.0.7").await;
        replace(&db, &[device], &[seen(device, "1.0", tool)]).await;
        let mut tx = db.begin().await.unwrap();
        assert!(devices::remove(&mut tx, device, T0).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(counts(&db).await, []);
    }
}
