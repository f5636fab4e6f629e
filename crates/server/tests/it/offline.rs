//! The catalog, carried in a file from a server with internet to one without.

use std::path::{Path, PathBuf};

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::pe::Pe;
use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_server::{Given, Scope, Wanted};
use fleetmend_store::packages::{self, Package, Problem};
use fleetmend_store::sources::{self, Source};
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::agent::Agent;
use crate::clocked::{Clocked, both, until};
use crate::offer::{Offer, approve, has_software, missing};
use crate::site::Person;

const NAME: &str = "Some tool";

fn setup() -> Vec<u8> {
    Pe::new(NAME, "2.0").carrying("the installer").build()
}

/// A server with internet: a feed with the tool in two versions, and a device that has it.
struct Online {
    site: Clocked,
    person: Person,
    feed: FeedSite,
    folder: tempfile::TempDir,
    _agent: Option<Agent>,
}

impl Online {
    async fn start() -> Self {
        Self::with(&[NAME]).await
    }

    /// With a device that has this software, if any.
    async fn with(software: &[&str]) -> Self {
        let feed = FeedSite::start().unwrap();
        feed.add_file("setup.exe", setup());
        feed.add_package(&tool("1.5", &feed)).unwrap();
        feed.add_package(&tool("2.0", &feed)).unwrap();
        feed.add_package(&Nupkg::new("other", "7.0")).unwrap();
        let site = Clocked::another().await;
        let mut device = None;
        for name in software {
            let agent = device.insert(Agent::enrol(&site.site, "online").await);
            has_software(agent, name).await;
        }
        let location = feed.url();
        let given = Given {
            name: Some("The feed"),
            priority: Some(7),
            allow_private: true,
            ..Given::at(&location)
        };
        let handle = site.site.running().handle();
        handle.add_source(&given).await.unwrap();
        let person = site.administrator().await;
        Self {
            site,
            person,
            feed,
            folder: tempfile::tempdir().unwrap(),
            _agent: device,
        }
    }

    /// Has the server mirror the newest version.
    async fn mirror(&self) {
        let patch = missing(&self.site, &self.person, "2.0").await;
        approve(&self.site, &self.person, patch).await;
        let offer = Offer::known(&self.site, person(&self.person), patch);
        assert!(offer.deploy().await["deployment"].is_i64());
        offer
            .job_when("it is mirrored", |job| {
                job.state.status == DeployStatus::Downloaded
            })
            .await;
    }

    async fn export(&self, scope: Scope) -> (PathBuf, String) {
        let path = self.folder.path().join("catalog.tar");
        let lines = export(&self.site, &path, &scope).await;
        let sha256 = lines.iter().find_map(|it| it.strip_prefix("SHA-256: "));
        (path, sha256.unwrap().to_owned())
    }
}

fn person(it: &Person) -> Person {
    Person {
        cookie: it.cookie.clone(),
        csrf: it.csrf.clone(),
    }
}

fn tool(version: &str, feed: &FeedSite) -> Nupkg {
    let (url, sha256) = (feed.file_url("setup.exe"), digest_hex(&setup()));
    Nupkg::new("some-tool", version)
        .title(NAME)
        .downloading_exe(&url, &sha256, &format!("{NAME}*"))
}

pub async fn export(site: &Clocked, path: &Path, scope: &Scope) -> Vec<String> {
    let handle = site.site.running().handle();
    handle.export_catalog(path, scope, |_| {}).await.unwrap()
}

pub async fn try_import(
    site: &Clocked,
    path: &Path,
    wanted: &Wanted,
) -> Result<Vec<String>, String> {
    let handle = site.site.running().handle();
    let imported = handle.import_catalog(path, wanted).await;
    imported.map_err(|error| format!("{error:#}"))
}

pub async fn import(site: &Clocked, path: &Path) -> Vec<String> {
    try_import(site, path, &Wanted::default()).await.unwrap()
}

/// The imported source that stands for a place.
pub async fn imported(site: &Clocked, place: &str) -> Source {
    let location = format!("import:{place}");
    sources::at(site.db(), &location).await.unwrap().unwrap()
}

pub async fn versions(site: &Clocked, source: &Source) -> Vec<Package> {
    let all = packages::all_of(site.db(), source.id).await.unwrap();
    let rows: Vec<_> = all.iter().map(|it| it.row).collect();
    packages::get_many(site.db(), &rows).await.unwrap()
}

/// Waits until what was imported of a place was looked at: before that, what an earlier import lacked
/// counts.
async fn looked_at(site: &Clocked, place: &str) {
    let source = imported(site, place).await;
    until("its tool was looked at", async || {
        let all = versions(site, &source).await;
        let mut tools = all
            .iter()
            .filter(|it| it.id == "some-tool" && it.version == "2.0");
        tools.any(|it| it.analysis.is_some()).then_some(())
    })
    .await;
}

both! {
    async fn what_was_exported_is_deployed_where_there_is_no_network(site) {
        let online = Online::start().await;
        online.mirror().await;
        let (path, sha256) = online.export(Scope::All).await;
        let place = online.feed.url();
        let asked = online.feed.requests().len();

        let mut agent = Agent::enrol(&site.site, "offline").await;
        has_software(&mut agent, NAME).await;
        let other = Wanted { sha256: Some(digest_hex(b"another")), ..Wanted::default() };
        let error = try_import(&site, &path, &other).await.unwrap_err();
        assert!(error.contains(&sha256) && error.contains("another file"), "{error}");
        let wanted = Wanted { sha256: Some(sha256.to_uppercase()), ..Wanted::default() };
        let lines = try_import(&site, &path, &wanted).await.unwrap();
        assert!(lines[0].contains("1 source, 2 package versions, 2 files of which 2 new"), "{lines:?}");
        let source = imported(&site, &place).await;
        assert_eq!((source.settings.name.as_str(), source.settings.priority), ("The feed", 7));
        assert_eq!(source.private_hosts, [""; 0]);

        let administrator = site.administrator().await;
        let patch = missing(&site, &administrator, "2.0").await;
        approve(&site, &administrator, patch).await;
        let offer = Offer::known(&site, administrator, patch);
        assert!(offer.deploy().await["deployment"].is_i64());
        let job = offer.job_when("its files are here", |job| job.release.is_some()).await;
        assert_eq!(job.state.ending, None);
        assert_eq!(site.app().blobs.read(&digest_hex(&setup()), 1 << 20).unwrap(), setup());
        assert_eq!(online.feed.requests().len(), asked, "nothing was asked of the network");
        // A person's settings stay, and the same file again changes nothing.
        let handle = site.site.running().handle();
        let set = Given { name: Some("Carried"), priority: Some(1), ..Given::default() };
        handle.set_source(&source.id.to_string(), &set).await.unwrap();
        let before = (imported(&site, &place).await.settings, versions(&site, &source).await);
        let lines = import(&site, &path).await;
        assert_eq!(lines[1], "Carried: 0 new or changed, 0 not offered any more.", "{lines:?}");
        assert_eq!((imported(&site, &place).await.settings, versions(&site, &source).await), before);
    }

    async fn a_source_that_was_never_read_to_its_end_is_told_by_the_export_and_by_the_import(site) {
        let online = Online::with(&[]).await;
        let down = FeedSite::start().unwrap();
        down.set_fault("/api/v2/Packages", Fault::Status(502));
        let location = down.url();
        let given = Given { name: Some("Down"), allow_private: true, ..Given::at(&location) };
        let id = online.site.site.running().handle().add_source(&given).await.unwrap();
        until("its read failed", async || {
            let it = sources::get(online.site.db(), id).await.unwrap().unwrap();
            it.last_read.error
        })
        .await;
        let path = online.folder.path().join("catalog.tar");
        let lines = export(&online.site, &path, &Scope::All).await;
        let about = |lines: &[String]| lines.iter().filter(|it| it.contains("Down: ") && it.contains("never read to its end")).count();
        assert_eq!(about(&lines), 1, "{lines:?}");
        let lines = import(&site, &path).await;
        assert_eq!(about(&lines), 1, "{lines:?}");
        assert!(lines.iter().any(|it| it.starts_with("Down: 0 new or changed")), "{lines:?}");
    }

    async fn a_file_that_was_not_imported_is_told_without_a_try_until_an_import_brings_it(site) {
        let online = Online::start().await;
        online.mirror().await;
        let mut agent = Agent::enrol(&site.site, "offline").await;
        has_software(&mut agent, NAME).await;
        let (path, _) = online.export(Scope::WithoutFiles).await;
        import(&site, &path).await;
        let source = imported(&site, &online.feed.url()).await;
        let problem = until("it says that the nupkg is not here", async || {
            let all = versions(&site, &source).await;
            all.into_iter().find_map(|it| it.problem)
        })
        .await;
        assert!(problem.why.contains("was not in the import of the catalog that was made at"), "{}", problem.why);
        assert_eq!(problem.retry_at, None);

        let (path, _) = online.export(Scope::All).await;
        import(&site, &path).await;
        looked_at(&site, &online.feed.url()).await;
        let administrator = site.administrator().await;
        let patch = missing(&site, &administrator, "2.0").await;
        approve(&site, &administrator, patch).await;
        // Somebody took the installer away.
        let sha256 = digest_hex(&setup());
        let kept = site.site.kept(&sha256);
        std::fs::rename(&kept, kept.with_extension("away")).unwrap();
        let offer = Offer::known(&site, administrator, patch);
        offer.deploy().await;
        let job = offer.job_when("it has ended", |job| job.state.ending.is_some()).await;
        assert_eq!(job.state.ending, Some(Ending::DownloadFailed));
        assert!(job.cause.contains("setup.exe was not in the import"), "{}", job.cause);
        let listed = offer.person.get(&site.site, "/api/v1/downloads").await.json();
        assert_eq!(listed["items"][0]["retry_at"], json!(null), "{listed}");
        import(&site, &path).await;
        assert!(offer.deploy().await["deployment"].is_i64());
        offer.job_when("its files are here", |job| job.release.is_some()).await;
    }

    async fn a_server_without_devices_brings_what_the_one_without_internet_wants(site) {
        let online = Online::with(&[]).await;
        until("the feed was read", async || {
            let all = sources::list(online.site.db()).await.unwrap();
            all.iter().any(|it| it.last_read.entries.is_some_and(|it| it > 0)).then_some(())
        })
        .await;
        let mut agent = Agent::enrol(&site.site, "offline").await;
        has_software(&mut agent, NAME).await;
        let (path, _) = online.export(Scope::WithoutFiles).await;
        import(&site, &path).await;

        let list = online.folder.path().join("wanted.txt");
        let handle = site.site.running().handle();
        let count = handle.wanted_packages(&list).await.unwrap();
        let text = std::fs::read_to_string(&list).unwrap();
        assert_eq!((count, text.as_str()), (1, "some-tool\n"), "not what no device may have");
        std::fs::write(&list, format!("{text}# by hand\nNowhere\n")).unwrap();
        let far = online.site.site.running().handle();
        let set = Given { per_minute: Some(600), ..Given::default() };
        far.set_source("The feed", &set).await.unwrap();
        // As a process that has read no source.
        online.site.app().pace.allow(&[]);
        let (scope, failed) = far.bring_wanted(&list, |_| {}).await.unwrap();
        assert_eq!(failed, ["nowhere: no source offers it"]);
        assert_eq!(online.site.app().pace.most("127.0.0.1"), Some(600));
        let (path, _) = online.export(scope).await;
        let lines = import(&site, &path).await;
        assert!(lines[0].contains("2 files of which 2 new"), "{lines:?}");
        looked_at(&site, &online.feed.url()).await;

        let administrator = site.administrator().await;
        let patch = missing(&site, &administrator, "2.0").await;
        approve(&site, &administrator, patch).await;
        let offer = Offer::known(&site, administrator, patch);
        assert!(offer.deploy().await["deployment"].is_i64());
        offer.job_when("its files are here", |job| job.release.is_some()).await;
        assert_eq!(handle.wanted_packages(&list).await.unwrap(), 0);
        // What failed a moment ago is left alone until its time.
        let source = sources::list(online.site.db()).await.unwrap().into_iter();
        let source = source.map(|it| it.id).max().unwrap();
        let other = packages::find(online.site.db(), source, "other", "7.0.0").await.unwrap();
        let problem = Problem {
            why: "the feed is down".to_owned(),
            tries: 1,
            retry_at: Some(online.site.now() + std::time::Duration::from_hours(1)),
        };
        let mut tx = online.site.db().begin().await.unwrap();
        packages::set_problem(&mut tx, other.unwrap().row, &problem).await.unwrap();
        tx.commit().await.unwrap();
        std::fs::write(&list, "other\n").unwrap();
        let asked = online.feed.requests().len();
        let (_, failed) = far.bring_wanted(&list, |_| {}).await.unwrap();
        assert!(failed[0].starts_with("other 7.0: the feed is down; tries again at "), "{failed:?}");
        assert_eq!(online.feed.requests().len(), asked);
        std::fs::write(&list, "some-tool\n../../etc/passwd\n").unwrap();
        let error = far.bring_wanted(&list, |_| {}).await.unwrap_err();
        assert!(format!("{error:#}").contains("line 2 is no id of a package"), "{error:#}");
    }
}
