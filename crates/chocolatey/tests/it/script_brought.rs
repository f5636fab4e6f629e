//! Files that a script finds in the package's folder and that the package does not hold: an installer
//! or a download brought them.

use fleetmend_model::recipe::Uninstall;

use crate::script::{ignored, run, run_package, shown};

#[test]
fn what_an_installer_puts_into_the_packages_folder_is_found_there() {
    let found = run(
        b"Install-ChocolateyPackage acme exe \"/S /D=$PSScriptRoot\\app\" https://a.example/a.exe
Get-ChildItem $PSScriptRoot\\app -Recurse -Include *.exe | % { New-Item \"$($_.FullName).ignore\" -Type file -Force | Out-Null }",
        &[],
    );
    assert_eq!(ignored(&found), [("tools/app/**/*.exe", true)]);
}

#[test]
fn a_folder_that_an_installer_is_told_of_may_be_there() {
    let install = "Install-ChocolateyPackage acme exe \"/S /D=$PSScriptRoot\\app-1.0\" https://a.example/a.exe";
    let script = format!(
        "{install}\nif (Test-Path $PSScriptRoot\\app-1.0 -PathType Container) {{ Set-Content C:\\b x }}"
    );
    let found = run(script.as_bytes(), &[]);
    let [effect] = &found.effects[..] else {
        panic!("{}", shown(&found))
    };
    assert!(!effect.always);
}

#[test]
fn what_an_installer_put_there_and_the_script_removes_is_said() {
    let found = run(
        b"Install-ChocolateyPackage acme exe \"/S /D=`\"$PSScriptRoot`\"\" https://a.example/a.exe
Remove-Item $PSScriptRoot\\setup.exe -Force -ea 0",
        &[],
    );
    let text = shown(&found);
    let wanted = "+Files(force=True path=%ChocolateyPackageFolder%\\tools\\setup.exe)";
    assert!(text.ends_with(wanted), "{text}");
}

#[test]
fn each_of_several_folders_that_an_installer_is_told_of_is_kept() {
    for between in [" ", ";", "`\" /E=`\"", ","] {
        let script = format!(
            "Install-ChocolateyPackage acme exe \"/D=$PSScriptRoot\\a{between}$PSScriptRoot\\b\" https://a.example/a.exe
Get-ChildItem $PSScriptRoot\\b -Recurse -Include *.exe | % {{ New-Item \"$($_.FullName).ignore\" -Type file -Force | Out-Null }}"
        );
        let found = run(script.as_bytes(), &[]);
        let wanted = [("tools/b/**/*.exe", true)];
        assert_eq!(ignored(&found), wanted, "{between}");
    }
}

#[test]
fn what_was_downloaded_into_the_packages_folder_is_found_there() {
    let found = run(
        b"Get-ChocolateyWebFile acme $PSScriptRoot\\a.exe https://a.example/a.exe
Get-ChildItem $PSScriptRoot -Filter *.exe | % { Set-Content \"$($_.FullName).ignore\" '' }",
        &["tools/b.exe"],
    );
    assert_eq!(
        ignored(&found),
        [("tools/a.exe", true), ("tools/b.exe", true)]
    );
}

#[test]
fn what_is_left_out_is_not_found() {
    let found = run(
        b"Get-ChildItem $PSScriptRoot -Recurse -Include *.exe -Exclude a*,c.exe | % { New-Item \"$($_.FullName).ignore\" | Out-Null }",
        &["tools/a.exe", "tools/b.exe", "tools/c.exe"],
    );
    assert_eq!(ignored(&found), [("tools/b.exe", true)]);
}

#[test]
fn what_is_left_out_of_files_that_are_not_at_hand_leaves_their_folder_and_end() {
    let unzip = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    for (listing, program) in [
        ("-Recurse -Include *.exe -Exclude a.exe", "tools/**/*.exe"),
        ("-Filter *.exe -Exclude a.exe", "tools/*.exe"),
        (
            "-Recurse -Include a*.exe -Exclude a.exe,ab.exe",
            "tools/**/a*.exe",
        ),
        ("-Recurse -Include a*.exe,b*.exe", "tools/**/*"),
    ] {
        let mark = "% { New-Item \"$($_.FullName).ignore\" | Out-Null }";
        let script = format!("{unzip}\nGet-ChildItem $PSScriptRoot {listing} | {mark}");
        let found = run(script.as_bytes(), &["tools/a.exe"]);
        let marks = found
            .shims
            .iter()
            .map(|it| (it.program.as_str(), it.always));
        let marks: Vec<_> = marks.collect();
        assert_eq!(marks, [(program, false)], "{script}");
    }
}

#[test]
fn what_is_removed_at_any_depth_may_lie_in_the_folder_itself() {
    let unzip = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    for listing in ["-Include *.ignore", "-Include *.ignore -Exclude b.ignore"] {
        let script =
            format!("{unzip}\nGet-ChildItem $PSScriptRoot -Recurse {listing} | Remove-Item");
        for file in ["tools/a.exe.ignore", "tools/x/y/a.exe.ignore"] {
            let found = run(script.as_bytes(), &[file]);
            let always = found.shims.iter().map(|it| it.always);
            assert_eq!(always.collect::<Vec<_>>(), [false], "{script}: {file}");
        }
    }
}

/// What an uninstall script comes to behind an install script, with a file of the package.
fn uninstalled(install: &str, uninstall: &str) -> Uninstall {
    let found = run_package(&[
        ("tools/chocolateyInstall.ps1", install.as_bytes()),
        ("tools/chocolateyUninstall.ps1", uninstall.as_bytes()),
        ("tools/b.txt", b"x"),
    ]);
    found.uninstall.unwrap()
}

#[test]
fn the_uninstall_script_finds_what_the_install_script_has_brought() {
    let unzip = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    let download = "Get-ChocolateyWebFile acme $PSScriptRoot\\a.exe https://a.example/a.exe";
    let copy = "Copy-Item C:\\a.exe $PSScriptRoot\\a.exe";
    let told = "Install-ChocolateyPackage acme exe \"/D=$PSScriptRoot\" https://a.example/a.exe";
    let listing = "$a = Get-ChildItem $PSScriptRoot\\*.exe\nif (!$a) { throw 'gone' }\nRemove-Item C:\\x -ea 0";
    let tested = "if (Test-Path $PSScriptRoot\\a.exe) { Remove-Item C:\\x -ea 0 }";
    for install in [unzip, download, copy, told] {
        for uninstall in [listing, tested] {
            let found = uninstalled(install, uninstall);
            let said: Vec<&str> = found.findings.iter().map(|it| it.what.as_str()).collect();
            assert!(
                !said.contains(&"the script fails, whatever holds"),
                "{install}: {uninstall}: {said:?}"
            );
            let [effect] = &found.effects[..] else {
                panic!("{install}: {uninstall}: {found:?}")
            };
            // Whether one file is there is asked; of a pattern it is a finding.
            assert!(!effect.always || uninstall == listing, "{install}");
        }
        assert!(
            uninstalled(install, tested).findings.is_empty(),
            "{install}"
        );
    }
    // Else nothing else is there.
    let found = uninstalled(
        "Install-ChocolateyPackage acme exe /S https://a.example/a.exe",
        listing,
    );
    assert!(
        found.findings[0].what.contains("fails, whatever holds"),
        "{found:?}"
    );
    // What is gone with the folder is nothing that is said.
    let found = uninstalled(unzip, "Remove-Item $PSScriptRoot\\app -Recurse -ea 0");
    assert!(found.effects.is_empty(), "{found:?}");
}

#[test]
fn what_is_done_before_the_package_is_changed_finds_it_too() {
    let install = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot";
    let before = "if (Get-ChildItem $PSScriptRoot -Filter *.exe) { Stop-Process -Name acme -ea 0 }";
    let found = run_package(&[
        ("tools/chocolateyInstall.ps1", install.as_bytes()),
        ("tools/chocolateyBeforeModify.ps1", before.as_bytes()),
    ]);
    let [effect] = &found.effects[..] else {
        panic!("{}", shown(&found))
    };
    assert!(!effect.always, "{}", shown(&found));
}

#[test]
fn what_was_unpacked_is_removed_where_it_does_not_go_with_the_package() {
    let remove = "Uninstall-ChocolateyZipPackage acme a.zip";
    for (install, count) in [
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot",
            0,
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe",
            0,
        ),
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip C:\\acme",
            1,
        ),
        ("Some-Command", 1),
    ] {
        let found = uninstalled(install, remove);
        assert_eq!(found.effects.len(), count, "{install}: {found:?}");
    }
}
