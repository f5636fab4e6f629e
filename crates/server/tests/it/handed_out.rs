//! A job that a device can be handed.

use std::time::Duration;

use fleetmend_model::DeployJobId;
use serde_json::{Value as Json, json};

use crate::agent::Agent;
use crate::seed;
use crate::site::{Person, Site};

/// A job as the API shows it.
pub async fn job(site: &Site, person: &Person, job: DeployJobId) -> Json {
    let address = format!("/api/v1/deploy-jobs/{job}");
    person.get(site, &address).await.json()
}

/// A device and its job for a patch, at the point where its order can be handed out.
pub async fn handed_out() -> (Site, Person, Agent, DeployJobId) {
    let (site, person) = Site::signed_in().await;
    let agent = Agent::enrol(&site, "host").await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let patch = seed::patch(&mut tx, "Some patch", "1.2").await;
    seed::lack(&mut tx, &[agent.device], patch, "1.1").await;
    tx.commit().await.unwrap();
    let approve = json!({
        "patches": [{"patch": patch, "system_type": "normal"}],
        "decision": "approved",
    });
    person.call(&site, "/api/v1/approvals", &approve).await;
    let deploy = json!({"patch": patch});
    let made = person.call(&site, "/api/v1/deployments", &deploy).await;
    let address = format!(
        "/api/v1/deploy-jobs?deployment={}",
        made.json()["deployment"]
    );
    let listed = person.get(&site, &address).await.json();
    let id = DeployJobId(listed["items"][0]["id"].as_i64().unwrap());
    let mut changed = site.running().app().changed.subscribe();
    let order = async {
        while job(&site, &person, id).await["job"]["status"]["number"] != 3 {
            let _ = changed.recv().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), order)
        .await
        .expect("an order is made");
    (site, person, agent, id)
}
