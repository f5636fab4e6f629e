//! Files that nothing names any more are removed, and no others.

use std::fs::File;
use std::time::{Duration, SystemTime};

use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::SourceId;
use fleetmend_model::recipe::Checksum;
use fleetmend_server::Given;
use fleetmend_server::catalog::{nupkgs, sync, unneeded};
use fleetmend_server::feed::bring::bring;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::{feed_packages, fetched_files};
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::clocked::{Clocked, both, until};

const SOURCE: SourceId = SourceId(1);
const INSTALLER: &[u8] = b"MZ an installer";

/// Has all files of the server count as ones that nobody used for days.
fn age(site: &Clocked) {
    let root = site.site.incoming().parent().unwrap().to_owned();
    let long_ago = SystemTime::now() - Duration::from_hours(72);
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        for file in folder
            .is_dir()
            .then(|| std::fs::read_dir(folder).unwrap())
            .into_iter()
            .flatten()
        {
            let file = File::open(file.unwrap().path()).unwrap();
            file.set_modified(long_ago).unwrap();
        }
    }
}

async fn latest(site: &Clocked, id: &str) -> Package {
    let versions = packages::versions(site.db(), SOURCE, id).await;
    versions.unwrap().remove(0)
}

both! {
    async fn files_of_which_the_database_knows_none_stay(site) {
        use std::io::Write as _;
        let digest = digest_hex(INSTALLER);
        let mut file = site.app().blobs.incoming().unwrap();
        file.write_all(INSTALLER).unwrap();
        site.app().blobs.keep(file, &digest).unwrap();
        age(&site);
        unneeded::remove(site.app()).await.unwrap();
        assert!(site.app().blobs.has(&digest), "the database may be another one");
    }

    async fn a_removed_source_leaves_no_file_behind_that_nothing_else_names(site) {
        let vendor = FeedSite::start().unwrap();
        vendor.add_file("setup.exe", INSTALLER);
        let url = vendor.file_url("setup.exe");
        let folder = tempfile::tempdir().unwrap();
        let loader = Nupkg::new("Loader", "1.0").downloading_exe(&url, &digest_hex(INSTALLER), "Loader*");
        loader.build_into(folder.path()).unwrap();
        let other = Nupkg::new("Other", "1.0").embedding_msi("other.msi", vec![0xd0; 9], "Other*");
        other.build_into(folder.path()).unwrap();
        let hosts = ["127.0.0.1".to_owned()];
        let given = Given {
            private_hosts: &hosts,
            ..Given::at(folder.path().to_str().unwrap())
        };
        let handle = site.site.running().handle();
        handle.add_source(&given).await.unwrap();
        sync::sync(site.app(), SOURCE).await.unwrap();
        let row = latest(&site, "loader").await.row;
        bring(site.app(), row, false).await.unwrap();
        nupkgs::fetch_one(site.app(), latest(&site, "other").await).await.unwrap();
        let inside = feed_packages::get(site.db(), "loader", "1.0.0").await.unwrap().unwrap().what.sha256;
        let outside = latest(&site, "loader").await.content_sha256.unwrap();
        let other = latest(&site, "other").await.content_sha256.unwrap();
        let all = [&inside, &outside, &other, &digest_hex(INSTALLER)];
        let here = || all.map(|it| site.app().blobs.has(it));
        age(&site);
        unneeded::remove(site.app()).await.unwrap();
        assert_eq!(here(), [true; 4], "all are named");
        let person = site.administrator().await;
        let said = person.get(&site.site, "/api/v1/storage").await.json();
        assert_eq!(said["files"], site.site.kept_files());
        assert!(said["free_bytes"].as_u64() > said["kept_free_bytes"].as_u64(), "{said}");
        let page = person.get(&site.site, "/downloads").await.text;
        assert!(page.contains("The server keeps 4 files of "), "{page}");

        let answer = person.call(&site.site, "/api/v1/sources/1/remove", &json!({})).await;
        assert!(answer.status < 300, "{}", answer.text);
        until("the source is gone", async || {
            let left = packages::get(site.db(), row).await.unwrap();
            left.is_none().then_some(())
        })
        .await;
        // What somebody used a moment ago is about to be named.
        for it in all {
            site.app().blobs.claim(it).unwrap();
        }
        unneeded::remove(site.app()).await.unwrap();
        assert_eq!(here(), [true; 4], "too soon");
        age(&site);
        unneeded::remove(site.app()).await.unwrap();
        assert_eq!(here(), [true, false, false, false], "but for what the feed has");
        let named = Checksum {
            algorithm: "sha256".to_owned(),
            hex: digest_hex(INSTALLER),
        };
        let noted = fetched_files::get(site.db(), SOURCE, &url, Some(&named)).await.unwrap();
        assert_eq!(noted, None);
        assert_eq!(site.site.kept_files(), 1);
    }
}
