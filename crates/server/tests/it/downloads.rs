//! How the server gets installers: again after a failure, a number of times, and on from where it was.

use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite, Request};
use fleetmend_e2e::pe::Pe;
use fleetmend_model::PatchId;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_server::Given;
use fleetmend_server::catalog::mirror;
use fleetmend_store::installer_versions::{self, InstallerVersion};
use fleetmend_store::{Page, deploy_jobs, patches, queue, releases};
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, Offer, approve, missing};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Waits until no download is under way: a try says its cause before its work is over, and time that
/// leaps meanwhile ends its lease, so that the same work is done twice.
async fn settled(site: &Clocked) {
    site.is_idle("mirror_patch").await;
}

/// Lets time pass, and the work whose time has come be done.
async fn pass(site: &Clocked, time: Duration) {
    settled(site).await;
    site.live(time).await;
    site.app().jobs_due.notify_one();
}

/// A site with an installer of so many bytes, none like the next.
fn installer(length: u32) -> (FeedSite, String, Vec<u8>) {
    let program = Pe::new("Some tool", "2.0");
    let rest = length - program.build().len() as u32;
    let payload: Vec<u8> = (0..rest)
        .map(|it| (it.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let bytes = program.carrying(payload).build();
    let site = FeedSite::start().unwrap();
    site.add_file("setup.exe", bytes.clone());
    (site, digest_hex(&bytes), bytes)
}

fn asked(site: &FeedSite) -> Vec<Request> {
    let requests = site.requests().into_iter();
    requests
        .filter(|it| it.path == "/files/setup.exe")
        .collect()
}

both! {
    async fn a_download_that_fails_is_tried_five_times_and_again_when_the_count_is_reset(site) {
        let folder = tempfile::tempdir().unwrap();
        let offer = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        assert!(offer.deploy().await["deployment"].is_i64());
        let mut wait = MINUTE;
        for word in ["first", "second", "third", "fourth"] {
            let said = format!("; {word} of five tries, next at ");
            let job = offer.job_when(word, |job| job.cause.contains(&said)).await;
            assert_eq!(job.state.status, DeployStatus::Downloading);
            assert!(job.cause.starts_with("cannot reach http://127.0.0.1:9/setup.exe: "), "{}", job.cause);
            assert!(job.next_step.starts_with("the server tries again at "), "{}", job.next_step);
            // Not before its time, whoever asks.
            let listed = offer.person.get(&site.site, "/api/v1/downloads").await.json();
            let row = &listed["items"][0];
            assert_eq!((&row["patch"], &row["jobs"]), (&json!(offer.patch), &json!(1)));
            assert!(job.cause.ends_with(row["retry_at"].as_str().unwrap()), "{row}");
            pass(&site, wait).await;
            wait *= 5;
        }
        let job = offer.job_when("it is given up", |job| job.state.ending.is_some()).await;
        assert_eq!(job.state.ending, Some(Ending::DownloadFailed));
        let said = "; fifth of five tries: Reset Download Count has it tried again";
        assert!(job.cause.ends_with(said), "{}", job.cause);
        let answer = offer.deploy().await;
        assert!(answer["deployment"].is_null(), "{answer}");
        let why = "its files could not be downloaded: cannot reach http://127.0.0.1:9/setup.exe";
        assert!(answer.to_string().contains(why), "{answer}");
        let page = offer.person.get(&site.site, "/missing").await.text;
        assert!(page.contains(&format!("Cannot be deployed: {why}")), "{page}");
        let page = offer.person.get(&site.site, "/downloads").await.text;
        assert!(page.contains("<td>When the count is reset</td>"), "{page}");

        settled(&site).await;
        let fields = [("patch", offer.patch.to_string())];
        let fields: Vec<_> = fields.iter().map(|(name, it)| (*name, it.as_str())).collect();
        let reset = offer.person.post(&site.site, "/downloads/reset", &fields).await;
        assert_eq!(reset.location, "/downloads?done=download-count-reset&n=1");
        let redeploy = json!({ "jobs": [job.id] });
        let path = "/api/v1/deploy-jobs/redeploy";
        let answer = offer.person.call(&site.site, path, &redeploy).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        offer.job_when("it begins anew", |job| job.cause.contains("; first of five tries")).await;
        let again = json!({ "patches": [offer.patch, 999] });
        let answer = offer.person.call(&site.site, "/api/v1/downloads/reset", &again).await;
        assert_eq!(answer.json()["count"], 1);
        let handle = site.site.running().handle();
        until("it was tried at once", async || {
            let lines = handle.list_downloads().await.unwrap();
            lines.iter().any(|it| it.contains("next try at")).then_some(())
        })
        .await;
    }

    async fn a_site_that_refuses_for_once_is_asked_again_and_one_that_has_nothing_is_not(site) {
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, _) = installer(1000);
        let url = files.file_url("setup.exe");
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        for status in [404, 410] {
            files.set_fault("/files/setup.exe", Fault::Status(status));
            offer.deploy().await;
            let job = offer.job_when("it has ended", |job| job.state.ending.is_some()).await;
            assert_eq!(job.cause, format!("{url} answered {status}"));
            // The try itself forgets and remembers what the reset takes away.
            settled(&site).await;
            let reset = json!({ "patches": [offer.patch] });
            offer.person.call(&site.site, "/api/v1/downloads/reset", &reset).await;
        }
        assert_eq!(asked(&files).len(), 2, "once each");
        files.set_fault("/files/setup.exe", Fault::Status(403));
        offer.deploy().await;
        let mut wait = MINUTE;
        for (status, word) in [(403, "first"), (408, "second"), (425, "third")] {
            let said = format!("{url} answered {status}; {word} of five tries, next at ");
            offer.job_when(&said, |job| job.cause.starts_with(&said)).await;
            let next = if status == 403 { 408 } else { 425 };
            files.set_fault("/files/setup.exe", Fault::Status(next));
            if status == 425 {
                files.repair();
            }
            pass(&site, wait).await;
            wait *= 5;
        }
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
    }

    async fn a_site_that_says_403_and_how_long_it_wants_to_be_left_alone_is_left_alone(site) {
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, _) = installer(1000);
        let url = files.file_url("setup.exe");
        files.set_fault("/files/setup.exe", Fault::Refused(403, 1200));
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        offer.job_when("it is refused", |job| job.cause.contains("first of five tries")).await;
        files.repair();
        pass(&site, MINUTE).await;
        let said = "127.0.0.1 is not asked for anything: it answered 403; tries again at ";
        offer.job_when("its wish is kept to", |job| job.cause.starts_with(said)).await;
        assert_eq!(asked(&files).len(), 1);
        pass(&site, MINUTE * 20).await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
    }

    async fn a_job_whose_files_never_come_ends_by_its_deadline_and_leaves_nothing_behind(site) {
        let folder = tempfile::tempdir().unwrap();
        let offer = Offer::new(&site, folder.path(), NOBODY, NOTHING).await;
        offer.deploy().await;
        let job = offer.job_when("it waits", |job| job.cause.contains("first of five tries")).await;
        site.live(72 * HOUR).await;
        let job = deploy_jobs::get(site.db(), job.id).await.unwrap().unwrap();
        assert_eq!(job.state.ending, Some(Ending::Expired));
        // Nobody needs the files: a try that was under way when time passed is the last.
        pass(&site, HOUR).await;
        until("the work is over", async || {
            let page = Page::first(10);
            let left = queue::list(site.db(), Some("mirror_patch"), &page).await.unwrap();
            left.rows.is_empty().then_some(())
        })
        .await;
    }

    async fn an_installer_in_a_private_network_is_not_asked_for_and_its_job_says_why(site) {
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, _) = installer(1000);
        let url = files.file_url("setup.exe");
        let offer = Offer::from(&site, folder.path(), &url, &sha256, &[]).await;
        offer.deploy().await;
        let job = offer.job_when("it has ended", |job| job.state.ending.is_some()).await;
        assert_eq!(job.state.ending, Some(Ending::DownloadFailed));
        let said = format!(
            "{url}: the host 127.0.0.1 is an address, in this machine itself: if that is right, make \
             it a private host of the source"
        );
        assert_eq!(job.cause, said);
        // The person allows it: the count is reset with that.
        let hosts = json!({ "hosts": ["127.0.0.1"] });
        let path = "/api/v1/sources/1/private-hosts";
        assert_eq!(offer.person.call(&site.site, path, &hosts).await.status, 204);
        assert!(offer.deploy().await["deployment"].is_i64());
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
    }

    async fn a_download_that_broke_off_goes_on_where_it_was_also_after_a_restart(site) {
        const LENGTH: u32 = 3_000_000;
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, bytes) = installer(LENGTH);
        let url = files.file_url("setup.exe");
        files.set_fault("/files/setup.exe", Fault::Truncated);
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        let broke = |count: usize, here: u32| {
            let said = format!("broke off after {here} of {LENGTH} bytes");
            let files = &files;
            move |job: &deploy_jobs::DeployJob| {
                asked(files).len() == count && job.cause.contains(&said)
            }
        };
        let job = offer.job_when("it broke off", broke(1, LENGTH / 2)).await;
        assert!(job.cause.contains("first of five tries"), "{}", job.cause);
        pass(&site, MINUTE).await;
        // Half of the rest came: too little to begin a new row.
        let job = offer.job_when("it broke off again", broke(2, LENGTH / 4 * 3)).await;
        assert!(job.cause.contains("second of five tries"), "{}", job.cause);
        let (person, patch) = (offer.person, offer.patch);
        let site = site.restart(MINUTE).await;
        files.repair();
        let offer = Offer::known(&site, person, patch);
        pass(&site, HOUR).await;
        let job = offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        assert!(job.release.is_some());
        let ranges: Vec<_> = asked(&files)
            .iter()
            .map(|it| it.header("range").map(str::to_owned))
            .collect();
        let from = |at: u32| Some(format!("bytes={at}-"));
        assert_eq!(ranges, [None, from(LENGTH / 2), from(LENGTH / 4 * 3)]);
        assert_eq!(site.app().blobs.read(&sha256, u64::from(LENGTH)).unwrap(), bytes);
        let downloads = offer.person.get(&site.site, "/api/v1/downloads").await.json();
        assert_eq!(downloads["items"], json!([]));
    }

    async fn a_site_that_gives_now_more_and_now_less_is_not_tried_for_ever(site) {
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, bytes) = installer(3_000_000);
        let url = files.file_url("setup.exe");
        files.set_fault("/files/setup.exe", Fault::Truncated);
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        let mut wait = MINUTE;
        let small = b"12".to_vec();
        for (word, here, next) in [
            ("first", 1_500_000, &small),
            ("second", 1, &bytes),
            ("third", 1_500_000, &small),
            ("fourth", 1, &bytes),
        ] {
            let said = format!("; {word} of five tries, next at ");
            let job = offer.job_when(&said, |job| job.cause.contains(&said)).await;
            assert!(job.cause.contains(&format!("broke off after {here} of ")), "{}", job.cause);
            files.add_file("setup.exe", next.clone());
            pass(&site, wait).await;
            wait *= 5;
        }
        let job = offer.job_when("it is given up", |job| job.state.ending.is_some()).await;
        assert!(job.cause.contains("; fifth of five tries"), "{}", job.cause);
    }

    async fn parts_of_two_files_are_not_taken_for_the_wrong_file(site) {
        const LENGTH: u32 = 200_000;
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, bytes) = installer(LENGTH);
        let url = files.file_url("setup.exe");
        // Before the vendor put the right file there.
        files.add_file("setup.exe", vec![7; LENGTH as usize]);
        files.set_fault("/files/setup.exe", Fault::Truncated);
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        offer.job_when("it broke off", |job| job.cause.contains("broke off")).await;
        files.add_file("setup.exe", bytes);
        files.repair();
        pass(&site, MINUTE).await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        assert_eq!(asked(&files).len(), 3, "the rest, then the whole");
        let packages = offer.person.get(&site.site, "/api/v1/sources/1").await.json();
        assert_eq!(packages["problems"], json!([]), "it is in quarantine");
    }

    async fn a_file_that_another_process_downloads_is_left_to_it_and_that_is_no_try(site) {
        const LENGTH: u32 = 200_000;
        let folder = tempfile::tempdir().unwrap();
        let (files, sha256, bytes) = installer(LENGTH);
        let url = files.file_url("setup.exe");
        files.set_fault("/files/setup.exe", Fault::Truncated);
        let offer = Offer::new(&site, folder.path(), &url, &sha256).await;
        offer.deploy().await;
        offer.job_when("it broke off", |job| job.cause.contains("broke off")).await;
        files.repair();
        // As the other process has it open.
        let kept = site.site.kept(&sha256);
        let parts = kept.parent().unwrap().parent().unwrap().join("partial");
        let part = std::fs::read_dir(parts).unwrap().map(|it| it.unwrap().path());
        let part = part.into_iter().find(|it| it.extension().is_none()).unwrap();
        let part = std::fs::File::open(part).unwrap();
        part.try_lock().unwrap();
        let before = asked(&files).len();
        pass(&site, MINUTE).await;
        let job = offer.job_when("the other one is at it", |job| job.cause.contains("another process")).await;
        let said = format!("{url} is being downloaded by another process; tries again at ");
        assert!(job.cause.starts_with(&said), "{}", job.cause);
        assert_eq!(asked(&files).len(), before);
        drop(part);
        pass(&site, MINUTE).await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        assert_eq!(site.app().blobs.read(&sha256, u64::from(LENGTH)).unwrap(), bytes);
    }

    async fn what_a_program_says_of_itself_is_kept_and_what_is_none_is_not_deployed(site) {
        let folder = tempfile::tempdir().unwrap();
        let files = FeedSite::start().unwrap();
        let mut program = Pe::new("Some tool", "2.0.0-final");
        program.version = [2, 0, 0, 7];
        let page = b"<!doctype html>Sign in".to_vec();
        files.add_file("setup.exe", page.clone());
        let url = files.file_url("setup.exe");
        let offer = Offer::new(&site, folder.path(), &url, &digest_hex(&page)).await;
        offer.deploy().await;
        let job = offer.job_when("it has ended", |job| job.state.ending.is_some()).await;
        assert!(job.cause.starts_with("the installer is not a Windows program: "), "{}", job.cause);
        assert_eq!(installer_versions::of_package(site.db(), "some-tool").await.unwrap(), []);

        let sha256 = digest_hex(&program.build());
        files.add_file("program.exe", program.build());
        crate::offer::offer(folder.path(), "3.0", &files.file_url("program.exe"), &sha256);
        offer.person.call(&site.site, "/api/v1/sources/1/read", &json!({})).await;
        let patch = missing(&site, &offer.person, "3.0").await;
        approve(&site, &offer.person, patch).await;
        let offer = Offer::known(&site, offer.person, patch);
        offer.deploy().await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        let known = installer_versions::of_package(site.db(), "some-tool").await.unwrap();
        let expected = InstallerVersion {
            package: "some-tool".to_owned(),
            package_version: "3.0".to_owned(),
            sha256,
            product_name: "Some tool".to_owned(),
            product_version: "2.0.0-final".to_owned(),
            fixed_product_version: "2.0.0.7".to_owned(),
            fixed_file_version: "2.0.0.7".to_owned(),
            ..InstallerVersion::default()
        };
        assert_eq!(known, [expected]);
    }

    async fn a_release_is_of_the_source_that_the_package_is_taken_from_now(site) {
        const LENGTH: u32 = 100_000;
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (files, sha256, _) = installer(LENGTH);
        let other = Pe::new("Some tool", "2.0").carrying(b"of the other source".to_vec()).build();
        files.add_file("other.exe", other.clone());
        let offer = Offer::new(&site, first.path(), &files.file_url("setup.exe"), &sha256).await;
        offer.deploy().await;
        offer.job_when("it is here", |job| job.state.status == DeployStatus::Downloaded).await;
        let files_of_now = async || {
            let patch = patches::get(site.db(), PatchId(offer.patch)).await.unwrap().unwrap();
            let release = mirror::release_for(site.app(), &patch).await.ok()?;
            let files = releases::files(site.db(), release).await.unwrap();
            Some(files.into_iter().map(|it| it.sha256).collect::<Vec<_>>())
        };
        assert_eq!(files_of_now().await, Some(vec![sha256.clone()]));
        // The same version, from a source that is asked first.
        let other_sha256 = digest_hex(&other);
        crate::offer::offer(second.path(), "2.0", &files.file_url("other.exe"), &other_sha256);
        let hosts = ["127.0.0.1".to_owned()];
        let given = Given {
            private_hosts: &hosts,
            priority: Some(1),
            ..Given::at(second.path().to_str().unwrap())
        };
        site.site.running().handle().add_source(&given).await.unwrap();
        until("its release is that of the other source", async || {
            (files_of_now().await? == [other_sha256.clone()]).then_some(())
        })
        .await;
    }
}
