//! Installed software that no device names is taken away, and what one names just then never is.

use fleetmend_model::inventory::{Place, Software};
use fleetmend_store::{Db, Tx, software, unnamed};

use crate::fixture::{PostgresDatabase, T0, both, t};

async fn add(tx: &mut Tx, name: &str) -> u32 {
    let row = Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: "1".to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    };
    let mut digest = [0; 16];
    digest[..name.len()].copy_from_slice(name.as_bytes());
    software::intern_many(tx, &[(digest, &row)]).await.unwrap()[0]
}

/// Some that were marked then.
async fn marked(db: &Db) -> [u32; 2] {
    let mut tx = db.begin().await.unwrap();
    let ids = [add(&mut tx, "one").await, add(&mut tx, "two").await];
    unnamed::mark_software(&mut tx, &ids, Some(T0))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ids
}

both! {
    async fn only_what_is_marked_since_long_goes(db: Db) {
        let [one, two] = marked(&db).await;
        let mut tx = db.begin().await.unwrap();
        let three = add(&mut tx, "three").await;
        let all = [one, two, three];
        assert!(unnamed::note_named(&mut tx, &[two, three]).await.unwrap().is_empty());
        assert!(unnamed::forget_software(&mut tx, &all, t(-1)).await.unwrap().is_empty());
        assert_eq!(unnamed::forget_software(&mut tx, &all, T0).await.unwrap(), [one]);
        assert_eq!(unnamed::note_named(&mut tx, &all).await.unwrap(), [one]);
        let marks = unnamed::software_after(&mut tx, 0, 9).await.unwrap();
        assert!(marks.iter().all(|it| it.unnamed_since.is_none()), "{marks:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_the_one_that_names_it_keeps_it_or_learns_that_it_is_gone() {
    let database = PostgresDatabase::create("two_servers_and_software").await;
    let first = Db::open_postgres(&database.url).await.unwrap();
    let second = Db::open_postgres(&database.url).await.unwrap();
    let ids = marked(&first).await;

    // An inventory names one while both are taken away.
    let mut naming = first.begin().await.unwrap();
    let gone = unnamed::note_named(&mut naming, &ids[..1]).await.unwrap();
    assert!(gone.is_empty(), "{gone:?}");
    let forget = async {
        let mut tx = second.begin().await.unwrap();
        let gone = unnamed::forget_software(&mut tx, &ids, T0).await.unwrap();
        tx.commit().await.unwrap();
        gone
    };
    let (gone, stored) = tokio::join!(forget, naming.commit());
    stored.unwrap();
    assert_eq!(gone, ids[1..]);

    // It is taken away while an inventory names it.
    let mut tx = first.begin().await.unwrap();
    unnamed::mark_software(&mut tx, &ids[..1], Some(T0))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut forgetting = second.begin().await.unwrap();
    let gone = unnamed::forget_software(&mut forgetting, &ids, T0)
        .await
        .unwrap();
    assert_eq!(gone, ids[..1]);
    let name = async {
        let mut tx = first.begin().await.unwrap();
        let gone = unnamed::note_named(&mut tx, &ids).await.unwrap();
        tx.commit().await.unwrap();
        gone
    };
    let (gone, forgotten) = tokio::join!(name, forgetting.commit());
    forgotten.unwrap();
    assert_eq!(gone, ids);

    first.close().await;
    second.close().await;
    database.drop().await;
}
