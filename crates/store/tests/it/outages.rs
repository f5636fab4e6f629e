//! The server's own life.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_store::{Db, outages};

use crate::fixture::{T0, both, t};

const PAUSE: Duration = Duration::from_millis(60);

async fn sign(db: &Db, now: Millis) {
    let mut tx = db.begin().await.unwrap();
    outages::sign(&mut tx, now, PAUSE).await.unwrap();
    tx.commit().await.unwrap();
}

async fn all(db: &Db) -> Vec<(i64, i64)> {
    let all = outages::all(db).await.unwrap();
    all.iter()
        .map(|it| (it.from.0 - T0.0, it.to.0 - T0.0))
        .collect()
}

both! {
    async fn what_lies_between_two_signs_is_an_outage_if_it_is_long(db: Db) {
        sign(&db, T0).await;
        assert_eq!(all(&db).await, [], "before the first there was nothing");
        sign(&db, t(60)).await;
        assert_eq!(all(&db).await, []);
        sign(&db, t(121)).await;
        sign(&db, t(130)).await;
        sign(&db, t(500)).await;
        assert_eq!(all(&db).await, [(60, 121), (130, 500)]);
        let mut tx = db.begin().await.unwrap();
        outages::forget_ended_before(&mut tx, t(121)).await.unwrap();
        assert_eq!(outages::all(&mut tx).await.unwrap().len(), 2);
        outages::forget_ended_before(&mut tx, t(122)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(all(&db).await, [(130, 500)]);
    }

    async fn a_clock_that_was_wrong_leaves_no_outage_in_the_future(db: Db) {
        sign(&db, T0).await;
        sign(&db, t(9000)).await;
        // Another server's clock is a little behind.
        sign(&db, t(8960)).await;
        assert_eq!(all(&db).await, [(0, 9000)]);
        sign(&db, t(100)).await;
        assert_eq!(all(&db).await, []);
        sign(&db, t(110)).await;
        assert_eq!(all(&db).await, []);
    }

    async fn servers_that_come_back_at_once_note_their_outage_once(db: Db) {
        sign(&db, T0).await;
        let servers: Vec<_> = (0..6)
            .map(|n| {
                let db = db.clone();
                tokio::spawn(async move { sign(&db, t(1000 + n)).await })
            })
            .collect();
        for server in servers {
            server.await.unwrap();
        }
        let all = all(&db).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].0, 0);
    }
}
