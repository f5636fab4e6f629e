//! Uninstall scripts, and packages that bring their software by what they depend on.

use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script::analyse;
use fleetmend_model::cut::Cut;
use fleetmend_model::effect::Machines;
use fleetmend_model::recipe::{InstallerKind, Uninstall, Verdict};

use crate::package::zip;
use crate::script::run_package;

fn uninstall(script: &str) -> Uninstall {
    let found = run_package(&[("tools/chocolateyUninstall.ps1", script.as_bytes())]);
    assert_eq!(found.verdict, Verdict::NoInstaller);
    found.uninstall.unwrap()
}

#[test]
fn the_uninstaller_of_the_registry_is_found_by_the_softwares_name() {
    let found = uninstall(
        "$a = @{ packageName = 'acme'; softwareName = 'Acme*'; fileType = 'exe'; silentArgs = '/S'; validExitCodes = @(0, 3010) }
[array]$key = Get-UninstallRegistryKey @a
if ($key.Count -eq 1) {
  $key | ForEach-Object {
    $a['file'] = \"$($_.UninstallString)\"
    Uninstall-ChocolateyPackage @a
  }
} elseif ($key.Count -eq 0) { Write-Warning 'gone' }
else { $key | % { Write-Warning \"- $($_.DisplayName)\" } }",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    let [step] = &found.steps[..] else {
        panic!("{found:?}")
    };
    assert_eq!(step.kind, InstallerKind::Exe);
    assert_eq!(step.file, None);
    assert_eq!(step.arguments, "/S");
    assert_eq!(step.exit_codes, [0, 3010]);
    assert_eq!(step.software_name.as_deref(), Some("Acme*"));
    // Of several that fit, none is uninstalled.
    let guard = &step.conditions[0];
    assert_eq!(guard.text, "$key.Count -eq 1");
    assert!(guard.holds);
}

#[test]
fn a_step_has_its_conditions_or_is_a_finding() {
    let of = |guard: &str| {
        uninstall(&format!(
            "$key = Get-UninstallRegistryKey 'Acme*'\n{guard} {{ Uninstall-ChocolateyPackage acme exe /S \"$($key.UninstallString)\" }}"
        ))
    };
    let found = of("if (Test-Path C:\\acme)");
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    assert_eq!(found.steps[0].conditions[0].text, "Test-Path C:\\acme");
    let found = of("if (Get-Random)");
    assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
}

#[test]
fn of_which_software_an_uninstaller_is_is_never_left_open() {
    let found = uninstall(
        "$one = Get-UninstallRegistryKey 'Acme*'\n$two = Get-UninstallRegistryKey 'Other*'
Uninstall-ChocolateyPackage acme exe /S $one.UninstallString
Uninstall-ChocolateyPackage acme exe /S $two.UninstallString",
    );
    let shown: Vec<(Option<&str>, Option<&str>)> = found
        .steps
        .iter()
        .map(|it| (it.software_name.as_deref(), it.file.as_deref()))
        .collect();
    assert_eq!(shown[0], (Some("Acme*"), None));
    assert_eq!(shown[1].1, Some("<uninstallstring of software Other*>"));
    let found = uninstall("Uninstall-ChocolateyPackage acme exe /S");
    assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
}

#[test]
fn a_product_is_uninstalled_by_its_code() {
    let found = uninstall(
        "$key = Get-UninstallRegistryKey -SoftwareName 'Acme'
foreach ($k in $key) { Uninstall-ChocolateyPackage acme msi \"$($k.PSChildName) /qn\" '' }",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    assert_eq!(found.steps[0].kind, InstallerKind::Msi);
    assert_eq!(found.steps[0].arguments, "%UninstallKey% /qn");
    assert_eq!(found.steps[0].software_name.as_deref(), Some("Acme"));
}

#[test]
fn exactly_one_entry_is_gone_through_once() {
    let found = uninstall(
        "$a = @{ packageName = 'acme'; fileType = 'msi'; silentArgs = '/qn'; softwareName = 'Acme*' }
[array]$key = Get-UninstallRegistryKey @a
if ($key.Count -eq 1) { $key | % {
  $a['silentArgs'] = \"$($_.PSChildName) $($a['silentArgs'])\"; $a['file'] = ''
  Uninstall-ChocolateyPackage @a } }",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    let [step] = &found.steps[..] else {
        panic!("{found:?}")
    };
    assert_eq!(step.arguments, "%UninstallKey% /qn");
    assert_eq!(step.software_name.as_deref(), Some("Acme*"));
    assert_eq!(step.conditions.len(), 1);
}

#[test]
fn a_step_that_nobody_could_follow_is_a_finding() {
    for script in [
        // Which of the entries passes the filter is not told.
        "$key = Get-UninstallRegistryKey 'Acme*' | ? { $_.DisplayVersion -eq (Get-Random) }
Uninstall-ChocolateyPackage acme exe /S $key.UninstallString",
        // What a loop changes in each of its rounds is not what it was in the first.
        "$a = @{ packageName = 'acme'; fileType = 'msi'; silentArgs = '/qn' }
$key = Get-UninstallRegistryKey -SoftwareName 'Acme*'
if ($key.Count -gt 0) { $key | % {
  $a['silentArgs'] = \"$($_.PSChildName) $($a['silentArgs'])\"
  Uninstall-ChocolateyPackage @a } }",
        "$key = Get-UninstallRegistryKey -SoftwareName 'Acme*'
Uninstall-ChocolateyPackage acme exe '/S' ($key.UninstallString.Substring(1))",
    ] {
        let found = uninstall(script);
        assert_ne!(found.verdict, Verdict::Ready, "{found:?}");
    }
}

#[test]
fn a_step_of_some_entries_says_by_which_filter() {
    for (filter, told) in [
        (
            "Where-Object ModifyPath -NotMatch 'Msi'",
            "ModifyPath -NotMatch 'Msi'",
        ),
        (
            "? { $_.DisplayVersion -eq $version }",
            "$_.DisplayVersion -eq '1.0'",
        ),
        (
            "? { $_.DisplayName -notmatch \"$name\\s\" }",
            "$_.DisplayName -notmatch \"acme\\s\"",
        ),
        (
            "? { -not $_.WindowsInstaller } | ? { $_.DisplayName -ne 'Acme 1' }",
            "(-not $_.WindowsInstaller) -and ($_.DisplayName -ne 'Acme 1')",
        ),
    ] {
        let found = uninstall(&format!(
            "$version = '1.0'; $name = 'acme'
[array]$key = Get-UninstallRegistryKey 'Acme*' | {filter}
if ($key.Count -eq 1) {{ $key | % {{ Uninstall-ChocolateyPackage acme exe /S $_.UninstallString }} }}"
        ));
        assert_eq!(found.verdict, Verdict::Ready, "{filter}: {found:?}");
        let [step] = &found.steps[..] else {
            panic!("{filter}: {found:?}")
        };
        let file = format!("<uninstallstring of software Acme* where {told}>");
        assert_eq!(step.file.as_deref(), Some(file.as_str()));
        let fact = &step.conditions[0].facts[0];
        assert_eq!(fact.filter.as_deref(), Some(told), "{filter}");
    }
}

#[test]
fn a_step_that_several_entries_would_break_is_run_for_one_alone() {
    for (script, conditions) in [
        (
            "Uninstall-ChocolateyPackage acme exe /S $key.UninstallString",
            vec!["there is exactly one <software Acme*>"],
        ),
        (
            "if ($key) { Uninstall-ChocolateyPackage acme msi \"$($key.PSChildName) /qn\" }",
            vec!["$key", "there is exactly one <software Acme*>"],
        ),
        (
            "$key | % { Uninstall-ChocolateyPackage acme exe /S $_.UninstallString }",
            vec!["there is <from software Acme*>"],
        ),
        (
            "if (@($key).Count -eq 1) { Uninstall-ChocolateyPackage acme exe /S $key.UninstallString }",
            vec![
                "@($key).Count -eq 1",
                "there is exactly one <software Acme*>",
            ],
        ),
        (
            "[array]$all = $key\nif ($all.Count -eq 1) { Uninstall-ChocolateyPackage acme exe /S $all[0].UninstallString }",
            vec!["$all.Count -eq 1"],
        ),
    ] {
        let found = uninstall(&format!(
            "$key = Get-UninstallRegistryKey 'Acme*'\n{script}"
        ));
        let texts: Vec<&str> = found.steps[0]
            .conditions
            .iter()
            .map(|it| it.text.as_str())
            .collect();
        assert_eq!(texts, conditions, "{script}");
        assert_eq!(found.verdict, Verdict::Ready, "{script}");
    }
}

#[test]
fn both_kinds_of_machine_have_their_own_steps_and_effects() {
    let found = uninstall(
        "$dir = \"$env:ProgramFiles\\Acme\"
if (Get-OSArchitectureWidth 64) { $dir = \"${env:ProgramFiles(x86)}\\Acme\" }
Uninstall-ChocolateyPackage acme exe /S \"$dir\\first.exe\"
Uninstall-ChocolateyPackage acme exe /S \"$env:ProgramData\\second.exe\"
Remove-Item $dir
Remove-Item $env:ProgramData\\Acme",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    let steps: Vec<(&str, Machines)> = found
        .steps
        .iter()
        .map(|it| (it.file.as_deref().unwrap(), it.machines))
        .collect();
    assert_eq!(
        steps,
        [
            ("%ProgramFiles%\\Acme\\first.exe", Machines::X86),
            ("%ProgramFiles(x86)%\\Acme\\first.exe", Machines::X64),
            ("%ProgramData%\\second.exe", Machines::All),
        ]
    );
    let effects: Vec<(&str, Machines)> = found
        .effects
        .iter()
        .map(|it| (it.operands["path"].as_str(), it.machines))
        .collect();
    assert_eq!(
        effects,
        [
            ("%ProgramFiles(x86)%\\Acme", Machines::X64),
            ("%ProgramFiles%\\Acme", Machines::X86),
            ("%ProgramData%\\Acme", Machines::All),
        ]
    );
    let found = uninstall(
        "if (Get-OSArchitectureWidth 32) { throw 'no' }
Uninstall-ChocolateyPackage acme exe /S C:\\a.exe",
    );
    assert_eq!(found.steps[0].machines, Machines::X64);
}

#[test]
fn what_an_uninstall_script_does_otherwise_is_a_finding() {
    let found = uninstall("Start-Process acme");
    assert_eq!(found.verdict, Verdict::NeedsChocolatey);
    assert!(!found.findings.is_empty());
}

#[test]
fn a_meta_package_brings_its_software_by_a_dependency() {
    for (dependencies, expected) in [
        (
            "<dependency id=\"acme.install\" version=\"[1.0]\"/><dependency id=\"chocolatey-core.extension\"/>",
            vec!["acme.install"],
        ),
        (
            "<dependency id=\"acme.install\"/><dependency id=\"other\"/>",
            vec!["acme.install"],
        ),
        (
            "<dependency id=\"one\"/><dependency id=\"two\"/><dependency id=\"chocolatey\"/>",
            vec!["one", "two"],
        ),
        ("", vec![]),
    ] {
        let nuspec = format!(
            "<package><metadata><id>acme</id><version>1.0.0</version><dependencies>{dependencies}</dependencies></metadata></package>"
        );
        let bytes = zip(&[
            ("acme.nuspec", nuspec.as_bytes()),
            (
                "tools/chocolateyInstall.ps1",
                b"# see the other package\r\n",
            ),
        ]);
        let found = analyse(&Nupkg::read(&bytes, &Limits::default()).unwrap());
        assert_eq!(found.verdict, Verdict::NoInstaller);
        assert_eq!(found.through, expected);
    }
}

#[test]
fn windows_installer_is_handed_the_arguments_alone() {
    let found = uninstall(
        "$key = Get-UninstallRegistryKey 'Acme*'
Uninstall-ChocolateyPackage acme msi '/x {2E306F90-0000-0000-0000-000000000000} /qn' $key.UninstallString",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    assert_eq!(found.steps[0].file, None);
    let found = uninstall(
        "Uninstall-ChocolateyPackage acme msi '/quiet /l*v C:\\a.log' 'MsiExec.exe /x{2E306F90-0000-0000-0000-000000000000}'",
    );
    assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
    assert_eq!(found.steps[0].file, None);
}

#[test]
fn what_a_script_uninstalls_on_32_bit_machines_alone_is_said() {
    let found = uninstall(
        "if (Get-OSArchitectureWidth 64) { throw 'no' }
Uninstall-ChocolateyPackage acme exe /S C:\\a.exe
Remove-Item C:\\acme",
    );
    assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
    assert_eq!(found.steps[0].machines, Machines::X86);
    assert_eq!(found.effects[0].machines, Machines::X86);
}

/// The one step of a script that uninstalls what `file` says.
fn of_file(file: &str) -> Uninstall {
    uninstall(&format!(
        "[array]$key = Get-UninstallRegistryKey 'Acme*'\nif ($key.Count -eq 1) {{ $key | % {{ Uninstall-ChocolateyPackage acme exe /S {file} }} }}"
    ))
}

#[test]
fn what_a_script_cuts_off_the_command_line_of_the_registry_is_said_exactly() {
    for (file, label) in [
        (
            "\"$($_.UninstallString.Replace('\"',''))\"",
            "without each '\"'",
        ),
        (
            "\"$($_.UninstallString -replace '\"','')\"",
            "without each '\"'",
        ),
        ("($_.UninstallString -replace '\\\"')", "without each '\"'"),
        (
            "$_.UninstallString.Trim('\"')",
            "without any of '\"' at both ends",
        ),
        (
            "\"$($_.UninstallString.Trim())\"",
            "without blanks at both ends",
        ),
        (
            "$_.UninstallString.Split('\"')[1]",
            "split at any of '\"', part 1 from 0",
        ),
        (
            "($_.UninstallString -split ' /')[0].Trim('\"')",
            "split at ' /' in any letter case, part 0 from 0; without any of '\"' at both ends",
        ),
        (
            "$_.UninstallString.Replace(' /x86=0', '')",
            "without each ' /x86=0'",
        ),
    ] {
        let found = of_file(file);
        assert_eq!(found.verdict, Verdict::Ready, "{file}: {found:?}");
        let [step] = &found.steps[..] else {
            panic!("{file}: {found:?}")
        };
        assert_eq!(step.file, None, "{file}");
        assert_eq!(step.software_name.as_deref(), Some("Acme*"), "{file}");
        let labels: Vec<String> = step.cuts.iter().map(Cut::label).collect();
        assert_eq!(labels.join("; "), label, "{file}");
    }
}

#[test]
fn a_cut_of_which_the_rule_is_not_known_is_a_finding() {
    for file in [
        "($_.UninstallString -replace '\"?([^\"]+).*','$1')",
        "\"$($_.UninstallString.Split('\"'))\"",
        "$_.UninstallString.Substring(1)",
        "\"$($_.UninstallString -replace $_.DisplayName,'')\"",
    ] {
        let found = of_file(file);
        assert_eq!(found.verdict, Verdict::NeedsReview, "{file}: {found:?}");
    }
}

#[test]
fn a_part_of_what_several_entries_are_split_into_is_of_one_that_is_not_known() {
    let split = "($key.UninstallString -split '\"')[1]";
    for (condition, is_known) in [("$key", false), ("$key.Count -eq 1", true)] {
        let found = uninstall(&format!(
            "[array]$key = Get-UninstallRegistryKey 'Acme*'
if ({condition}) {{ Uninstall-ChocolateyPackage acme exe /S {split} }}"
        ));
        assert_eq!(
            found.verdict == Verdict::Ready,
            is_known,
            "{condition}: {found:?}"
        );
    }
}

#[test]
fn the_quiet_command_line_of_the_registry_is_not_the_other() {
    let found = of_file("\"$($_.QuietUninstallString)\"");
    let [step] = &found.steps[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        step.file.as_deref(),
        Some("<quietuninstallstring of software Acme*>")
    );
}

#[test]
fn what_makes_an_uninstall_script_fail_is_said() {
    for end in [
        "if (Test-Path C:\\a) { throw 'no' }",
        "if (Test-Path C:\\a) { exit 1 }",
        "$ErrorActionPreference = 'Stop'; if (Test-Path C:\\a) { Write-Error 'no' }",
    ] {
        let found = uninstall(&format!("Set-Content C:\\b x\n{end}"));
        let told = found.conditions.iter().map(|it| (&*it.text, it.holds));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("Test-Path C:\\a", false)], "{end}");
        assert!(found.findings.is_empty(), "{found:?}");
    }
    let found = uninstall("try { if (Test-Path C:\\a) { throw 'x' } } catch { 'no' }");
    assert!(found.conditions.is_empty(), "{found:?}");
    for script in ["throw 'no'", "Set-Content C:\\b x\nexit 1"] {
        assert_eq!(uninstall(script).verdict, Verdict::NeedsReview, "{script}");
    }
}
