//! Folders as administrators have them.

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_store::packages;

use crate::clocked::{Clocked, on_sqlite};
use crate::source_view::{SourceView, offered, package};

fn put(folder: &std::path::Path, package: &Nupkg) {
    std::fs::create_dir_all(folder).unwrap();
    package.build_into(folder).unwrap();
}

#[tokio::test]
async fn a_folder_by_id_and_version_as_nuget_lays_it_out_is_read_like_a_flat_one() {
    on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &package("top", "1.0.0"));
        for version in ["1.0.0", "2.0.0"] {
            put(
                &folder.path().join("deep").join(version),
                &package("deep", version),
            );
        }
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        assert_eq!(offered(&site).await, ["deep 2.0.0", "top 1.0.0"]);
        let read = view.read().await;
        assert_eq!(
            (read.entries, read.left_out_count),
            (Some(3), 0),
            "{read:?}"
        );
        std::fs::remove_dir_all(folder.path().join("deep/2.0.0")).unwrap();
        view.read().await;
        assert_eq!(offered(&site).await, ["deep 1.0.0", "top 1.0.0"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_called_a_package_and_is_no_file_is_told_and_keeps_nobody_waiting() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        put(folder.path(), &package("good", "1.0.0"));
        mknodat(
            CWD,
            at("pipe.nupkg"),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink("pipe.nupkg", at("link.nupkg")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket.nupkg")).unwrap();
        std::fs::create_dir(at("folder.nupkg")).unwrap();
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        let read = view.last_read().await;
        assert_eq!((&read.error, read.entries), (&None, Some(5)));
        let mut told: Vec<_> = read.left_out.iter().map(|it| it.what.as_str()).collect();
        told.sort_unstable();
        assert_eq!(
            told,
            ["folder.nupkg", "link.nupkg", "pipe.nupkg", "socket.nupkg"]
        );
        assert!(
            read.left_out.iter().all(|it| it.why == "it is no file"),
            "{read:?}"
        );
        assert_eq!(offered(&site).await, ["good 1.0.0"]);
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_looked_into_any_more_is_told_and_loses_nothing() {
    on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        let shallow = folder.path().join("a/b/c");
        put(&shallow, &package("one", "1.0.0"));
        put(folder.path(), &package("two", "1.0.0"));
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        let before = offered(&site).await;
        assert_eq!(before, ["one 1.0.0", "two 1.0.0"]);
        put(&shallow.join("d"), &package("three", "1.0.0"));
        let read = view.read().await;
        assert_eq!(
            (read.left_out_count, read.left_out[0].what.as_str()),
            (1, "a/b/c/d")
        );
        assert!(
            read.left_out[0].why.contains("more than 3 folders deep"),
            "{read:?}"
        );
        assert_eq!(offered(&site).await, before);
    })
    .await;
}

/// Where what is known of a version lies.
async fn location(view: &SourceView<'_>, id: &str, version: &str) -> String {
    let versions = packages::versions(view.site.db(), view.id, id).await;
    let mut versions = versions.unwrap().into_iter();
    let found = versions.find(|it| it.version == version).unwrap();
    assert!(found.listed);
    found.content_location
}

#[tokio::test]
async fn of_a_version_that_lies_in_two_folders_the_copy_that_is_there_is_known() {
    on_sqlite(async |site: Clocked| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        put(folder.path(), &package("other", "1.0"));
        for name in ["a", "b"] {
            put(&at(name), &package("tool", "1.0"));
        }
        let view = SourceView::add(&site, folder.path().to_str().unwrap()).await;
        for step in ["removed", "moved", "replaced"] {
            let known = location(&view, "tool", "1.0").await;
            let known = std::path::Path::new(&known);
            match step {
                "removed" => std::fs::remove_file(known).unwrap(),
                "moved" => std::fs::rename(known, at("moved.nupkg")).unwrap(),
                _ => std::fs::write(known, package("tool", "2.0").build().unwrap()).unwrap(),
            }
            // There is one copy, and what is done next is done with two.
            let read = view.read().await;
            assert_eq!((read.error, read.withheld), (None, None), "{step}");
            let now = location(&view, "tool", "1.0").await;
            let now = std::path::Path::new(&now);
            assert_ne!(now, known, "{step}");
            assert!(now.exists(), "{step}");
            put(&at(&format!("after-{step}")), &package("tool", "1.0"));
            view.read().await;
        }
    })
    .await;
}
