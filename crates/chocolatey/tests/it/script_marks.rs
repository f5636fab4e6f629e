//! Files by which packages and scripts tell Chocolatey what it is to leave out.

use fleetmend_model::shim::AutoUninstaller;

use crate::script::{ignored, run, run_package, shown};

#[test]
fn a_file_of_the_package_keeps_the_automatic_uninstaller_from_running() {
    for (file, expected) in [
        ("tools/.skipAutoUninstall", AutoUninstaller::Skipped),
        (".SKIPAUTOUNINSTALL.txt", AutoUninstaller::Skipped),
        ("tools/a.skipAutoUninstall", AutoUninstaller::Runs),
        ("templates/x/.skipAutoUninstall", AutoUninstaller::Runs),
    ] {
        let found = run(b"Write-Host x", &[file]);
        assert_eq!(found.auto_uninstaller, expected, "{file}");
        let found = run_package(&[(file, b"")]);
        assert_eq!(found.auto_uninstaller, expected, "{file} without a script");
    }
}

#[test]
fn a_script_writes_or_removes_what_keeps_the_automatic_uninstaller_from_running() {
    for (script, files, expected) in [
        (
            "New-Item \"$PSScriptRoot\\.skipAutoUninstall\" -Type file | Out-Null",
            &[][..],
            AutoUninstaller::Skipped,
        ),
        (
            "Set-Content \"$env:ChocolateyPackageFolder\\.skipAutoUninstall\" ''",
            &[],
            AutoUninstaller::Skipped,
        ),
        (
            "if (Test-Path C:\\x) { Set-Content \"$PSScriptRoot\\.skipAutoUninstall\" '' }",
            &[],
            AutoUninstaller::MaySkip,
        ),
        (
            "Remove-Item $PSScriptRoot\\.skipAutoUninstall",
            &["tools/.skipAutoUninstall"],
            AutoUninstaller::Runs,
        ),
        (
            "if (Get-ProcessorBits 64) { Set-Content \"$PSScriptRoot\\.skipAutoUninstall\" '' }",
            &[],
            AutoUninstaller::MaySkip,
        ),
    ] {
        let found = run(script.as_bytes(), files);
        assert_eq!(
            found.auto_uninstaller,
            expected,
            "{script}: {}",
            shown(&found)
        );
        assert!(found.effects.is_empty(), "{script}: {}", shown(&found));
    }
}

#[test]
fn an_installer_that_is_run_where_it_lies_in_the_packages_folder_gets_no_shim() {
    for (script, expected) in [
        (
            "Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe",
            &[("tools/a.exe", true)][..],
        ),
        (
            "if (Test-Path C:\\x) { Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe }",
            &[("tools/a.exe", false)],
        ),
        (
            "Install-ChocolateyInstallPackage acme exe /S -File $PSScriptRoot\\a.exe -File64 $PSScriptRoot\\b.exe",
            &[("tools/a.exe", true), ("tools/b.exe", true)],
        ),
        (
            "Install-ChocolateyPackage acme exe /S $PSScriptRoot\\a.exe -UseOriginalLocation",
            &[("tools/a.exe", true)],
        ),
        // It runs a copy in the folder for temporary files.
        (
            "Install-ChocolateyPackage acme exe /S $PSScriptRoot\\a.exe",
            &[],
        ),
        (
            "Get-ChocolateyWebFile acme $PSScriptRoot\\c.exe https://a.example/c.exe\nInstall-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\c.exe",
            &[("tools/c.exe", true)],
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\nInstall-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\d.exe",
            &[("tools/d.exe", true)],
        ),
    ] {
        let found = run(
            script.as_bytes(),
            &["tools/a.exe", "tools/b.exe", "tools/a.zip"],
        );
        assert_eq!(ignored(&found), expected, "{script}: {}", shown(&found));
    }
}

#[test]
fn a_mark_that_is_a_copy_is_a_mark() {
    let found = run(
        b"Copy-Item $PSScriptRoot\\x.ignore $PSScriptRoot\\a.exe.ignore",
        &["tools/x.ignore", "tools/a.exe"],
    );
    assert_eq!(ignored(&found), [("tools/a.exe", true)]);
}

#[test]
fn a_program_that_is_removed_behind_its_run_needs_no_mark() {
    let install = "Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe";
    for (script, expected) in [
        (
            format!("{install}\nRemove-Item $PSScriptRoot\\*.exe"),
            &[][..],
        ),
        (
            format!("{install}\nRemove-Item $PSScriptRoot\\b.exe"),
            &[("tools/a.exe", true)],
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\nGet-ChildItem $PSScriptRoot -Filter *.exe | % { Set-Content \"$($_.FullName).ignore\" '' }\nRemove-Item $PSScriptRoot\\*.exe -Exclude b.exe"
            .to_owned(),
            &[("tools/*.exe", true)],
        ),
        (
            format!("{install}\nif (Test-Path C:\\x) {{ Remove-Item $PSScriptRoot\\a.exe }}"),
            &[("tools/a.exe", true)],
        ),
    ] {
        let found = run(
            script.as_bytes(),
            &["tools/a.exe", "tools/b.exe", "tools/a.zip"],
        );
        assert_eq!(ignored(&found), expected, "{script}: {}", shown(&found));
    }
}

#[test]
fn marks_go_along_with_a_folder_that_is_moved() {
    for (script, expected) in [
        (
            "Rename-Item $PSScriptRoot\\a b-1",
            &["tools/b-1/acme.exe"][..],
        ),
        ("Move-Item $PSScriptRoot\\a C:\\b", &[]),
        (
            "Move-Item $PSScriptRoot\\a $env:ChocolateyPackageFolder\\c",
            &["c/a/acme.exe"],
        ),
        (
            "Copy-Item $PSScriptRoot\\a $PSScriptRoot\\b -Recurse",
            &["tools/a/acme.exe", "tools/b/acme.exe"],
        ),
    ] {
        let found = run(
            script.as_bytes(),
            &["tools/a/acme.exe.ignore", "c/readme.txt"],
        );
        let expected: Vec<(&str, bool)> = expected.iter().map(|it| (*it, true)).collect();
        assert_eq!(ignored(&found), expected, "{script}: {}", shown(&found));
    }
}

#[test]
fn the_letter_case_of_a_marked_program_does_not_matter() {
    let found = run(
        b"Set-Content $PSScriptRoot\\a.exe.ignore ''",
        &["tools/A.exe", "tools/A.exe.ignore"],
    );
    assert_eq!(ignored(&found).len(), 1, "{:?}", found.shims);
}

#[test]
fn what_is_picked_of_files_is_not_said_of_all_of_them() {
    let unzip = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    let found = "Get-ChildItem $PSScriptRoot -Include *.exe -Recurse";
    for pick in [
        format!("{found} | Select-Object -First 1"),
        format!("{found} | Select-Object -Last 1"),
        format!("({found})[0]"),
        format!("@({found})[-1]"),
    ] {
        let pick = format!("$f = {pick}");
        for (script, effect) in [
            (
                format!("{unzip}\n{pick}\nSet-Content \"$($f.FullName).ignore\" ''"),
                None,
            ),
            (
                format!(
                    "{unzip}\n{pick}\nInstall-ChocolateyInstallPackage acme exe /S $f.FullName\nRemove-Item \"$($f.FullName)*\""
                ),
                Some(r"<one of <a.zip>\**\*.exe*>"),
            ),
        ] {
            let found = run(script.as_bytes(), &[]);
            assert_eq!(ignored(&found), [("tools/**/*.exe", false)], "{script}");
            let path = found.effects.first().map(|it| it.operands["path"].as_str());
            assert_eq!(path, effect, "{script}");
        }
        // All that are found anew are all of them.
        let all = "Get-ChildItem $PSScriptRoot -Include *.exe -Recurse | % { Set-Content \"$($_.FullName).ignore\" '' }";
        let found = run(format!("{unzip}\n{pick}\n{all}").as_bytes(), &[]);
        assert_eq!(ignored(&found), [("tools/**/*.exe", true)], "{pick}");
    }
}

#[test]
fn what_is_left_of_files_that_are_not_known_keeps_their_pattern() {
    let unzip = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    for narrow in ["? { $_.Length -gt 10 }", "select -Skip 1"] {
        let script = format!(
            "{unzip}\nGet-ChildItem $PSScriptRoot -Include *.exe -Recurse | {narrow} | % {{ Set-Content \"$($_.FullName).ignore\" '' }}"
        );
        let found = run(script.as_bytes(), &[]);
        assert_eq!(ignored(&found), [("tools/**/*.exe", false)], "{script}");
    }
}

#[test]
fn a_mark_of_a_file_whose_name_is_not_known_is_not_said_of_all() {
    let found = run(
        b"Set-Content \"$PSScriptRoot\\$(Get-Random).exe.ignore\" ''",
        &["tools/a.exe", "tools/b.exe"],
    );
    assert_eq!(ignored(&found), [("tools/*.exe", false)]);
}
