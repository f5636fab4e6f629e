//! What changes from one import of a source to the next.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetmend_archive::Reader;
use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_server::catalog::{nupkgs, sync};
use fleetmend_server::{Given, Scope, Wanted};
use fleetmend_store::audit::{self, AuditFilter};
use fleetmend_store::sources::{self, Settings, Source, SourceKind};
use fleetmend_store::{Page, carried_catalogs, packages, settings};

use crate::clocked::{Clocked, both, until};
use crate::feed;
use crate::offline::{export, import, imported, try_import, versions};

/// A server that reads a folder.
pub struct Exporter {
    pub site: Clocked,
    source: Source,
    packages: tempfile::TempDir,
    pub out: tempfile::TempDir,
}

impl Exporter {
    pub async fn with(all: &[Nupkg]) -> Self {
        let site = Clocked::another().await;
        let packages = tempfile::tempdir().unwrap();
        for package in all {
            package.build_into(packages.path()).unwrap();
        }
        let settings = Settings::new(packages.path().to_str().unwrap(), "The folder");
        let mut tx = site.db().begin().await.unwrap();
        let id = sources::insert(&mut tx, SourceKind::Folder, &settings)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        sync::sync(site.app(), id).await.unwrap();
        let source = sources::get(site.db(), id).await.unwrap().unwrap();
        let out = tempfile::tempdir().unwrap();
        Self {
            site,
            source,
            packages,
            out,
        }
    }

    async fn read(&self) {
        sync::sync(self.site.app(), self.source.id).await.unwrap();
    }

    fn remove(&self, package: &Nupkg) {
        std::fs::remove_file(self.packages.path().join(package.file_name())).unwrap();
    }

    /// Fetches a package as if a device had it.
    pub async fn fetch(&self, id: &str) {
        for package in packages::versions(self.site.db(), self.source.id, id)
            .await
            .unwrap()
        {
            nupkgs::fetch_one(self.site.app(), package).await.unwrap();
        }
    }

    pub async fn export(&self, name: &str) -> PathBuf {
        // No export has the time of another.
        self.site.live(Duration::from_mins(1)).await;
        let path = self.out.path().join(name);
        export(&self.site, &path, &Scope::All).await;
        path
    }

    /// Makes its source the same as another's, as if both servers read it.
    async fn stands_for(&self, other: &Self) {
        let origin = settings::get(other.site.db(), "installation")
            .await
            .unwrap();
        let location = other.source.settings.location.clone();
        let read = Settings {
            location,
            ..self.source.settings.clone()
        };
        let mut tx = self.site.db().begin().await.unwrap();
        settings::set(&mut tx, "installation", &origin.unwrap())
            .await
            .unwrap();
        sources::update(&mut tx, self.source.id, &read)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Its source on the server that imports.
    pub async fn there(&self, site: &Clocked) -> Source {
        let mut all = sources::list(site.db()).await.unwrap();
        let path = &self.source.settings.location;
        all.retain(|it| it.kind == SourceKind::Imported && it.settings.location.ends_with(path));
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

fn some(count: usize) -> Vec<Nupkg> {
    (0..count)
        .map(|it| Nupkg::new(&format!("tool-{it:02}"), "1.0"))
        .collect()
}

async fn listed(site: &Clocked, source: &Source) -> usize {
    packages::listed_of(site.db(), source.id)
        .await
        .unwrap()
        .len()
}

/// The names of an export's entries, without the manifest's.
fn entries(path: &Path) -> Vec<String> {
    let mut archive = Reader::new(std::fs::File::open(path).unwrap(), u64::MAX);
    let mut names = Vec::new();
    while let Some(entry) = archive.next_entry().unwrap() {
        archive.content(&entry, |_| Ok(())).unwrap();
        names.push(entry.name);
    }
    assert!(names.remove(0).starts_with("manifest-"));
    names
}

both! {
    async fn what_the_exporter_no_longer_has_is_not_offered_and_much_at_once_is_held_for_a_person(site) {
        let all = some(12);
        let online = Exporter::with(&all).await;
        import(&site, &online.export("first").await).await;
        let there = online.there(&site).await;
        assert_eq!(listed(&site, &there).await, 12);
        online.remove(&all[0]);
        online.read().await;
        let lines = import(&site, &online.export("second").await).await;
        assert_eq!(lines[1], "The folder: 0 new or changed, 1 not offered any more.");
        assert_eq!(listed(&site, &there).await, 11);
        for package in &all[1..] {
            online.remove(package);
        }
        online.read().await;
        // There as well a person must say so.
        let handle = online.site.site.running().handle();
        handle.remove_gone_versions("The folder").await.unwrap();
        let lines = import(&site, &online.export("third").await).await;
        assert!(lines[1].contains("11 are not in it: so many that nothing was taken away"), "{lines:?}");
        assert_eq!(listed(&site, &there).await, 11);
        let held = sources::get(site.db(), there.id).await.unwrap().unwrap().last_read.withheld;
        assert_eq!(held.map(|it| (it.listed, it.gone)), Some((11, 11)));
        let handle = site.site.running().handle();
        assert_eq!(handle.remove_gone_versions("The folder").await.unwrap(), 11);
        assert_eq!(listed(&site, &there).await, 0);
    }

    async fn an_older_export_is_refused_unless_a_person_says_that_it_is_right(site) {
        let all = some(3);
        let online = Exporter::with(&all[..2]).await;
        let first = online.export("first").await;
        all[2].build_into(online.packages.path()).unwrap();
        online.read().await;
        import(&site, &online.export("second").await).await;
        let there = online.there(&site).await;
        let error = try_import(&site, &first, &Wanted::default()).await.unwrap_err();
        assert!(error.contains("'The folder' came with an import that was made at"), "{error}");
        assert!(error.contains("nothing was imported"), "{error}");
        assert_eq!(listed(&site, &there).await, 3);
        let older = Wanted { older: true, ..Wanted::default() };
        try_import(&site, &first, &older).await.unwrap();
        assert_eq!(listed(&site, &there).await, 2);
        let filter = AuditFilter { action: Some("import_catalog".to_owned()), ..AuditFilter::default() };
        let audited = audit::list(site.db(), &filter, &Page::first(9)).await.unwrap();
        assert_eq!(audited.rows.len(), 2, "what was refused is no change");
    }

    async fn quarantine_is_carried_until_it_ends_there_and_what_was_found_here_stays(site) {
        let online = Exporter::with(&some(3)).await;
        let row = async |site: &Clocked, source: &Source, id: &str| {
            packages::find(site.db(), source.id, id, "1.0.0").await.unwrap().unwrap()
        };
        let set = async |site: &Clocked, source: &Source, id: &str, cause: Option<&str>| {
            let package = row(site, source, id).await.row;
            let mut tx = site.db().begin().await.unwrap();
            packages::quarantine(&mut tx, package, cause, site.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        set(&online.site, &online.source, "tool-01", Some("the vendor changed it")).await;
        import(&site, &online.export("first").await).await;
        let there = online.there(&site).await;
        let quarantine = row(&site, &there, "tool-01").await.quarantine.unwrap().1;
        assert_eq!(
            quarantine,
            "it is in quarantine on the server that it comes from: the vendor changed it"
        );
        assert_eq!(row(&site, &there, "tool-00").await.quarantine, None);
        set(&online.site, &online.source, "tool-01", None).await;
        import(&site, &online.export("second").await).await;
        assert_eq!(row(&site, &there, "tool-01").await.quarantine, None);
    }

    async fn a_version_stays_in_quarantine_of_which_an_import_says_nothing(site) {
        let all = some(12);
        let online = Exporter::with(&all).await;
        let quarantined = async |site: &Clocked, source: &Source| {
            packages::find(site.db(), source.id, "tool-01", "1.0.0").await.unwrap().unwrap()
        };
        let mut tx = online.site.db().begin().await.unwrap();
        let row = quarantined(&online.site, &online.source).await.row;
        packages::quarantine(&mut tx, row, Some("it is bad"), online.site.now()).await.unwrap();
        tx.commit().await.unwrap();
        import(&site, &online.export("first").await).await;
        let there = online.there(&site).await;
        assert!(quarantined(&site, &there).await.quarantine.is_some());
        // Another server reads the same folder as it is later, with little left in it.
        let other = Exporter::with(&all[11..]).await;
        other.stands_for(&online).await;
        let lines = import(&site, &other.export("other").await).await;
        assert!(lines[1].contains("nothing was taken away"), "{lines:?}");
        let found = quarantined(&site, &there).await;
        assert!(found.listed && found.quarantine.is_some(), "it is still offered");
    }

    async fn what_was_imported_is_exported_as_it_came(site) {
        let online = Exporter::with(&some(3)).await;
        online.fetch("tool-01").await;
        let first = online.export("first").await;
        import(&site, &first).await;
        let there = online.there(&site).await;
        // The nupkg is looked at here, from what was imported.
        for package in versions(&site, &there).await {
            nupkgs::fetch_one(site.app(), package).await.unwrap();
        }
        let again = online.out.path().join("again");
        export(&site, &again, &Scope::All).await;
        assert_eq!(entries(&again), entries(&first));
        assert_eq!(entries(&first).len(), 5, "rows, addresses, and the nupkgs");
        // Deterministic: the same catalog at the same time.
        let same = online.out.path().join("same");
        export(&site, &same, &Scope::All).await;
        assert_eq!(std::fs::read(&same).unwrap(), std::fs::read(&again).unwrap());
        // And on to a third server, to the same source.
        let third = Clocked::another().await;
        import(&third, &again).await;
        assert_eq!(online.there(&third).await.settings.location, there.settings.location);
    }

    async fn no_password_and_no_private_host_is_carried(site) {
        let online = Exporter::with(&[]).await;
        let feed = FeedSite::start().unwrap();
        feed.add_package(&Nupkg::new("secret-tool", "1.0")).unwrap();
        feed.require_login("the reader", "the password of the feed");
        let location = feed.url();
        let given = Given {
            user: Some("the reader"),
            password: Some("the password of the feed"),
            allow_private: true,
            private_hosts: &["intranet.example".to_owned()],
            ..Given::at(&location)
        };
        let handle = online.site.site.running().handle();
        handle.add_source(&given).await.unwrap();
        until("the feed is read", async || {
            let all = sources::list(online.site.db()).await.unwrap();
            let mut own = all.iter().filter(|it| it.settings.location == location);
            own.next()?.last_read.finished_at
        })
        .await;
        let path = online.export("it").await;
        let bytes = std::fs::read(&path).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(has("secret-tool"));
        for text in ["the reader", "the password", "intranet.example"] {
            assert!(!has(text), "{text}");
        }
        import(&site, &path).await;
        let source = imported(&site, &location).await;
        assert_eq!((source.user_name, source.private_hosts.len()), (None, 0));
        // Nor can a person give it any: it is never read.
        let handle = site.site.running().handle();
        let said = handle.read_source(&source.id.to_string()).await.unwrap_err().to_string();
        assert!(said.contains("comes with imports"), "{said}");
        let hosts = ["intranet.example".to_owned()];
        assert!(handle.set_private_hosts(&source.id.to_string(), &hosts).await.is_err());
        let login = Given { user: Some("a"), password: Some("b"), ..Given::default() };
        assert!(handle.set_source(&source.id.to_string(), &login).await.is_err());
    }

    async fn only_the_files_that_are_asked_for_are_carried(site) {
        let online = Exporter::with(&some(3)).await;
        online.fetch("tool-00").await;
        online.fetch("tool-01").await;
        let path = online.out.path().join("it");
        for (scope, files) in [
            (Scope::All, 3),
            (Scope::WithoutFiles, 0),
            (Scope::Of(["tool-01".to_owned()].into()), 1),
        ] {
            export(&online.site, &path, &scope).await;
            let names = entries(&path);
            let found = names.iter().filter(|it| it.starts_with("files/")).count();
            assert_eq!(found, files, "{scope:?}");
        }
        let lines = import(&site, &path).await;
        assert!(lines[0].contains("3 package versions, 1 file of which 1 new"), "{lines:?}");
        // What nobody has is told, wherever the export is asked for.
        let scope = Scope::given(false, ["Tool-00", "Toll-01"]);
        let lines = export(&online.site, &path, &scope).await;
        let said = "the files of toll-01: no source has such a package";
        assert_eq!(lines.last(), Some(&format!("left out: {said}")));
        let noted = carried_catalogs::list(online.site.db(), &Page::first(1)).await.unwrap();
        assert_eq!(noted.rows[0].1.note, format!("Left out: {said}."));
    }

    async fn what_lies_in_a_folder_is_carried_although_no_device_may_have_it(site) {
        let online = Exporter::with(&some(3)).await;
        std::fs::write(online.packages.path().join("tool-01.1.0.nupkg"), "other").unwrap();
        std::fs::remove_file(online.packages.path().join("tool-02.1.0.nupkg")).unwrap();
        let path = online.out.path().join("it");
        let scope = Scope::given(false, ["tool-00", "tool-01", "tool-02"]);
        let lines = export(&online.site, &path, &scope).await;
        let found: Vec<_> = lines.iter().filter(|it| it.starts_with("left out: ")).collect();
        assert_eq!(found.len(), 2, "{lines:?}");
        assert!(found[0].contains("tool-01 1.0") && found[0].contains("changed"), "{lines:?}");
        assert!(found[1].contains("tool-02 1.0") && found[1].contains("cannot be read"), "{lines:?}");
        let lines = import(&site, &path).await;
        assert!(lines[0].contains("3 package versions, 1 file of which 1 new"), "{lines:?}");
        let first = versions(&site, &online.there(&site).await).await.remove(0);
        nupkgs::fetch_one(site.app(), first.clone()).await.unwrap();
        let first = packages::get(site.db(), first.row).await.unwrap().unwrap();
        assert_eq!((first.id.as_str(), first.problem.map(|it| it.why)), ("tool-00", None));
        assert!(nupkgs::is_here(site.app(), &packages::get(site.db(), first.row).await.unwrap().unwrap()));
    }

    async fn what_was_pushed_is_carried_and_what_is_not_here_is_told(site) {
        let person = site.administrator().await;
        let secret = feed::key(&site.site, &person, "build", true).await;
        let nupkg = Nupkg::new("acme", "1.0").build().unwrap();
        feed::push(&site.site, "/feed/v2/", &secret, &nupkg).await;
        until("it is in the catalog", async || {
            (packages::count(site.db(), sources::OWN).await.unwrap() == 1).then_some(())
        })
        .await;
        let elsewhere = FeedSite::start().unwrap();
        elsewhere.add_package(&Nupkg::new("far", "2.0")).unwrap();
        crate::source_view::SourceView::add_feed(&site, &elsewhere).await;
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("it");
        export(&site, &path, &Scope::All).await;
        let digest = fleetmend_trust::digest_hex(&nupkg);
        assert!(entries(&path).contains(&format!("files/{digest}")), "{:?}", entries(&path));
        let lines = export(&site, &path, &Scope::given(false, ["acme", "far"])).await;
        let found: Vec<_> = lines.iter().filter(|it| it.starts_with("left out: ")).collect();
        assert_eq!(found, ["left out: the nupkg of far: not here in 2.0"], "{lines:?}");
        assert!(entries(&path).contains(&format!("files/{digest}")));
    }

    async fn a_source_and_what_was_imported_of_it_are_one_and_no_server_imports_its_own(site) {
        let online = Exporter::with(&some(2)).await;
        let feed = FeedSite::start().unwrap();
        feed.add_package(&Nupkg::new("from-the-feed", "1.0")).unwrap();
        let location = feed.url();
        for server in [&online.site, &site] {
            let given = Given { allow_private: true, ..Given::at(&location) };
            server.site.running().handle().add_source(&given).await.unwrap();
            until("the feed is read", async || {
                let all = sources::list(server.db()).await.unwrap();
                let mut own = all.iter().filter(|it| it.settings.location == location);
                own.next()?.last_read.finished_at
            })
            .await;
        }
        let path = online.export("it").await;
        import(&site, &path).await;
        assert_eq!(listed(&site, &imported(&site, &location).await).await, 1);
        export(&site, &path, &Scope::All).await;
        let third = Clocked::another().await;
        let lines = import(&third, &path).await;
        assert!(lines[0].contains("2 sources, 3 package versions"), "{lines:?}");
        // Back to where the folder is read.
        let lines = import(&online.site, &path).await;
        assert_eq!(lines[2], "1 source of this server itself passed over.", "{lines:?}");
        let all = sources::list(online.site.db()).await.unwrap();
        let imports = all.iter().filter(|it| it.kind == SourceKind::Imported);
        assert_eq!(imports.count(), 1, "the feed");
    }

    async fn an_export_of_a_later_day_is_refused_whatever_is_said(site) {
        let online = Exporter::with(&some(1)).await;
        online.site.live(Duration::from_hours(23)).await;
        import(&site, &online.export("first").await).await;
        online.site.live(Duration::from_hours(2)).await;
        let path = online.export("second").await;
        let older = Wanted { older: true, ..Wanted::default() };
        let error = try_import(&site, &path, &older).await.unwrap_err();
        assert!(error.contains("one of the two servers has a wrong clock"), "{error}");
        site.live(Duration::from_hours(2)).await;
        import(&site, &path).await;
    }

    async fn a_file_that_cannot_be_imported_changes_nothing(site) {
        let online = Exporter::with(&some(3)).await;
        let path = online.export("it").await;
        let bytes = std::fs::read(&path).unwrap();
        let cut = online.out.path().join("cut");
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        let before = site.site.kept_files();
        let error = try_import(&site, &cut, &Wanted::default()).await.unwrap_err();
        assert!(error.contains("it was not copied whole"), "{error}");
        let kinds: Vec<_> = sources::list(site.db()).await.unwrap().iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [SourceKind::Own]);
        assert_eq!(site.site.kept_files(), before);
        // An export to where nothing can be written leaves nothing either.
        let nowhere = online.out.path().join("no such folder/it");
        let handle = online.site.site.running().handle();
        assert!(handle.export_catalog(&nowhere, &Scope::All, |_| {}).await.is_err());
        let kept: Vec<_> = std::fs::read_dir(online.out.path()).unwrap().collect();
        assert_eq!(kept.len(), 2);
    }
}
