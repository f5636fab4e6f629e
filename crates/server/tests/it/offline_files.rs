//! Which file stands behind an address is said by the import of the source that has it.

use std::io::Write as _;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_server::Scope;
use fleetmend_server::catalog::nupkgs;
use fleetmend_server::catalog::offline::at_hand;
use fleetmend_server::catalog::package_files::PackageFiles;
use fleetmend_server::catalog::store_file::Fetched;

use fleetmend_store::packages::{self, Package};
use fleetmend_trust::digest_hex;

use crate::clocked::{Clocked, both};
use crate::offline::{export, import};
use crate::offline_changes::Exporter;

const URL: &str = "https://vendor.invalid/setup.exe";

/// A package that names no checksum for its installer.
fn odd() -> Nupkg {
    let script = format!("Install-ChocolateyPackage odd exe /S '{URL}' '{URL}'\n");
    Nupkg::new("odd", "1.0").install_script(&script)
}

/// Has a server keep these bytes as what it found at the installer's address.
async fn found(site: &Clocked, bytes: &[u8]) {
    let blobs = &site.app().blobs;
    let mut file = blobs.incoming().unwrap();
    file.write_all(bytes).unwrap();
    let sha256 = digest_hex(bytes);
    blobs.keep(file, &sha256).unwrap();
    let length = bytes.len() as u64;
    let fetched = Fetched { sha256, length };
    at_hand::note(site.app(), URL, None, &fetched)
        .await
        .unwrap();
}

/// A server on which these bytes stood behind the address.
async fn exporter(bytes: &[u8]) -> Exporter {
    let online = Exporter::with(&[odd()]).await;
    online.fetch("odd").await;
    found(&online.site, bytes).await;
    online
}

/// The SHA-256 of the installer of the package, as it came from there.
async fn installer(site: &Clocked, online: &Exporter) -> String {
    let source = online.there(site).await.id;
    let package = async || -> Package {
        let found = packages::find(site.db(), source, "odd", "1.0.0").await;
        found.unwrap().unwrap()
    };
    nupkgs::fetch_one(site.app(), package().await)
        .await
        .unwrap();
    let package = package().await;
    let recipe = package.analysis.as_ref().unwrap().recipe.as_ref().unwrap();
    let files = recipe.all_files();
    let from = PackageFiles::of(site.app(), &package).await.unwrap();
    from.fetch(files[0]).await.unwrap().sha256
}

both! {
    async fn an_import_changes_no_file_of_another_source(site) {
        let (one, other) = (exporter(b"one").await, exporter(b"other").await);
        import(&site, &one.export("it").await).await;
        assert_eq!(installer(&site, &one).await, digest_hex(b"one"));
        import(&site, &other.export("it").await).await;
        assert_eq!(installer(&site, &other).await, digest_hex(b"other"));
        assert_eq!(installer(&site, &one).await, digest_hex(b"one"));
        // Each goes on with its own.
        let third = Clocked::another().await;
        let both = one.out.path().join("both");
        export(&site, &both, &Scope::All).await;
        import(&third, &both).await;
        for (online, bytes) in [(&one, &b"one"[..]), (&other, b"other")] {
            assert_eq!(installer(&third, online).await, digest_hex(bytes));
        }
        // What its own import says comes before what was found here.
        found(&site, b"here").await;
        assert_eq!(installer(&site, &one).await, digest_hex(b"one"));
        // A newer one of its own changes it.
        found(&one.site, b"newer").await;
        import(&site, &one.export("it").await).await;
        assert_eq!(installer(&site, &one).await, digest_hex(b"newer"));
        assert_eq!(installer(&site, &other).await, digest_hex(b"other"));
    }

    async fn what_an_earlier_import_lacked_is_said_of_that_one_alone(site) {
        let online = exporter(b"installer").await;
        let path = online.out.path().join("none");
        export(&online.site, &path, &Scope::WithoutFiles).await;
        import(&site, &path).await;
        let source = online.there(&site).await;
        let package = async || {
            let found = packages::find(site.db(), source.id, "odd", "1.0.0").await;
            found.unwrap().unwrap()
        };
        // What was begun before the next import ends after it.
        let before = package().await;
        let location = &before.content_location;
        let lacking = async || at_hand::file(site.app(), &source, location, None, None).await;
        let error = lacking().await.unwrap_err();
        import(&site, &online.export("it").await).await;
        let problem = nupkgs::failed(site.app(), &before, &error).await.unwrap();
        assert_eq!(problem.retry_at, Some(site.now()));
        assert!(package().await.problem.unwrap().is_due(site.now()));
        nupkgs::fetch_one(site.app(), package().await).await.unwrap();
        assert!(package().await.analysis.is_some());

        std::fs::remove_file(site.site.kept(package().await.content_sha256.as_ref().unwrap())).unwrap();
        let error = lacking().await.unwrap_err();
        let problem = nupkgs::failed(site.app(), &before, &error).await.unwrap();
        assert_eq!(problem.retry_at, None, "it is still so");
    }
}
