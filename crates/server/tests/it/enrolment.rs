//! A token makes one device, however often the machine that has it must ask.

use fleetmend_protocol::enrol::EnrolReply;
use fleetmend_store::devices;
use rcgen::KeyPair;
use reqwest::Response;
use serde_json::Value as Json;

use crate::agent::{Agent, inventory, read, token, try_enrol};
use crate::site::Site;

async fn refused(answer: Response) -> String {
    assert_eq!(answer.status(), 403);
    let error: Json = answer.json().await.unwrap();
    error["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_machine_whose_answer_was_lost_asks_again_and_is_one_device() {
    let site = Site::start().await;
    let (secret, key) = (token(&site).await, KeyPair::generate().unwrap());
    let lost: EnrolReply = read(try_enrol(&site, &secret, &key, "host").await).await;
    let got: EnrolReply = read(try_enrol(&site, &secret, &key, "host").await).await;
    assert_eq!(got, lost);
    let mut agent = Agent::with(&site, &key, &got);
    agent.send_inventory(&inventory("host")).await;
    assert_eq!(
        agent.check_in(&[]).await.scans.len(),
        1,
        "one scan is posted"
    );
    // Also once it is at work.
    let again: EnrolReply = read(try_enrol(&site, &secret, &key, "host").await).await;
    assert_eq!(again, lost);
    agent.check_in(&[]).await;
    let db = site.db().await;
    assert_eq!(devices::load_all(&db).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_machine_gets_nothing_for_a_token_that_is_used() {
    let site = Site::start().await;
    let (secret, key) = (token(&site).await, KeyPair::generate().unwrap());
    let reply: EnrolReply = read(try_enrol(&site, &secret, &key, "host").await).await;
    let other = KeyPair::generate().unwrap();
    let answer = try_enrol(&site, &secret, &other, "host").await;
    assert_eq!(refused(answer).await, "token_used");
    // Nor does the one that it was for, once the device is removed.
    let db = site.db().await;
    let device = reply.device;
    let mut tx = db.begin().await.unwrap();
    devices::remove(&mut tx, device, fleetmend_model::Millis(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let answer = try_enrol(&site, &secret, &key, "host").await;
    assert_eq!(refused(answer).await, "token_used");
    assert!(devices::load_all(&db).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_requests_that_arrive_at_once_all_get_the_same_device() {
    let site = Site::start().await;
    let (secret, key) = (token(&site).await, KeyPair::generate().unwrap());
    let asked = (0..4).map(|_| try_enrol(&site, &secret, &key, "host"));
    let answers = futures_util::future::join_all(asked).await;
    let mut replies = Vec::new();
    for answer in answers {
        replies.push(read::<EnrolReply>(answer).await);
    }
    assert!(replies.iter().all(|it| *it == replies[0]));
}
