//! Feeds that do not say all that they have, one read after another.

use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite};

use crate::clocked::both;
use crate::source_view::{SourceView, offered, package};

/// What leads back to the first page.
const FIRST_PAGE: &str = "Packages()?$filter=IsLatestVersion&amp;$orderby=Id";

/// Adds `p00 1.0` and so on.
fn add(feed: &FeedSite, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let package = package(&format!("p{number:02}"), "1.0");
        feed.add_package_bytes(&package, b"never fetched".to_vec());
    }
}

/// A feed of so many packages, ten on a page.
fn feed(packages: usize) -> FeedSite {
    let feed = FeedSite::start().unwrap();
    add(&feed, 0..packages);
    feed.set_page_size(10);
    feed
}

both! {
    async fn a_feed_that_is_empty_once_and_short_the_next_time_loses_nothing(site) {
        let feed = feed(10);
        feed.set_counts();
        let view = SourceView::add_feed(&site, &feed).await;
        let before = offered(&site).await;
        feed.clear();
        for _ in 0..2 {
            let read = view.read().await;
            assert_eq!((read.error, read.withheld.map(|it| it.gone)), (None, Some(10)));
        }
        add(&feed, 0..9);
        feed.set_counts_hidden(1);
        let read = view.read().await;
        assert_eq!(offered(&site).await, before);
        let why = &read.left_out[0].why;
        assert!(why.contains("gives fewer entries than it counts: 9 of 10"), "{why}");
        // Whole again, it is measured by itself, and what it pulls then goes.
        add(&feed, 9..10);
        feed.set_counts_hidden(0);
        let read = view.read().await;
        assert_eq!((read.withheld, read.left_out_count), (None, 0));
        feed.remove_package("p09", "1.0");
        view.read().await;
        assert_eq!(offered(&site).await, before[..9]);
    }

    async fn what_a_read_saw_that_did_not_see_all_measures_the_next_one(site) {
        let feed = feed(25);
        feed.set_counts();
        feed.set_last_link(FIRST_PAGE);
        let view = SourceView::add_feed(&site, &feed).await;
        let read = view.last_read().await;
        assert!(read.left_out[0].why.contains("leads back to this page"), "{read:?}");
        let before = offered(&site).await;
        assert_eq!(before.len(), 25);
        // Neither leads anywhere now, nor is whole.
        feed.remove_package("p24", "1.0");
        feed.set_counts_hidden(1);
        feed.set_last_link("");
        let read = view.read().await;
        assert_eq!(offered(&site).await, before, "{read:?}");
    }

    async fn a_read_that_broke_off_measures_the_one_that_begins_anew(site) {
        let feed = feed(25);
        feed.set_counts();
        feed.set_most_skipped(10);
        let view = SourceView::add(&site, &feed.url()).await;
        assert!(view.last_read().await.error.is_some());
        let before = offered(&site).await;
        assert_eq!(before.len(), 20);
        site.live(std::time::Duration::from_hours(25)).await;
        feed.set_most_skipped(usize::MAX);
        for number in 19..25 {
            feed.remove_package(&format!("p{number:02}"), "1.0");
        }
        feed.set_counts_hidden(6);
        let read = view.read().await;
        assert_eq!(read.error, None);
        assert_eq!(offered(&site).await, before, "{read:?}");
    }

    async fn a_read_that_saw_part_of_a_feed_tells_its_own_numbers_alone(site) {
        let feed = feed(12);
        feed.add_package_bytes(&package("q", "no-version"), b"never fetched".to_vec());
        let view = SourceView::add_feed(&site, &feed).await;
        let read = view.last_read().await;
        assert_eq!((read.entries, read.left_out_count), (Some(13), 1), "{read:?}");
        for number in 10..12 {
            feed.remove_package(&format!("p{number:02}"), "1.0");
        }
        feed.remove_package("q", "no-version");
        feed.set_last_link(FIRST_PAGE);
        let read = view.read().await;
        assert_eq!((read.entries, read.left_out_count), (Some(10), 1), "{read:?}");
        assert!(read.left_out[0].why.contains("leads back to this page"), "{read:?}");
    }

    async fn what_a_feed_does_not_give_that_does_not_answer_how_much_it_has_stays_on_offer(site) {
        for fault in [Fault::Status(403), Fault::Status(429), Fault::Status(503)] {
            let feed = feed(20);
            feed.set_counts();
            let view = SourceView::add_feed(&site, &feed).await;
            let before = offered(&site).await;
            assert_eq!(before.len(), 20);
            feed.remove_package("p19", "1.0");
            feed.set_fault("/api/v2/Packages()/$count", fault);
            let read = view.read().await;
            assert_eq!((read.error, read.withheld, read.entries), (None, None, Some(19)));
            let why = &read.left_out[0].why;
            assert!(why.contains("did not answer how many it has: 19 of 20; 1 versions that"), "{why}");
            assert_eq!(offered(&site).await, before);
            let removed = site.site.running().handle().remove_source(&feed.url()).await;
            removed.unwrap();
            // The next one is on the same host, which is left alone for a while.
            site.pass(Duration::from_hours(24)).await;
        }
    }

    async fn a_feed_that_gives_fewer_entries_than_it_counts_is_told_from_the_first_read_on(site) {
        for (packages, page_size) in [(25, 10), (15, 40)] {
            let feed = feed(packages);
            feed.set_page_size(page_size);
            feed.set_counts();
            feed.set_counts_hidden(7);
            let view = SourceView::add_feed(&site, &feed).await;
            let expected = format!(
                "gives fewer entries than it counts: {packages} of {}",
                packages + 7
            );
            for read in [view.last_read().await, view.read().await, view.read().await] {
                assert_eq!((read.error, read.entries), (None, Some(packages as u64)));
                assert_eq!(read.left_out[0].why, expected);
            }
            let state = fleetmend_server::catalog::sources::state(&view.get().await);
            assert_eq!(state, format!("Read: {expected}"));
            feed.set_counts_hidden(0);
            assert_eq!(view.read().await.left_out_count, 0);
            let state = fleetmend_server::catalog::sources::state(&view.get().await);
            assert_eq!(state, "Read");
            let removed = site.site.running().handle().remove_source(&feed.url()).await;
            removed.unwrap();
        }
    }
}
