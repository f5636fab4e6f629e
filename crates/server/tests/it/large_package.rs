//! A package is never in memory, however large it is.

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::recipe::FileOrigin;
use fleetmend_server::catalog::nupkgs;
use fleetmend_server::catalog::package_files::PackageFiles;
use fleetmend_server::feed::bring::bring;

use crate::feed_bring::{latest, with};

const LENGTH: u64 = 200_000_000;

/// The most memory that this process had at any time, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB"));
    kilobytes.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_large_package_is_read_mirrored_and_brought_into_the_feed_from_the_disk() {
    let script = r#"
$toolsDir = Split-Path -parent $MyInvocation.MyCommand.Definition
Install-ChocolateyInstallPackage -PackageName large -FileType msi -File "$toolsDir\large.msi" -SilentArgs '/qn'
"#;
    let large = Nupkg::new("large", "1.0")
        .install_script(script)
        .blank_file("tools/large.msi", LENGTH);
    let before = peak();
    let (site, _folder) = with(&[large]).await;
    let app = site.running().app();
    nupkgs::fetch_one(app, latest(&site, "large").await)
        .await
        .unwrap();
    let package = latest(&site, "large").await;
    let recipe = package.analysis.clone().unwrap().recipe.unwrap();
    let inside = matches!(&recipe.files[0].origin, FileOrigin::Embedded { path } if path == "tools/large.msi");
    assert!(inside, "{recipe:?}");
    let files = PackageFiles::of(app, &package).await.unwrap();
    let fetched = files.fetch(&recipe.files[0]).await.unwrap();
    assert_eq!(fetched.length, LENGTH);
    assert_eq!(
        app.blobs
            .get(&fetched.sha256)
            .unwrap()
            .metadata()
            .unwrap()
            .len(),
        LENGTH
    );
    bring(app, package.row, false).await.unwrap();
    assert_eq!(app.feed.len(), 1);
    let grown = peak() - before;
    assert!(grown < LENGTH / 1000 / 2, "it took {grown} kilobytes");
}
