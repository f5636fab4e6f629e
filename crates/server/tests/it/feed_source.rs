//! The feed of one's own as a source of the catalog.

use fleetmend_server::catalog::sync;
use fleetmend_store::Page;
use fleetmend_store::packages::{self, Package, PackageFilter};
use fleetmend_store::sources::{self, OWN, Settings};
use reqwest::Method;

use crate::clocked::until;
use crate::feed::{key, package, push};
use crate::site::Site;

/// The catalog's versions of a package, newest first, once they are as they should be.
async fn versions(site: &Site, id: &str, wanted: impl Fn(&[Package]) -> bool) -> Vec<Package> {
    let app = site.running().app();
    let filter = PackageFilter {
        text: Some(id.to_owned()),
        ..PackageFilter::default()
    };
    until(&format!("{id} is as it should be"), async || {
        let page = Page::first(50);
        let found = packages::list(&app.db, &filter, &page).await.unwrap().rows;
        wanted(&found).then_some(found)
    })
    .await
}

#[tokio::test]
async fn what_is_pushed_is_in_the_catalog_at_once_and_what_is_hidden_is_not_on_offer() {
    let (site, person) = Site::signed_in().await;
    let secret = key(&site, &person, "build", true).await;
    for version in ["1.0", "1.1"] {
        let nupkg = package("Acme.Tool", version);
        assert_eq!(push(&site, "/feed/v2/", &secret, &nupkg).await.status, 201);
    }
    let found = versions(&site, "acme.tool", |found| found.len() == 2).await;
    let first = &found[0];
    assert_eq!(
        (first.source, first.version.as_str(), first.listed),
        (OWN, "1.1", true)
    );
    assert_eq!(first.content_location, "/feed/v2/package/Acme.Tool/1.1.0");
    let headers = [("x-nuget-apikey", secret.as_str())];
    let path = "/feed/v2/acme.tool/1.1.0";
    let hidden = site.send(Method::DELETE, path, &headers, None).await;
    assert_eq!(hidden.status, 204, "{}", hidden.text);
    let found = versions(&site, "acme.tool", |found| !found[0].listed).await;
    assert!(found[1].listed);
    for page in ["/sources", "/sources/0"] {
        let text = person.get(&site, page).await.text;
        assert!(text.contains("This server&#39;s feed"), "{text}");
    }
}

#[tokio::test]
async fn what_is_pushed_is_left_alone_while_the_source_is_switched_off() {
    let (site, person) = Site::signed_in().await;
    let app = site.running().app();
    let secret = key(&site, &person, "build", true).await;
    let own = until("it was read at the start", async || {
        let own = sources::get(&app.db, OWN).await.unwrap().unwrap();
        own.last_read.finished_at.is_some().then_some(own)
    })
    .await;
    let mut tx = app.db.begin().await.unwrap();
    let off = Settings {
        enabled: false,
        ..own.settings
    };
    sources::update(&mut tx, OWN, &off).await.unwrap();
    tx.commit().await.unwrap();
    push(&site, "/feed/v2/", &secret, &package("acme", "1.0")).await;
    let before = sources::get(&app.db, OWN).await.unwrap().unwrap();
    assert!(!sync::is_reading(&before), "{before:?}");
    assert_eq!(packages::count(&app.db, OWN).await.unwrap(), 0);
    // One that was about to be read when it was switched off is not read for ever.
    let mut tx = app.db.begin().await.unwrap();
    sync::enqueue(app, &mut tx, OWN, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    sync::sync(app, OWN).await.unwrap();
    let after = sources::get(&app.db, OWN).await.unwrap().unwrap();
    assert!(!sync::is_reading(&after), "{after:?}");
    assert_eq!(packages::count(&app.db, OWN).await.unwrap(), 0);
}
