//! Taking a device out of management.

use fleetmend_store::devices;
use serde_json::json;

use crate::agent::{Agent, inventory};
use crate::handed_out::{handed_out, job};
use crate::site::Site;

#[tokio::test]
async fn a_removed_device_reaches_nothing_more_and_its_jobs_end_and_stay_as_history() {
    let (site, person, agent, id) = handed_out().await;
    assert_eq!(agent.check_in(&[]).await.orders.len(), 1);
    let waiting = agent.waiting();
    let page = format!("/devices/{}/remove", agent.device);
    let question = person.get(&site, &page).await;
    assert!(
        question.text.contains("its open jobs end: 1 now"),
        "{}",
        question.text
    );
    // Once it is answered there is no question to come back to.
    assert!(!question.text.contains(&format!("value=\"{page}\"")));
    let done = person.post(&site, &page, &[]).await;
    assert_eq!(done.location, "/devices?done=device-removed&n=1");
    // The wait ends, and nothing else is answered.
    waiting.await.unwrap().unwrap();
    let refused = agent
        .post(fleetmend_protocol::paths::CHECKIN, &json!({}))
        .await;
    assert_eq!(refused.status(), 401);
    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["status"]["ending"], "expired");
    let cause = detail["job"]["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("administrator took the device out of management"),
        "{cause}"
    );
    let listed = person.get(&site, "/api/v1/devices").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    let device = devices::get(&site.db().await, agent.device)
        .await
        .unwrap()
        .unwrap();
    assert!(device.removed_at.is_some());
    assert_eq!(person.get(&site, &page).await.status, 404);
    // A restart of the server forgets none of it.
    let site = Site::start_again(site.stop().await, |_| {}).await;
    let refused = agent
        .post(fleetmend_protocol::paths::CHECKIN, &json!({}))
        .await;
    assert_eq!(refused.status(), 401);
    drop(site);
}

#[tokio::test]
async fn several_are_removed_at_once_and_one_that_is_not_there_is_no_error() {
    let (site, person) = Site::signed_in().await;
    let mut a = Agent::enrol(&site, "a").await;
    let b = Agent::enrol(&site, "b").await;
    a.send_inventory(&inventory("a")).await;
    let body = json!({ "devices": [a.device, b.device, 999, a.device] });
    let answer = person.call(&site, "/api/v1/devices/remove", &body).await;
    assert_eq!(
        (answer.status, answer.json()["count"].as_u64()),
        (200, Some(2))
    );
    let again = person.call(&site, "/api/v1/devices/remove", &body).await;
    assert_eq!(again.json()["count"], 0);
    let audit = person.get(&site, "/api/v1/audit").await.text;
    assert_eq!(audit.matches("remove_device").count(), 2, "{audit}");
}
