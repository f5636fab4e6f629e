//! Reports of agents are stored once; odd ones are noted.

use fleetmend_store::reports::Acknowledged;
use fleetmend_store::{Db, anomalies, reports};

use crate::fixture::{T0, add_device, both, t};

fn at(epoch: &str, sequence: i64) -> Acknowledged {
    Acknowledged {
        epoch: epoch.to_owned(),
        sequence,
    }
}

both! {
    async fn a_sequence_number_is_passed_once_and_never_goes_back(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        assert_eq!(reports::acknowledged(&mut tx, a).await.unwrap(), None);
        assert!(reports::advance(&mut tx, a, "", 3).await.unwrap());
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert!(!reports::advance(&mut tx, a, "", 3).await.unwrap());
        assert!(!reports::advance(&mut tx, a, "", 2).await.unwrap());
        assert!(reports::advance(&mut tx, a, "", 4).await.unwrap());
        drop(tx);
        let stored = reports::acknowledged(&db, a).await.unwrap();
        assert_eq!(stored, Some(at("", 3)), "not without the commit");
    }

    async fn another_epoch_counts_from_the_beginning_and_ends_the_one_before(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        assert!(reports::advance(&mut tx, a, "", 7).await.unwrap());
        assert!(reports::begin(&mut tx, a, "one").await.unwrap());
        assert_eq!(reports::acknowledged(&mut tx, a).await.unwrap(), Some(at("one", 0)));
        assert!(reports::advance(&mut tx, a, "one", 2).await.unwrap());
        assert!(!reports::begin(&mut tx, a, "one").await.unwrap(), "it is counted already");
        assert_eq!(reports::acknowledged(&mut tx, a).await.unwrap(), Some(at("one", 2)));
        assert!(!reports::advance(&mut tx, a, "", 8).await.unwrap(), "its count is over");
        assert_eq!(reports::acknowledged(&mut tx, b).await.unwrap(), None);
        assert!(reports::begin(&mut tx, b, "one").await.unwrap());
    }

    async fn of_two_that_store_the_same_reports_at_once_one_does(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let a = add_device(&mut tx, "a").await;
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut tx = db.begin().await.unwrap();
                    let is_new = reports::advance(&mut tx, a, "", 7).await.unwrap();
                    tx.commit().await.unwrap();
                    is_new
                })
            })
            .collect();
        let mut stored = 0;
        for task in tasks {
            stored += usize::from(task.await.unwrap());
        }
        assert_eq!(stored, 1);
    }

    async fn only_the_latest_odd_things_of_a_device_are_kept_and_cut(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        anomalies::add(&mut tx, b, "other", T0).await.unwrap();
        let kept = i64::from(anomalies::KEPT);
        for number in 0..kept + 5 {
            anomalies::add(&mut tx, a, &number.to_string(), t(number)).await.unwrap();
        }
        let of_a = anomalies::of_device(&mut tx, a).await.unwrap();
        assert_eq!(of_a.len(), anomalies::KEPT as usize);
        assert_eq!((of_a[0].what.as_str(), of_a[0].at), ((kept + 4).to_string().as_str(), t(kept + 4)));
        assert_eq!(anomalies::of_device(&mut tx, b).await.unwrap().len(), 1);
        anomalies::add(&mut tx, b, &"é".repeat(5000), T0).await.unwrap();
        let of_b = anomalies::of_device(&mut tx, b).await.unwrap();
        assert_eq!(of_b[0].what.chars().count(), anomalies::MAX_TEXT);
    }
}
