//! No source leads the server into a network where nobody allowed it to go.

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_store::Page;
use fleetmend_store::audit::{self, AuditFilter};
use serde_json::{Value as Json, json};

use crate::clocked::until;
use crate::site::{Answer, Person, Site};

const SOURCES: &str = "/api/v1/sources";

/// A site on this machine, with a package.
fn feed() -> FeedSite {
    let site = FeedSite::start().unwrap();
    site.add_package(&Nupkg::new("tool", "1.0").title("Tool"))
        .unwrap();
    site
}

/// The address of a site by another name of this machine.
fn named(site: &FeedSite, host: &str) -> String {
    format!("http://{host}:{}/api/v2/", site.port())
}

async fn add(site: &Site, person: &Person, body: &Json) -> Answer {
    person.call(site, SOURCES, body).await
}

/// How a source was read: why not, or nothing.
async fn read(site: &Site, person: &Person, id: i64) -> Option<String> {
    let path = format!("{SOURCES}/{id}");
    until("the source was read", async || {
        let seen = person.get(site, &path).await.json();
        let source = &seen["source"];
        let is_over = source["state"] == "Read" || source["state"] == "Cannot be read";
        is_over.then(|| source["last_error"].as_str().map(str::to_owned))
    })
    .await
}

#[tokio::test]
async fn a_feed_in_a_private_network_is_added_only_where_that_is_allowed() {
    let (site, person) = Site::signed_in().await;
    let feed = feed();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
    ] {
        let location = named(&feed, host);
        let answer = add(&site, &person, &json!({ "location": location })).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.text);
        let error = &answer.json()["error"]["message"];
        let error = error.as_str().unwrap();
        assert!(error.contains("in this machine itself"), "{error}");
        for remedy in [
            "the box beside its address",
            "--allow-private",
            "allow_private",
        ] {
            assert!(error.contains(remedy), "{error}");
        }
        let form = person
            .post(&site, "/sources", &[("location", &location)])
            .await;
        assert_eq!(form.status, 400, "{host}");
        assert!(form.text.contains("--allow-private"), "{}", form.text);
    }
    assert!(feed.requests().is_empty());
    let location = named(&feed, "localhost");
    let fields = [("location", location.as_str()), ("allow_private", "yes")];
    let answer = person.post(&site, "/sources", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(read(&site, &person, 1).await, None);
    assert!(!feed.requests().is_empty());
    let shown = person.get(&site, &format!("{SOURCES}/1")).await.json();
    assert_eq!(shown["source"]["private_hosts"], json!(["localhost"]));
    let page = person.get(&site, "/sources/1").await.text;
    assert!(
        page.contains("<dt>Private hosts</dt><dd>localhost</dd>"),
        "{page}"
    );
}

#[tokio::test]
async fn nobody_can_allow_a_clouds_metadata_service() {
    let (site, person) = Site::signed_in().await;
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0xa9fea9fe",
        "metadata.google.internal",
    ] {
        let location = format!("http://{host}/api/v2/");
        let body = json!({ "location": location, "allow_private": true });
        let answer = add(&site, &person, &body).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.text);
        assert!(
            answer.text.contains("a cloud's metadata service"),
            "{}",
            answer.text
        );
    }
    for hosts in [
        json!(["http://a.example"]),
        json!(["a.example:80"]),
        json!(["metadata"]),
    ] {
        let body = json!({ "location": "/srv/packages", "private_hosts": hosts });
        let answer = add(&site, &person, &body).await;
        assert_eq!(answer.status, 400, "{hosts}: {}", answer.text);
    }
    let body = json!({ "location": "/srv/packages", "allow_private": true });
    let answer = add(&site, &person, &body).await;
    assert!(
        answer.text.contains("a folder is on no host"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_redirect_goes_no_further_than_the_address_that_it_leads_to_may() {
    let (site, person) = Site::signed_in().await;
    let (near, far) = (feed(), feed());
    let location = named(&near, "localhost");
    let body = json!({ "location": location, "allow_private": true });
    assert_eq!(add(&site, &person, &body).await.status, 200);
    for (to, said) in [
        (
            format!("https://127.0.0.1:{}/api/v2/", far.port()),
            "the host 127.0.0.1 is an address, in this machine itself: if that is right, make it a",
        ),
        (
            "https://[::ffff:10.0.0.1]/".to_owned(),
            "the host [::ffff:a00:1] is an address, in a private network",
        ),
        (
            "https://169.254.169.254/latest/meta-data/".to_owned(),
            "a cloud's metadata service, which is asked for nothing",
        ),
        (far.url(), "without TLS on another host"),
        (location.clone() + "Packages", "it redirects too often"),
    ] {
        near.repair();
        near.set_fault("/api/v2/Packages", Fault::Redirect(to));
        person
            .call(&site, &format!("{SOURCES}/1/read"), &json!({}))
            .await;
        until(said, async || {
            let error = read(&site, &person, 1).await?;
            error.contains(said).then_some(())
        })
        .await;
    }
    assert!(far.requests().is_empty(), "{:?}", far.requests());
}

#[tokio::test]
async fn a_nupkg_at_a_private_address_needs_a_private_host_of_its_own() {
    let (site, person) = Site::signed_in().await;
    let mut agent = crate::agent::Agent::enrol(&site, "host").await;
    crate::offer::has_software(&mut agent, "Tool").await;
    let (near, far) = (feed(), feed());
    // The entry has a digest, so that only the guard is in the way of its redirect.
    near.set_fault(
        "/api/v2/package/tool",
        Fault::Redirect(format!("{}package/tool/1.0", far.url())),
    );
    let location = named(&near, "localhost");
    near.set_base(&location);
    let body = json!({ "location": location, "allow_private": true });
    assert_eq!(add(&site, &person, &body).await.status, 200);
    let path = format!("{SOURCES}/1");
    let problem = until("the problem is told", async || {
        let seen = person.get(&site, &path).await.json();
        seen["problems"].get(0).cloned()
    })
    .await;
    let why = problem["why"].as_str().unwrap();
    assert!(
        why.contains("make it a private host of the source"),
        "{why}"
    );
    assert!(problem["retry_at"].is_null(), "{problem}");
    assert!(far.requests().is_empty());

    let fields = [("hosts", "localhost, 127.0.0.1")];
    let set = person
        .post(&site, "/sources/1/private-hosts", &fields)
        .await;
    assert_eq!(set.status, 303, "{}", set.text);
    until("it was fetched", async || {
        (!far.requests().is_empty()).then_some(())
    })
    .await;
    until("the problem is over", async || {
        let seen = person.get(&site, &path).await.json();
        (seen["problems"] == json!([])).then_some(())
    })
    .await;
    let filter = AuditFilter::default();
    let entries = audit::list(&site.db().await, &filter, &Page::first(10))
        .await
        .unwrap();
    let (_, entry) = &entries.rows[0];
    assert_eq!(entry.action, "set_private_hosts");
    assert_eq!(entry.after.as_deref(), Some("\"127.0.0.1, localhost\""));
}
