//! What of installed software must be there, and how much of it, for a script not to fail.

use fleetmend_model::condition::Condition;
use fleetmend_model::recipe::{Uninstall, Verdict};

use crate::script::{run, run_package, shown};

fn uninstall(script: &str) -> Uninstall {
    let found = run_package(&[("tools/chocolateyUninstall.ps1", script.as_bytes())]);
    found.uninstall.unwrap()
}

fn told(conditions: &[Condition]) -> Vec<(&str, bool)> {
    let told = conditions.iter().map(|it| (it.text.as_str(), it.holds));
    told.collect()
}

#[test]
fn where_not_just_one_entry_is_found_the_uninstaller_of_the_registry_fails() {
    for script in [
        "$k = Get-UninstallRegistryKey 'Acme*'\nUninstall-ChocolateyPackage acme exe /S $k.UninstallString",
        "$k = Get-UninstallRegistryKey 'Acme*'\nUninstall-ChocolateyPackage acme msi \"$($k.PSChildName) /qn\"",
    ] {
        let found = uninstall(script);
        assert_eq!(found.verdict, Verdict::Ready, "{found:?}");
        let one = ("there is exactly one <software Acme*>", true);
        assert_eq!(told(&found.conditions), [one], "{script}");
        assert_eq!(told(&found.steps[0].conditions), [one], "{script}");
    }
    let found = uninstall(
        "[array]$k = Get-UninstallRegistryKey 'Acme*'
if ($k.Count -eq 1) { Uninstall-ChocolateyPackage acme exe /S $k.UninstallString }",
    );
    assert!(found.conditions.is_empty(), "{found:?}");
    // Where there is none, nothing is uninstalled, and nothing fails.
    let found = uninstall(
        "$k = Get-UninstallRegistryKey 'Acme*'
if ($k) { Uninstall-ChocolateyPackage acme exe /S $k.UninstallString }",
    );
    let several = "($k) -and -not (there is exactly one <software Acme*>)";
    assert_eq!(told(&found.conditions), [(several, false)]);
}

#[test]
fn an_uninstaller_without_a_program_fails() {
    for file in ["", " -File ''", " -File $nothing"] {
        let call = format!("Uninstall-ChocolateyPackage acme exe /S{file}");
        let found = uninstall(&format!("$k = Get-UninstallRegistryKey 'Acme*'\n{call}"));
        assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
        assert!(found.steps.is_empty(), "{found:?}");
        let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
        let script = format!("if (Get-UninstallRegistryKey 'Acme*') {{ {call} }}\n{install}");
        let found = run(script.as_bytes(), &[]);
        assert!(found.effects.is_empty(), "{}", shown(&found));
        let recipe = found.recipe.as_ref().unwrap();
        let gone = ("Get-UninstallRegistryKey 'Acme*'", false);
        assert_eq!(told(&recipe.conditions), [gone], "{}", shown(&found));
    }
}

#[test]
fn a_pipeline_gets_a_null_of_software_that_is_not_there() {
    for body in [
        "Uninstall-ChocolateyPackage acme exe /S \"$($_.UninstallString)\"",
        "Uninstall-ChocolateyPackage acme exe /S \"$($_.UninstallString.Replace('\"', ''))\"",
        "Uninstall-ChocolateyPackage acme exe /S \"& $($_.UninstallString)\"",
        "Uninstall-ChocolateyPackage acme msi \"$($_.PSChildName) /qn\"",
    ] {
        for stop in ["", "$ErrorActionPreference = 'Stop'\n"] {
            for pipe in [
                "[array]$k = Get-UninstallRegistryKey 'Acme*'\n$k | ForEach-Object",
                "Get-UninstallRegistryKey 'Acme*' | %",
            ] {
                let script = format!("{stop}{pipe} {{ {body} }}");
                let found = uninstall(&script);
                let there = ("there is <from software Acme*>", true);
                assert_eq!(found.verdict, Verdict::Ready, "{script}: {found:?}");
                assert_eq!(found.steps.len(), 1, "{script}: {found:?}");
                assert_eq!(told(&found.conditions), [there], "{script}");
            }
            // A loop gets nothing, and a filter lets no null pass.
            for pipe in [
                "foreach ($_ in Get-UninstallRegistryKey 'Acme*')",
                "Get-UninstallRegistryKey 'Acme*' | ? { $_.DisplayName -like 'Acme 1*' } | %",
                "$k = Get-UninstallRegistryKey 'Acme*'\nif ($k.Count -gt 0) { $k | % { BODY } }",
            ] {
                let script = if pipe.contains("BODY") {
                    format!("{stop}{}", pipe.replace("BODY", body))
                } else {
                    format!("{stop}{pipe} {{ {body} }}")
                };
                let found = uninstall(&script);
                assert!(found.conditions.is_empty(), "{script}: {found:?}");
            }
        }
    }
}

#[test]
fn what_the_registry_has_just_one_of_has_no_count_unless_it_is_an_array() {
    let uninstall_of = |found: &str, condition: &str| {
        let script = format!(
            "$k = {found}\nif ({condition}) {{ Uninstall-ChocolateyPackage acme exe /S 'C:\\a.exe' }}"
        );
        uninstall(&script)
    };
    for found in [
        "Get-UninstallRegistryKey 'Acme*'",
        "Get-UninstallRegistryKey 'Acme*' | ? { $_.DisplayVersion -eq '1' }",
        r"Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Acme*'",
    ] {
        for (condition, expected) in [
            ("$k.Count -eq 1", Some(false)),
            ("1 -eq $k.Length", Some(false)),
            ("$k.Count -ne 1", Some(true)),
            ("$k.Count -ge 0", None),
            ("$k.Count -gt -1", Some(true)),
            ("$k.Count -lt 0", None),
            ("$k.Count -eq 0", None),
            ("$k.Count -gt 0", None),
            ("$k.Count -ge 1", None),
            ("1 -le $k.Count", None),
            ("$k.Count -gt 1", None),
            ("$k.Count -eq 2", None),
            ("$k.Count", None),
            // An array has its count.
            ("@($k).Count -eq 1", None),
        ] {
            let steps = uninstall_of(found, condition).steps;
            let known = match &steps[..] {
                [] => Some(false),
                [step] if step.conditions.is_empty() => Some(true),
                _ => None,
            };
            assert_eq!(known, expected, "{found}: {condition}: {steps:?}");
        }
        // Whoever reads what is asked sees that one does not count.
        let step = &uninstall_of(found, "$k.Count -gt 0").steps[0];
        let label = step.conditions[0].facts[0].label();
        assert!(
            label.starts_with("count (none for exactly one) of "),
            "{label}"
        );
    }
    // Programs and files are counted.
    let running = uninstall_of("Get-Process acme -ea 0", "$k.Count -eq 1");
    assert_eq!(running.steps.len(), 1, "{running:?}");
}

const INSTALL: &str = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";

#[test]
fn a_helper_takes_no_list_for_a_text() {
    let key = "$k = Get-UninstallRegistryKey 'Acme*'";
    let one = ("there is exactly one <software Acme*>", true);
    for call in [
        "Install-BinFile acme $k.DisplayIcon",
        "Install-BinFile -Name acme -Path $k.InstallLocation",
        "Install-ChocolateyPath $k.DisplayIcon",
        "Uninstall-BinFile $k.DisplayName",
    ] {
        // Where errors end the script, it fails behind its installer.
        for script in [
            format!("$ErrorActionPreference = 'Stop'\n{INSTALL}\n{key}\n{call}"),
            format!("try {{\n{INSTALL}\n{key}\n{call}\n}} catch {{ throw }}"),
        ] {
            let found = run(script.as_bytes(), &[]);
            assert_eq!(found.verdict, Verdict::Ready, "{script}: {found:?}");
            assert!(found.recipe.as_ref().unwrap().conditions.is_empty());
            assert_eq!(told(&found.conditions), [one], "{script}");
            assert_eq!(told(&found.effects[0].conditions), [one], "{script}");
        }
        // Else only this is left out.
        let script = format!("{INSTALL}\n{key}\n{call}\nInstall-ChocolateyPath C:\\a");
        let found = run(script.as_bytes(), &[]);
        assert!(found.conditions.is_empty(), "{script}");
        assert_eq!(told(&found.effects[0].conditions), [one], "{script}");
        assert!(found.effects[1].always, "{script}");
    }
    for (key, call) in [
        // Of several, a text has one behind the other.
        (key, "Install-BinFile acme \"$($k.InstallLocation)\\a.exe\""),
        (
            "$k = Get-UninstallRegistryKey 'Acme*' | Select-Object -First 1",
            "Install-BinFile acme $k.DisplayIcon",
        ),
        (key, "$k | % { Install-BinFile acme $_.DisplayIcon }"),
        (
            "$k = Get-AppInstallLocation 'Acme*'",
            "Install-BinFile acme $k",
        ),
    ] {
        let script = format!("$ErrorActionPreference = 'Stop'\n{INSTALL}\n{key}\n{call}");
        let found = run(script.as_bytes(), &[]);
        let told = told(&found.conditions);
        assert!(!told.contains(&one), "{script}: {told:?}");
    }
}
