//! Folders of sources, which lack the files that are put in when they are packed.

use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_chocolatey::script::{Package, Script, analyse_scripts};
use fleetmend_model::recipe::{Analysis, Verdict};

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
fn the_version_that_only_the_client_writes_is_named_wherever_it_stands() {
    let script = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot
Install-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\acme-$env:ChocolateyPackageVersion.exe\"
Get-UninstallRegistryKey \"Acme $env:ChocolateyPackageVersion*\" | % { Remove-Item \"$($_.InstallLocation)\\a\" }";
    let found = sources("1.0.0.0", script, &[]);
    let recipe = found.recipe.as_ref().unwrap();
    let inside = recipe.files[0].inside.as_deref();
    assert_eq!(
        inside,
        Some("acme-%ChocolateyPackageVersion%.exe"),
        "{}",
        shown(&found)
    );
    let software = &found.effects[0].conditions[0].facts[0].name;
    assert_eq!(software, "Acme %ChocolateyPackageVersion%*");
    assert_eq!(
        found.shims[0].program,
        "tools/acme-%ChocolateyPackageVersion%.exe"
    );
}

#[test]
fn the_package_cache_has_the_version_that_the_client_writes() {
    let install = "Install-ChocolateyPackage acme exe \"/S /log=`\"$(Get-PackageCacheLocation)\\a\\b.exe`\"\" https://a.example/a.exe";
    for (version, folder) in [
        ("1.0.0", "%TEMP%\\acme\\1.0.0\\a"),
        ("1.0", "%TEMP%\\acme\\%ChocolateyPackageVersion%\\a"),
    ] {
        let script = format!(
            "New-Item \"$(Get-PackageCacheLocation)\\a\"; Copy-Item \"$(Get-PackageCacheLocation)\\a\" C:\\a\n{install}"
        );
        let found = sources(version, &script, &[]);
        assert_eq!(
            found.effects[0].operands["path"],
            folder,
            "{}",
            shown(&found)
        );
    }
}

#[test]
fn what_a_pattern_finds_behind_the_only_archive_that_it_fits_came_out_of_that() {
    let unzip = "Get-ChocolateyUnzip $PSScriptRoot\\a-1.zip $PSScriptRoot\n";
    let other = "Get-ChocolateyUnzip (Get-ChildItem $PSScriptRoot -Filter *.zip -Recurse).FullName $PSScriptRoot";
    for (script, inside) in [
        (
            format!("{unzip}Remove-Item $PSScriptRoot\\a-1.zip\n{other}"),
            Some("**/*.zip"),
        ),
        (format!("{unzip}{other}"), None),
    ] {
        let found = sources("1.0.0", &script, &[]);
        let recipe = found.recipe.as_ref().unwrap();
        let last = &recipe.further.last().unwrap_or(recipe).files[0];
        assert_eq!(last.inside.as_deref(), inside, "{}", shown(&found));
    }
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

#[test]
fn an_archive_in_the_packages_own_folder_brings_what_lies_there() {
    let script = "$d = Split-Path $PSScriptRoot
Get-ChocolateyUnzip \"$PSScriptRoot\\a.zip\" $d
Install-ChocolateyInstallPackage acme exe /S \"$d\\a.exe\"";
    assert_eq!(
        shown(&sources("1.0.0", script, &[])),
        "Ready Exe [/S] [0] Any=tools/a.zip!/a.exe to=%ChocolateyPackageFolder%"
    );
}

#[test]
fn a_file_is_the_same_however_its_path_is_spelled() {
    for there in [
        "$env:TEMP\\acme\\a.exe",
        "$env:TEMP/acme/a.exe",
        "$env:TEMP\\acme\\sub\\..\\A.exe",
        "$env:TEMP\\acme\\.\\a.exe",
    ] {
        let script = format!(
            "Get-ChocolateyWebFile acme \"$env:TEMP\\acme\\a.exe\" https://a.example/a.exe
Install-ChocolateyInstallPackage acme exe /S \"{there}\""
        );
        let found = sources("1.0.0", &script, &[]);
        assert_eq!(
            shown(&found),
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
            "{there}"
        );
    }
}

#[test]
fn an_archive_for_another_kind_of_machine_is_the_packages_own() {
    let script = "$a = @{ packageName = 'acme'; destination = $PSScriptRoot; file = \"$PSScriptRoot\\a32.exe\"; file64 = \"$PSScriptRoot\\a64.exe\" }
Get-ChocolateyUnzip @a
Remove-Item $a.file, $a.file64";
    let found = sources("1.0.0", script, &[]);
    assert!(found.effects.is_empty(), "{}", shown(&found));
}

#[test]
fn a_folder_that_an_installer_is_told_of_is_no_file_that_is_put_in() {
    let script = "Install-ChocolateyPackage acme exe \"/S /D=$PSScriptRoot\\app-1.0\" https://a.example/a.exe
Get-ChildItem $PSScriptRoot\\app-1.0 | % { Copy-Item $_.FullName C:\\b }";
    let found = sources("1.0.0", script, &[]);
    // What is in it only the installer knows.
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn what_an_installer_was_told_to_put_into_the_packages_folder_is_not_embedded() {
    let install = |arguments: &str, file: &str| {
        format!(
            "Install-ChocolateyPackage acme exe \"/Q {arguments}\" https://a.example/a.exe
Install-ChocolateyInstallPackage acme exe /S \"{file}\""
        )
    };
    for (arguments, file, is_left) in [
        ("/T:$PSScriptRoot", "$PSScriptRoot\\setup.exe", true),
        ("/T:$PSScriptRoot", "$PSScriptRoot\\sub\\setup.exe", true),
        (
            "/T:$PSScriptRoot\\sub",
            "$PSScriptRoot\\sub\\setup.exe",
            true,
        ),
        // It lies elsewhere, or is known to be the package's own.
        ("/T:$PSScriptRoot\\sub", "$PSScriptRoot\\setup.exe", false),
        (
            "/log $PSScriptRoot\\a.log",
            "$PSScriptRoot\\setup.exe",
            false,
        ),
        ("/T:$PSScriptRoot", "$PSScriptRoot\\own.exe", false),
    ] {
        let script = install(arguments, file);
        let found = sources("1.0.0", &script, &["tools/own.exe"]);
        let said = found.findings.iter().map(|it| it.what.as_str());
        let said: Vec<&str> = said.collect();
        let is_said = said
            .iter()
            .any(|it| it.starts_with("the installer: an installer before it may have put "));
        assert_eq!(is_said, is_left, "{script}: {said:?}");
        assert_eq!(
            found.verdict == Verdict::Ready,
            !is_left,
            "{script}: {said:?}"
        );
    }
    // What an installer is told itself says nothing of where it lies.
    let script = "Install-ChocolateyInstallPackage acme exe \"/S /D=$PSScriptRoot\" $PSScriptRoot\\setup.exe";
    let found = sources("1.0.0", script, &[]);
    assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
}

#[test]
fn a_folder_that_an_archive_is_unpacked_into_is_no_file_of_the_package() {
    let script = "$tools = Split-Path $MyInvocation.MyCommand.Definition\n\
        Install-ChocolateyZipPackage -PackageName acme -Url https://acme.example/acme.tar.gz \
        -UnzipLocation \"$tools\\acme.tar\"\n\
        Get-ChocolateyUnzip -FileFullPath \"$tools\\acme.tar\" -Destination $tools";
    let found = sources("1.0.0", script, &[]);
    let said: Vec<&str> = found.findings.iter().map(|it| it.what.as_str()).collect();
    assert!(
        said.iter()
            .any(|it| it.contains("is a folder that an archive is unpacked into")),
        "{said:?}"
    );
}
