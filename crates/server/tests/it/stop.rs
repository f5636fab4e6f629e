//! A server that is told to stop.

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::agent::Agent;
use crate::site::Site;

#[tokio::test]
async fn open_pages_and_waiting_agents_do_not_keep_a_server_from_stopping() {
    let (site, person) = Site::signed_in().await;
    let agent = Agent::enrol(&site, "host").await;
    // What was posted at enrolment is taken, so that the next wait lasts.
    agent.check_in(&[]).await;
    let waiting = agent.waiting();
    let mut events = site.open("/live", &person).await.bytes_stream();
    assert!(events.next().await.unwrap().is_ok());
    // Less than a server gives to requests that do not end.
    tokio::time::timeout(Duration::from_secs(3), site.stop())
        .await
        .expect("it stops at once");
    while let Some(event) = events.next().await {
        event.expect("the stream ends, and does not break off");
    }
    drop(waiting);
}
