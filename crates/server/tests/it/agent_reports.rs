//! Reports of agents that are newer than the server, or broken.

use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_protocol::paths;
use fleetmend_protocol::reports::ReportsReply;
use fleetmend_store::anomalies;
use serde_json::{Value as Json, json};

use crate::agent::{Agent, read};
use crate::handed_out::{handed_out, job};
use crate::site::Site;

#[tokio::test]
async fn a_report_that_cannot_be_understood_is_noted_and_holds_no_other_back() {
    let site = Site::start().await;
    let agent = Agent::enrol(&site, "host").await;
    let scan = agent.check_in(&[]).await.scans[0];
    let reports = json!({"reports": [
        {"sequence": 1, "at": 0, "what": {"defragmented": {"disk": "C:"}}},
        {"sequence": 2, "at": 0, "what": {"scan_started": {"job": scan}}},
        {"sequence": 3, "at": 0, "what": {"scan_started": {"job": "seven"}}},
        {"sequence": 4, "at": "noon", "what": {"scan_failed": {"job": scan, "cause": "x"}}},
    ]});
    // Sent again, because the answer was lost: nothing is noted twice.
    for _ in 0..2 {
        let reply: ReportsReply = read(agent.post(paths::REPORTS, &reports).await).await;
        assert_eq!(reply.acknowledged, 4);
    }
    let db = site.db().await;
    let stored = fleetmend_store::scan_jobs::get(&db, scan).await.unwrap();
    assert_eq!(stored.unwrap().status.number(), 2);
    let odd = anomalies::of_device(&db, agent.device).await.unwrap();
    let odd: Vec<_> = odd.iter().rev().map(|it| it.what.as_str()).collect();
    assert_eq!(odd.len(), 3, "{odd:?}");
    for (what, (number, word)) in odd.iter().zip([(1, "defragmented"), (3, "job"), (4, "at")]) {
        let begin = format!("its report {number} cannot be understood: ");
        assert!(what.starts_with(&begin) && what.contains(word), "{what}");
    }
}

#[tokio::test]
async fn an_order_whose_time_was_over_on_its_device_ends_as_expired_and_not_as_refused() {
    let (site, person, mut agent, id) = handed_out().await;
    agent.check_in(&[]).await;
    let ending = Ending::Expired;
    agent.report(id, Change::End { ending }).await;
    let ended = job(&site, &person, id).await;
    assert_eq!(ended["job"]["status"]["number"], 3);
    assert_eq!(ended["job"]["status"]["ending"], "expired");
    assert_eq!(ended["job"]["status"]["can_redeploy"], true);
    let odd = anomalies::of_device(&site.db().await, agent.device).await;
    assert_eq!(odd.unwrap(), []);
}

#[tokio::test]
async fn a_report_without_a_number_cannot_be_acknowledged_and_is_named() {
    let site = Site::start().await;
    let agent = Agent::enrol(&site, "host").await;
    for report in [
        json!({}),
        json!({"sequence": "one"}),
        json!([]),
        json!(null),
    ] {
        let reports = json!({"reports": [report]});
        let answer = agent.post(paths::REPORTS, &reports).await;
        assert_eq!(answer.status(), 400);
        let error: Json = answer.json().await.unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("reports[0].sequence"), "{message}");
    }
}
