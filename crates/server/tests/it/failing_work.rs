//! Background work that fails waits, holds up no other, and leaves nothing behind for ever.

use std::time::Duration;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::device::OsFamily;
use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, PatchId};
use fleetmend_server::Given;
use fleetmend_store::deploy_jobs::{self, DeployJob};
use fleetmend_store::queue::{self, Work};
use fleetmend_store::{Page, missing, packages};
use serde_json::json;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both};
use crate::site::Person;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Waits until something is so.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let wait = async {
        loop {
            match look().await {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let found = tokio::time::timeout(MINUTE, wait).await;
    found.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

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

/// Has a device report an application in version 1.0.
pub async fn has_software(agent: &mut Agent, name: &str) {
    let mut found = inventory("host");
    found.host.os_family = OsFamily::Windows;
    found.software.push(Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: "1.0".to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    });
    agent.send_inventory(&found).await;
}

/// This machine, as a private host.
fn here() -> Vec<String> {
    vec!["127.0.0.1".to_owned()]
}

/// A device with software that a folder has a newer version of, whose installer cannot be had.
async fn unreachable_installer(
    site: &Clocked,
    folder: &std::path::Path,
    private_hosts: &[String],
) -> (Person, i64) {
    let mut agent = Agent::enrol(&site.site, "host").await;
    has_software(&mut agent, "Some tool").await;
    Nupkg::new("some-tool", "2.0")
        .title("Some tool")
        // Nobody listens there.
        .downloading_exe(
            "http://127.0.0.1:9/setup.exe",
            &"0".repeat(64),
            "Some tool*",
        )
        .build_into(folder)
        .unwrap();
    let handle = site.site.running().handle();
    let location = folder.to_str().unwrap();
    let given = Given {
        private_hosts,
        ..Given::at(location)
    };
    handle.add_source(&given).await.unwrap();
    let person = site.administrator().await;
    let patch = until("the patch is missing", async || {
        let missing = person.get(&site.site, "/api/v1/missing").await.json();
        missing["items"][0]["patch"]["id"].as_i64()
    })
    .await;
    let approve = json!({
        "patches": [{"patch": patch, "system_type": "normal"}],
        "decision": "approved",
    });
    let answer = person.call(&site.site, "/api/v1/approvals", &approve).await;
    assert!(answer.status < 300, "{}", answer.text);
    (person, patch)
}

async fn job(site: &Clocked, id: DeployJobId) -> DeployJob {
    deploy_jobs::get(site.db(), id).await.unwrap().unwrap()
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
        let (_, patch) = unreachable_installer(&site, folder.path(), &here()).await;
        // It goes into quarantine, and the server dies before it matched the devices anew.
        let package = packages::latest_all(site.db(), false).await.unwrap().remove(0);
        let mut tx = site.db().begin().await.unwrap();
        packages::quarantine(&mut tx, package.row, Some("a wrong byte"), site.now()).await.unwrap();
        tx.commit().await.unwrap();
        let site = site.restart(MINUTE).await;
        until("it is not offered", async || {
            let lacking = missing::devices_of(site.db(), PatchId(patch), None).await.unwrap();
            lacking.is_empty().then_some(())
        })
        .await;
    }

    async fn an_installer_in_a_private_network_is_not_asked_for_and_its_job_says_why(site) {
        let folder = tempfile::tempdir().unwrap();
        let (person, patch) = unreachable_installer(&site, folder.path(), &[]).await;
        let deploy = json!({ "patch": patch });
        let made = person.call(&site.site, "/api/v1/deployments", &deploy).await.json();
        assert!(made["deployment"].is_i64(), "{made}");
        let address = format!("/api/v1/deploy-jobs?patch={patch}");
        let job = until("the job has ended", async || {
            let listed = person.get(&site.site, &address).await.json();
            let id = DeployJobId(listed["items"][0]["id"].as_i64().unwrap());
            let job = job(&site, id).await;
            job.state.ending.is_some().then_some(job)
        })
        .await;
        assert_eq!(job.state.ending, Some(Ending::DownloadFailed));
        assert_eq!(
            job.cause,
            "http://127.0.0.1:9/setup.exe: the host 127.0.0.1 is an address, in this machine itself: \
             if that is right, make it a private host of the source",
        );
    }

    async fn a_download_that_never_succeeds_says_why_and_ends_with_its_jobs_deadline(site) {
        let folder = tempfile::tempdir().unwrap();
        let (person, patch) = unreachable_installer(&site, folder.path(), &here()).await;
        let deploy = json!({ "patch": patch });
        let made = person.call(&site.site, "/api/v1/deployments", &deploy).await.json();
        assert!(made["deployment"].is_i64(), "{made}");
        let failure = failed(&site, "mirror_patch", 1).await;
        assert!(failure.last_error.unwrap().contains("cannot reach"));
        let address = format!("/api/v1/deploy-jobs?patch={patch}");
        let listed = person.get(&site.site, &address).await.json();
        let id = DeployJobId(listed["items"][0]["id"].as_i64().unwrap());
        let waits = job(&site, id).await;
        assert_eq!(waits.state.status, DeployStatus::Downloading);
        let cause = waits.cause;
        assert!(cause.contains("127.0.0.1:9/setup.exe") && cause.ends_with("; tries again"), "{cause}");
        site.live(HOUR).await;
        site.app().jobs_due.notify_one();
        failed(&site, "mirror_patch", 2).await;
        site.live(71 * HOUR).await;
        assert_eq!(job(&site, id).await.state.ending, Some(Ending::Expired));
        // Nobody needs the files: the next try is the last.
        let left = async || {
            let page = Page::first(10);
            let left = queue::list(site.db(), Some("mirror_patch"), &page).await.unwrap();
            left.rows
        };
        until("no try is under way", async || {
            left().await.iter().all(|it| it.locked_until.is_none()).then_some(())
        })
        .await;
        site.live(HOUR).await;
        site.app().jobs_due.notify_one();
        until("the work is over", async || left().await.is_empty().then_some(())).await;
    }
}
