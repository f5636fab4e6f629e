//! An agent whose state was lost: it is heard again, and what it had is handed out anew.

use fleetmend_model::status::deploy::{Change, DeployStatus};
use fleetmend_protocol::checkin::Resumed;
use fleetmend_protocol::paths;
use fleetmend_store::anomalies;
use serde_json::json;

use crate::agent::Agent;
use crate::handed_out::{handed_out, job};
use crate::site::Site;

use DeployStatus::{AgentDownloaded, AgentDownloading, Completed, Started};

fn to(status: DeployStatus) -> Change {
    Change::Status { status }
}

async fn oddities(site: &Site, agent: &Agent) -> Vec<String> {
    let odd = anomalies::of_device(&site.db().await, agent.device).await;
    odd.unwrap().into_iter().map(|it| it.what).collect()
}

#[tokio::test]
async fn a_job_that_had_started_is_handed_out_again_and_ends_by_the_reports_of_the_new_state() {
    let (site, person, mut agent, id) = handed_out().await;
    let first = agent.check_in(&[]).await;
    assert_eq!(first.orders.len(), 1);
    assert_eq!(first.resumed, [], "it was never handed out before");
    for status in [AgentDownloading, AgentDownloaded] {
        agent.report(id, to(status)).await;
    }
    // It comes too late, and is no reason to keep the order from a device that lost it.
    let address = format!("/api/v1/deploy-jobs/{id}/cancel");
    assert_eq!(person.call(&site, &address, &json!({})).await.status, 204);
    agent.report(id, to(Started)).await;
    agent.check_in(&[id]).await;
    assert!(agent.check_in(&[id]).await.orders.is_empty());

    agent.lose_state();
    let again = agent.check_in(&[]).await;
    assert_eq!(again.orders, first.orders);
    let (status, attempt) = (Started, 0);
    let resumed = Resumed {
        job: id,
        status,
        attempt,
    };
    assert_eq!(again.resumed, [resumed]);
    assert!(again.want_inventory);
    agent.check_in(&[id]).await;
    agent.report(id, to(Completed)).await;
    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["status"]["number"], 9);
    let odd = oddities(&site, &agent).await;
    assert_eq!(odd.len(), 1, "{odd:?}");
    assert!(odd[0].starts_with("the agent lost its state"), "{odd:?}");
}

#[tokio::test]
async fn reports_alone_show_the_loss_too_and_a_scan_is_handed_out_again() {
    let site = Site::start().await;
    let mut agent = Agent::enrol(&site, "host").await;
    let scan = agent.check_in(&[]).await.scans[0];
    let started = |epoch: &str| {
        json!({"epoch": epoch, "reports": [
            {"sequence": 1, "at": 0, "what": {"scan_started": {"job": scan}}},
        ]})
    };
    for epoch in ["state1", "state2", "state2"] {
        let answer = agent.post(paths::REPORTS, &started(epoch)).await;
        let reply: serde_json::Value = crate::agent::read(answer).await;
        assert_eq!(reply["acknowledged"], 1);
    }
    assert_eq!(oddities(&site, &agent).await.len(), 1);
    agent.lose_state();
    assert_eq!(agent.check_in(&[]).await.scans, [scan]);
    assert_eq!(oddities(&site, &agent).await.len(), 1, "noted once");
}

#[tokio::test]
async fn a_lost_state_is_seen_even_if_nothing_else_of_the_check_in_changed() {
    let (site, _, mut agent, id) = handed_out().await;
    let reply = agent.check_in(&[]).await;
    assert_eq!(reply.orders.len(), 1);
    let (scan, digest) = (reply.scans[0], agent.digest.clone());
    let scanned = json!({"reports": [
        {"sequence": 1, "at": 0, "what": {"scan_started": {"job": scan}}},
        {"sequence": 2, "at": 0, "what": {"scan_completed": {"job": scan, "digest": digest}}},
    ]});
    agent.post(paths::REPORTS, &scanned).await;
    agent.check_in(&[id]).await;
    assert!(agent.check_in(&[]).await.orders.is_empty(), "from memory");
    agent.lose_state();
    agent.digest = digest;
    assert_eq!(agent.check_in(&[]).await.orders.len(), 1);
    assert_eq!(oddities(&site, &agent).await.len(), 1);
}

#[tokio::test]
async fn an_agent_without_epochs_is_counted_as_before() {
    let site = Site::start().await;
    let agent = Agent::enrol(&site, "host").await;
    for (sequence, acknowledged) in [(1, 1), (1, 1), (2, 2)] {
        let reports = json!({"reports": [
            {"sequence": sequence, "at": 0, "what": {"progress": {"job": 77, "cause": ""}}},
        ]});
        let answer = agent.post(paths::REPORTS, &reports).await;
        let reply: serde_json::Value = crate::agent::read(answer).await;
        assert_eq!(reply["acknowledged"], acknowledged);
    }
    assert_eq!(oddities(&site, &agent).await.len(), 2, "one for each");
}

#[tokio::test]
async fn an_epoch_that_no_agent_makes_is_refused_by_name() {
    let site = Site::start().await;
    let agent = Agent::enrol(&site, "host").await;
    for epoch in ["x".repeat(65), "a b".to_owned(), "\u{0}".to_owned()] {
        let reports = json!({"epoch": epoch, "reports": []});
        let answer = agent.post(paths::REPORTS, &reports).await;
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains("field 'epoch'"));
    }
}
