//! Every deploy job ends by its deadline, and what happens on its device is told all the same.

use std::time::Duration;

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis, PatchId};
use fleetmend_protocol::reports::What;
use fleetmend_server::jobs::{self, Kind};
use fleetmend_store::deploy_jobs::{self, DeployJob, NewJob, Posted};
use fleetmend_store::{anomalies, approvals, deployments};
use fleetmend_trust::{TrustRoot, verify};

use crate::agent::Agent;
use crate::clocked::{Clocked, both};
use crate::seed;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn to(status: DeployStatus) -> Change {
    Change::Status { status }
}

async fn job(site: &Clocked, id: DeployJobId) -> DeployJob {
    deploy_jobs::get(site.db(), id).await.unwrap().unwrap()
}

async fn path(site: &Clocked, id: DeployJobId) -> Vec<i64> {
    let transitions = deploy_jobs::transitions(site.db(), id).await.unwrap();
    transitions
        .iter()
        .map(|it| it.state.status.number())
        .collect()
}

async fn no_oddities(site: &Clocked, agent: &Agent) {
    let odd = anomalies::of_device(site.db(), agent.device).await.unwrap();
    assert_eq!(odd, []);
}

/// Posts a job of a patch that the machine fetches itself.
async fn post(site: &Clocked, agent: &Agent, title: &str, ends_in: Duration) -> DeployJobId {
    let now = site.now();
    let mut tx = site.db().begin().await.unwrap();
    let patch = seed::patch(&mut tx, title, "1.2").await;
    seed::lack(&mut tx, &[agent.device], patch, "1.1").await;
    let decided = [(patch, SystemType::Normal)];
    approvals::set_many(&mut tx, &decided, Approval::Approved, "anna", "", now)
        .await
        .unwrap();
    let deployment = deployments::insert(&mut tx, patch, "anna", "", now)
        .await
        .unwrap();
    let new = [new_job(agent.device, patch, now + ends_in)];
    let posted = deploy_jobs::create_many(&mut tx, deployment, &new, now).await;
    let Posted::Created(id) = posted.unwrap()[0] else {
        panic!("the device has a job")
    };
    jobs::enqueue(&mut tx, Kind::MirrorPatch, patch.0, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    site.app().jobs_due.notify_one();
    id
}

fn new_job(device: fleetmend_model::DeviceId, patch: PatchId, deadline_at: Millis) -> NewJob {
    NewJob {
        device,
        patch,
        release: None,
        cause: String::new(),
        next_step: String::new(),
        deadline_at,
        redeploy_of: None,
        occasion: "asked",
        by: Party::User,
    }
}

/// Waits until the server did something with a job that was just posted.
async fn moved(site: &Clocked, id: DeployJobId) -> DeployJob {
    let mut changed = site.app().changed.subscribe();
    let moved = async {
        loop {
            let job = job(site, id).await;
            if job.state != fleetmend_model::status::deploy::DeployState::NEW {
                return job;
            }
            let _ = changed.recv().await;
        }
    };
    tokio::time::timeout(MINUTE, moved)
        .await
        .expect("the server moves it on")
}

/// A device with the order of a job that has three days.
async fn handed_out(site: &Clocked) -> (Agent, DeployJobId) {
    let agent = Agent::enrol(&site.site, "host").await;
    let id = post(site, &agent, "Some patch", 3 * DAY).await;
    moved(site, id).await;
    assert_eq!(agent.check_in(&[]).await.orders[0].job, id);
    (agent, id)
}

async fn report(agent: &mut Agent, id: DeployJobId, statuses: &[DeployStatus]) {
    for status in statuses {
        agent.report(id, to(*status)).await;
    }
}

both! {
    async fn a_job_ends_at_its_deadline_wherever_it_is_and_says_why(site) {
        let (mut agent, id) = handed_out(&site).await;
        report(&mut agent, id, &[DeployStatus::AgentDownloading]).await;
        site.live(71 * HOUR + 59 * MINUTE).await;
        assert_eq!(job(&site, id).await.state.ending, None);
        site.live(MINUTE).await;
        let over = job(&site, id).await;
        assert_eq!(over.state.ending, Some(Ending::Expired));
        assert_eq!(over.finished_at, Some(site.now()));
        let cause = "it did not end by its deadline; last: Master Agent started download";
        assert_eq!(over.cause, cause);
        assert!(over.state.can_redeploy());
        // The device is told, drops it, and says that nothing ran.
        assert_eq!(agent.check_in(&[id]).await.cancelled, [id]);
        agent.report(id, Change::End { ending: Ending::Cancelled }).await;
        let over = job(&site, id).await;
        let dropped = format!("{cause}; the device had not started it, and dropped it");
        assert_eq!((over.cause, over.finished_at), (dropped, Some(site.now())));
        no_oddities(&site, &agent).await;
    }

    async fn what_starts_in_time_has_ended_before_the_deadline(site) {
        let agent = Agent::enrol(&site.site, "host").await;
        let id = post(&site, &agent, "Some patch", 3 * DAY).await;
        moved(&site, id).await;
        let signed = agent.check_in(&[]).await.orders.remove(0);
        let trust = TrustRoot {
            level: 0,
            release_keys: vec![site.app().keys.release.public()],
            order_keys: vec![site.app().keys.order.public()],
        };
        let device = fleetmend_store::devices::get(site.db(), agent.device).await.unwrap();
        let certificate = device.unwrap().certificate_sha256;
        let verified = verify(&signed, &trust, &certificate, 0, site.now()).unwrap();
        let order = verified.order();
        let one_start = Duration::from_secs(order.policy.limit_seconds);
        assert!(order.expires + one_start < job(&site, id).await.deadline_at);
    }

    async fn a_result_that_comes_after_the_deadline_is_told_beside_the_end(site) {
        let (mut agent, id) = handed_out(&site).await;
        let begun = [
            DeployStatus::AgentDownloading,
            DeployStatus::AgentDownloaded,
            DeployStatus::Started,
        ];
        report(&mut agent, id, &begun).await;
        site.live(3 * DAY).await;
        let before = path(&site, id).await;
        let expired = "it did not end by its deadline; last: Patch deploy started";
        assert_eq!(job(&site, id).await.cause, expired);
        site.live(HOUR).await;
        agent
            .say(What::Deploy {
                job: id,
                attempt: 2,
                change: to(DeployStatus::Failed),
                cause: "exit code 1603".to_owned(),
                output: "what it printed".to_owned(),
                boot: None,
            })
            .await;
        let over = job(&site, id).await;
        assert_eq!(over.state.ending, Some(Ending::Expired));
        let cause = "afterwards the device reported 'Patch deploy failed': exit code 1603";
        assert_eq!(over.cause, format!("{expired}; {cause}"));
        assert_eq!((over.attempt, over.output.as_str()), (2, "what it printed"));
        assert_eq!(path(&site, id).await, before, "it stays as it ended");
        no_oddities(&site, &agent).await;
    }

    async fn all_that_an_offline_device_did_is_told_by_its_last_word(site) {
        let (mut agent, id) = handed_out(&site).await;
        site.live(3 * DAY).await;
        let all = [
            DeployStatus::AgentDownloading,
            DeployStatus::AgentDownloaded,
            DeployStatus::Started,
            DeployStatus::Completed,
        ];
        report(&mut agent, id, &all).await;
        let over = job(&site, id).await;
        let cause = "it did not end by its deadline; last: Patch download is completed; afterwards \
                     the device reported 'Patch deploy completed successfully'";
        assert_eq!((over.state.ending, over.cause.as_str()), (Some(Ending::Expired), cause));
        no_oddities(&site, &agent).await;
    }

    async fn a_word_that_contradicts_the_devices_own_end_stays_odd(site) {
        let (mut agent, id) = handed_out(&site).await;
        agent.report(id, Change::End { ending: Ending::Refused }).await;
        agent.report(id, to(DeployStatus::Completed)).await;
        assert_eq!(job(&site, id).await.state.ending, Some(Ending::Refused));
        let odd = anomalies::of_device(site.db(), agent.device).await.unwrap();
        assert_eq!(odd.len(), 1, "{odd:?}");
    }

    async fn a_job_whose_files_come_too_late_to_start_in_time_ends_at_once(site) {
        let agent = Agent::enrol(&site.site, "host").await;
        let margin = site.app().policy.start_margin();
        let late = post(&site, &agent, "Late", margin).await;
        let over = moved(&site, late).await;
        assert_eq!(over.state.ending, Some(Ending::Expired));
        let cause = "its files came too late for an installation that begins now to end by the deadline";
        assert_eq!(over.cause, cause);
        assert!(agent.check_in(&[]).await.orders.is_empty());
        let in_time = post(&site, &agent, "In time", margin + MINUTE).await;
        assert_eq!(moved(&site, in_time).await.state.ending, None);
        assert_eq!(agent.check_in(&[]).await.orders.len(), 1);
    }

    async fn after_an_outage_no_job_ends_before_its_device_could_tell_what_it_did_meanwhile(site) {
        let (mut agent, id) = handed_out(&site).await;
        let begun = [DeployStatus::AgentDownloading, DeployStatus::AgentDownloaded];
        report(&mut agent, id, &begun).await;
        let device = agent.device;
        site.freeze(4 * DAY).await;
        site.live(6 * MINUTE).await;
        assert_eq!(job(&site, id).await.state.ending, None);
        report(&mut agent, id, &[DeployStatus::Started, DeployStatus::Completed]).await;
        site.live(DAY).await;
        let over = job(&site, id).await;
        assert_eq!((over.device, over.state.status), (device, DeployStatus::Completed));
        no_oddities(&site, &agent).await;
        // Whoever says nothing is not waited for.
        let silent = post(&site, &agent, "Another patch", 3 * DAY).await;
        moved(&site, silent).await;
        site.freeze(4 * DAY).await;
        site.live(7 * MINUTE).await;
        assert_eq!(job(&site, silent).await.state.ending, Some(Ending::Expired));
    }

    async fn what_waited_for_a_server_that_was_down_has_as_much_more_time(site) {
        let agent = Agent::enrol(&site.site, "host").await;
        let mut tx = site.db().begin().await.unwrap();
        let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
        let deployment = deployments::insert(&mut tx, patch, "anna", "", site.now()).await.unwrap();
        let new = [new_job(agent.device, patch, site.now() + 3 * DAY)];
        let posted = deploy_jobs::create_many(&mut tx, deployment, &new, site.now()).await.unwrap();
        tx.commit().await.unwrap();
        let Posted::Created(id) = posted[0] else { panic!("the device has a job") };
        site.live(DAY).await;
        site.freeze(5 * DAY).await;
        site.live(47 * HOUR + 59 * MINUTE).await;
        assert_eq!(job(&site, id).await.state.ending, None);
        site.live(MINUTE).await;
        assert_eq!(job(&site, id).await.state.ending, Some(Ending::Expired));
    }

    async fn more_jobs_than_one_read_takes_all_end_by_their_deadline(site) {
        let mut tx = site.db().begin().await.unwrap();
        let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
        let deployment = deployments::insert(&mut tx, patch, "anna", "", site.now()).await.unwrap();
        let mut new = Vec::new();
        for number in 0..1_030 {
            let device = seed::device(&mut tx, &format!("host-{number}"), "x").await;
            new.push(new_job(device, patch, site.now() + HOUR));
        }
        deploy_jobs::create_many(&mut tx, deployment, &new, site.now()).await.unwrap();
        tx.commit().await.unwrap();
        site.live(HOUR).await;
        let left = deploy_jobs::needing_files(site.db(), patch, 2_000).await.unwrap();
        assert_eq!(left.len(), 0);
    }

    async fn what_ended_half_a_year_ago_is_in_the_archive_and_can_be_read(site) {
        let mut tx = site.db().begin().await.unwrap();
        let device = seed::device(&mut tx, "host", "x").await;
        let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
        let id = seed::cancelled_job(&mut tx, device, patch, "x").await;
        tx.commit().await.unwrap();
        let listed = async |person: &crate::site::Person, archived| {
            let address = format!("/api/v1/deploy-jobs?archived={archived}");
            let list = person.get(&site.site, &address).await.json();
            list["items"].as_array().unwrap().len()
        };
        site.live(180 * DAY).await;
        let person = site.administrator().await;
        assert_eq!((listed(&person, false).await, listed(&person, true).await), (1, 0));
        site.live(MINUTE).await;
        assert_eq!((listed(&person, false).await, listed(&person, true).await), (0, 1));
        let detail = person.get(&site.site, &format!("/api/v1/deploy-jobs/{id}")).await.json();
        assert_eq!(detail["job"]["status"]["ending"], "cancelled");
        assert_eq!(detail["transitions"].as_array().unwrap().len(), 2);
        let page = person.get(&site.site, &format!("/deployments/{id}")).await;
        assert!(page.text.contains("Some patch"), "{}", page.status);
    }
}
