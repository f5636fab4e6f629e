//! Folders of sources, which lack the files that are put in when they are packed.

use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_chocolatey::script::{Package, Script, analyse_scripts};
use fleetmend_model::recipe::Analysis;

use crate::package::nuspec;
use crate::script::shown;

/// Analyses a folder of sources with that install script and further files.
fn sources(version: &str, script: &str, files: &[&str]) -> Analysis {
    let nuspec = parse_nuspec(&nuspec("acme", version)).unwrap();
    let path = "tools/chocolateyInstall.ps1";
    let paths = files.iter().copied().chain([path]).map(str::to_owned);
    analyse_scripts(&Package {
        nuspec: &nuspec,
        paths: paths.collect(),
        is_complete: false,
        scripts: vec![Script {
            path: path.to_owned(),
            bytes: script.as_bytes().to_vec(),
        }],
        extensions: Vec::new(),
    })
}

#[test]
fn what_is_looked_into_is_a_folder_whatever_its_name() {
    for (look, expected) in [
        (
            "Get-ChildItem $d -Filter *.exe -Recurse",
            "%ChocolateyPackageFolder%\\acme_v1.2.3\\**\\*.exe",
        ),
        (
            "Get-ChildItem $d *.exe",
            "%ChocolateyPackageFolder%\\acme_v1.2.3\\*.exe",
        ),
        (
            "Get-ChildItem \"$PSScriptRoot\\a.b\" -Recurse -Filter acme.exe",
            "%ChocolateyPackageFolder%\\tools\\a.b\\**\\acme.exe",
        ),
        // A file that is put in when the package is packed.
        (
            "Get-ChildItem \"$PSScriptRoot\\acme.exe\"",
            "%ChocolateyPackageFolder%\\tools\\acme.exe",
        ),
    ] {
        let script = format!(
            "$d = Join-Path (Split-Path $PSScriptRoot) \"$($env:ChocolateyPackageName)_v$env:ChocolateyPackageVersion\"
Get-ChocolateyUnzip \"$PSScriptRoot\\a.zip\" $d
Install-ChocolateyShortcut 'C:\\a.lnk' ({look}).FullName"
        );
        let found = sources("1.2.3", &script, &[]);
        let target = &found.effects[0].operands["targetpath"];
        assert_eq!(target, expected, "{look}: {}", shown(&found));
    }
}
