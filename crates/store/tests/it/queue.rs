//! The queue of background work.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_store::queue::{self, MAX_BACKOFF, Work};
use fleetmend_store::{Db, MAX_PAGE, Page};

use crate::fixture::{T0, both, t};

const LEASE: Duration = Duration::from_millis(100);

async fn ask(db: &Db, kind: &str, subject: i64, run_at: Millis) {
    let mut tx = db.begin().await.unwrap();
    queue::enqueue(&mut tx, kind, subject, run_at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn take(db: &Db, limit: u32, now: Millis) -> Vec<Work> {
    take_of(db, &["sync", "mirror"], limit, now).await
}

async fn take_of(db: &Db, kinds: &[&str], limit: u32, now: Millis) -> Vec<Work> {
    let mut tx = db.begin().await.unwrap();
    let works = queue::claim(&mut tx, "one", kinds, limit, now, LEASE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    works
}

/// Whether there is work that is due, and none that is due a moment earlier.
async fn is_due_from(db: &Db, at: Millis) -> bool {
    let before = queue::due_kinds(db, Millis(at.0 - 1)).await.unwrap();
    before.is_empty() && !queue::due_kinds(db, at).await.unwrap().is_empty()
}

async fn is_empty(db: &Db) -> bool {
    queue::due_kinds(db, Millis(i64::MAX))
        .await
        .unwrap()
        .is_empty()
}

async fn end(db: &Db, work: &Work) {
    let mut tx = db.begin().await.unwrap();
    queue::finish(&mut tx, work).await.unwrap();
    tx.commit().await.unwrap();
}

fn subjects(works: &[Work]) -> Vec<i64> {
    works.iter().map(|work| work.subject).collect()
}

both! {
    async fn work_is_found_by_its_subject_however_much_there_is(db: Db) {
        let many = i64::from(MAX_PAGE) + 5;
        let mut tx = db.begin().await.unwrap();
        for subject in 1..=many {
            queue::enqueue(&mut tx, "mirror", subject, t(subject)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let last = queue::get(&db, "mirror", many).await.unwrap().unwrap();
        assert_eq!((last.subject, last.run_at), (many, t(many)));
        assert_eq!(queue::get(&db, "mirror", many + 1).await.unwrap(), None);
        assert_eq!(queue::get(&db, "scan", many).await.unwrap(), None);
        assert_eq!(queue::first_run(&db, "mirror").await.unwrap(), Some(t(1)));
        assert_eq!(queue::first_run(&db, "scan").await.unwrap(), None);
    }

    async fn work_asked_for_in_a_transaction_that_was_rolled_back_is_not_there(db: Db) {
        let mut tx = db.begin().await.unwrap();
        queue::enqueue(&mut tx, "sync", 1, T0).await.unwrap();
        drop(tx);
        assert!(take(&db, 9, t(1)).await.is_empty());
        assert!(is_empty(&db).await);
    }

    async fn due_work_is_claimed_the_longest_due_first_and_by_one_only(db: Db) {
        ask(&db, "sync", 1, t(30)).await;
        ask(&db, "sync", 2, t(10)).await;
        ask(&db, "mirror", 2, t(20)).await;
        ask(&db, "sync", 3, t(99)).await;
        assert_eq!(subjects(&take(&db, 2, t(50)).await), [2, 2]);
        let rest = take(&db, 9, t(50)).await;
        assert_eq!(subjects(&rest), [1]);
        assert_eq!((rest[0].attempts, rest[0].locked_until), (1, Some(t(150))));
        assert!(take(&db, 9, t(50)).await.is_empty());
        end(&db, &rest[0]).await;
        assert!(is_due_from(&db, t(99)).await);
        let page = queue::list(&db, Some("sync"), &Page::first(1)).await.unwrap();
        assert_eq!(subjects(&page.rows), [2]);
        let page = queue::list(&db, Some("sync"), &Page::after(1, page.next.unwrap())).await.unwrap();
        assert_eq!((subjects(&page.rows), page.next), (vec![3], None));
        assert_eq!(queue::list(&db, None, &Page::first(9)).await.unwrap().rows.len(), 3);
    }

    async fn of_other_kinds_nothing_is_claimed_however_long_it_is_due(db: Db) {
        for subject in 1..=3 {
            ask(&db, "mirror", subject, t(10)).await;
        }
        ask(&db, "sync", 4, t(20)).await;
        let kinds = async |now| queue::due_kinds(&db, now).await.unwrap();
        assert_eq!(kinds(t(10)).await, ["mirror"]);
        assert_eq!(kinds(t(20)).await.into_iter().collect::<BTreeSet<_>>().len(), 2);
        assert!(take_of(&db, &[], 9, t(20)).await.is_empty());
        assert_eq!(subjects(&take_of(&db, &["sync", "scan"], 1, t(20)).await), [4]);
        assert_eq!(kinds(t(20)).await, ["mirror"], "somebody works on the other");
        assert_eq!(subjects(&take_of(&db, &["mirror"], 2, t(20)).await), [1, 2]);
        assert_eq!(kinds(t(20)).await, ["mirror"]);
    }

    async fn the_same_work_is_there_once_at_the_earlier_time(db: Db) {
        ask(&db, "sync", 1, t(30)).await;
        ask(&db, "sync", 1, t(10)).await;
        ask(&db, "sync", 1, t(20)).await;
        let works = take(&db, 9, t(10)).await;
        assert_eq!(subjects(&works), [1]);
        end(&db, &works[0]).await;
        assert!(take(&db, 9, t(1000)).await.is_empty());
    }

    async fn work_asked_for_while_it_is_done_is_done_again_when_it_was_asked_for(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let works = take(&db, 9, T0).await;
        ask(&db, "sync", 1, t(90)).await;
        ask(&db, "sync", 1, t(60)).await;
        ask(&db, "sync", 1, t(70)).await;
        assert!(take(&db, 9, t(80)).await.is_empty(), "somebody works on it");
        end(&db, &works[0]).await;
        assert!(take(&db, 9, t(59)).await.is_empty());
        let again = take(&db, 9, t(60)).await;
        assert_eq!((again.len(), again[0].attempts), (1, 1));
        end(&db, &again[0]).await;
        assert!(take(&db, 9, t(1000)).await.is_empty());
    }

    async fn work_whose_worker_died_is_claimed_after_its_lease(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let lost = take(&db, 9, T0).await;
        ask(&db, "sync", 1, t(5000)).await;
        assert!(take(&db, 9, t(99)).await.is_empty());
        let taken = take(&db, 9, t(100)).await;
        assert_eq!((taken.len(), taken[0].attempts), (1, 2));
        // The first one was only slow: what it says now counts nothing.
        end(&db, &lost[0]).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(queue::fail(&mut tx, &lost[0], "late", t(110), MAX_BACKOFF).await.unwrap(), None);
        assert!(!queue::extend(&mut tx, &lost[0], t(110), LEASE).await.unwrap());
        assert!(queue::extend(&mut tx, &taken[0], t(110), LEASE).await.unwrap());
        tx.commit().await.unwrap();
        assert!(take(&db, 9, t(209)).await.is_empty());
        end(&db, &taken[0]).await;
        assert!(is_due_from(&db, t(5000)).await);
    }

    async fn a_slow_worker_of_an_earlier_round_cannot_end_a_later_one(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let slow = take(&db, 9, T0).await;
        let second = take(&db, 9, t(100)).await;
        ask(&db, "sync", 1, t(100)).await;
        end(&db, &second[0]).await;
        let third = take(&db, 9, t(101)).await;
        assert_eq!(third[0].attempts, 1, "asked for anew");
        end(&db, &slow[0]).await;
        assert!(take(&db, 9, t(102)).await.is_empty(), "the third still has it");
        let mut tx = db.begin().await.unwrap();
        assert!(queue::extend(&mut tx, &third[0], t(102), LEASE).await.unwrap());
    }

    async fn a_servers_next_life_need_not_wait_for_its_last_one(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let lost = take(&db, 9, T0).await;
        ask(&db, "sync", 1, t(5000)).await;
        for (server, taken) in [("other", 0), ("one", 1)] {
            let mut tx = db.begin().await.unwrap();
            queue::release(&mut tx, server).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(take(&db, 9, t(1)).await.len(), taken, "{server}");
        }
        end(&db, &lost[0]).await;
        assert!(take(&db, 9, t(2)).await.is_empty(), "the new life has it");
        let again = take(&db, 9, t(101)).await;
        end(&db, &again[0]).await;
        assert!(is_due_from(&db, t(5000)).await, "it was asked for again");
    }

    async fn failed_work_waits_longer_each_time_and_says_why(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let mut now = T0;
        let mut waits = Vec::new();
        let longest = Duration::from_secs(15);
        for _ in 0..3 {
            let works = take(&db, 9, now).await;
            let mut tx = db.begin().await.unwrap();
            let at = queue::fail(&mut tx, &works[0], "the feed says 403", now, longest).await.unwrap();
            tx.commit().await.unwrap();
            waits.push(at.unwrap().since(now).as_secs());
            assert!(take(&db, 9, Millis(at.unwrap().0 - 1)).await.is_empty());
            now = at.unwrap();
        }
        assert_eq!(waits, [5, 10, 15]);
        let listed = queue::list(&db, None, &Page::first(9)).await.unwrap();
        assert_eq!(listed.rows[0].last_error.as_deref(), Some("the feed says 403"));
        assert_eq!(listed.rows[0].attempts, 3);
        ask(&db, "sync", 1, t(1)).await;
        assert_eq!(take(&db, 9, t(1)).await.len(), 1, "asked for anew it does not wait");
    }

    async fn work_asked_for_while_it_fails_does_not_wait(db: Db) {
        ask(&db, "sync", 1, T0).await;
        let works = take(&db, 9, T0).await;
        ask(&db, "sync", 1, t(3)).await;
        let mut tx = db.begin().await.unwrap();
        let at = queue::fail(&mut tx, &works[0], "x", t(2), MAX_BACKOFF).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(at, Some(t(3)));
    }

    async fn workers_at_the_same_time_share_the_work_without_doubles(db: Db) {
        for subject in 0..60 {
            ask(&db, "sync", subject, T0).await;
        }
        let workers: Vec<_> = (0..6)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let works = take(&db, 4, T0).await;
                        if works.is_empty() {
                            return mine;
                        }
                        for work in &works {
                            end(&db, work).await;
                        }
                        mine.extend(subjects(&works));
                    }
                })
            })
            .collect();
        let mut done = Vec::new();
        for worker in workers {
            done.extend(worker.await.unwrap());
        }
        assert_eq!(done.len(), 60);
        assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 60);
        assert!(queue::list(&db, None, &Page::first(9)).await.unwrap().rows.is_empty());
    }
}

#[test]
fn the_wait_has_an_end() {
    assert_eq!(queue::backoff(0), queue::FIRST_BACKOFF);
    assert_eq!(queue::backoff(1), queue::FIRST_BACKOFF);
    assert_eq!(queue::backoff(i64::MAX), queue::MAX_BACKOFF);
}
