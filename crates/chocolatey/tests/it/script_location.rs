//! Paths that a script takes from the folder that it is in.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};

const STOP: &str = "$ErrorActionPreference = 'Stop'\n";

#[test]
fn a_path_is_taken_from_the_folder_that_the_script_went_to() {
    for (script, expected) in [
        (
            "Set-Location \"$env:ProgramFiles\\Acme\"; Remove-Item 'plugins\\*' -Recurse -ea 0",
            "NoInstaller +Files?(path=%ProgramFiles%\\Acme\\plugins\\* recurse=True)",
        ),
        (
            "cd C:\\a; cd ..\\b; Remove-Item .\\x -ea 0",
            "NoInstaller +Files?(path=C:\\b\\x)",
        ),
        (
            "Push-Location C:\\a; pushd C:\\b; popd; 'x' | Set-Content x; Pop-Location",
            "NoInstaller +Files?(path=C:\\a\\x value=x)",
        ),
        (
            "cd C:\\a; New-Item -ItemType Directory -Name x",
            "NoInstaller +Files?(itemtype=Directory name=x path=C:\\a)",
        ),
        (
            "cd C:\\a; if (Test-Path old.exe) { Remove-Item old.exe -ea 0 }",
            "NoInstaller +Files?(path=C:\\a\\old.exe)",
        ),
        (
            "cd HKLM:\\Software; New-Item Acme",
            "NoInstaller +Registry(path=HKLM:\\Software\\Acme)",
        ),
        // What a program is told may be meant from there.
        (
            "cd C:\\a; cmd /c del x",
            "NoInstaller +Files?(arguments=x file=del workingdirectory=C:\\a)",
        ),
        // In the package's own folder nothing is left behind.
        ("cd $PSScriptRoot; Remove-Item x.zip", "NoInstaller"),
        // A new name is none.
        (
            "Rename-Item C:\\a\\x y",
            "NoInstaller +Files?(destination=y path=C:\\a\\x)",
        ),
    ] {
        let script = format!("{STOP}{script}");
        let mut found = run(script.as_bytes(), &[]);
        // That the folder must be there is said by the next test.
        found.conditions.clear();
        assert_eq!(shown(&found), expected, "{script}");
    }
}

#[test]
fn a_folder_that_may_be_missing_is_a_condition_where_errors_end_the_script() {
    let conditions = |script: &str| {
        let found = run(format!("{STOP}{script}").as_bytes(), &[]);
        let conditions = found.effects.last().map(|it| it.conditions.clone());
        let texts = conditions.unwrap().into_iter().map(|it| it.text);
        texts.collect::<Vec<_>>()
    };
    for script in [
        "cd C:\\a; Set-Content x y",
        "pushd C:\\a; popd; Set-Content C:\\x y",
    ] {
        assert_eq!(conditions(script), ["there is C:\\a"], "{script}");
    }
    for script in [
        "cd $env:ProgramFiles; Set-Content x y",
        "cd HKLM:\\Software; New-Item Acme",
        "New-Item C:\\a -ItemType Directory; cd C:\\a; Set-Content x y",
        "try { cd C:\\a } catch { Write-Warning 'no' }; Set-Content C:\\x y",
    ] {
        assert!(conditions(script).is_empty(), "{script}");
    }
    let asked = "if (Test-Path C:\\a\\b) { cd C:\\a; Set-Content x y }";
    assert_eq!(conditions(asked), ["Test-Path C:\\a\\b"]);
}

#[test]
fn where_a_missing_folder_ends_nothing_the_script_may_be_in_either() {
    for script in [
        "cd C:\\a; Set-Content x y",
        "cd C:\\b -ea 0; Set-Content x y",
        "cd $env:ProgramFiles; pushd C:\\a; Set-Content x y",
        "$ErrorActionPreference = 'Stop'; cd C:\\a -ea 0; Set-Content x y",
    ] {
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.verdict, Verdict::NeedsReview, "{script}");
    }
    // It goes back to where it was in any case.
    let script = "cd $env:ProgramFiles; pushd C:\\a; popd; Set-Content x y";
    assert_eq!(
        shown(&run(script.as_bytes(), &[])),
        "NoInstaller +Files(path=%ProgramFiles%\\x value=y)"
    );
}

#[test]
fn a_condition_asks_for_the_path_in_that_folder() {
    let found = run(
        b"$ErrorActionPreference = 'Stop'; cd C:\\a; if (Test-Path old.exe) { Set-Content C:\\x y }",
        &[],
    );
    assert_eq!(
        found.effects[0].conditions[1].facts[0].name,
        "C:\\a\\old.exe"
    );
}

#[test]
fn a_path_from_a_folder_that_is_not_known_is_a_finding() {
    for script in [
        "Remove-Item x -Recurse",
        "'x' | Set-Content x",
        "New-Item -ItemType Directory -Name x",
        "Pop-Location; Copy-Item x C:\\y",
        "if (Test-Path C:\\a) { cd C:\\a }\nRemove-Item x -Recurse",
        "cd (Get-Random); Remove-Item x -Recurse",
        "if (Test-Path x) { Install-ChocolateyPackage acme exe /S https://a.example/a.exe }",
        "cd C:\\a; [IO.File]::Delete('x')",
        "cd (Get-Random); cmd /c del x",
        "Start-Job { cd C:\\a } | Out-Null; Remove-Item x",
    ] {
        let found = run(script.as_bytes(), &[]);
        assert!(
            !matches!(found.verdict, Verdict::Ready | Verdict::NoInstaller),
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn a_program_is_started_from_that_folder() {
    let script = b"cd $PSScriptRoot; Start-Process .\\setup.exe -ArgumentList /S -Wait";
    assert_eq!(
        shown(&run(script, &["tools/setup.exe"])),
        "Ready Exe [/S] [] Any=tools/setup.exe"
    );
}

#[test]
fn what_was_put_aside_beyond_the_most_that_is_kept_is_not_known() {
    for script in [
        format!(
            "cd C:\\a\n{}popd\nRemove-Item x -ea 0",
            "pushd C:\\b\n".repeat(41)
        ),
        format!(
            "cd C:\\a\n{}{}cd C:\\c\npopd\nRemove-Item x -ea 0",
            "pushd C:\\b\n".repeat(41),
            "popd\n".repeat(40)
        ),
    ] {
        let script = format!("$ErrorActionPreference = 'Stop'\n{script}");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
    }
}

#[test]
fn a_loop_that_may_not_run_leaves_the_folder_unknown() {
    for script in [
        "cd C:\\b; foreach ($p in Get-Process acme -ea 0) { cd C:\\a }; Remove-Item y -ea 0",
        "cd C:\\b; foreach ($p in Get-Process acme -ea 0) { Remove-Item x -ea 0; cd C:\\a }",
        "cd C:\\b; while (Test-Path C:\\c) { pushd C:\\a }; cd C:\\d; popd; Remove-Item y -ea 0",
    ] {
        let script = format!("$ErrorActionPreference = 'Stop'\n{script}");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{script}: {}",
            shown(&found)
        );
    }
}
