//! What the server makes of scans that it waits for.

use std::time::Duration;

use fleetmend_model::status::scan::ScanStatus;
use fleetmend_model::{DeviceId, ScanJobId};
use fleetmend_protocol::reports::What;
use fleetmend_store::scan_jobs::{self, ScanJob};
use fleetmend_store::{Page, anomalies, devices};

use crate::agent::Agent;
use crate::clocked::{Clocked, both};
use crate::seed;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Two check-ins, and the time that an agent may need to come back to a server that was down.
const SILENCE: Duration = Duration::from_mins(8);

async fn scan(site: &Clocked, id: ScanJobId) -> ScanJob {
    scan_jobs::get(site.db(), id).await.unwrap().unwrap()
}

/// The numbers of all states that it was in.
async fn path(site: &Clocked, id: ScanJobId) -> Vec<i64> {
    let transitions = scan_jobs::transitions(site.db(), id).await.unwrap();
    transitions.iter().map(|it| it.status.number()).collect()
}

/// What is odd about what the device reported.
async fn oddities(site: &Clocked, agent: &Agent) -> Vec<String> {
    let all = anomalies::of_device(site.db(), agent.device).await.unwrap();
    all.into_iter().map(|it| it.what).collect()
}

/// A device, and its first scan, which it was given.
async fn given(site: &Clocked) -> (Agent, ScanJobId) {
    let agent = Agent::enrol(&site.site, "host").await;
    let scans = agent.check_in(&[]).await.scans;
    assert_eq!(scans.len(), 1);
    (agent, scans[0])
}

/// A device that took its first scan.
async fn taken(site: &Clocked) -> (Agent, ScanJobId) {
    let (mut agent, id) = given(site).await;
    agent.say(What::ScanStarted { job: id }).await;
    assert_eq!(path(site, id).await, [1, 2]);
    (agent, id)
}

/// Time passes, and the device checks in all the while; gives the scans that it was told to make.
async fn heard(site: &Clocked, agent: &Agent, time: Duration) -> Vec<ScanJobId> {
    let (end, mut told) = (site.now() + time, Vec::new());
    while site.now() < end {
        site.live(end.since(site.now()).min(3 * MINUTE)).await;
        told.extend(agent.check_in(&[]).await.scans);
    }
    told
}

both! {
    async fn a_device_that_is_down_is_said_to_be_and_scanned_when_it_checks_in_again(site) {
        let (mut agent, id) = given(&site).await;
        site.live(SILENCE).await;
        let down = scan(&site, id).await;
        assert_eq!(down.status, ScanStatus::PingFailed);
        assert_eq!(down.cause, "nothing was heard from the device for more than 6 minutes");
        site.live(DAY).await;
        assert_eq!(agent.check_in(&[]).await.scans, [id]);
        agent.say(What::ScanStarted { job: id }).await;
        site.round().await;
        agent.scanned(id).await;
        assert_eq!(path(&site, id).await, [1, 5, 1, 2, 3]);
        let device = devices::get(site.db(), agent.device).await.unwrap().unwrap();
        assert_eq!(device.scan_status, Some(ScanStatus::Completed));
    }

    async fn a_device_that_is_back_is_woken_however_it_is_heard_from(site) {
        let (agent, id) = given(&site).await;
        site.live(SILENCE).await;
        agent.wait(0).await;
        // A scan can be asked for again only when its device is known to be back.
        site.round().await;
        assert_eq!(path(&site, id).await, [1, 5, 1]);
        assert_eq!(scan(&site, id).await.cause, "the device is back");
        assert!(agent.wait(0).await);
        assert_eq!(agent.check_in(&[]).await.scans, [id]);
        site.live(MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5, 1]);
    }

    async fn reports_of_a_scan_whose_device_seemed_down_take_it_along(site) {
        let (mut agent, id) = given(&site).await;
        site.live(SILENCE).await;
        agent.say(What::ScanStarted { job: id }).await;
        assert_eq!(path(&site, id).await, [1, 5, 1, 2]);
        agent.scanned(id).await;
        assert_eq!(path(&site, id).await, [1, 5, 1, 2, 3]);
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn a_scan_of_a_silent_device_is_given_up_after_the_purge_interval(site) {
        let (agent, id) = given(&site).await;
        site.live(SILENCE).await;
        site.live(71 * HOUR + 51 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5]);
        site.live(MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5, 4]);
        assert_eq!(scan(&site, id).await.cause, "no answer within 72 hours");
        // It is scanned when it comes back, and once.
        let again = agent.check_in(&[]).await.scans;
        assert!(again.len() == 1 && again != [id], "{again:?}");
        let reason = scan(&site, again[0]).await.reason;
        assert_eq!(reason, "the device is back");
        assert_eq!(agent.check_in(&[]).await.scans, again);
    }

    async fn a_device_that_falls_silent_in_the_middle_of_a_scan_keeps_it_until_the_purge_interval(site) {
        let (mut agent, id) = taken(&site).await;
        site.live(DAY).await;
        site.live(DAY).await;
        assert_eq!(path(&site, id).await, [1, 2]);
        // It comes back, and lost what it was given: it is given it again, and has its time.
        assert_eq!(agent.check_in(&[]).await.scans, [id]);
        site.live(5 * MINUTE).await;
        agent.scanned(id).await;
        assert_eq!(path(&site, id).await, [1, 2, 3]);
    }

    async fn a_result_that_comes_after_the_end_is_told_beside_it(site) {
        let (mut agent, id) = taken(&site).await;
        site.live(3 * DAY).await;
        assert_eq!(path(&site, id).await, [1, 2, 4]);
        agent.scanned(id).await;
        let over = scan(&site, id).await;
        assert_eq!(over.status, ScanStatus::Aborted);
        assert_eq!(over.cause, "no answer within 72 hours; its result came afterwards");
        assert_eq!(path(&site, id).await, [1, 2, 4]);
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn time_in_which_the_server_was_down_or_stood_still_brings_no_scan_nearer_its_end(site) {
        let (agent, id) = given(&site).await;
        site.live(DAY).await;
        site.freeze(5 * DAY).await;
        assert_eq!(path(&site, id).await, [1, 5]);
        site.live(DAY).await;
        let site = site.restart(5 * DAY).await;
        site.live(HOUR).await;
        let site = site.restart(HOUR).await;
        site.live(22 * HOUR + 59 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5]);
        site.live(MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5, 4]);
        drop(agent);
    }

    async fn after_a_start_no_device_is_down_before_it_could_come_back(site) {
        let (_, id) = given(&site).await;
        let site = site.restart(DAY).await;
        site.live(6 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1]);
        site.live(MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5]);
    }

    async fn after_the_servers_machine_stood_still_no_device_is_down_before_it_could_come_back(site) {
        let (agent, id) = given(&site).await;
        heard(&site, &agent, 30 * MINUTE).await;
        site.freeze(DAY).await;
        site.live(6 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1]);
        site.live(MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 5]);
    }

    async fn a_scan_that_hangs_is_made_again_once_an_hour_later_and_then_given_up(site) {
        let (mut agent, id) = taken(&site).await;
        heard(&site, &agent, 59 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 2]);
        heard(&site, &agent, 2 * MINUTE).await;
        let posted = scan(&site, id).await;
        assert_eq!(path(&site, id).await, [1, 2, 1]);
        let hung = "the scan gave no result within 60 minutes, and the device is heard from";
        assert_eq!(posted.cause, format!("{hung}; it is made again"));
        assert!(posted.run_at.since(site.now()) > 55 * MINUTE);
        assert_eq!(heard(&site, &agent, 55 * MINUTE).await, []);
        assert!(!agent.wait(0).await);
        site.live(5 * MINUTE).await;
        assert!(agent.wait(0).await, "its time has come");
        assert_eq!(agent.check_in(&[]).await.scans, [id]);
        agent.say(What::ScanStarted { job: id }).await;
        heard(&site, &agent, HOUR + MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 2, 1, 2, 6]);
        assert_eq!(scan(&site, id).await.cause, hung);
        // Late, it answers after all.
        agent.scanned(id).await;
        let cause = scan(&site, id).await.cause;
        assert_eq!(cause, format!("{hung}; its result came afterwards"));
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn a_scan_that_was_posted_again_is_completed_by_the_report_of_the_first_try(site) {
        let (mut agent, id) = taken(&site).await;
        heard(&site, &agent, HOUR + MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 2, 1]);
        agent.scanned(id).await;
        assert_eq!(path(&site, id).await, [1, 2, 1, 2, 3]);
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn an_agent_that_still_has_a_scan_that_was_posted_again_is_not_given_it_twice(site) {
        let (mut agent, id) = taken(&site).await;
        agent.scans = vec![id];
        assert_eq!(heard(&site, &agent, 2 * HOUR + 5 * MINUTE).await, []);
        assert_eq!(path(&site, id).await, [1, 2, 1, 2]);
        agent.scanned(id).await;
        assert_eq!(path(&site, id).await, [1, 2, 1, 2, 3]);
        agent.scans.clear();
        assert_eq!(agent.check_in(&[]).await.scans, []);
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn an_agent_that_hangs_for_ever_ends_its_scan(site) {
        let (mut agent, id) = taken(&site).await;
        agent.scans = vec![id];
        heard(&site, &agent, 3 * HOUR + 10 * MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 2, 1, 2, 6]);
    }

    async fn the_first_try_failing_late_does_not_use_up_the_second(site) {
        let (mut agent, id) = taken(&site).await;
        heard(&site, &agent, HOUR + MINUTE).await;
        agent.say(What::ScanFailed { job: id, cause: "the disk broke".to_owned() }).await;
        let posted = scan(&site, id).await;
        assert_eq!(posted.cause, "the disk broke; it is made again");
        assert_eq!(path(&site, id).await, [1, 2, 1]);
        assert_eq!(heard(&site, &agent, HOUR).await.first(), Some(&id));
        agent.say(What::ScanStarted { job: id }).await;
        agent.say(What::ScanFailed { job: id, cause: "the disk broke".to_owned() }).await;
        assert_eq!(path(&site, id).await, [1, 2, 1, 2, 6]);
        assert_eq!(oddities(&site, &agent).await, [""; 0]);
    }

    async fn an_agent_that_is_heard_from_and_begins_no_scan_does_not_answer_for_its_inventory(site) {
        let (agent, id) = given(&site).await;
        heard(&site, &agent, HOUR + MINUTE).await;
        assert_eq!(path(&site, id).await, [1, 6]);
        let cause = "the agent did not begin the scan within 60 minutes, and the device is heard from";
        assert_eq!(scan(&site, id).await.cause, cause);
    }

    async fn more_scans_than_one_read_takes_are_all_moved_on_and_hold_up_no_other(site) {
        let mut tx = site.db().begin().await.unwrap();
        let mut fleet: Vec<DeviceId> = Vec::new();
        for number in 0..1_030 {
            let device = seed::device(&mut tx, &format!("host-{number}"), "x").await;
            let now = site.now();
            scan_jobs::post(&mut tx, device, "test", now, now).await.unwrap();
            fleet.push(device);
        }
        tx.commit().await.unwrap();
        let page = Page::first(1);
        let count = async |status| {
            let mut count = 0;
            for device in &fleet {
                let latest = scan_jobs::history(site.db(), *device, &page).await.unwrap();
                count += usize::from(latest.rows[0].status == status);
            }
            count
        };
        // This one's retry stands behind all that the fleet waits for.
        let (mut agent, id) = taken(&site).await;
        agent.say(What::ScanFailed { job: id, cause: "x".to_owned() }).await;
        heard(&site, &agent, 59 * MINUTE).await;
        assert_eq!(count(ScanStatus::PingFailed).await, fleet.len());
        assert!(!agent.wait(0).await);
        site.live(2 * MINUTE).await;
        assert!(agent.wait(0).await, "its time has come");
        site.live(3 * DAY).await;
        assert_eq!(count(ScanStatus::Aborted).await, fleet.len());
    }
}
