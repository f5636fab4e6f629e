//! How sources are read again: at the least cost, and without losing what a broken answer lacks.

use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite, Request, Validator};
use fleetmend_server::Given;
use fleetmend_server::catalog::intake::READER;
use fleetmend_server::catalog::{nupkgs, sync};
use fleetmend_store::{host_pauses, packages, source_pages};

use crate::clocked::{Clocked, both, until};
use crate::source_view::{SourceView, offered, package};

/// A feed of so many packages, `p00 1.0` and so on, ten on a page.
fn feed(packages: usize) -> FeedSite {
    let feed = FeedSite::start().unwrap();
    for number in 0..packages {
        let package = package(&format!("p{number:02}"), "1.0");
        feed.add_package_bytes(&package, b"never fetched".to_vec());
    }
    feed.set_page_size(10);
    feed
}

/// The requests since `before`.
fn since(feed: &FeedSite, before: usize) -> Vec<Request> {
    feed.requests().split_off(before)
}

fn is_conditional(request: &Request) -> bool {
    ["if-none-match", "if-modified-since"]
        .iter()
        .any(|it| request.header(it).is_some())
}

async fn count(view: &SourceView<'_>) -> u64 {
    packages::count(view.site.db(), view.id).await.unwrap()
}

both! {
    async fn an_unchanged_feed_costs_one_conditional_request_a_page(site) {
        for validator in [Validator::Etag, Validator::LastModified] {
            let feed = feed(35);
            feed.set_validator(validator);
            let view = SourceView::add_feed(&site, &feed).await;
            let before = feed.requests().len();
            let read = view.read().await;
            assert_eq!((read.error, read.entries), (None, Some(35)), "{validator:?}");
            let again = since(&feed, before);
            assert_eq!(again.len(), 4, "{validator:?}: {again:?}");
            assert!(again.iter().all(is_conditional), "{validator:?}: {again:?}");
            assert_eq!(count(&view).await, 35, "{validator:?}");
        }
    }

    async fn a_feed_that_tells_nothing_of_changes_is_read_whole_at_one_request_a_page(site) {
        let feed = feed(35);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = feed.requests().len();
        let read = view.read().await;
        assert_eq!((read.error, read.entries), (None, Some(35)));
        let again = since(&feed, before);
        assert_eq!(again.len(), 4, "{again:?}");
        assert!(!again.iter().any(is_conditional), "{again:?}");
    }

    async fn what_changed_on_one_page_is_seen_and_the_others_stay(site) {
        let feed = feed(35);
        feed.set_validator(Validator::Etag);
        let view = SourceView::add_feed(&site, &feed).await;
        // The last page alone is another.
        feed.add_package(&package("p34", "2.0")).unwrap();
        let read = view.read().await;
        assert_eq!((read.error, read.entries), (None, Some(35)));
        let offered = offered(&site).await;
        assert_eq!((offered.len(), offered[34].as_str()), (35, "p34 2.0"));
        assert_eq!(count(&view).await, 36);
    }

    async fn what_a_feed_pulled_is_not_offered_and_what_is_superseded_stays_to_go_back_to(site) {
        let feed = feed(15);
        feed.set_validator(Validator::Etag);
        let view = SourceView::add_feed(&site, &feed).await;
        feed.add_package(&package("p00", "2.0")).unwrap();
        view.read().await;
        assert_eq!(offered(&site).await[0], "p00 2.0");
        // The vendor withdraws it; what was before is the latest again.
        feed.remove_package("p00", "2.0");
        feed.remove_package("p00", "1.0");
        feed.add_package(&package("p00", "1.0")).unwrap();
        feed.remove_package("p01", "1.0");
        let read = view.read().await;
        assert_eq!((read.error, read.withheld), (None, None));
        let now = offered(&site).await;
        assert_eq!((now.len(), now[0].as_str(), now[1].as_str()), (14, "p00 1.0", "p02 1.0"));
        // It comes back.
        feed.add_package(&package("p01", "1.0")).unwrap();
        view.read().await;
        assert_eq!(offered(&site).await[1], "p01 1.0");
        let mut tx = site.db().begin().await.unwrap();
        let row = packages::find(&mut tx, view.id, "p00", "2.0.0").await.unwrap().unwrap();
        assert!(!row.listed);
        drop(tx);
        feed.add_unlisted_package(&package("p02", "1.1")).unwrap();
        view.read().await;
        assert_eq!(offered(&site).await[2], "p02 1.0", "an unlisted version is never offered");
    }

    async fn a_feed_that_shrinks_suspiciously_loses_nothing_before_a_person_says_so(site) {
        let feed = feed(40);
        let view = SourceView::add_feed(&site, &feed).await;
        let person = site.administrator().await;
        let before = offered(&site).await;
        feed.clear();
        let read = view.read().await;
        assert_eq!((read.error, read.entries), (None, Some(0)));
        assert_eq!(offered(&site).await, before);
        let withheld = read.withheld.unwrap();
        assert_eq!((withheld.listed, withheld.gone, withheld.since), (40, 40, site.now()));
        site.live(Duration::from_hours(1)).await;
        assert_eq!(view.read().await.withheld, Some(withheld), "and it is not asked anew");
        let path = format!("/sources/{}", view.id);
        let page = person.get(&site.site, &path).await.text;
        assert!(page.contains("no longer has 40 of the 40 versions"), "{page}");
        let shown = person.get(&site.site, &format!("/api/v1/sources/{}", view.id)).await.json();
        assert!(shown["source"]["withheld"].as_str().unwrap().contains("nothing was taken away"));
        let answer = person.post(&site.site, &format!("{path}/remove-gone"), &[]).await;
        assert_eq!(answer.location, format!("{path}?done=gone-removed&n=40"));
        assert_eq!(offered(&site).await, Vec::<String>::new());
        assert_eq!(view.last_read().await.withheld, None);
        let again = person.post(&site.site, &format!("{path}/remove-gone"), &[]).await;
        assert_eq!(again.status, 409, "{}", again.text);
    }

    async fn a_feed_that_hides_everything_loses_nothing_before_a_person_says_so(site) {
        let feed = feed(40);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        feed.hide_all();
        let read = view.read().await;
        assert_eq!((read.error, read.withheld.map(|it| it.gone)), (None, Some(40)));
        assert_eq!(offered(&site).await, before);
    }

    async fn a_feed_that_ends_before_all_that_it_counts_loses_nothing(site) {
        let feed = feed(35);
        feed.set_page_size(30);
        feed.set_counts();
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        feed.set_cut_off(true);
        feed.set_validator(Validator::Etag);
        for _ in 0..3 {
            let read = view.read().await;
            assert_eq!((read.error, read.withheld, read.entries), (None, None, Some(30)));
            let why = &read.left_out[0].why;
            assert!(why.contains("gives fewer entries than it counts: 30 of 35"), "{why}");
            assert_eq!(offered(&site).await, before);
        }
        feed.set_cut_off(false);
        let read = view.read().await;
        assert_eq!((read.error, read.left_out_count, read.entries), (None, 0, Some(35)));
    }

    async fn what_a_feed_that_counts_what_it_hides_does_not_give_for_a_day_is_gone(site) {
        let feed = feed(35);
        feed.set_counts();
        feed.set_counts_hidden(7);
        feed.set_validator(Validator::Etag);
        let view = SourceView::add_feed(&site, &feed).await;
        assert_eq!(view.last_read().await.entries, Some(35));
        let before = offered(&site).await;
        feed.remove_package("p00", "1.0");
        for _ in 0..3 {
            let read = view.read().await;
            assert_eq!((read.error, read.withheld, read.entries), (None, None, Some(34)));
            let why = &read.left_out[0].why;
            assert!(why.contains("gives fewer entries than it counts: 34 of 41; 1 versions that"), "{why}");
            assert_eq!(offered(&site).await, before);
            site.live(Duration::from_hours(8)).await;
        }
        // Now that it is missing for a day.
        let read = view.read().await;
        assert_eq!((read.error, read.withheld, read.entries), (None, None, Some(34)));
        assert_eq!(offered(&site).await, before[1..]);
        let read = view.read().await;
        assert_eq!((read.left_out_count, read.entries), (1, Some(34)), "told as long as it is so");
        assert_eq!(read.next_read_why, "it is read every 30 s", "but nothing is awaited");
        assert_eq!(offered(&site).await, before[1..]);
    }

    async fn a_person_who_takes_away_what_a_source_pulled_takes_nothing_that_waits(site) {
        let feed = feed(40);
        feed.set_counts();
        let view = SourceView::add_feed(&site, &feed).await;
        for number in 0..20 {
            feed.remove_package(&format!("p{number:02}"), "1.0");
        }
        assert_eq!(view.read().await.withheld.map(|it| it.gone), Some(20));
        // The next read is cut off: what it does not give is not gone.
        feed.set_cut_off(true);
        assert!(view.read().await.withheld.is_some(), "the question stays");
        let handle = site.site.running().handle();
        let _ = handle.remove_gone_versions(&view.id.to_string()).await;
        assert_eq!(offered(&site).await.len(), 40);
    }

    async fn what_a_feed_hid_before_a_read_broke_off_is_gone_after_the_next_one(site) {
        let feed = feed(35);
        feed.set_validator(Validator::Etag);
        let view = SourceView::add_feed(&site, &feed).await;
        feed.remove_package("p00", "1.0");
        feed.add_unlisted_package(&package("p00", "1.0")).unwrap();
        feed.add_package(&package("p00", "0.9")).unwrap();
        // The first page comes, the third does not.
        feed.set_most_skipped(10);
        assert!(view.read().await.error.is_some());
        assert_eq!(offered(&site).await[0], "p00 1.0", "nothing is decided on a part");
        feed.set_most_skipped(usize::MAX);
        assert_eq!(view.read().await.error, None);
        assert_eq!(offered(&site).await[0], "p00 0.9");
    }

    async fn a_read_goes_on_where_it_was_after_the_feed_was_down_for_a_while(site) {
        let feed = feed(35);
        feed.set_most_skipped(10);
        let view = SourceView::add(&site, &feed.url()).await;
        assert!(view.last_read().await.error.is_some());
        feed.set_fault("/api/v2/Packages", Fault::Status(502));
        assert!(view.read().await.error.is_some());
        assert!(view.read().await.error.is_some());
        feed.repair();
        feed.set_most_skipped(usize::MAX);
        let before = feed.requests().len();
        let read = view.read().await;
        assert_eq!((read.error, read.entries), (None, Some(35)));
        let again = since(&feed, before);
        assert_eq!(again.len(), 2, "the third page and the fourth: {again:?}");
    }

    async fn a_feed_that_is_whole_again_is_no_question_any_more(site) {
        let feed = feed(40);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        for number in 10..40 {
            feed.remove_package(&format!("p{number:02}"), "1.0");
        }
        assert_eq!(view.read().await.withheld.map(|it| it.gone), Some(30));
        for number in 10..40 {
            feed.add_package(&package(&format!("p{number:02}"), "1.0")).unwrap();
        }
        assert_eq!(view.read().await.withheld, None);
        assert_eq!(offered(&site).await, before);
    }

    async fn a_feed_that_leads_in_a_circle_is_told_and_loses_nothing(site) {
        let feed = feed(25);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        // Now one page that leads to itself.
        for number in 10..25 {
            feed.remove_package(&format!("p{number:02}"), "1.0");
        }
        feed.set_last_link("Packages()?$filter=IsLatestVersion&amp;$orderby=Id");
        let read = view.read().await;
        assert_eq!(read.error, None);
        assert_eq!(read.left_out_count, 1);
        assert!(read.left_out[0].why.contains("leads back to this page"), "{read:?}");
        assert_eq!(offered(&site).await, before);
    }

    async fn a_feed_in_ones_own_network_is_read_twice_a_minute_unless_a_person_set_how_often(site) {
        let feed = feed(1);
        let view = SourceView::add_feed(&site, &feed).await;
        assert_eq!(view.read().await.next_read_why, "it is read every 30 s");
        let handle = site.site.running().handle();
        let set = Given { every_seconds: Some(600), ..Given::default() };
        handle.set_source(&feed.url(), &set).await.unwrap();
        let read = view.read().await;
        assert_eq!(read.next_read_why, "it is read every 10 min");
        let wait = read.next_read_at.unwrap().since(read.finished_at.unwrap());
        assert_eq!(wait, Duration::from_mins(10));
        let before = feed.requests().len();
        site.live(Duration::from_mins(11)).await;
        sync::enqueue_due(site.app()).await.unwrap();
        until("its time came", async || (feed.requests().len() > before).then_some(())).await;
    }

    async fn redirects_wait_for_their_turn_like_any_request(site) {
        let feed = feed(1);
        feed.set_fault("/api/v2/Packages", Fault::Redirect(feed.url() + "Packages"));
        let handle = site.site.running().handle();
        let url = feed.url();
        let given = Given { allow_private: true, per_minute: Some(3), ..Given::at(&url) };
        handle.add_source(&given).await.unwrap();
        until("it used up its turns", async || (feed.requests().len() >= 3).then_some(())).await;
        // As much as anything takes that goes over the same network.
        let person = site.administrator().await;
        for _ in 0..20 {
            person.get(&site.site, "/sources").await;
        }
        assert_eq!(feed.requests().len(), 3);
    }

    async fn what_a_host_gives_over_another_one_counts_between_two_refusals(site) {
        let (near, far) = (FeedSite::start().unwrap(), FeedSite::start().unwrap());
        let all = ["one", "two", "three"];
        for id in all {
            near.add_package(&package(id, "1.0")).unwrap();
            far.add_package(&package(id, "1.0")).unwrap();
        }
        let location = format!("http://localhost:{}/api/v2/", near.port());
        near.set_base(&location);
        let refused = |id: &str| near.set_fault(&format!("/api/v2/package/{id}/"), Fault::Status(403));
        refused("one");
        refused("three");
        let elsewhere = Fault::Redirect(format!("{}package/two/1.0", far.url()));
        near.set_fault("/api/v2/package/two/", elsewhere);
        let hosts = ["localhost", "127.0.0.1"].map(str::to_owned);
        let given = Given { private_hosts: &hosts, ..Given::at(&location) };
        let id = site.site.running().handle().add_source(&given).await.unwrap();
        let view = SourceView { site: &site, id };
        view.wait_read().await;
        for id in all {
            let row = packages::versions(site.db(), view.id, id).await.unwrap().remove(0);
            nupkgs::fetch_one(site.app(), row).await.unwrap();
            let row = packages::versions(site.db(), view.id, id).await.unwrap().remove(0);
            assert_eq!(row.problem.is_some(), id != "two", "{id}: {:?}", row.problem);
        }
        // Two in a row would be a host that wants to be left alone.
        let paused = host_pauses::get(site.db(), "localhost", site.now()).await.unwrap();
        assert_eq!(paused, None);
    }

    async fn next_pages_at_another_host_are_asked_of_the_feeds_own_and_told(site) {
        let other = FeedSite::start().unwrap();
        other.add_package(&package("evil", "9.0")).unwrap();
        let feed = feed(25);
        let location = feed.url();
        // As behind a reverse proxy: the links have a name that is known inside alone.
        feed.set_base(&other.url().replace("127.0.0.1", "localhost"));
        feed.set_validator(Validator::Etag);
        let view = SourceView::add(&site, &location).await;
        for _ in 0..2 {
            let read = view.read().await;
            assert_eq!((read.error, read.entries), (None, Some(25)));
            assert_eq!(read.left_out_count, 1);
            let why = &read.left_out[0].why;
            assert!(why.contains("at the host localhost, which is not asked"), "{why}");
        }
        assert_eq!(other.requests().len(), 0);
        assert_eq!(count(&view).await, 25);
    }

    async fn a_feed_that_breaks_keeps_its_pages_and_goes_on_with_them(site) {
        let feed = feed(35);
        feed.set_validator(Validator::Etag);
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        for fault in [Fault::NotXml, Fault::Dtd, Fault::Status(502), Fault::Body(Vec::new())] {
            feed.set_fault("/api/v2/Packages", fault);
            assert!(view.read().await.error.is_some());
            assert_eq!(offered(&site).await, before);
        }
        feed.repair();
        let requests = feed.requests().len();
        assert_eq!(view.read().await.error, None);
        let again = since(&feed, requests);
        assert_eq!((again.len(), again.iter().all(is_conditional)), (4, true), "{again:?}");
    }

    async fn how_far_a_first_read_has_come_is_known_from_what_the_feed_counts(site) {
        let feed = feed(35);
        feed.set_counts();
        feed.set_stall_at_skip(30);
        let handle = site.site.running().handle();
        let url = feed.url();
        let given = Given { allow_private: true, ..Given::at(&url) };
        let id = handle.add_source(&given).await.unwrap();
        let view = SourceView { site: &site, id };
        let shown = until("it has come as far as it can", async || {
            let state = fleetmend_server::catalog::sources::state(&view.get().await);
            state.contains("30 of").then_some(state)
        })
        .await;
        assert_eq!(shown, "Being read: 30 of about 35 entries");
        let person = site.administrator().await;
        let page = person.get(&site.site, &format!("/sources/{id}")).await.text;
        assert!(page.contains("<progress value=\"30\" max=\"35\">"), "{page}");
        let body = person.get(&site.site, &format!("/api/v1/sources/{id}")).await.json();
        assert_eq!(body["source"]["progress"], serde_json::json!({"entries": 30, "pages": 3, "expected": 35}));
    }
}

/// Two packages that have as many bytes.
fn as_long(one: &str, other: &str) -> (Vec<u8>, Vec<u8>) {
    let build = |id: &str| -> Vec<Vec<u8>> {
        let titles = (0..100).map(|it| format!("Title {it}"));
        titles
            .map(|it| package(id, "1.0").title(&it).build().unwrap())
            .collect()
    };
    let others = build(other);
    let pair = build(one).into_iter().find_map(|one| {
        let other = others.iter().find(|it| it.len() == one.len())?;
        Some((one, other.clone()))
    });
    pair.expect("two of many have the same length")
}

#[tokio::test]
async fn a_file_of_a_folder_that_is_being_copied_is_there_and_taken_when_it_is_whole() {
    crate::clocked::on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool.nupkg");
        std::fs::write(&path, package("tool", "1.0").build().unwrap()).unwrap();
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        assert_eq!(offered(&site).await, ["tool 1.0"]);
        let newer = package("tool", "2.0").build().unwrap();
        std::fs::write(&path, &newer[..newer.len() / 2]).unwrap();
        for _ in 0..2 {
            let read = view.read().await;
            assert_eq!((read.withheld, read.left_out_count), (None, 1));
            assert!(read.left_out[0].what.contains("tool.nupkg"), "{read:?}");
            assert_eq!(offered(&site).await, ["tool 1.0"]);
        }
        // A device may have it now: its file is none yet, which is no sign of a wrong one.
        let row = packages::versions(site.db(), view.id, "tool")
            .await
            .unwrap()
            .remove(0);
        nupkgs::fetch_one(site.app(), row.clone()).await.unwrap();
        let row = packages::get(site.db(), row.row).await.unwrap().unwrap();
        assert_eq!(row.quarantine, None);
        let problem = row.problem.unwrap();
        assert!(
            problem.why.contains("is being copied") && problem.retry_at.is_some(),
            "{problem:?}"
        );
        std::fs::write(&path, &newer).unwrap();
        let read = view.read().await;
        assert_eq!((read.withheld, read.left_out_count), (None, 0));
        assert_eq!(offered(&site).await, ["tool 2.0"]);
        let versions = packages::versions(site.db(), view.id, "tool")
            .await
            .unwrap();
        assert!(!versions[1].listed, "the file has another version now");
    })
    .await;
}

#[tokio::test]
async fn a_folders_files_are_read_when_they_changed_and_gone_when_they_are() {
    crate::clocked::on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        for id in ["two", "three"] {
            package(id, "1.0").build_into(folder.path()).unwrap();
        }
        let path = folder.path().join("one.nupkg");
        let (first, second) = as_long("one", "uno");
        std::fs::write(&path, first).unwrap();
        std::fs::write(folder.path().join("torn.nupkg"), "PK").unwrap();
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        assert_eq!(view.last_read().await.left_out_count, 1);
        let known = source_pages::known(site.db(), view.id, READER)
            .await
            .unwrap();
        assert_eq!(known.len(), 4);
        assert_eq!(offered(&site).await, ["one 1.0", "three 1.0", "two 1.0"]);
        // Another package under the same name, as long as the one before, and as old.
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, second).unwrap();
        std::fs::File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
        std::fs::remove_file(folder.path().join("two.1.0.nupkg")).unwrap();
        let read = view.read().await;
        assert_eq!(
            (read.error, read.entries, read.left_out_count),
            (None, Some(3), 1)
        );
        let now = offered(&site).await;
        assert_eq!(now, ["three 1.0", "uno 1.0"]);
        // A share that is not there is an empty folder.
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        assert!(view.read().await.withheld.is_some());
        assert_eq!(offered(&site).await, now);
    })
    .await;
}
