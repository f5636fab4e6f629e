//! Files that are not the ones that their packages name, and the way out of quarantine.

use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::pe::Pe;
use fleetmend_model::release::Action;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_server::Given;
use fleetmend_store::audit::{self, AuditFilter};
use fleetmend_store::{Page, releases};
use fleetmend_trust::digest_hex;
use serde_json::{Value as Json, json};

use crate::agent::Agent;
use crate::clocked::{Clocked, both, until};
use crate::offer::{Offer, approve, has_software, missing, offer};
use crate::site::Person;

const MINUTE: Duration = Duration::from_mins(1);

/// An installer of the tool, each time another one.
fn setup(word: &str) -> Vec<u8> {
    Pe::new("Some tool", "2.0").carrying(word).build()
}

/// An offer whose vendor changed the installer of version 2.0, deployed in vain. Version 1.5 was good.
struct Changed<'a> {
    site: &'a Clocked,
    files: FeedSite,
    offer: Offer<'a>,
    url: String,
    /// What the package names.
    old: String,
}

impl<'a> Changed<'a> {
    async fn new(site: &'a Clocked, folder: &std::path::Path) -> Self {
        let files = FeedSite::start().unwrap();
        let old = digest_hex(&setup("old"));
        let url = files.file_url("setup.exe");
        files.add_file("setup.exe", setup("new"));
        files.add_file("good.exe", setup("good"));
        offer(
            folder,
            "1.5",
            &files.file_url("good.exe"),
            &digest_hex(&setup("good")),
        );
        let offer = Offer::new(site, folder, &url, &old).await;
        let changed = Self {
            site,
            files,
            offer,
            url,
            old,
        };
        changed.deploy_in_vain().await;
        changed
    }

    fn person(&self) -> &Person {
        &self.offer.person
    }

    async fn deploy_in_vain(&self) {
        let made = self.offer.deploy().await;
        assert!(made["deployment"].is_i64(), "{made}");
        self.wrong_once().await;
        self.site.live(MINUTE).await;
        self.site.app().jobs_due.notify_one();
        let job = self
            .offer
            .job_when("it has ended", |job| job.state.ending.is_some())
            .await;
        assert_eq!(job.state.ending, Some(Ending::DownloadFailed));
        assert!(
            job.cause.ends_with("it was not run, and is in quarantine"),
            "{}",
            job.cause
        );
    }

    /// A wrong file came, which is asked for once more.
    async fn wrong_once(&self) {
        let said = "; first of five tries";
        let job = self
            .offer
            .job_when(said, |job| job.cause.contains(said))
            .await;
        assert!(job.cause.contains(": the sha256 is "), "{}", job.cause);
        assert_eq!(self.held().await.len(), 0);
    }

    /// What the list has.
    async fn held(&self) -> Vec<Json> {
        let listed = self
            .person()
            .get(&self.site.site, "/api/v1/quarantine")
            .await;
        listed.json()["items"].as_array().unwrap().clone()
    }

    async fn release(&self, sha256: &str, reason: &str) -> u16 {
        let id = self.held().await[0]["id"].as_i64().unwrap();
        let path = format!("/api/v1/quarantine/{id}/release");
        let body = json!({ "sha256": sha256, "reason": reason });
        self.person()
            .call(&self.site.site, &path, &body)
            .await
            .status
    }

    /// Deploys version 2.0, which is offered again; gives the SHA-256 of what devices get.
    async fn deploy(&self) -> String {
        let patch = missing(self.site, self.person(), "2.0").await;
        assert_eq!(patch, self.offer.patch);
        let made = self.offer.deploy().await;
        assert!(made["deployment"].is_i64(), "{made}");
        let job = self
            .offer
            .job_when("it is here", |job| {
                job.state.status == DeployStatus::Downloaded
            })
            .await;
        let db = self.site.db();
        let release = releases::get(db, job.release.unwrap())
            .await
            .unwrap()
            .unwrap();
        match release.release.action {
            Action::RunInstaller(it) => it.files[0].sha256.clone(),
            Action::AptUpgrade(_) => panic!("it is an installer"),
        }
    }
}

both! {
    async fn a_wrong_file_that_comes_once_puts_nothing_in_quarantine(site) {
        let folder = tempfile::tempdir().unwrap();
        let files = FeedSite::start().unwrap();
        let right = setup("right");
        files.add_file("setup.exe", &right[..5]);
        let sha256 = digest_hex(&right);
        let offer = Offer::new(&site, folder.path(), &files.file_url("setup.exe"), &sha256).await;
        offer.deploy().await;
        let job = offer.job_when("it was cut off", |job| job.cause.contains("; first of five")).await;
        assert!(job.cause.contains(": the sha256 is "), "{}", job.cause);
        files.add_file("setup.exe", right);
        site.live(MINUTE).await;
        site.app().jobs_due.notify_one();
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        let listed = offer.person.get(&site.site, "/api/v1/quarantine").await.json();
        assert_eq!(listed["items"], json!([]));
    }

    async fn a_page_in_the_place_of_a_file_puts_nothing_in_quarantine_however_often_it_comes(site) {
        let folder = tempfile::tempdir().unwrap();
        let files = FeedSite::start().unwrap();
        files.set_fault("/files/setup.exe", Fault::NotXml);
        let right = setup("right");
        files.add_file("setup.exe", right.clone());
        let sha256 = digest_hex(&right);
        let url = files.file_url("setup.exe");
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        let mut wait = MINUTE;
        for word in ["first", "second", "third", "fourth"] {
            let said = format!("; {word} of five tries, next at ");
            let job = until(&said, async || {
                // It may be enqueued after the time has passed.
                site.app().jobs_due.notify_one();
                Some(offer.job().await).filter(|job| job.cause.contains(&said))
            })
            .await;
            let page = format!("{url} answered with a text of 43 bytes, such as a page to sign in at");
            assert!(job.cause.starts_with(&page), "{}", job.cause);
            site.live(wait).await;
            site.app().jobs_due.notify_one();
            wait *= 5;
        }
        let job = until("it is given up", async || {
            site.app().jobs_due.notify_one();
            Some(offer.job().await).filter(|job| job.state.ending.is_some())
        })
        .await;
        assert!(job.cause.contains("Reset Download Count"), "{}", job.cause);
        let listed = offer.person.get(&site.site, "/api/v1/quarantine").await.json();
        assert_eq!(listed["items"], json!([]));
        files.repair();
        let reset = json!({ "patches": [offer.patch] });
        offer.person.call(&site.site, "/api/v1/downloads/reset", &reset).await;
        offer.deploy().await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
    }

    async fn what_a_person_accepts_is_the_file_that_they_saw_and_no_other(site) {
        let folder = tempfile::tempdir().unwrap();
        let changed = Changed::new(&site, folder.path()).await;
        let person = changed.person();
        let held = changed.held().await;
        assert_eq!(held.len(), 1);
        let file = &held[0]["file"];
        assert_eq!(file["file"], changed.url);
        assert_eq!(file["wanted"], changed.old);
        assert_eq!((&file["found"], &file["sha256"]), (&json!(digest_hex(&setup("new"))), &json!(digest_hex(&setup("new")))));
        assert_eq!(file["length"], setup("new").len());
        assert_eq!((&held[0]["version"], &held[0]["offered"]), (&json!("2.0"), &json!("1.5")));
        missing(&site, person, "1.5").await;
        let page = person.get(&site.site, "/quarantine").await.text;
        for part in [&changed.old, &digest_hex(&setup("new")), &changed.url] {
            assert!(page.contains(part.as_str()), "{part} is not on {page}");
        }
        until("every page says how many there are", async || {
            let page = person.get(&site.site, "/devices").await.text;
            page.contains("Quarantine <span class=\"tag\">1</span>").then_some(())
        })
        .await;

        assert_eq!(changed.release(&digest_hex(&setup("new")), " ").await, 400);
        assert_eq!(changed.release(&changed.old, "looks right").await, 409);
        assert_eq!(changed.held().await.len(), 1);
        assert_eq!(changed.release(&digest_hex(&setup("new")), "the vendor says so").await, 204);
        assert_eq!(changed.held().await.len(), 0);
        let filter = AuditFilter::default();
        let entries = audit::list(site.db(), &filter, &Page::first(1)).await.unwrap();
        let (_, entry) = &entries.rows[0];
        assert_eq!((entry.action.as_str(), entry.subject.as_str()), ("release_quarantined", "package some-tool 2.0"));
        let after = entry.after.as_deref().unwrap();
        for part in ["the vendor says so", &digest_hex(&setup("new")), &changed.old, &changed.url] {
            assert!(after.contains(part), "{part} is not in {after}");
        }
        // Before it is fetched, the vendor changes it once more.
        changed.files.add_file("setup.exe", setup("newer"));
        missing(&site, person, "2.0").await;
        changed.deploy_in_vain().await;
        let held = changed.held().await;
        assert_eq!(held[0]["file"]["wanted"], digest_hex(&setup("new")));
        assert_eq!(held[0]["file"]["found"], digest_hex(&setup("newer")));
        // Of two acceptances the later one counts.
        let handle = site.site.running().handle();
        let lines = handle.list_quarantine().await.unwrap();
        let id: i64 = lines[0].split('\t').next().unwrap().parse().unwrap();
        let error = handle.release_quarantined(id, &digest_hex(&setup("new")), "late").await.unwrap_err();
        assert!(error.to_string().contains(&digest_hex(&setup("newer"))), "{error}");
        handle.release_quarantined(id, &digest_hex(&setup("newer")), "so be it").await.unwrap();
        assert_eq!(changed.deploy().await, digest_hex(&setup("newer")));
        until("no page says that there is any", async || {
            let page = person.get(&site.site, "/devices").await.text;
            (!page.contains("Quarantine <span")).then_some(())
        })
        .await;
    }

    async fn a_version_that_is_looked_at_again_must_be_what_its_package_names(site) {
        let folder = tempfile::tempdir().unwrap();
        let changed = Changed::new(&site, folder.path()).await;
        let look_again = async || {
            let id = changed.held().await[0]["id"].clone();
            let path = format!("/quarantine/{id}/retry");
            let answer = changed.person().post(&site.site, &path, &[]).await;
            assert_eq!(answer.location, "/quarantine?done=looked-at-again&n=1");
        };
        look_again().await;
        missing(&site, changed.person(), "2.0").await;
        changed.deploy_in_vain().await;
        changed.files.add_file("setup.exe", setup("old"));
        look_again().await;
        assert_eq!(changed.deploy().await, changed.old);
        let none = changed.person().call(&site.site, "/api/v1/quarantine/1/retry", &json!({})).await;
        assert_eq!(none.status, 404, "{}", none.text);
    }

    async fn a_nupkg_that_is_not_the_one_of_the_feed_can_be_accepted_too(site) {
        let person = site.administrator().await;
        let mut agent = Agent::enrol(&site.site, "host").await;
        has_software(&mut agent, "Tool").await;
        let feed = FeedSite::start().unwrap();
        let package = |text: &str| Nupkg::new("tool", "2.0").title("Tool").downloading_exe(
            "https://vendor.example/setup.exe", &digest_hex(text.as_bytes()), "Tool*",
        );
        feed.add_package(&package("one")).unwrap();
        let other = package("other").build().unwrap();
        feed.set_fault("/api/v2/package/tool", Fault::Body(other.clone()));
        let url = feed.url();
        let given = Given { allow_private: true, ..Given::at(&url) };
        site.site.running().handle().add_source(&given).await.unwrap();
        until("it was wrong once", async || {
            let seen = person.get(&site.site, "/api/v1/sources/1").await.json();
            seen["problems"][0]["retry_at"].as_str().map(drop)
        })
        .await;
        site.pass(MINUTE).await;
        let held = until("it is in quarantine", async || {
            let listed = person.get(&site.site, "/api/v1/quarantine").await.json();
            listed["items"].get(0).cloned()
        })
        .await;
        assert_eq!(held["file"]["sha256"], digest_hex(&other));
        assert_eq!(held["offered"], Json::Null);
        let id = held["id"].as_i64().unwrap();
        let fields = [("sha256", digest_hex(&other)), ("reason", "rebuilt by us".to_owned())];
        let fields: Vec<_> = fields.iter().map(|(name, it)| (*name, it.as_str())).collect();
        let path = format!("/quarantine/{id}/release");
        let answer = person.post(&site.site, &path, &fields).await;
        assert_eq!(answer.location, "/quarantine?done=released&n=1");
        let patch = missing(&site, &person, "2.0").await;
        approve(&site, &person, patch).await;
    }
}
