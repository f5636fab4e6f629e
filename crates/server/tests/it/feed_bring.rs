//! What is mirrored comes into the feed of one's own, with what it depends on.

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_server::catalog::{nupkgs, offered, sync};
use fleetmend_server::feed::bring::bring;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_store::{Page, feed_packages, feed_refusals};

use crate::site::Site;

/// A server that has read a folder with these packages.
pub async fn with(all: &[Nupkg]) -> (Site, tempfile::TempDir) {
    let site = Site::start().await;
    let app = site.running().app();
    let folder = tempfile::tempdir().unwrap();
    for package in all {
        package.build_into(folder.path()).unwrap();
    }
    let settings = Settings::new(folder.path().to_str().unwrap(), "the folder");
    let mut tx = app.db.begin().await.unwrap();
    let source = sources::insert(&mut tx, SourceKind::Folder, &settings)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sync::sync(app, source).await.unwrap();
    (site, folder)
}

pub async fn latest(site: &Site, id: &str) -> Package {
    let app = site.running().app();
    let source = offered::source_of(app, id).await.unwrap().unwrap();
    let versions = packages::versions(&app.db, source, id).await;
    versions.unwrap().remove(0)
}

/// What the feed has: package, version, and what its source was called.
async fn found(site: &Site) -> Vec<(String, String)> {
    let db = &site.running().app().db;
    let listed = feed_packages::list(db, None, &Page::first(99))
        .await
        .unwrap();
    let rows = listed.rows.into_iter().map(|it| {
        assert_eq!(it.provenance.original().unwrap().source, "the folder");
        (it.package, it.version)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

fn app(version: &str) -> Nupkg {
    Nupkg::new("App.install", version)
        .dependency("base.extension", "[1.0,2.0)")
        .embedding_msi("app.msi", vec![0xd0; 9], "App*")
}

#[tokio::test]
async fn a_package_brings_its_dependencies_and_what_is_nothing_without_it() {
    let base = |version| Nupkg::new("base.extension", version).dependency("deeper", "");
    let all = [
        app("3.0"),
        base("1.0"),
        base("1.5.0"),
        base("2.0"),
        Nupkg::new("deeper", "7.0").dependency("App.install", "1.0"),
        Nupkg::new("deeper", "8.0-beta"),
        Nupkg::new("app", "3.0").dependency("App.install", "[3.0]"),
        Nupkg::new("other", "1.0"),
    ];
    let (site, _folder) = with(&all).await;
    let app = site.running().app();
    nupkgs::fetch_one(app, latest(&site, "app").await)
        .await
        .unwrap();
    bring(app, latest(&site, "app.install").await.row, false)
        .await
        .unwrap();
    let expected = [
        ("app", "3.0.0"),
        ("app.install", "3.0.0"),
        ("base.extension", "1.5.0"),
        ("deeper", "7.0.0"),
    ];
    let expected = expected.map(|(id, version)| (id.to_owned(), version.to_owned()));
    assert_eq!(found(&site).await, expected);
    bring(app, latest(&site, "app.install").await.row, false)
        .await
        .unwrap();
    assert_eq!(found(&site).await, expected, "again changes nothing");
}

#[tokio::test]
async fn what_is_not_looked_at_because_a_package_brings_too_many_along_is_said() {
    let ids: Vec<String> = (0..205).map(|it| format!("d{it:03}")).collect();
    let mut all: Vec<Nupkg> = ids.iter().map(|id| Nupkg::new(id, "1.0")).collect();
    let root = Nupkg::new("root", "1.0").embedding_msi("app.msi", vec![0xd0; 9], "App*");
    let root = ids.iter().fold(root, |it, id| it.dependency(id, ""));
    all.push(root);
    let (site, _folder) = with(&all).await;
    let app = site.running().app();
    bring(app, latest(&site, "root").await.row, false)
        .await
        .unwrap();
    let db = &app.db;
    assert_eq!(app.feed.len(), 200);
    let refused = feed_refusals::list(db, &Page::first(99))
        .await
        .unwrap()
        .rows;
    let mut names: Vec<_> = refused.iter().map(|it| it.shown_id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["d199", "d200", "d201", "d202", "d203", "d204"]);
    let why = &refused[0].why;
    assert!(
        why.contains("more than 200 packages that root 1.0 brings along"),
        "{why}"
    );
    assert_eq!(refused[0].retry_at, None);
    // One by itself.
    bring(app, latest(&site, "d204").await.row, false)
        .await
        .unwrap();
    assert_eq!(app.feed.len(), 201);
}
