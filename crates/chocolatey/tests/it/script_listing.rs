//! What a script finds when it lists a folder: never more sure than the folder is known.

use crate::script::{ignored, run, shown};

const MARK_ALL: &str = "Get-ChildItem $PSScriptRoot -Filter *.exe | % { New-Item \"$($_.FullName).ignore\" -Type file | Out-Null }";

#[test]
fn what_may_lie_in_a_folder_is_listed_as_open() {
    for before in [
        "if (Test-Path C:\\x) { Get-ChocolateyWebFile acme $PSScriptRoot\\a.exe https://a.example/a.exe }",
        "Get-ChocolateyWebFile acme $PSScriptRoot\\a.exe https://a.example/a.exe -GetOriginalFileName",
        "if (Test-Path C:\\x) { Remove-Item $PSScriptRoot\\b.exe }",
        "Get-ChildItem $PSScriptRoot -Filter *.exe | select -First 1 | % { if (Test-Path C:\\x) { Remove-Item $_.FullName } }",
        "Remove-Item $PSScriptRoot\\* -Include (Get-Content C:\\x)",
        "Copy-Item $PSScriptRoot\\b.exe $PSScriptRoot\\c.exe",
        "Copy-Item C:\\x\\c.exe $PSScriptRoot\\c.exe",
    ] {
        let found = run(format!("{before}\n{MARK_ALL}").as_bytes(), &["tools/b.exe"]);
        let all = ignored(&found);
        assert_eq!(all, [("tools/*.exe", true)], "{before}: {}", shown(&found));
    }
}

#[test]
fn what_may_lie_in_a_folder_and_fits_not_leaves_the_listing_as_it_is() {
    for before in [
        "if (Test-Path C:\\x) { Get-ChocolateyWebFile acme $PSScriptRoot\\a.zip https://a.example/a.zip }",
        "if (Test-Path C:\\x) { Remove-Item $PSScriptRoot\\b.txt }",
        "Set-Content $PSScriptRoot\\a.txt x",
        "Remove-Item $PSScriptRoot\\sub\\*.exe",
    ] {
        let found = run(format!("{before}\n{MARK_ALL}").as_bytes(), &["tools/b.exe"]);
        assert_eq!(ignored(&found), [("tools/b.exe", true)], "{before}");
    }
}

#[test]
fn a_wildcard_removes_nothing_in_the_folders_below() {
    let found = run(
        b"Remove-Item $PSScriptRoot\\*.ignore",
        &["tools/a.exe.ignore", "tools/sub/b.exe.ignore"],
    );
    assert_eq!(ignored(&found), [("tools/sub/b.exe", false)]);
}

#[test]
fn a_mark_that_may_be_removed_is_not_certain() {
    let found = run(
        b"if (Test-Path C:\\x) { Remove-Item $PSScriptRoot\\a.exe.ignore }",
        &["tools/a.exe.ignore"],
    );
    assert_eq!(ignored(&found), [("tools/a.exe", false)]);
}
