//! Background work that fails waits, holds up no other, and leaves nothing behind for ever.

use std::time::Duration;

use fleetmend_model::PatchId;
use fleetmend_store::queue::{self, Work};
use fleetmend_store::{Page, missing, packages};

use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, Offer};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The work of a kind that is in the queue and that nobody works on.
async fn resting(site: &Clocked, kind: &str) -> Option<Work> {
    let page = Page::first(10);
    let all = queue::list(site.db(), Some(kind), &page).await.unwrap();
    let work = all.rows.into_iter().next()?;
    work.locked_until.is_none().then_some(work)
}

async fn ask(site: &Clocked, kind: &str) {
    let mut tx = site.db().begin().await.unwrap();
    queue::enqueue(&mut tx, kind, 0, site.now()).await.unwrap();
    tx.commit().await.unwrap();
    site.app().jobs_due.notify_one();
}

/// Waits until work of a kind failed so often.
async fn failed(site: &Clocked, kind: &str, times: i64) -> Work {
    until(&format!("{kind} failed {times} times"), async || {
        let work = resting(site, kind).await?;
        (work.attempts >= times && work.last_error.is_some()).then_some(work)
    })
    .await
}

both! {
    async fn work_that_fails_waits_longer_each_time_and_holds_up_no_other(site) {
        ask(&site, "of-a-newer-server").await;
        let first = failed(&site, "of-a-newer-server", 1).await;
        assert_eq!(first.run_at, site.now() + Duration::from_secs(5));
        let error = first.last_error.unwrap();
        assert!(error.contains("there is no job of the kind 'of-a-newer-server'"), "{error}");
        // The queue goes on, and leaves it alone until its time.
        ask(&site, "another").await;
        failed(&site, "another", 1).await;
        let rests = resting(&site, "of-a-newer-server").await;
        assert_eq!(rests.map(|it| it.attempts), Some(1));
        for (attempt, wait) in [(2, 10), (3, 20), (4, 40)] {
            site.live(HOUR).await;
            site.app().jobs_due.notify_one();
            let again = failed(&site, "of-a-newer-server", attempt).await;
            assert_eq!(again.run_at, site.now() + Duration::from_secs(wait));
        }
    }

    async fn what_a_server_learned_right_before_it_died_reaches_the_devices(site) {
        let folder = tempfile::tempdir().unwrap();
        let patch = PatchId(Offer::new(&site, folder.path(), NOBODY, NOTHING).await.patch);
        // It goes into quarantine, and the server dies before it matched the devices anew.
        let package = fleetmend_server::catalog::offered::all(site.app()).await.unwrap().remove(0);
        let mut tx = site.db().begin().await.unwrap();
        packages::quarantine(&mut tx, package.row, Some("a wrong byte"), site.now()).await.unwrap();
        tx.commit().await.unwrap();
        let site = site.restart(MINUTE).await;
        until("it is not offered", async || {
            let lacking = missing::devices_of(site.db(), patch, None).await.unwrap();
            lacking.is_empty().then_some(())
        })
        .await;
    }
}
