//! Sources with priorities, changed and removed by the console, the API and commands.

use fleetmend_e2e::feed::FeedSite;
use fleetmend_server::Given;
use fleetmend_store::audit::{self, AuditFilter};
use fleetmend_store::{Page, packages, sources};
use serde_json::json;

use crate::clocked::{Clocked, both};
use crate::source_view::{SourceView, offered, package};

/// A feed of these versions, `id version`.
fn feed(versions: &[&str]) -> FeedSite {
    let feed = FeedSite::start().unwrap();
    for it in versions {
        let (id, version) = it.split_once(' ').unwrap();
        feed.add_package(&package(id, version)).unwrap();
    }
    feed
}

/// What was noted of an action.
async fn noted(site: &Clocked, action: &str) -> Vec<String> {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    let page = Page::first(50);
    let all = audit::list(site.db(), &filter, &page).await.unwrap();
    let after = all
        .rows
        .into_iter()
        .map(|it| it.1.after.unwrap_or_default());
    after.collect()
}

both! {
    async fn a_package_is_taken_from_the_source_of_the_best_priority_and_not_by_its_version(site) {
        let (public, own) = (feed(&["tool 9.0", "zip 1.0"]), feed(&["tool 1.0", "inhouse 1.0"]));
        let public = SourceView::add_feed(&site, &public).await;
        let own = SourceView::add_feed(&site, &own).await;
        let person = site.administrator().await;
        assert_eq!(offered(&site).await, ["inhouse 1.0", "tool 9.0", "zip 1.0"], "the first that was added");
        let held = person.get(&site.site, &format!("/api/v1/sources/{}/held-back", own.id)).await.json();
        assert_eq!(held, json!([{
            "package": "tool", "version": "1.0", "is_higher": false,
            "taken_from": public.id.0, "taken_version": "9.0",
        }]));
        // By the API, by the console, and by a command.
        let answer = person.call(&site.site, &format!("/api/v1/sources/{}", own.id), &json!({"priority": 2})).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert_eq!(offered(&site).await[1], "tool 1.0");
        let page = person.get(&site.site, &format!("/sources/{}/held-back", public.id)).await.text;
        assert!(page.contains("Higher than the one that is taken"), "{page}");
        let answer = person.post(&site.site, &format!("/sources/{}", public.id), &[("priority", "1")]).await;
        assert_eq!(answer.location, format!("/sources/{}?done=source-set&n=1", public.id));
        assert_eq!(offered(&site).await[1], "tool 9.0");
        let handle = site.site.running().handle();
        let none = Given { priority: Some(0), ..Given::default() };
        handle.set_source(&public.id.to_string(), &none).await.unwrap();
        assert_eq!(offered(&site).await[1], "tool 1.0");
        let list = handle.list_sources().await.unwrap();
        assert!(list[0].contains("priority 2") && list[1].contains("no priority"), "{list:?}");
        let page = person.get(&site.site, "/sources").await.text;
        assert!(page.contains("<td class=\"number\">2</td>"), "{page}");
        // Switched off, it has nothing; what it kept back comes from the other one.
        let off = Given { enabled: Some(false), ..Given::default() };
        handle.set_source(&own.id.to_string(), &off).await.unwrap();
        assert_eq!(offered(&site).await, ["tool 9.0", "zip 1.0"]);
        assert_eq!(noted(&site, "set_source").await, [
            "\"switched: on → off\"", "\"priority: 1 → 0\"", "\"priority: 0 → 1\"", "\"priority: 0 → 2\"",
        ]);
    }

    async fn what_is_in_quarantine_at_its_source_is_not_taken_from_another(site) {
        let (own, public) = (feed(&["tool 1.0"]), feed(&["tool 9.0"]));
        let own = SourceView::add_feed(&site, &own).await;
        SourceView::add_feed(&site, &public).await;
        let mut tx = site.db().begin().await.unwrap();
        let row = packages::find(&mut tx, own.id, "tool", "1.0.0").await.unwrap().unwrap().row;
        packages::quarantine(&mut tx, row, Some("a wrong byte"), site.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(offered(&site).await, Vec::<String>::new());
    }

    async fn a_password_goes_to_another_address_only_when_it_is_given_anew(site) {
        let old = feed(&["tool 1.0"]);
        old.require_login("reader", "secret of the old");
        let new = feed(&["tool 2.0"]);
        new.require_login("reader", "secret of the new");
        let handle = site.site.running().handle();
        let url = old.url();
        let added = Given {
            user: Some("reader"),
            password: Some("secret of the old"),
            allow_private: true,
            ..Given::at(&url)
        };
        let id = handle.add_source(&added).await.unwrap();
        let view = SourceView { site: &site, id };
        view.wait_read().await;
        assert_eq!(offered(&site).await, ["tool 1.0"]);
        let person = site.administrator().await;
        let path = format!("/api/v1/sources/{id}");
        let moved = json!({"location": new.url()});
        let answer = person.call(&site.site, &path, &moved).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains("give it anew"), "{}", answer.text);
        assert_eq!(view.get().await.settings.location, old.url(), "nothing was changed");
        let fields = [("location", new.url())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = person.post(&site.site, &format!("/sources/{id}"), &fields).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(new.requests().len(), 0);
        let moved = json!({"location": new.url(), "user": "reader", "password": "secret of the new"});
        let answer = person.call(&site.site, &path, &moved).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        view.wait_read().await;
        assert_eq!(offered(&site).await, ["tool 2.0"]);
        for request in new.requests() {
            assert!(!request.header("authorization").unwrap().contains("c2VjcmV0IG9mIHRoZSBvbGQ"));
        }
        let moved = json!({"location": old.url(), "without_login": true});
        assert_eq!(person.call(&site.site, &path, &moved).await.status, 204);
        view.wait_read().await;
        assert!(view.last_read().await.error.unwrap().contains("401"));
        let noted = noted(&site, "set_source").await.concat();
        assert!(noted.contains("user: reader") && noted.contains("user: none"), "{noted}");
        assert!(!noted.contains("secret"), "{noted}");
    }

    async fn one_feed_is_one_source_however_its_address_is_spelled(site) {
        let feed = feed(&["tool 1.0"]);
        let (url, port) = (feed.url(), feed.port());
        let view = SourceView::add_feed(&site, &feed).await;
        let person = site.administrator().await;
        let handle = site.site.running().handle();
        for same in [
            url.trim_end_matches('/').to_owned(),
            format!("{url}/"),
            format!("{url}//"),
            url.replace("127.0.0.1", "127.0.0.01"),
        ] {
            let given = Given { allow_private: true, ..Given::at(&same) };
            let error = handle.add_source(&given).await.unwrap_err().to_string();
            let named = format!("source {}", view.id);
            assert!(error.contains(&named) && error.contains("the same feed"), "{same}: {error}");
            let body = json!({"location": same, "allow_private": true});
            let answer = person.call(&site.site, "/api/v1/sources", &body).await;
            assert_eq!(answer.status, 409, "{same}: {}", answer.text);
        }
        assert_eq!(sources::list(site.db()).await.unwrap().len(), 2);
        // Another one moves to no other's place; one that is respelled stays what it is.
        let other = FeedSite::start().unwrap();
        let other = SourceView::add(&site, &other.url()).await;
        let moved = format!("http://127.0.0.1:{port}/api/v2");
        let given = Given { allow_private: true, ..Given::at(&moved) };
        let error = handle.set_source(&other.id.to_string(), &given).await.unwrap_err();
        assert!(error.to_string().contains("the same feed"), "{error}");
        handle.set_source(&view.id.to_string(), &given).await.unwrap();
    }

    async fn private_hosts_are_added_to_a_source_that_stays_where_it_is(site) {
        let feed = feed(&["tool 1.0"]);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = view.get().await.private_hosts;
        let handle = site.site.running().handle();
        let hosts = ["files.corp.example".to_owned()];
        let given = Given { private_hosts: &hosts, ..Given::default() };
        handle.set_source(&view.id.to_string(), &given).await.unwrap();
        let after = view.get().await.private_hosts;
        assert!(after.contains(&hosts[0]) && before.iter().all(|it| after.contains(it)), "{after:?}");
        let noted = noted(&site, "set_source").await.concat();
        assert!(noted.contains("files.corp.example"), "{noted}");
    }

    async fn a_source_at_another_address_is_read_anew_from_the_beginning(site) {
        let (old, new) = (feed(&["tool 1.0", "old 1.0"]), feed(&["tool 1.0"]));
        let view = SourceView::add_feed(&site, &old).await;
        let handle = site.site.running().handle();
        let url = new.url();
        let moved = Given::at(&url);
        handle.set_source(&view.id.to_string(), &moved).await.unwrap();
        view.wait_read().await;
        assert_eq!(offered(&site).await, ["tool 1.0"]);
        let row = packages::find(site.db(), view.id, "tool", "1.0.0").await.unwrap().unwrap();
        assert!(row.content_location.starts_with(&new.url()), "{}", row.content_location);
        let other = SourceView::add_feed(&site, &old).await;
        let taken = handle.set_source(&other.id.to_string(), &moved).await.unwrap_err();
        assert!(taken.to_string().contains("already"), "{taken}");
    }

    async fn a_source_for_one_generation_of_chocolatey_leaves_out_what_that_cannot_read(site) {
        let feed = feed(&["fix 1.0.0_1", "one 1", "both 1.0"]);
        let view = SourceView::add_feed(&site, &feed).await;
        assert_eq!(offered(&site).await, ["both 1.0", "fix 1.0.0_1", "one 1"]);
        let handle = site.site.running().handle();
        for (dialect, expected) in [
            ("choco1", &["both 1.0", "fix 1.0.0_1"][..]),
            ("choco2", &["both 1.0", "one 1"]),
            ("any", &["both 1.0", "fix 1.0.0_1", "one 1"]),
        ] {
            let settings = Given { dialect: Some(dialect), ..Given::default() };
            handle.set_source(&view.id.to_string(), &settings).await.unwrap();
            view.wait_read().await;
            assert_eq!(view.last_read().await.left_out_count as usize, 3 - expected.len(), "{dialect}");
            assert_eq!(offered(&site).await, expected, "{dialect}");
        }
    }

    async fn a_source_goes_after_a_word_on_what_hangs_on_it(site) {
        let (first, second) = (feed(&["tool 1.0", "zip 1.0"]), feed(&["tool 2.0"]));
        let first = SourceView::add_feed(&site, &first).await;
        SourceView::add_feed(&site, &second).await;
        let person = site.administrator().await;
        let preview = person.get(&site.site, &format!("/api/v1/sources/{}/removal", first.id)).await.json();
        assert_eq!((&preview["versions"], &preview["elsewhere"]), (&json!(2), &json!(1)), "{preview}");
        let page = person.get(&site.site, &format!("/sources/{}/remove", first.id)).await.text;
        for words in [
            "2 package versions of it are forgotten",
            "1 package is taken from another source from then on",
            "Jobs and approvals stay as history",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        // Once it is answered there is no question to come back to.
        assert!(!page.contains(&format!("value=\"/sources/{}/remove\"", first.id)), "{page}");
        let answer = person.post(&site.site, &format!("/sources/{}/remove", first.id), &[]).await;
        assert_eq!(answer.location, "/sources?done=source-removed&n=1");
        assert_eq!(offered(&site).await, ["tool 2.0"]);
        assert_eq!(sources::get(site.db(), first.id).await.unwrap(), None);
        let own = person.post(&site.site, "/sources/0/remove", &[]).await;
        assert_eq!(own.status, 409, "{}", own.text);
        assert_eq!(noted(&site, "remove_source").await.len(), 1);
        let gone = person.get(&site.site, &format!("/sources/{}/remove", first.id)).await;
        assert_eq!(gone.status, 404);
    }
}
