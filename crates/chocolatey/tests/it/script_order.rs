//! When, where and of what an effect is, and what Chocolatey makes of it afterwards.

use fleetmend_model::condition::FactKind;
use fleetmend_model::effect::{Effect, Machines, Phase};
use fleetmend_model::recipe::{Analysis, Verdict};
use fleetmend_model::shim::ShimKind;

use crate::script::{run, run_package};

const INSTALL: &str = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";

fn analysed(script: &str) -> Analysis {
    run(script.as_bytes(), &[])
}

fn only(found: &Analysis) -> &Effect {
    let [effect] = &found.effects[..] else {
        panic!("{found:?}")
    };
    effect
}

#[test]
fn an_effect_stands_before_between_or_after_what_is_installed() {
    let effect = "Stop-Service acme";
    for (script, expected) in [
        (effect.to_owned(), Phase::Before),
        (format!("{effect}\n{INSTALL}"), Phase::Before),
        (format!("{INSTALL}\n{effect}"), Phase::After),
        (
            format!(
                "{INSTALL}\n{effect}\nInstall-ChocolateyPackage b exe /S https://a.example/b.exe"
            ),
            Phase::Between,
        ),
        // A download that an installer takes is no step of its own.
        (
            format!(
                "Get-ChocolateyWebFile acme $env:TEMP\\a.exe https://a.example/a.exe\n{effect}\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\a.exe"
            ),
            Phase::Before,
        ),
    ] {
        assert_eq!(only(&analysed(&script)).phase, expected, "{script}");
    }
}

#[test]
fn what_is_done_before_another_version_comes_is_no_part_of_the_installation() {
    let of = |before: &str| {
        run_package(&[
            ("tools/chocolateyInstall.ps1", INSTALL.as_bytes()),
            ("tools/chocolateyBeforeModify.ps1", before.as_bytes()),
        ])
    };
    let found = of("Stop-Service acme");
    assert_eq!(found.verdict, Verdict::Ready);
    assert_eq!(only(&found).phase, Phase::BeforeModify);
    // Nor is an installer, or that it refuses.
    let found = of("Install-ChocolateyPackage b exe /S https://a.example/b.exe");
    assert_eq!(found.verdict, Verdict::NeedsReview);
    assert!(found.recipe.unwrap().further.is_empty());
    assert_eq!(of("throw 'no'").verdict, Verdict::Ready);
}

#[test]
fn an_effect_says_on_which_machines_it_happens() {
    let large = "if (Get-OSArchitectureWidth 64) { Stop-Service acme }";
    let small = "if (Get-OSArchitectureWidth 32) { Stop-Service acme }";
    for (script, expected) in [
        ("Stop-Service acme".to_owned(), Machines::All),
        (large.to_owned(), Machines::X64),
        (small.to_owned(), Machines::X86),
        (
            "Stop-Service acme\nInstall-ChocolateyPackage acme exe /S -Url64bit https://a.example/a.exe"
                .to_owned(),
            // It is refused on 32 bits, behind the service.
            Machines::All,
        ),
        (
            "if (Get-OSArchitectureWidth 32) { throw 'no' }\nStop-Service acme".to_owned(),
            Machines::X64,
        ),
    ] {
        let found = analysed(&script);
        assert_eq!(only(&found).machines, expected, "{script}");
        assert!(only(&found).always, "{script}");
    }
}

#[test]
fn what_is_found_where_32_bits_are_refused_is_told() {
    let found = analysed(&format!(
        "if (Get-OSArchitectureWidth 32) {{ Set-Content C:\\acme (Get-Random); throw 'no' }}\n{INSTALL}"
    ));
    assert_eq!(found.verdict, Verdict::NeedsReview, "{found:?}");
}

#[test]
fn what_changes_a_machine_before_it_is_changed_is_not_done_where_it_never_is() {
    let script = "Install-ChocolateyPackage acme exe /S -Url64bit https://a.example/a.exe";
    let found = run_package(&[
        ("tools/chocolateyInstall.ps1", script.as_bytes()),
        ("tools/chocolateyBeforeModify.ps1", b"Stop-Service acme"),
    ]);
    assert_eq!(only(&found).machines, Machines::X64);
}

#[test]
fn an_effect_says_under_which_conditions_it_happens() {
    let found = analysed("if (Test-Path C:\\acme) { Stop-Service acme }");
    let effect = only(&found);
    assert!(!effect.always);
    let [condition] = &effect.conditions[..] else {
        panic!("{effect:?}")
    };
    assert_eq!(condition.text, "Test-Path C:\\acme");
    assert!(condition.holds);
}

#[test]
fn the_folder_for_tools_is_written_down_where_it_is_not_yet() {
    let found = analysed("$t = Get-ToolsLocation");
    let sets: Vec<(&str, &str)> = found
        .effects
        .iter()
        .map(|it| (it.operands["name"].as_str(), it.operands["value"].as_str()))
        .collect();
    // Source: Get-ToolsLocation.ps1.
    assert_eq!(
        sets,
        [
            ("ChocolateyToolsLocation", "%SystemDrive%\\tools"),
            (
                "ChocolateyToolsLocation",
                "<variable ChocolateyBinRoot, else variable chocolatey_bin_root>"
            ),
            ("chocolatey_bin_root", ""),
            ("ChocolateyBinRoot", ""),
            (
                "ChocolateyToolsLocation",
                "%SystemDrive%\\<the folder without a drive>"
            ),
        ]
    );
    for effect in &found.effects {
        // What is emptied is never set for the machine.
        let own = match effect.operands["value"].as_str() {
            "" => "User",
            _ => "User, or Machine where that cannot be written",
        };
        assert_eq!(effect.operands["scope"], own);
        assert!(!effect.always);
        let facts = &effect.conditions[0].facts;
        assert!(facts.iter().all(|it| it.kind == FactKind::Variable));
        assert_eq!(facts.len(), 3);
    }
}

#[test]
fn the_older_folder_for_tools_is_taken_as_it_is_only_with_a_drive() {
    let found = analysed("$t = Get-ToolsLocation");
    let told = |effect: &Effect| effect.conditions[0].text.contains("$toolsLocation -imatch");
    let all: Vec<bool> = found.effects.iter().map(told).collect();
    assert_eq!(all, [false, true, false, false, true]);
}

#[test]
fn a_variable_that_is_no_folder_is_asked_for_as_one() {
    for (variable, name) in [("PATH", "PATH"), ("USERNAME", "USERNAME")] {
        let found = analysed(&format!(
            "if ($env:{variable} -like '*acme*') {{ Set-Content C:\\a x }}"
        ));
        let fact = &only(&found).conditions[0].facts[0];
        assert_eq!((fact.kind, fact.name.as_str()), (FactKind::Variable, name));
    }
}

#[test]
fn a_new_value_of_the_registry_has_the_type_of_what_it_is_set_to() {
    for (arguments, expected) in [
        ("-Value 1", Some("DWord")),
        ("-Value '1'", Some("String")),
        ("-Value 4294967296", Some("QWord")),
        ("-Value 1 -PropertyType String", Some("String")),
        ("-Value 1,2", None),
        // One that is there already keeps its own.
        ("-Value 1 -Force", Some("DWord where it is new")),
        ("-Value 1 -Force -PropertyType String", Some("String")),
    ] {
        let script = format!("New-ItemProperty HKLM:\\Software\\Acme x {arguments}");
        let found = analysed(&script);
        let kind = only(&found).operands.get("propertytype");
        assert_eq!(kind.map(String::as_str), expected, "{script}");
    }
}

#[test]
fn a_filter_of_processes_is_no_name() {
    let found = analysed("Remove-Process '^acme' -PathFilter 'Acme'");
    let effect = only(&found);
    assert_eq!(effect.operands["namefilter"], "^acme");
    assert_eq!(effect.operands["pathfilter"], "Acme");
    assert!(!effect.operands.contains_key("name"));
}

#[test]
fn marks_for_the_shim_generator_are_kept() {
    let script = "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot
New-Item $PSScriptRoot\\a.exe.ignore -Type File | Out-Null
if (Get-Random) { Set-Content $PSScriptRoot\\b.exe.gui '' }
Set-Content $PSScriptRoot\\notes.txt.ignore ''";
    let found = run(
        script.as_bytes(),
        &[
            "tools/a.zip",
            "tools/c.exe",
            "tools/c.exe.gui",
            "tools/d.gui",
        ],
    );
    let marks: Vec<(&str, ShimKind, bool)> = found
        .shims
        .iter()
        .map(|it| (it.program.as_str(), it.kind, it.always))
        .collect();
    assert_eq!(
        marks,
        [
            ("tools/a.exe", ShimKind::None, true),
            ("tools/b.exe", ShimKind::Gui, false),
            ("tools/c.exe", ShimKind::Gui, true),
        ]
    );
    assert!(found.effects.is_empty());
}

#[test]
fn helpers_that_a_later_chocolatey_lacks_are_noted() {
    for (command, version) in [
        ("Write-ChocolateySuccess acme", Some("1.0")),
        ("Get-BinRoot | Out-Null", Some("2.0")),
        ("Write-Host acme", None),
        // One of the script's own is no helper.
        ("function Get-BinRoot { 'x' }\nGet-BinRoot | Out-Null", None),
    ] {
        let found = analysed(&format!("{INSTALL}\n{command}"));
        assert_eq!(found.verdict, Verdict::Ready, "{command}");
        let noted = found.notes.iter().map(|it| it.what.as_str());
        let noted: Vec<&str> = noted.collect();
        match version {
            None => assert!(noted.is_empty(), "{noted:?}"),
            Some(version) => {
                assert_eq!(noted.len(), 1, "{command}");
                assert!(noted[0].contains(version), "{noted:?}");
            }
        }
    }
}

#[test]
fn a_helper_that_chocolatey_has_no_more_makes_a_script_fail_where_its_error_ends_it() {
    let failure = "Write-ChocolateyFailure acme \"$($_.Exception.Message)\"";
    for (script, verdict) in [
        (
            format!(
                "try {{\n{INSTALL}\nWrite-ChocolateySuccess acme }} catch {{ {failure}; throw }}"
            ),
            Verdict::NeedsReview,
        ),
        (
            format!("$ErrorActionPreference = 'Stop'\n{INSTALL}\nWrite-ChocolateySuccess acme"),
            Verdict::NeedsReview,
        ),
        (
            format!(
                "$ErrorActionPreference = 'Stop'\ntry {{\n{INSTALL}\nWrite-ChocolateySuccess acme }} catch {{ {failure} }}"
            ),
            Verdict::NeedsReview,
        ),
        // The error is caught, and the other one is written and no more.
        (
            format!("try {{\n{INSTALL}\nWrite-ChocolateySuccess acme }} catch {{ {failure} }}"),
            Verdict::Ready,
        ),
        (
            format!("try {{\n{INSTALL}\n}} catch {{ {failure}; throw }}"),
            Verdict::Ready,
        ),
        // Ahead of the installation it refuses.
        (
            format!("$ErrorActionPreference = 'Stop'\n$b = Get-BinRoot\n{INSTALL}"),
            Verdict::NeedsChocolatey,
        ),
        (
            format!("try {{\n$b = Get-BinRoot\n{INSTALL}\n}} catch {{ throw }}"),
            Verdict::NeedsChocolatey,
        ),
        (
            format!("{INSTALL}\ntry {{ $b = Get-BinRoot }} catch {{ Write-Host 'none' }}"),
            Verdict::Ready,
        ),
    ] {
        let found = analysed(&script);
        assert_eq!(found.verdict, verdict, "{script}: {:?}", found.findings);
        assert!(!found.notes.is_empty(), "{script}");
    }
}

#[test]
fn what_comes_of_a_helper_that_chocolatey_has_no_more_is_not_known() {
    for script in [
        "$b = Get-BinRoot\nInstall-ChocolateyZipPackage acme https://a.example/a.zip (Join-Path $b acme)"
            .to_owned(),
        "Install-ChocolateyZipPackage acme https://a.example/a.zip \"$(Get-BinRoot)\\acme\"".to_owned(),
        "$b = Get-BinRoot\nInstall-ChocolateyPackage acme exe \"/S /D=$b\" https://a.example/a.exe"
            .to_owned(),
        format!("{INSTALL}\n$b = Get-BinRoot\nInstall-ChocolateyPath \"$b\\bin\""),
        format!("{INSTALL}\n$b = Get-BinRoot\nRemove-Item \"$b\\git\" -Recurse"),
    ] {
        let found = analysed(&script);
        assert_ne!(found.verdict, Verdict::Ready, "{script}: {:?}", found.recipe);
        assert!(!found.notes.is_empty(), "{script}");
    }
    // Of what it does not decide nothing changes.
    let found = analysed(&format!("$b = Get-BinRoot\nWrite-Host $b\n{INSTALL}"));
    assert_eq!(found.verdict, Verdict::Ready, "{:?}", found.findings);
}

#[test]
fn what_is_asked_of_software_says_of_which() {
    let found = analysed(
        "$a = Get-AppInstallLocation 'Acme*'\n$b = Get-AppInstallLocation 'Other*'
Install-BinFile acme \"$a\\acme.exe\"\nInstall-BinFile other \"$b\\other.exe\"",
    );
    let paths: Vec<&str> = found
        .effects
        .iter()
        .map(|it| it.operands["path"].as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "<Get-AppInstallLocation of software Acme*>\\acme.exe",
            "<Get-AppInstallLocation of software Other*>\\other.exe"
        ]
    );
}

#[test]
fn a_script_is_explained_in_the_same_words_each_time() {
    let script = "$a = Get-Date\nInstall-ChocolateyShortcut -ShortcutFilePath $a -TargetPath $a \
                  -WorkingDirectory $a -Arguments $a -IconLocation $a";
    let first = analysed(script);
    assert!(!first.findings.is_empty());
    // Tables are seeded anew each time.
    for _ in 0..20 {
        assert_eq!(analysed(script), first);
    }
}
