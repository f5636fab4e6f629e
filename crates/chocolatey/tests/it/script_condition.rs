//! Conditions that only a device can decide: as data where they depend on facts of the device that
//! have a name, as findings where they depend on anything else.

use fleetmend_model::condition::FactKind;
use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};
use crate::script_flow::install;

const READY: &str = "Ready Exe [/S] [0] Any=https://a.example/a.exe";

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_a_step_depends_on_is_said() {
    for (script, conditions) in [
        (
            "if (Test-Path C:\\x) { return }\nINSTALL '/S'",
            "unless(Test-Path C:\\x | existence of file C:\\x)",
        ),
        (
            "if (Test-Path HKLM:\\Software\\x) { throw 'x' }\nINSTALL '/S'",
            "unless(Test-Path HKLM:\\Software\\x | existence of registry HKLM:\\Software\\x)",
        ),
        (
            "function f { if (Test-Path $env:ProgramFiles\\x) { exit } }\nf\nINSTALL '/S'",
            "unless(Test-Path \"$env:ProgramFiles\\x\" | existence of file %ProgramFiles%\\x)",
        ),
        (
            "function f { if (!(Get-Service x -ea 0)) { return }\nINSTALL '/S'\n}\nf",
            "unless(!(Get-Service x -ea 0) | service x)",
        ),
        (
            "if ((Test-Path C:\\x) -and $true) {\nINSTALL '/S'\n}",
            "if((Test-Path C:\\x) -and $true | existence of file C:\\x)",
        ),
        (
            "$v = (Get-UninstallRegistryKey 'x*').DisplayVersion\nif ($v -eq $env:ChocolateyPackageVersion) { return }\nINSTALL '/S'",
            "unless($v -eq $env:ChocolateyPackageVersion | displayversion of software x*)",
        ),
        // What functions and loops make of facts.
        (
            "function f { if (Test-Path C:\\x) { return 1 } 2 }\nif ((f) -eq 1) { return }\nINSTALL '/S'",
            "unless((f) -eq 1 | existence of file C:\\x)",
        ),
        (
            "$n = $false\nforeach ($k in Get-UninstallRegistryKey 'x*') { if ($k.DisplayVersion -eq '1') { $n = $true } }\nif ($n) { return }\nINSTALL '/S'",
            "unless($n | software x*, displayversion of software x*)",
        ),
        (
            "foreach ($k in Get-UninstallRegistryKey 'x*') {\nINSTALL '/S'\n}",
            "if(there is <from software x*> | software x*)",
        ),
        (
            "if (Get-Command x -ea 0) { if ($env:Foo -eq 'a') { return } }\nINSTALL '/S'",
            "unless((Get-Command x -ea 0) -and ($env:Foo -eq 'a') | variable foo, program x)",
        ),
        (
            "if (Test-Path C:\\x) { if (Test-Path C:\\y) {\nINSTALL '/S'\n} }",
            "if(Test-Path C:\\x | existence of file C:\\x) if(Test-Path C:\\y | existence of file C:\\y)",
        ),
        // What is caught and thrown again is a refusal.
        (
            "try { if (!(Get-Service x -ea 0)) { throw 'x' } } catch { throw 'no' }\nINSTALL '/S'",
            "unless(!(Get-Service x -ea 0) | service x)",
        ),
        (
            "try { if (Test-Path C:\\x) { throw 'x' } } catch { exit }\nINSTALL '/S'",
            "unless(Test-Path C:\\x | existence of file C:\\x)",
        ),
        // The values that the registry has for software are as many as the software is.
        (
            "$k = (Get-UninstallRegistryKey 'x*').UninstallString\nif ($k.Count -eq 1) {\nINSTALL '/S'\n}",
            "if($k.Count -eq 1 | uninstallstring of software x*)",
        ),
        (
            "$k = @((Get-UninstallRegistryKey 'x*').PSChildName)\nif ($k.Length -gt 0) {\nINSTALL '/S'\n}",
            "if($k.Length -gt 0 | pschildname of software x*)",
        ),
        // What is looked for on the device may be none, one or many.
        (
            "if ($null -ne (Get-Process x -ea 0)) {\nINSTALL '/S'\n}",
            "if($null -ne (Get-Process x -ea 0) | process x)",
        ),
        (
            "if (Get-Item C:\\x\\x.exe -ea 0) {\nINSTALL '/S'\n}",
            "if(Get-Item C:\\x\\x.exe -ea 0 | file C:\\x\\x.exe)",
        ),
        (
            "if ((Get-ChildItem C:\\x\\*.exe) -eq $null) {\nINSTALL '/S'\n}",
            "if((Get-ChildItem C:\\x\\*.exe) -eq $null | file C:\\x\\*.exe)",
        ),
        (
            "[array]$k = Get-UninstallRegistryKey 'x*'\nif ($k.Count -eq 1) {\nINSTALL '/S'\n}",
            "if($k.Count -eq 1 | software x*)",
        ),
        (
            "if (@(Get-Service x*).Length -eq 0) {\nINSTALL '/S'\n}",
            "if(@(Get-Service x*).Length -eq 0 | service x*)",
        ),
        (
            "if (@(Get-Content C:\\x).Count -eq 1) {\nINSTALL '/S'\n}",
            "if(@(Get-Content C:\\x).Count -eq 1 | content of file C:\\x)",
        ),
        (
            "$k = @(Get-UninstallRegistryKey 'x*') + 'a'\nif ($k[0] -eq 'a') {\nINSTALL '/S'\n}",
            "if($k[0] -eq 'a' | software x*)",
        ),
        (
            "if ((Get-UninstallRegistryKey 'x*') -is [array]) {\nINSTALL '/S'\n}",
            "if((Get-UninstallRegistryKey 'x*') -is [array] | software x*)",
        ),
        (
            "if ((Get-Item C:\\x).Exists) {\nINSTALL '/S'\n}",
            "if((Get-Item C:\\x).Exists | file C:\\x)",
        ),
    ] {
        let script = install(script);
        let expected = format!("{READY} {conditions}");
        assert_eq!(shown(&run(script.as_bytes(), &[])), expected, "{script}");
    }
}

#[test]
fn what_the_script_brings_is_there_however_its_path_is_written() {
    for (brought, asked) in [
        ("$env:TEMP/a.exe", "$env:TEMP/a.exe"),
        ("$env:TEMP/a.exe", "$env:TEMP\\A.exe"),
        ("$env:TEMP\\a.exe", "$env:TEMP/A.exe"),
    ] {
        let script = format!(
            "Get-ChocolateyWebFile acme \"{brought}\" https://a.example/a.exe\nif (Test-Path \"{asked}\") {{ Install-ChocolateyInstallPackage acme exe /S \"{brought}\" }}"
        );
        assert_eq!(shown(&run(script.as_bytes(), &[])), READY, "{script}");
    }
    // What lies there the script decides, and no device.
    for script in [
        "Copy-Item $PSScriptRoot\\b.exe \"$env:TEMP/b.exe\"\nif (Test-Path \"$env:TEMP/b.exe\") { return }\nINSTALL '/S'",
        "Get-ChocolateyUnzip $PSScriptRoot\\b.zip \"$env:TEMP/b\"\nif (Test-Path \"$env:TEMP/b/a.exe\") { return }\nINSTALL '/S'",
    ] {
        let script = install(script);
        let found = run(script.as_bytes(), &["tools/b.exe", "tools/b.zip"]);
        let verdict = found.verdict;
        assert_eq!(verdict, Verdict::NeedsReview, "{script}: {}", shown(&found));
    }
}

#[test]
fn each_of_two_ways_is_a_step_of_its_own() {
    let script = install(
        "$k = Get-UninstallRegistryKey 'x*'\nif ($k -eq $null) {\nINSTALL '/S'\n} else {\nINSTALL '/Q'\n}",
    );
    assert_eq!(
        shown(&run(script.as_bytes(), &[])),
        format!(
            "{READY} if($k -eq $null | software x*) and Exe [/Q] [0] Any=https://a.example/a.exe unless($k -eq $null | software x*)"
        )
    );
}

#[test]
fn arguments_that_depend_on_the_device_are_a_step_for_each_way() {
    let (one, other) = (
        "Exe [/S] [0] Any=https://a.example/a.exe",
        "Exe [/Q] [0] Any=https://a.example/a.exe",
    );
    for script in [
        "$a = if (Test-Path C:\\x) { '/Q' } else { '/S' }\nINSTALL $a",
        "function f { if (Test-Path C:\\x) { return '/Q' } '/S' }\nINSTALL (f)",
        "$h = @{ a = '/S' }\nif (Test-Path C:\\x) { $h.a = '/Q' }\nINSTALL $h.a",
    ] {
        let script = install(script);
        assert_eq!(
            shown(&run(script.as_bytes(), &[])),
            format!(
                "Ready {one} unless(Test-Path C:\\x | existence of file C:\\x) and {other} if(Test-Path C:\\x | existence of file C:\\x)"
            ),
            "{script}"
        );
    }
    // Two conditions; what they do not change is said once.
    let script = install(
        "$a = '/S'\nif (Test-Path C:\\x) { $a = '/Q' }\nif ($env:Foo) { $b = 1 }\nINSTALL $a",
    );
    assert_eq!(
        shown(&run(script.as_bytes(), &[])),
        format!(
            "Ready {one} unless(Test-Path C:\\x | existence of file C:\\x) and {other} if(Test-Path C:\\x | existence of file C:\\x)"
        )
    );
    // Which file it is.
    let files = "if (Test-Path C:\\x) { $u = 'https://a.example/1.exe' } else { $u = 'https://a.example/2.exe' }\nGet-ChocolateyWebFile acme $env:TEMP\\a.exe $u\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\a.exe";
    assert_eq!(
        shown(&run(files.as_bytes(), &[])),
        "Ready Exe [/S] [0] Any=https://a.example/2.exe unless(Test-Path C:\\x | existence of file C:\\x) and Exe [/S] [0] Any=https://a.example/1.exe if(Test-Path C:\\x | existence of file C:\\x)"
    );
}

#[test]
fn what_a_switch_decides_is_a_step_for_each_way() {
    let script =
        install("switch ($env:Foo) { 'a' { $a = '/Q' } default { $a = '/S' } }\nINSTALL $a");
    assert_eq!(
        shown(&run(script.as_bytes(), &[])),
        "Ready Exe [/S] [0] Any=https://a.example/a.exe unless(switch ($env:Foo) 'a' | variable foo) and Exe [/Q] [0] Any=https://a.example/a.exe if(switch ($env:Foo) 'a' | variable foo)"
    );
}

#[test]
fn an_installation_under_a_condition_is_not_for_the_agent() {
    let script = install("if (Test-Path C:\\x) { return }\nINSTALL '/S'");
    let why = run(script.as_bytes(), &[]).deployable().unwrap_err();
    assert!(why.contains("only under a condition (line 1)"), "{why}");
}

#[test]
fn what_is_more_than_facts_is_a_finding() {
    for (script, what) in [
        (
            "if ((Get-Content C:\\x) -eq (Get-Random)) { return }\nINSTALL '/S'",
            "stops under a condition",
        ),
        (
            "if ((Get-Date).Hour -gt 3) {\nINSTALL '/S'\n}",
            "installs under a condition",
        ),
        (
            "if (Test-Path C:\\x) { $a = Get-Random } else { $a = 1 }\nif ($a -eq 1) { return }\nINSTALL '/S'",
            "stops under a condition",
        ),
        (
            "foreach ($k in Get-UninstallRegistryKey 'x*') { $b = $a; $a = Get-Random }\nif ($b) { return }\nINSTALL '/S'",
            "stops under a condition",
        ),
        // The script decides what lies there, or a condition does of which nothing is known.
        (
            "if (Get-Random) { Get-ChocolateyWebFile acme $env:TEMP\\a.exe https://a.example/1.exe } else { Get-ChocolateyWebFile acme $env:TEMP\\a.exe https://a.example/2.exe }\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\a.exe",
            "a condition decides what lies at",
        ),
        (
            "if (Get-Random) { Copy-Item $PSScriptRoot\\b.exe $PSScriptRoot\\a.exe }\nInstall-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe",
            "a condition decides what lies at",
        ),
        (
            "Copy-Item C:\\b.exe $PSScriptRoot\\a.exe\nInstall-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe",
            "a condition decides what lies at",
        ),
    ] {
        let script = install(script);
        let found = run(script.as_bytes(), &["tools/a.exe", "tools/b.exe"]);
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{script}: {}",
            shown(&found)
        );
        assert!(
            found.findings.iter().any(|it| it.what.contains(what)),
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn a_change_of_those_of_several_that_pass_a_filter_is_a_finding() {
    let found = run(
        b"'C:\\one', 'C:\\two' | Where-Object { Test-Path $_ } | ForEach-Object { Remove-Item $_ -Recurse }",
        &[],
    );
    assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
    let shown = shown(&found);
    assert!(shown.contains("C:\\one"), "{shown}");
    assert!(shown.contains("C:\\two"), "{shown}");
}

#[test]
fn a_condition_has_the_texts_of_the_script_as_they_are() {
    let script =
        "if ($env:FOO   -eq\n 'a  b' -or $env:FOO -eq \"x  $('y  z')\") { Set-Content C:\\x y }";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(
        found.effects[0].conditions[0].text,
        "$env:FOO -eq 'a  b' -or $env:FOO -eq \"x  $('y  z')\""
    );
    let script =
        "Get-Process acme -ea 0 | Where-Object { $_.Path   -eq 'C:\\a  b' } | Stop-Process";
    let found = run(script.as_bytes(), &[]);
    let operand = &found.effects[0].operands["inputobject"];
    assert_eq!(operand, "<acme where $_.Path -eq 'C:\\a  b'>");
}

#[test]
fn a_condition_that_is_too_long_to_be_said_is_a_finding() {
    let long = "x".repeat(5_000);
    let script = format!("if ($env:FOO -eq '{long}') {{ Set-Content C:\\x y }}");
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn a_change_under_a_condition_that_is_not_known_is_a_finding() {
    for script in [
        "if (Get-Random) { Set-Content C:\\x y }",
        "try { Install-ChocolateyPackage a exe /S https://a.example/a.exe } catch { Set-Content C:\\x y }",
        "while (Get-Random) { Stop-Service acme }",
        "Get-ChildItem C:\\a -Filter *.txt | % { if ($_.Name -like 'b*') { Remove-Item $_.FullName } }",
    ] {
        let found = run(script.as_bytes(), &[]);
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn a_change_of_what_an_archive_brought_says_what_it_depends_on() {
    let unzip = "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\n";
    for (script, condition) in [
        (
            "if (Test-Path $PSScriptRoot\\a.exe) { Register-Application $PSScriptRoot\\a.exe }",
            "Test-Path \"$PSScriptRoot\\a.exe\"",
        ),
        (
            "Get-ChildItem $PSScriptRoot\\*.exe | % { Install-BinFile a $_.FullName }",
            "there is <from file %ChocolateyPackageFolder%\\tools\\*.exe>",
        ),
    ] {
        let script = format!("{unzip}{script}");
        let found = run(script.as_bytes(), &["tools/a.zip"]);
        assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
        let told = found.effects.last().unwrap();
        let texts: Vec<&str> = told.conditions.iter().map(|it| &*it.text).collect();
        assert_eq!(texts, [condition], "{}", shown(&found));
    }
    // An installation that it decides is not explained by that.
    let script = format!(
        "{unzip}if (Test-Path $PSScriptRoot\\a.exe) {{ Install-ChocolateyInstallPackage a exe /S $PSScriptRoot\\a.exe }}"
    );
    let found = run(script.as_bytes(), &["tools/a.zip"]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn what_a_key_of_the_registry_has_is_of_the_registry() {
    for condition in [
        "Get-ChildItem HKLM:\\SOFTWARE\\Acme | % { (Get-ItemProperty $_.PSPath).pv -eq '1' }",
        "Get-ChildItem HKLM:\\SOFTWARE\\Acme | ? { (Get-ItemProperty $_.PSPath).name -eq 'Acme' }",
        "Get-ChildItem HKLM:\\SOFTWARE\\Acme | % { Test-Path \"$($_.PSPath)\\Sub\" }",
    ] {
        let script = format!(
            "if ({condition}) {{ return }}\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe"
        );
        let found = run(script.as_bytes(), &[]);
        let recipe = found.recipe.as_ref().unwrap();
        let facts: Vec<_> = recipe.conditions.iter().flat_map(|it| &it.facts).collect();
        assert!(facts.len() > 1, "{script}: {facts:?}");
        let others: Vec<_> = facts
            .iter()
            .filter(|it| it.kind != FactKind::Registry)
            .collect();
        assert!(others.is_empty(), "{script}: {others:?}");
    }
}
