//! Functions of extension packages that a package depends on.

use std::sync::Arc;

use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::nuspec::parse_nuspec;
use fleetmend_chocolatey::script::{
    Extension, Script, analyse_with, extension_ids, is_extension_script,
};

use crate::package::{nupkg, zip};
use crate::script::shown;

const MODULE: &[u8] = b"Get-ChildItem $PSScriptRoot\\*.ps1 | ForEach-Object { . $_ }\n$setting = '/Q'\nSet-Alias -Name Old-Arguments -Value Get-Arguments\n";

const FUNCTIONS: &[u8] =
    b"function Get-Arguments { param([string]$Word = 'S') \"/$(Get-Inner $Word)\" }
function Get-Inner($w) { return $w }
function Get-Setting { $setting }
function Get-Shared { $script:shared = '/S'; $script:shared }
function Get-Outside { \"/S$mine\" }
function Get-Unset { if ($nothing) { '/Q' } else { '/S' } }
function Install-It { param($Url) Install-ChocolateyPackage acme exe /S $Url }
function Start-It { Start-Process notepad }
function Get-Folder { $PSScriptRoot }
";

fn extension() -> Extension {
    let script = |path: &str, bytes: &[u8]| Script {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
    };
    Extension::new(
        "Acme.Extension",
        vec![
            script("extensions/acme.psm1", MODULE),
            script("extensions/functions.ps1", FUNCTIONS),
        ],
    )
}

fn explained(script: &str, extensions: Vec<Arc<Extension>>) -> String {
    let bytes = nupkg(&[("tools/chocolateyInstall.ps1", script.as_bytes())]);
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    shown(&analyse_with(&package, extensions))
}

#[test]
fn what_is_found_does_not_depend_on_who_used_an_extension_before() {
    let shared = Arc::new(extension());
    for script in [
        "Get-Arguments; Start-It",
        "Get-Arguments",
        "Install-It -Url $x",
    ] {
        let fresh = explained(script, vec![Arc::new(extension())]);
        for _ in 0..2 {
            assert_eq!(explained(script, vec![Arc::clone(&shared)]), fresh);
        }
    }
}

#[test]
fn functions_of_an_extension_are_followed() {
    let install = |argument: &str| {
        format!("Install-ChocolateyPackage acme exe {argument} https://a.example/a.exe")
    };
    let ready = "Ready Exe [/S] [0] Any=https://a.example/a.exe";
    for script in [
        install("(Get-Arguments)"),
        install("(get-arguments -word S)"),
        install("(Old-Arguments 'S')"),
        install("(Get-Shared)"),
        install("(Get-Unset)"),
        // It does not see the variables of the script that calls it.
        format!("$mine = 'x'\n{}", install("(Get-Outside)")),
        "Install-It -Url https://a.example/a.exe".to_owned(),
    ] {
        let with = explained(&script, vec![Arc::new(extension())]);
        assert_eq!(with, ready, "{script}");
        let without = explained(&script, Vec::new());
        assert!(
            without.starts_with("NeedsChocolatey"),
            "{script}: {without}"
        );
    }
}

#[test]
fn what_an_extension_keeps_for_itself_is_not_known() {
    let script = "Install-ChocolateyPackage acme exe (Get-Setting) https://a.example/a.exe";
    let found = explained(script, vec![Arc::new(extension())]);
    assert_eq!(
        found,
        "NeedsReview !1 the argument silentargs is not known: $setting is set by an extension"
    );
}

#[test]
fn what_an_extension_does_that_is_not_understood_is_a_finding_of_its_script() {
    let bytes = nupkg(&[("tools/chocolateyInstall.ps1", b"Start-It")]);
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    let found = analyse_with(&package, vec![Arc::new(extension())]);
    assert_eq!(
        shown(&found),
        "NeedsChocolatey !8 starts a program: Start-Process notepad"
    );
    assert_eq!(
        found.findings[0].file,
        "acme.extension//extensions/functions.ps1"
    );
}

#[test]
fn a_script_of_the_package_is_never_taken_for_one_of_an_extension() {
    for path in [
        "acme.extension/extensions/functions.ps1",
        "Acme.Extension/extensions/functions.ps1",
    ] {
        let install =
            format!("$null = Get-Arguments\n. $env:ChocolateyPackageFolder\\{path}\nGet-Arguments");
        let bytes = nupkg(&[
            ("tools/chocolateyInstall.ps1", install.as_bytes()),
            (path, b"Start-Process notepad"),
        ]);
        let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
        let found = analyse_with(&package, vec![Arc::new(extension())]);
        assert_eq!(
            shown(&found),
            "NeedsChocolatey !1 starts a program: Start-Process notepad"
        );
        assert_eq!(found.findings[0].file, path);
    }
}

#[test]
fn an_extension_lies_in_chocolateys_own_folder() {
    let script = "Install-ChocolateyPath (Get-Folder)";
    assert_eq!(
        explained(script, vec![Arc::new(extension())]),
        "NoInstaller +SearchPath(pathtoinstall=%ChocolateyInstall%\\extensions\\acme pathtype=User)"
    );
}

#[test]
fn extensions_are_told_by_the_end_of_their_ids() {
    let nuspec = b"<package><metadata><id>acme</id><version>1</version><dependencies><dependency id=\"Acme.Extension\"/><dependency id=\"other\"/><dependency id=\".extension\"/></dependencies></metadata></package>";
    assert_eq!(
        extension_ids(&parse_nuspec(nuspec).unwrap()),
        ["acme.extension"]
    );
}

#[test]
fn an_extension_is_read_from_its_package() {
    let nuspec =
        b"<package><metadata><id>Acme.extension</id><version>1</version></metadata></package>";
    let bytes = zip(&[
        ("acme.extension.nuspec", nuspec),
        ("Extensions/functions.ps1", FUNCTIONS),
        ("tools/other.ps1", b"function Get-Arguments { '/Q' }"),
    ]);
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    let extension = Extension::of(&package);
    assert_eq!(extension.id(), "acme.extension");
    assert!(!is_extension_script("tools/other.ps1"));
    let script = "Install-ChocolateyPackage acme exe (Get-Arguments) https://a.example/a.exe";
    assert_eq!(
        explained(script, vec![Arc::new(extension)]),
        "Ready Exe [/S] [0] Any=https://a.example/a.exe"
    );
}
