//! Packages that download their installers come into the feed with them inside.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use fleetmend_chocolatey::nupkg::{Limits, NupkgIn};
use fleetmend_chocolatey::script::analyse;
use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::recipe::{Fetches, FileOrigin};
use fleetmend_model::{PackageId, SourceId};
use fleetmend_server::Given;
use fleetmend_server::catalog::offline::at_hand;
use fleetmend_server::catalog::store_file::Fetched;
use fleetmend_server::catalog::{nupkgs, sync};
use fleetmend_server::feed;
use fleetmend_server::feed::ask::{self, Asked};
use fleetmend_server::feed::bring::bring;
use fleetmend_store::feed_packages::{self, FeedPackage, Provenance, PutIn};
use fleetmend_store::feed_refusals::{self, FeedRefusal};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::{Page, quarantine, queue};
use fleetmend_trust::{digest_hex, hex};
use ring::digest::{SHA512, digest};
use serde_json::json;

use crate::clocked::{Clocked, both, until};

const SOURCE: SourceId = SourceId(1);
const INSTALLER: &[u8] = b"MZ an installer";

/// A vendor's site, and a folder with packages that download from it.
struct Vendor {
    site: FeedSite,
    folder: tempfile::TempDir,
}

impl Vendor {
    fn new() -> Self {
        let site = FeedSite::start().unwrap();
        site.add_file("setup.exe", INSTALLER);
        let folder = tempfile::tempdir().unwrap();
        Self { site, folder }
    }

    fn url(&self) -> String {
        self.site.file_url("setup.exe")
    }

    fn build(&self, package: &Nupkg) {
        package.build_into(self.folder.path()).unwrap();
    }

    fn loader(&self) -> Nupkg {
        Nupkg::new("Loader", "1.0")
            .dependency("base", "")
            .downloading_exe(&self.url(), &digest_hex(INSTALLER), "Loader*")
    }

    fn asked(&self) -> usize {
        let requests = self.site.requests();
        requests
            .iter()
            .filter(|it| it.path == "/files/setup.exe")
            .count()
    }

    /// Has the server read the folder.
    async fn add(&self, site: &Clocked, given: Given<'_>) {
        let hosts = ["127.0.0.1".to_owned()];
        let given = Given {
            location: self.folder.path().to_str(),
            private_hosts: &hosts,
            ..given
        };
        let handle = site.site.running().handle();
        handle.add_source(&given).await.unwrap();
        sync::sync(site.app(), SOURCE).await.unwrap();
    }
}

async fn latest(site: &Clocked, id: &str) -> Package {
    let versions = packages::versions(site.db(), SOURCE, id).await;
    versions.unwrap().remove(0)
}

async fn bring_it(site: &Clocked, id: &str) {
    let row = latest(site, id).await.row;
    bring(site.app(), row, false).await.unwrap();
}

/// The same for one whose installer is a wrong file, as often as it takes to say so.
async fn bring_wrong(site: &Clocked, id: &str) {
    bring_it(site, id).await;
    assert_eq!(quarantine::count(site.db()).await.unwrap(), 0);
    site.pass(Duration::from_mins(1)).await;
    bring_it(site, id).await;
}

async fn in_feed(site: &Clocked, id: &str) -> Option<FeedPackage> {
    feed_packages::get(site.db(), id, "1.0.0").await.unwrap()
}

async fn refusals(site: &Clocked) -> Vec<FeedRefusal> {
    let listed = feed_refusals::list(site.db(), &Page::first(99)).await;
    listed.unwrap().rows
}

both! {
    async fn a_file_that_a_script_names_for_both_architectures_is_asked_for_once(site) {
        let vendor = Vendor::new();
        let (url, sha512) = (vendor.url(), hex(digest(&SHA512, INSTALLER).as_ref()));
        let script = format!(
            "$a = '/S'\nif (Get-OSArchitectureWidth 64) {{ $a = '/S /x64' }}\n\
             Install-ChocolateyPackage -PackageName twice -FileType exe -SilentArgs $a -Url {url} \
             -Url64bit {url} -Checksum {sha512} -ChecksumType sha512 -Checksum64 {sha512} \
             -ChecksumType64 sha512"
        );
        vendor.build(&Nupkg::new("Twice", "1.0").install_script(&script));
        vendor.add(&site, Given::default()).await;
        bring_it(&site, "twice").await;
        assert!(in_feed(&site, "twice").await.is_some(), "{:?}", refusals(&site).await);
        assert_eq!(vendor.asked(), 1);
    }

    async fn a_package_comes_in_with_its_installer_and_where_that_came_from(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.add(&site, Given::default()).await;
        bring_it(&site, "loader").await;
        let kept = in_feed(&site, "loader").await.unwrap();
        let Provenance::Internalized(original, making) = &kept.what.provenance else {
            panic!("{:?}", kept.what.provenance);
        };
        let source = latest(&site, "loader").await;
        assert_eq!(original.sha256, source.content_sha256.unwrap());
        assert_eq!(original.location, source.content_location);
        let put_in = PutIn {
            path: "tools/internalized/setup.exe".to_owned(),
            url: vendor.url(),
            sha256: digest_hex(INSTALLER),
            length: INSTALLER.len() as u64,
        };
        assert_eq!(making.files, [put_in]);
        assert!(making.program.starts_with("Fleetmend "), "{}", making.program);

        let reader = site.app().blobs.reader(&kept.what.sha256).unwrap();
        let nupkg = NupkgIn::open(reader, &Limits::default()).unwrap();
        assert_eq!(nupkg.get("tools/internalized/setup.exe").unwrap(), INSTALLER);
        let analysis = analyse(&nupkg);
        assert_eq!(analysis.fetches(), Fetches::Nothing);
        let recipe = analysis.recipe.unwrap();
        let inside = FileOrigin::Embedded { path: "tools/internalized/setup.exe".to_owned() };
        assert_eq!(recipe.files[0].origin, inside);
        assert!(in_feed(&site, "base").await.is_some(), "what it depends on comes as well");
        assert_eq!(refusals(&site).await, []);

        // Again, as after a crash: nothing changes and nothing is asked for.
        let asked = vendor.asked();
        bring_it(&site, "loader").await;
        assert_eq!(in_feed(&site, "loader").await.unwrap(), kept);
        assert_eq!(vendor.asked(), asked);

        let person = site.administrator().await;
        let listed = person.get(&site.site, "/api/v1/feed/packages?text=loader").await.json();
        let row = &listed["items"][0];
        assert_eq!(row["provenance"], "internalized");
        assert_eq!(row["put_in"][0]["url"], vendor.url());
        let page = person.get(&site.site, "/feed").await.text;
        assert!(page.contains(&format!("tools/internalized/setup.exe is {}", vendor.url())), "{page}");
    }

    async fn a_source_can_be_set_to_leave_such_packages_out_and_a_person_can_ask_for_one(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        let off = Given { name: Some("the folder"), internalize: Some(false), ..Given::default() };
        vendor.add(&site, off).await;
        bring_it(&site, "loader").await;
        assert!(in_feed(&site, "loader").await.is_none());
        let why = &refusals(&site).await[0].why;
        assert!(why.ends_with("packages of the source 'the folder' are not internalized"), "{why}");
        assert_eq!(vendor.asked(), 0);
        let person = site.administrator().await;
        let page = person.get(&site.site, "/feed").await.text;
        assert!(page.contains("are not internalized"), "{page}");
        let listed = person.get(&site.site, "/api/v1/feed/refused").await.json();
        assert_eq!(listed["items"][0]["why"], why.as_str());

        for (body, status) in [
            (json!({ "package": "nothing" }), 404),
            (json!({ "package": "loader", "version": "7" }), 404),
            (json!({ "package": "LOADER", "version": "1.0.0" }), 200),
        ] {
            let answer = person.call(&site.site, "/api/v1/feed/internalize", &body).await;
            assert_eq!(answer.status, status, "{}", answer.text);
        }
        until("it is in the feed", async || in_feed(&site, "loader").await).await;
        until("nothing is refused", async || refusals(&site).await.is_empty().then_some(())).await;
        let handle = site.site.running().handle();
        let said = handle.internalize("loader", None).await.unwrap();
        assert_eq!(said, "Loader 1.0 is in the feed");

        let fields = [("internalize", "on"), ("location", vendor.folder.path().to_str().unwrap())];
        person.post(&site.site, "/sources/1", &fields).await;
        let source = person.get(&site.site, "/api/v1/sources/1").await.json();
        assert_eq!(source["source"]["internalize"], true);
    }

    async fn what_cannot_be_internalized_says_why_and_what_may_work_later_is_tried_again(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        let odd = format!(
            "Install-ChocolateyPackage odd exe /S {} -Checksum {} -ChecksumType sha256\nDo-Something\n",
            vendor.url(),
            digest_hex(INSTALLER)
        );
        vendor.build(&Nupkg::new("odd", "1.0").install_script(&odd));
        let wrong = Nupkg::new("wrong", "1.0")
            .downloading_exe(&vendor.url(), &"ab".repeat(32), "Wrong*");
        vendor.build(&wrong);
        vendor.site.set_fault("/files/setup.exe", Fault::Status(500));
        vendor.add(&site, Given::default()).await;
        let handle = site.site.running().handle();
        let error = handle.internalize("odd", None).await.unwrap_err().to_string();
        assert!(
            error.starts_with("odd 1.0 is not in the feed: its scripts are not explained in full"),
            "{error}"
        );
        bring_it(&site, "loader").await;
        let failed = refusals(&site).await.into_iter().find(|it| it.shown_id == "Loader").unwrap();
        assert!(failed.why.ends_with("answered 500") && failed.retry_at.is_some(), "{failed:?}");
        vendor.site.repair();
        site.live(Duration::from_hours(1)).await;
        site.app().jobs_due.notify_one();
        until("it is in the feed", async || in_feed(&site, "loader").await).await;

        bring_wrong(&site, "wrong").await;
        let refused = refusals(&site).await;
        let wrong = refused.iter().find(|it| it.shown_id == "wrong").unwrap();
        assert!(wrong.why.contains("is in quarantine") && wrong.retry_at.is_none(), "{wrong:?}");
        assert_eq!(quarantine::count(site.db()).await.unwrap(), 1);
        let lines = handle.list_feed_refused().await.unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
    }

    async fn a_package_whose_installer_never_comes_is_tried_five_times_and_when_a_person_asks(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.site.set_fault("/files/setup.exe", Fault::Status(503));
        vendor.add(&site, Given::default()).await;
        let refusal = async || refusals(&site).await.into_iter().next();
        bring_it(&site, "loader").await;
        for tries in 1..5 {
            let failed = until("it failed", async || refusal().await.filter(|it| it.tries == tries)).await;
            let at = failed.retry_at.unwrap();
            site.live(at.since(site.now())).await;
            site.app().jobs_due.notify_one();
        }
        let failed = until("it failed", async || refusal().await.filter(|it| it.tries == 5)).await;
        let said = "answered 503; fifth of five tries: Reset Download Count has it tried again";
        assert!(failed.why.contains(said) && failed.retry_at.is_none(), "{failed:?}");
        assert!(vendor.asked() >= 5, "two tasks may have had the same try");
        // Whoever asks begins a new row.
        let handle = site.site.running().handle();
        let error = handle.internalize("loader", None).await.unwrap_err().to_string();
        assert!(error.ends_with("answered 503"), "{error}");
        let failed = refusal().await.unwrap();
        assert!(failed.tries == 1 && failed.retry_at.is_some(), "{failed:?}");
    }

    async fn installers_that_are_too_large_for_a_package_are_not_downloaded(site) {
        const MOST: u64 = 2 << 30;
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.site.set_fault("/files/setup.exe", Fault::Claims(MOST + 1));
        let first = vendor.site.file_url("first.exe");
        vendor.site.add_file("first.exe", "MZ the first one");
        let install = |url: &str, sha256: &str| {
            format!("Install-ChocolateyPackage two exe /S {url} -Checksum {sha256} -ChecksumType sha256\n")
        };
        let second = install(&vendor.url(), &digest_hex(INSTALLER));
        let first = install(&first, &digest_hex(b"MZ the first one"));
        vendor.build(&Nupkg::new("two", "1.0").install_script(&format!("{first}{second}")));
        vendor.add(&site, Given::default()).await;
        for (id, claimed, room) in [("loader", MOST + 1, MOST), ("two", MOST - 15, MOST - 16)] {
            vendor.site.set_fault("/files/setup.exe", Fault::Claims(claimed));
            bring_it(&site, id).await;
            let row = latest(&site, id).await.row;
            let refused = feed_refusals::get(site.db(), row).await.unwrap().unwrap();
            let why = format!("{} is larger than the {room} bytes that are left", vendor.url());
            assert!(refused.why.starts_with(&why), "{refused:?}");
            assert_eq!(refused.retry_at, None);
        }
    }

    async fn a_package_that_is_let_out_of_quarantine_comes_in_by_itself(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.site.add_file("setup.exe", "MZ another file");
        vendor.add(&site, Given::default()).await;
        bring_wrong(&site, "loader").await;
        let refused = refusals(&site).await;
        assert!(refused[0].why.contains("is in quarantine"), "{refused:?}");
        vendor.site.add_file("setup.exe", INSTALLER);
        let handle = site.site.running().handle();
        let row = latest(&site, "loader").await.row;
        handle.retry_quarantined(row.0).await.unwrap();
        until("it is in the feed", async || in_feed(&site, "loader").await).await;
        until("nothing is refused", async || refusals(&site).await.is_empty().then_some(())).await;
    }

    async fn a_package_that_is_explained_with_a_new_extension_comes_in_by_itself(site) {
        let vendor = Vendor::new();
        let script = format!(
            "Install-ChocolateyPackage tool exe (Get-It) {} -Checksum {} -ChecksumType sha256\n",
            vendor.url(),
            digest_hex(INSTALLER)
        );
        let tool = Nupkg::new("tool", "1.0").dependency("it.extension", "").install_script(&script);
        vendor.build(&tool);
        let off = Given { internalize: Some(false), ..Given::default() };
        vendor.add(&site, off).await;
        let handle = site.site.running().handle();
        let error = handle.internalize("tool", None).await.unwrap_err().to_string();
        assert!(error.contains("are not explained in full"), "{error}");
        let extension = "function Get-It { '/S' }";
        let extension = Nupkg::new("it.extension", "1.0").file("extensions/it.psm1", extension);
        vendor.build(&extension);
        // Nobody has it and nobody asks again.
        sync::sync(site.app(), SOURCE).await.unwrap();
        until("it is in the feed", async || in_feed(&site, "tool").await).await;
    }

    async fn a_package_whose_source_is_set_otherwise_comes_in_by_itself(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.add(&site, Given { internalize: Some(false), ..Given::default() }).await;
        bring_it(&site, "loader").await;
        assert!(in_feed(&site, "loader").await.is_none());
        let person = site.administrator().await;
        let fields = [("internalize", "on"), ("location", vendor.folder.path().to_str().unwrap())];
        person.post(&site.site, "/sources/1", &fields).await;
        until("it is in the feed", async || in_feed(&site, "loader").await).await;
    }

    async fn a_dependency_that_failed_is_tried_again_although_what_needs_it_is_in_the_feed(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.build(&Nupkg::new("middle", "1.0").dependency("loader", ""));
        vendor.build(&Nupkg::new("all", "1.0").dependency("middle", ""));
        vendor.site.set_fault("/files/setup.exe", Fault::Status(500));
        vendor.add(&site, Given::default()).await;
        bring_it(&site, "all").await;
        assert!(in_feed(&site, "all").await.is_some() && in_feed(&site, "middle").await.is_some());
        assert!(refusals(&site).await[0].retry_at.is_some());
        vendor.site.repair();
        site.live(Duration::from_hours(1)).await;
        site.app().jobs_due.notify_one();
        until("it is in the feed", async || in_feed(&site, "loader").await).await;
    }

    async fn a_package_that_was_made_when_its_server_died_comes_in_and_leaves_nothing_else(site) {
        let vendor = Vendor::new();
        let url = "https://vendor.invalid/setup.exe";
        let script = format!("Install-ChocolateyPackage odd exe /S '{url}' '{url}'\n");
        vendor.build(&Nupkg::new("odd", "1.0").install_script(&script));
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.add(&site, Given::default()).await;
        bring_it(&site, "base").await;
        keep_fetched(&site, url, INSTALLER).await;
        nupkgs::fetch_one(site.app(), latest(&site, "odd").await).await.unwrap();
        let before = site.site.kept_files();
        let row = latest(&site, "odd").await.row;
        // Nothing of the feed can be stored now.
        let mut tx = site.db().begin().await.unwrap();
        feed::note_change(&mut tx).await.unwrap();
        let app = Arc::clone(site.app());
        let work = tokio::spawn(async move { bring(&app, row, false).await });
        let is_made = async || {
            let is_under_way = std::fs::read_dir(site.site.incoming()).unwrap().next().is_some();
            (!is_under_way && site.site.kept_files() == before + 1).then_some(())
        };
        until("it is made", is_made).await;
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        drop(tx);
        assert!(in_feed(&site, "odd").await.is_none());
        bring_it(&site, "odd").await;
        let kept = in_feed(&site, "odd").await.unwrap();
        assert!(site.app().blobs.has(&kept.what.sha256));
        assert_eq!(site.site.kept_files(), before + 1, "again makes the same bytes");
    }

    async fn one_package_that_cannot_be_made_keeps_no_other_out(site) {
        let vendor = Vendor::new();
        // A mark of the package's own, where its installer could be put.
        vendor.build(&vendor.loader().file("tools/internalized/setup.exe.ignore", "mine"));
        let base = Nupkg::new("base", "1.0")
            .downloading_exe(&vendor.url(), &digest_hex(INSTALLER), "Base*");
        vendor.build(&base);
        vendor.add(&site, Given::default()).await;
        nupkgs::fetch_one(site.app(), latest(&site, "base").await).await.unwrap();
        let sha256 = latest(&site, "base").await.content_sha256.unwrap();
        std::fs::write(site.site.kept(&sha256), "damaged").unwrap();

        bring_it(&site, "loader").await;
        assert!(in_feed(&site, "loader").await.is_some());
        assert!(in_feed(&site, "base").await.is_none());
        let refused = refusals(&site).await;
        assert!(refused[0].why.starts_with("the server failed at it: "), "{refused:?}");
        assert!(refused[0].retry_at.is_some(), "{refused:?}");
    }

    async fn a_file_that_a_person_accepted_in_place_of_the_named_one_is_not_put_in(site) {
        let vendor = Vendor::new();
        let wrong = Nupkg::new("wrong", "1.0")
            .downloading_exe(&vendor.url(), &"ab".repeat(32), "Wrong*");
        vendor.build(&wrong);
        vendor.add(&site, Given::default()).await;
        bring_wrong(&site, "wrong").await;
        assert!(refusals(&site).await[0].why.contains("is in quarantine"));
        let handle = site.site.running().handle();
        let row = latest(&site, "wrong").await.row;
        handle.release_quarantined(row.0, &digest_hex(INSTALLER), "so be it").await.unwrap();
        until("it is looked at again", async || {
            let refused = refusals(&site).await;
            refused[0].why.starts_with("a person accepted another file").then_some(())
        })
        .await;
        assert!(in_feed(&site, "wrong").await.is_none());
    }

    async fn a_file_without_a_checksum_is_the_one_that_was_fetched_before(site) {
        let vendor = Vendor::new();
        let url = "https://vendor.invalid/setup.exe";
        let script = format!("Install-ChocolateyPackage odd exe /S '{url}' '{url}'\n");
        vendor.build(&Nupkg::new("odd", "1.0").install_script(&script));
        vendor.add(&site, Given::default()).await;
        keep_fetched(&site, url, INSTALLER).await;
        bring_it(&site, "odd").await;
        let kept = in_feed(&site, "odd").await.unwrap();
        let put_in = &kept.what.provenance.making().unwrap().files;
        assert_eq!((put_in.len(), put_in[0].sha256.as_str()), (1, &*digest_hex(INSTALLER)));
    }

    async fn who_asked_is_never_told_that_a_package_is_in_the_feed_which_is_not(site) {
        let vendor = Vendor::new();
        vendor.build(&vendor.loader());
        vendor.build(&Nupkg::new("base", "1.0"));
        vendor.add(&site, Given::default()).await;
        let row = latest(&site, "loader").await.row;
        let asked = Asked { row, id: "Loader".to_owned(), version: "1.0".to_owned() };
        let error = ask::outcome(site.app(), &asked).await.unwrap_err().to_string();
        assert_eq!(error, "Loader 1.0 is not in the feed");
        fail(&site, row, "the disk is full").await;
        let error = ask::outcome(site.app(), &asked).await.unwrap_err().to_string();
        assert_eq!(error, "Loader 1.0 is not in the feed: the disk is full");
        bring_it(&site, "loader").await;
        // The feed says so, whatever else failed since.
        let said = ask::outcome(site.app(), &asked).await.unwrap();
        assert_eq!(said, "Loader 1.0 is in the feed");
    }
}

/// Has the server keep a file as if it had fetched it, for a package that names no digest.
async fn keep_fetched(site: &Clocked, url: &str, bytes: &[u8]) {
    let blobs = &site.app().blobs;
    let mut file = blobs.incoming().unwrap();
    file.write_all(bytes).unwrap();
    let sha256 = digest_hex(bytes);
    blobs.keep(file, &sha256).unwrap();
    let fetched = Fetched {
        sha256,
        length: bytes.len() as u64,
    };
    at_hand::note(site.app(), url, None, &fetched)
        .await
        .unwrap();
}

/// Has the work that internalizes a package fail.
async fn fail(site: &Clocked, row: PackageId, cause: &str) {
    let now = site.now();
    let mut tx = site.db().begin().await.unwrap();
    queue::enqueue(&mut tx, "internalize", row.0, now)
        .await
        .unwrap();
    let minute = Duration::from_mins(1);
    let works = queue::claim(&mut tx, "the test", &["internalize"], 10, now, minute).await;
    for work in works.unwrap() {
        queue::fail(&mut tx, &work, cause, now, minute)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}
