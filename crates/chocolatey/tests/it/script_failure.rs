//! What ends a script with an error: what it looks for and does not find, and what it does on purpose.

use fleetmend_model::effect::Effect;
use fleetmend_model::recipe::Verdict;

use crate::script::{run, run_package, shown};

/// An effect's path or name, and the conditions that it has.
fn told(effect: &Effect) -> String {
    let conditions: Vec<String> = effect
        .conditions
        .iter()
        .map(|it| format!("{}{}", if it.holds { "" } else { "not " }, it.text))
        .collect();
    let operands = &effect.operands;
    let name = operands.get("path").or(operands.get("name"));
    format!("{} if [{}]", name.unwrap(), conditions.join("; "))
}

fn effects(script: &str) -> Vec<String> {
    let found = run_package(&[("tools/chocolateyUninstall.ps1", script.as_bytes())]);
    let uninstall = found.uninstall.unwrap();
    assert!(uninstall.findings.is_empty(), "{:?}", uninstall.findings);
    for effect in &uninstall.effects {
        assert_eq!(effect.always, effect.conditions.is_empty(), "{effect:?}");
    }
    uninstall.effects.iter().map(told).collect()
}

#[test]
fn a_command_that_must_find_what_it_changes_ends_the_script_without_it() {
    for (script, expected) in [
        (
            "Remove-Item C:\\a.lnk\nRemove-Item C:\\b.lnk -ea 0",
            [
                "C:\\a.lnk if [there is C:\\a.lnk]",
                "C:\\b.lnk if [there is C:\\a.lnk]",
            ],
        ),
        (
            "Stop-Process -Name acme\nSet-Content C:\\b x",
            [
                "acme if [there is process acme]",
                "C:\\b if [there is process acme]",
            ],
        ),
        (
            "Remove-ItemProperty HKLM:\\Software\\Acme x\nSet-Content C:\\b x",
            [
                "HKLM:\\Software\\Acme if [there is x of HKLM:\\Software\\Acme]",
                "C:\\b if [there is x of HKLM:\\Software\\Acme]",
            ],
        ),
        // What a condition asks for already is no other one.
        (
            "if (Test-Path C:\\a) { Remove-Item C:\\a }\nSet-Content C:\\b x",
            ["C:\\a if [Test-Path C:\\a]", "C:\\b if []"],
        ),
        (
            "$p = Get-Process acme -ea 0\nif ($p -eq $null) { 'no' } else { Stop-Process -Name acme }\nSet-Content C:\\b x",
            ["acme if [not $p -eq $null]", "C:\\b if []"],
        ),
        // What is compared with the answer may turn it around.
        (
            "if ((Test-Path C:\\a) -ne $true) { Remove-Item C:\\a }\nSet-Content C:\\b x",
            [
                "C:\\a if [(Test-Path C:\\a) -ne $true; there is C:\\a]",
                "C:\\b if [not ((Test-Path C:\\a) -ne $true) -and -not (there is C:\\a)]",
            ],
        ),
        // A path that is handed over is no file that was found.
        (
            "'C:\\a' | Remove-Item\nSet-Content C:\\b x",
            ["C:\\a if [there is C:\\a]", "C:\\b if [there is C:\\a]"],
        ),
        // An error that is caught ends nothing else.
        (
            "try { Remove-Item C:\\a } catch { Write-Warning 'gone' }\nSet-Content C:\\b x",
            ["C:\\a if [there is C:\\a]", "C:\\b if []"],
        ),
        // What it has made itself is there.
        (
            "Set-Content C:\\a x\nRemove-Item C:\\a",
            ["C:\\a if []", "C:\\a if []"],
        ),
        // A pattern may fit nothing.
        (
            "Remove-Item C:\\a\\*\nSet-Content C:\\b x",
            ["C:\\a\\* if []", "C:\\b if []"],
        ),
    ] {
        let script = format!("$ErrorActionPreference = 'Stop'\n{script}");
        assert_eq!(effects(&script), expected, "{script}");
    }
}

#[test]
fn what_comes_behind_an_extension_for_one_visual_studio_happens_where_that_is() {
    let script =
        "Install-ChocolateyVsixPackage acme https://a.example/a.vsix 14\nSet-Content C:\\b x";
    let found = run_package(&[("tools/chocolateyInstall.ps1", script.as_bytes())]);
    let effects: Vec<String> = found.effects.iter().map(told).collect();
    assert_eq!(effects, ["C:\\b if [Visual Studio 14.0 is installed]"]);
}

#[test]
fn a_command_that_is_handed_no_path_ends_the_script_where_errors_do() {
    let unzip = "$a = @{ File64 = \"$PSScriptRoot\\a.zip\"; Destination = $PSScriptRoot }\nGet-ChocolateyUnzip @a";
    let stop = "$ErrorActionPreference = 'Stop'\n";
    for command in [
        "Remove-Item $a.File",
        "Remove-Item -Path '' -ea 0",
        "Remove-Item @()",
        "Remove-Item $a.File64, $a.File",
        "Move-Item $null C:\\b",
        "Copy-Item -Path \"\" C:\\b",
        "Rename-Item C:\\b $null -ErrorAction Ignore",
        "Set-Content $a.File x",
        "Set-ItemProperty HKLM:\\Software\\Acme $null 1",
        "if (Test-Path $a.File) { 'x' }",
        "Join-Path $a.File 'x'",
        "$b = Split-Path $a.File",
        "Get-Item $a.File -ea SilentlyContinue",
    ] {
        let script = format!("{stop}{unzip}\n{command}\nSet-Content C:\\c x");
        let entries: [(&str, &[u8]); 2] = [
            ("tools/chocolateyInstall.ps1", script.as_bytes()),
            ("tools/a.zip", b"x"),
        ];
        let found = run_package(&entries);
        assert_eq!(found.verdict, Verdict::NeedsReview, "{command}");
        let said: Vec<&str> = found.findings.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(
            said,
            ["the script fails behind the installation, whatever holds"],
            "{command}"
        );
        assert!(found.effects.is_empty(), "{command}");
    }
    // A `try` takes it; what errors do not end goes on; a pipeline may hand over nothing.
    for (script, expected) in [
        (
            "$ErrorActionPreference = 'Stop'\ntry { Remove-Item $null; Set-Content C:\\b x } catch { }\nSet-Content C:\\c x",
            "C:\\c if []",
        ),
        ("Remove-Item $null\nSet-Content C:\\c x", "C:\\c if []"),
        (
            "$ErrorActionPreference = 'Stop'\n@() | Remove-Item\nSet-Content C:\\c x",
            "C:\\c if []",
        ),
        // A shortcut that is there already has a target.
        (
            "$ErrorActionPreference = 'Stop'\n$l = (New-Object -ComObject WScript.Shell).CreateShortcut('C:\\a.lnk')\n$t = Split-Path $l.TargetPath\nSet-Content C:\\c x",
            "C:\\c if []",
        ),
    ] {
        assert_eq!(effects(script), [expected], "{script}");
    }
}

#[test]
fn errors_that_end_nothing_are_no_condition() {
    for script in [
        "Remove-Item C:\\a",
        "$ErrorActionPreference = 'SilentlyContinue'\nRemove-Item C:\\a",
        "$ErrorActionPreference = 'Stop'\nRemove-Item C:\\a -ea 0",
        "$ErrorActionPreference = 'Stop'\nRemove-Item C:\\a -ErrorAction SilentlyContinue",
        "$ErrorActionPreference = 'Stop'\n$q = @{ ErrorAction = 'Ignore' }\nRemove-Item C:\\a @q",
    ] {
        assert_eq!(effects(script), ["C:\\a if []"], "{script}");
    }
    let found = effects("Remove-Item C:\\a -ErrorAction Stop");
    assert_eq!(found, ["C:\\a if [there is C:\\a]"]);
}

const INSTALL: &str = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\n";

#[test]
fn what_fails_behind_the_installation_is_a_condition_or_a_finding() {
    for end in [
        "if (!(Test-Path C:\\a.exe)) { throw 'not there' }",
        "if (!(Test-Path C:\\a.exe)) { exit 1 }",
        "$ErrorActionPreference = 'Stop'\nif (!(Test-Path C:\\a.exe)) { Write-Error 'not there' }",
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        assert!(found.recipe.as_ref().unwrap().conditions.is_empty());
        let [condition] = &found.conditions[..] else {
            panic!("{end}: {}", shown(&found))
        };
        assert_eq!(condition.text, "!(Test-Path C:\\a.exe)");
        assert!(!condition.holds);
        assert!(found.deployable().is_err());
    }
    for end in [
        "throw 'never'",
        "exit 1",
        "if (Get-Random) { throw 'perhaps' }",
        "if (Get-Random) { exit (Get-Random) }",
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{end}: {}",
            shown(&found)
        );
    }
    for end in [
        "exit",
        "exit 0",
        "if (Get-Random) { exit 0 }",
        "if (Get-Random) { return }",
        "try { throw 'x' } catch { Write-Warning 'x' }",
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        assert!(found.deployable().is_ok(), "{end}: {}", shown(&found));
    }
}

#[test]
fn a_loop_that_fails_behind_the_installation_is_a_condition_or_a_finding() {
    for (end, condition) in [
        (
            "foreach ($p in Get-Process acme) { throw 'x' }",
            "there is <from process acme>",
        ),
        (
            "Get-Process acme | ForEach-Object { exit 1 }",
            "there is <from process acme>",
        ),
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [(condition, false)], "{end}");
        assert!(found.deployable().is_err());
    }
    // How often such a loop runs is not asked of the device.
    for end in [
        "while (Test-Path C:\\a) { throw 'x' }",
        "while (Get-Random) { exit 1 }",
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        let verdict = found.verdict;
        assert_eq!(verdict, Verdict::NeedsReview, "{end}: {}", shown(&found));
    }
}

#[test]
fn what_a_change_must_find_behind_the_installation_is_a_condition() {
    let end = "$ErrorActionPreference = 'Stop'\nRemove-Item C:\\a.lnk";
    let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
    let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("there is C:\\a.lnk", true)]);
}

#[test]
fn a_loop_fails_as_its_rounds_do_and_not_as_the_first_one_alone() {
    let end = "$n = 'C:\\a'
foreach ($p in Get-Process acme) { if (Test-Path $n) { throw 'x' }; $n = $p.Path }";
    let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
    let [condition] = &found.conditions[..] else {
        panic!("{}", shown(&found))
    };
    assert!(!condition.holds);
}

#[test]
fn of_several_ways_out_each_fails_or_not_by_its_own_code() {
    for end in [
        "if (Test-Path C:\\a) { exit 1 } else { exit 0 }",
        "if (Test-Path C:\\a) { exit 1 } else { if (Test-Path C:\\b) { exit 0 } }",
    ] {
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("Test-Path C:\\a", false)], "{end}");
    }
    let fails = format!("try {{ {INSTALL}exit 1 }} catch {{ exit 0 }}");
    assert_eq!(run(fails.as_bytes(), &[]).verdict, Verdict::NeedsReview);
    let works = format!("try {{ {INSTALL}exit 0 }} catch {{ exit 1 }}");
    assert_eq!(
        shown(&run(works.as_bytes(), &[])),
        "Ready Exe [/S] [0] Any=https://a.example/a.exe"
    );
}

#[test]
fn machines_where_the_script_always_fails_are_none_that_it_installs_on() {
    let script = format!("{INSTALL}if (Get-OSArchitectureWidth 32) {{ throw 'none for 32 bits' }}");
    assert_eq!(
        shown(&run(script.as_bytes(), &[])),
        "Ready Exe [/S] [0] X64=https://a.example/a.exe"
    );
}

#[test]
fn a_way_that_fails_is_told_where_another_one_comes_back() {
    for (end, condition) in [
        (
            "try { if (Test-Path C:\\a) { throw 'x' }; exit 1 } catch { 'caught' }",
            "Test-Path C:\\a",
        ),
        (
            "function f { if (Test-Path C:\\a) { return }; exit 1 }\nf",
            "Test-Path C:\\a",
        ),
        (
            "foreach ($x in 1, 2) { if (Test-Path C:\\a) { continue }; exit 1 }",
            "Test-Path C:\\a",
        ),
        (
            "foreach ($x in 1, 2) { if (Test-Path C:\\a) { break }; throw 'x' }",
            "Test-Path C:\\a",
        ),
        (
            "switch (1) { 1 { if (Test-Path C:\\a) { break }; exit 1 } }",
            "Test-Path C:\\a",
        ),
    ] {
        let script = format!("{INSTALL}{end}\nSet-Content C:\\b x");
        let found = run(script.as_bytes(), &[]);
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [(condition, true)], "{end}: {}", shown(&found));
        assert_eq!(found.effects.len(), 1, "{end}: {}", shown(&found));
        let told = &found.effects[0].conditions;
        assert!(told.iter().all(|it| it.holds), "{end}: {told:?}");
        assert!(!told.is_empty(), "{end}");
    }
    // In a loop that may not run, both must come together.
    let end =
        "foreach ($p in Get-Process acme -ea 0) { if (Test-Path C:\\a) { continue }; exit 1 }";
    let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
    let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
    let told: Vec<_> = told.collect();
    let both = "(there is <from process acme>) -and -not (Test-Path C:\\a)";
    assert_eq!(told, [(both, false)]);
}

#[test]
fn what_comes_behind_a_round_that_is_left_out_happens_in_the_next_one() {
    let script = "foreach ($x in 'a', 'b') { if ($x -eq 'a' -and (Test-Path C:\\a)) { continue }; Set-Content C:\\$x y }";
    let found = run(script.as_bytes(), &[]);
    let told: Vec<String> = found.effects.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "C:\\a if [not $x -eq 'a' -and (Test-Path C:\\a)]",
            "C:\\b if []"
        ]
    );
}

#[test]
fn what_changes_in_a_round_that_is_left_early_is_not_known_in_the_next_one() {
    for body in [
        "if (Test-Path C:\\a) { $v = 'b'; continue }",
        "$v = $w; $w = 'b'",
    ] {
        let script = format!(
            "$v = 'a'; $w = 'a'\nforeach ($p in Get-Process acme -ea 0) {{ Set-Content C:\\x $v\n{body} }}"
        );
        let found = run(script.as_bytes(), &[]);
        assert!(
            !found.effects.iter().any(|it| it.operands["value"] == "a"),
            "{}",
            shown(&found)
        );
    }
}

#[test]
fn what_is_done_in_any_case_has_no_condition_of_what_left_before() {
    for script in [
        "try { if (Test-Path C:\\a) { throw 'x' } } finally { Set-Content C:\\b x }",
        "try { if (Test-Path C:\\a) { exit 1 } } finally { Set-Content C:\\b x }",
        "function f { try { if (Test-Path C:\\a) { return } } finally { Set-Content C:\\b x } }\nf",
    ] {
        let found = run(script.as_bytes(), &[]);
        let told: Vec<String> = found.effects.iter().map(told).collect();
        assert_eq!(told, ["C:\\b if []"], "{script}");
    }
    let script = "try { if (Test-Path C:\\a) { throw 'x' } } finally { Set-Content C:\\b x }\nSet-Content C:\\c x";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(told(&found.effects[1]), "C:\\c if [not Test-Path C:\\a]");
}

#[test]
fn a_command_that_must_find_what_it_reads_ends_the_script_without_it() {
    for (command, condition) in [
        ("Get-Process acme", "there is process acme"),
        ("Get-Process a, b", "there is process a, process b"),
        ("Get-Service -Name acme", "there is service acme"),
        ("Get-Command acme", "there is program acme"),
        ("Get-Item C:\\a", "there is C:\\a"),
        ("Get-ChildItem C:\\a -Filter *.x", "there is C:\\a"),
        ("'C:\\a' | Get-Item", "there is C:\\a"),
        ("Get-Content C:\\a", "there is C:\\a"),
        (
            "Get-ItemProperty HKLM:\\Software\\A",
            "there is HKLM:\\Software\\A",
        ),
        (
            "(Get-ItemProperty -Path HKLM:\\Software\\A -Name b).b",
            "there is b of HKLM:\\Software\\A",
        ),
    ] {
        let script = format!("$x = {command}\nSet-Content C:\\z x");
        let stops = format!("$ErrorActionPreference = 'Stop'\n{script}");
        let found = run(stops.as_bytes(), &[]);
        let all: Vec<String> = found.effects.iter().map(told).collect();
        assert_eq!(all, [format!("C:\\z if [{condition}]")], "{script}");
        let found = run(script.as_bytes(), &[]);
        let all: Vec<String> = found.effects.iter().map(told).collect();
        assert_eq!(all, ["C:\\z if []"], "{script}");
    }
    for command in [
        "Get-Process acme -ea 0",
        "Get-Service acme -ErrorAction Ignore",
        "Get-Process ac*",
        "Get-Item C:\\a\\*",
        "Get-Process",
        "Get-ChildItem cert:\\LocalMachine\\My",
        "Get-ChildItem $env:ProgramFiles",
        "Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' -Name ProductName",
        "if (Test-Path C:\\a) { Get-Item C:\\a }",
        "try { Get-Process acme } catch { }",
    ] {
        let script =
            format!("$ErrorActionPreference = 'Stop'\n$x = {command}\nSet-Content C:\\z x");
        let found = run(script.as_bytes(), &[]);
        let all: Vec<String> = found.effects.iter().map(told).collect();
        assert_eq!(all, ["C:\\z if []"], "{script}");
    }
}

#[test]
fn a_read_that_ends_the_script_behind_the_installation_is_a_condition() {
    let end = "$ErrorActionPreference = 'Stop'\n$s = Get-Service acme";
    let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
    let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
    assert_eq!(told.collect::<Vec<_>>(), [("there is service acme", true)]);
}

#[test]
fn what_is_made_only_sometimes_may_be_missing() {
    let script = "$ErrorActionPreference = 'Stop'
if (Test-Path C:\\x) { Set-Content C:\\a x }
Remove-Item C:\\a";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(told(&found.effects[1]), "C:\\a if [there is C:\\a]");
}

#[test]
fn what_ends_a_script_inside_of_an_expression_ends_it() {
    for (line, gone) in [
        ("$x = \"$(throw 'no')\"", true),
        ("if ((f) -eq 1) { 'x' }", true),
        ("Write-Host (f)", true),
        ("$t = @{ a = f }", true),
        ("switch (f) { 1 { 'x' } }", true),
        ("function g($a = $(throw 'no')) { $a }\ng", true),
        ("function g($a = $(throw 'no')) { $a }\ng 1", false),
        ("if ($false -and (f)) { 'x' }", false),
        ("function g { \"$(return)\"; f }\ng", false),
    ] {
        let script = format!("function f {{ throw 'no' }}\n{line}\nSet-Content C:\\b x");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.effects.is_empty(), gone, "{line}: {}", shown(&found));
    }
    let script =
        "function f { throw 'no' }\nif ((Test-Path C:\\a) -and (f)) { 'x' }\nSet-Content C:\\b x";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(told(&found.effects[0]), "C:\\b if [not (Test-Path C:\\a)]");
    let script = "1, 2 | Where-Object { throw 'no' }\nSet-Content C:\\b x";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn a_script_that_another_one_runs_ends_itself_alone() {
    for call in ["&", "."] {
        for (other, conditions) in [
            ("exit 0", 0),
            ("exit 1", 0),
            ("if (Test-Path C:\\a) { exit 1 }\nSet-Content C:\\c x", 0),
            ("if (Test-Path C:\\a) { throw 'x' }", 1),
        ] {
            let script = format!("{INSTALL}{call} $PSScriptRoot\\b.ps1\nSet-Content C:\\b x");
            let found = run_package(&[
                ("tools/chocolateyInstall.ps1", script.as_bytes()),
                ("tools/b.ps1", other.as_bytes()),
            ]);
            assert_eq!(found.conditions.len(), conditions, "{other}");
            let last = found.effects.last().unwrap();
            assert_eq!(last.operands["path"], "C:\\b", "{other}");
            assert_eq!(last.conditions.len(), conditions, "{other}");
        }
    }
}

#[test]
fn what_makes_a_script_fail_that_installs_nothing_is_said() {
    for end in [
        "if (Test-Path C:\\a) { throw 'no' }",
        "if (Test-Path C:\\a) { exit 1 }",
    ] {
        let found = run(format!("Set-Content C:\\b x\n{end}").as_bytes(), &[]);
        assert_eq!(found.verdict, Verdict::NoInstaller, "{}", shown(&found));
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        assert_eq!(told.collect::<Vec<_>>(), [("Test-Path C:\\a", false)]);
    }
    for script in [
        "Set-Content C:\\b x\nexit 1",
        "Set-Content C:\\b x\nthrow 'no'",
    ] {
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.verdict, Verdict::NeedsChocolatey, "{}", shown(&found));
    }
}

#[test]
fn that_nothing_is_installed_on_32_bits_says_that_it_fails_there() {
    let script = "if (Test-Path C:\\a) { Install-ChocolateyPackage acme exe /S -Url64bit https://a.example/a.exe }";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
    let script = "if (Test-Path C:\\a) { if (Get-OSArchitectureWidth 32) { throw 'no' } }\nSet-Content C:\\b x";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn behind_a_way_out_without_an_error_nothing_fails() {
    for out in ["return", "exit 0", "exit"] {
        let end = format!(
            "$ErrorActionPreference = 'Stop'\nif (Test-Path C:\\no) {{ {out} }}\nRemove-Item C:\\a.lnk"
        );
        let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        let told: Vec<_> = told.collect();
        let both = "-not (Test-Path C:\\no) -and -not (there is C:\\a.lnk)";
        assert_eq!(told, [(both, false)], "{out}");
    }
    // What ended with an error before is a failure by itself.
    let end = "$ErrorActionPreference = 'Stop'\nRemove-Item C:\\b.lnk\nRemove-Item C:\\a.lnk";
    let found = run(format!("{INSTALL}{end}").as_bytes(), &[]);
    let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [("there is C:\\b.lnk", true), ("there is C:\\a.lnk", true)]
    );
}

#[test]
fn a_program_that_is_not_there_cannot_be_registered() {
    let found = run(
        format!("{INSTALL}Register-Application C:\\acme\\a.exe").as_bytes(),
        &[],
    );
    let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("there is C:\\acme\\a.exe", true)]);
}

#[test]
fn what_only_points_to_a_file_has_not_made_it() {
    let there = "there is C:\\a.exe";
    for (first, expected) in [
        ("Install-BinFile a C:\\a.exe", vec![there]),
        ("Register-Application C:\\a.exe a -ea 0", vec![there]),
        ("New-Item C:\\a.exe", vec![]),
        ("Copy-Item C:\\b.exe C:\\a.exe -ea 0", vec![]),
        (
            "Install-ChocolateyShortcut -ShortcutFilePath C:\\a.exe -TargetPath C:\\b",
            vec![],
        ),
    ] {
        let script = format!("$ErrorActionPreference = 'Stop'\n{first}\nRemove-Item C:\\a.exe");
        let found = run_package(&[("tools/chocolateyUninstall.ps1", script.as_bytes())]);
        let uninstall = found.uninstall.unwrap();
        let last = uninstall.effects.last().unwrap();
        let texts: Vec<&str> = last.conditions.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, expected, "{first}");
    }
}

#[test]
fn what_a_helper_returns_decides_what_the_script_does_with_it() {
    let script = "$n = Install-ChocolateyFont \"$PSScriptRoot\\a.ttf\"
if ($n -ne 0) { throw 'no font was installed' }";
    let found = run(script.as_bytes(), &["tools/a.ttf"]);
    assert_eq!(found.verdict, Verdict::NoInstaller, "{found:?}");
    let [condition] = &found.conditions[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (condition.text.as_str(), condition.holds),
        ("$n -ne 0", false)
    );
    let label = condition.facts[0].label();
    assert_eq!(label, "result of program install-chocolateyfont");
}

#[test]
fn fonts_that_are_not_named_are_those_of_the_log_which_must_be_there() {
    let log = "%ChocolateyPackageFolder%\\FontFilesInstalled.log";
    for remove in ["Remove-Font", "Uninstall-ChocolateyFont -Multiple"] {
        let found = run_package(&[("tools/chocolateyUninstall.ps1", remove.as_bytes())]);
        let uninstall = found.uninstall.unwrap();
        let effect = &uninstall.effects[0];
        assert_eq!(
            effect.operands["paths"],
            format!("<the fonts that {log} names>")
        );
        let [condition] = &uninstall.conditions[..] else {
            panic!("{uninstall:?}");
        };
        assert_eq!(condition.text, format!("there is {log}"));
        assert_eq!(effect.conditions, uninstall.conditions);
    }
    let named = b"Uninstall-ChocolateyFont -FontFiles a.ttf";
    let found = run_package(&[("tools/chocolateyUninstall.ps1", named)]);
    let uninstall = found.uninstall.unwrap();
    assert_eq!(uninstall.effects[0].operands["paths"], "a.ttf");
    assert!(uninstall.conditions.is_empty(), "{uninstall:?}");
}

#[test]
fn a_value_that_a_condition_asks_for_by_its_name_is_there() {
    for (condition, expected) in [
        ("$k.PSObject.Properties.Name -contains 'x'", 1),
        ("'x' -in $k.PSObject.Properties.Name", 1),
        ("$k.PSObject.Properties['x']", 1),
        ("$null -ne $k.PSObject.Properties['x']", 1),
        // Another one, or one that is not there.
        ("$k.PSObject.Properties.Name -contains 'y'", 2),
        ("$k.PSObject.Properties.Name -notcontains 'x'", 2),
    ] {
        let script = format!(
            "$ErrorActionPreference = 'Stop'
$k = Get-ItemProperty HKLM:\\Software\\Acme
if ({condition}) {{ Remove-ItemProperty HKLM:\\Software\\Acme x }}"
        );
        let found = run_package(&[("tools/chocolateyUninstall.ps1", script.as_bytes())]);
        let uninstall = found.uninstall.unwrap();
        let conditions = &uninstall.effects[0].conditions;
        let own: Vec<&str> = conditions
            .iter()
            .map(|it| it.text.as_str())
            .filter(|it| !it.starts_with("there is HKLM"))
            .collect();
        assert_eq!(own.len(), expected, "{condition}: {own:?}");
        let asked = &conditions
            .iter()
            .find(|it| it.text == condition)
            .unwrap()
            .facts;
        let name = if condition.contains("'y'") { "y" } else { "x" };
        assert_eq!(asked[0].property.as_deref(), Some(name), "{condition}");
    }
}
