//! Calling a job off: at once while the server alone has it, by the device's word after that.

use fleetmend_model::DeployJobId;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use serde_json::{Value as Json, json};

use crate::handed_out::{handed_out, job};
use crate::site::{Person, Site};

const CANCEL: Change = Change::End {
    ending: Ending::Cancelled,
};

fn to(status: DeployStatus) -> Change {
    Change::Status { status }
}

async fn cancel(site: &Site, person: &Person, job: DeployJobId) -> u16 {
    let address = format!("/api/v1/deploy-jobs/{job}/cancel");
    person.call(site, &address, &json!({})).await.status
}

#[tokio::test]
async fn an_order_that_was_never_sent_is_called_off_at_once() {
    let (site, person, agent, id) = handed_out().await;
    assert_eq!(cancel(&site, &person, id).await, 204);
    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["status"]["ending"], "cancelled");
    assert_eq!(
        detail["job"]["cause"],
        "called off by administrator; its order was never sent to the device"
    );
    let last = detail["transitions"].as_array().unwrap().last().unwrap();
    assert_eq!(last["by"], "server");
    let reply = agent.check_in(&[]).await;
    assert!(reply.orders.is_empty() && reply.cancelled.is_empty());
    assert_eq!(cancel(&site, &person, id).await, 409);
}

#[tokio::test]
async fn a_job_that_the_device_may_have_is_called_off_by_the_devices_word() {
    let (site, person, mut agent, id) = handed_out().await;
    let orders = agent.check_in(&[]).await.orders;
    assert_eq!(orders.iter().map(|it| it.job).collect::<Vec<_>>(), [id]);
    // Taken: the check-in that follows has nothing new.
    assert!(agent.check_in(&[id]).await.orders.is_empty());
    let waiting = agent.waiting();
    let form = [("cancel", id.to_string())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let asked = person.post(&site, "/deployments/cancel", &form).await;
    assert_eq!(asked.location, "/deployments?done=cancel-asked&n=1");
    let woken: Json = crate::agent::read(waiting.await.unwrap().unwrap()).await;
    assert_eq!(woken["wake"], true);

    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["status"]["ending"], Json::Null);
    assert_eq!(detail["job"]["cause"], "cancel asked for by administrator");
    assert_eq!(
        detail["job"]["next_step"],
        "the device confirms, unless it has started"
    );
    assert_eq!(detail["job"]["cancel_asked_by"], "administrator");
    let page = person.get(&site, &format!("/deployments/{id}")).await.text;
    assert!(!page.contains(">Cancel<"), "it is asked for once: {page}");

    // Whether or not the order came through, it is not sent again, and the request is, until the
    // device has answered. The device is not kept busy by it.
    for holds in [&[id][..], &[]] {
        let reply = agent.check_in(holds).await;
        assert!(reply.orders.is_empty());
        assert_eq!(reply.cancelled, [id]);
        assert!(!agent.wait(0).await, "a wait ends at once, again and again");
    }
    // What was on its way meanwhile does not hide the request.
    agent.report(id, to(DeployStatus::AgentDownloading)).await;
    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["cause"], "cancel asked for by administrator");

    agent.report(id, CANCEL).await;
    let detail = job(&site, &person, id).await;
    assert_eq!(detail["job"]["status"]["ending"], "cancelled");
    assert_eq!(detail["job"]["cause"], "called off by administrator");
    let last = detail["transitions"].as_array().unwrap().last().unwrap();
    assert_eq!(last["by"], "agent");
    assert!(agent.check_in(&[]).await.cancelled.is_empty());
}

#[tokio::test]
async fn a_job_that_started_before_the_cancel_arrived_goes_on_and_shows_its_end() {
    use DeployStatus::{AgentDownloaded, AgentDownloading, Completed, Started};
    let (site, person, mut agent, id) = handed_out().await;
    agent.check_in(&[]).await;
    agent.report(id, to(AgentDownloading)).await;
    agent.report(id, to(AgentDownloaded)).await;
    assert_eq!(cancel(&site, &person, id).await, 204);
    assert_eq!(cancel(&site, &person, id).await, 204, "asked for again");
    let too_late = "the cancel that administrator asked for came too late: the device had started";
    for status in [Started, Completed] {
        agent.report(id, to(status)).await;
        let detail = job(&site, &person, id).await;
        assert_eq!(detail["job"]["status"]["number"], status.number());
        assert_eq!(detail["job"]["status"]["ending"], Json::Null);
        assert_eq!(detail["job"]["cause"], too_late);
        assert!(agent.check_in(&[id]).await.cancelled != [id] || status == Completed);
    }
    assert_eq!(cancel(&site, &person, id).await, 409);
}

#[tokio::test]
async fn a_device_that_drops_what_is_over_already_is_nothing_odd() {
    let (site, person, mut agent, id) = handed_out().await;
    assert_eq!(cancel(&site, &person, id).await, 204);
    assert_eq!(agent.check_in(&[id]).await.cancelled, [id]);
    agent.report(id, CANCEL).await;
    let odd = fleetmend_store::anomalies::of_device(&site.db().await, agent.device).await;
    assert_eq!(odd.unwrap(), []);
}
