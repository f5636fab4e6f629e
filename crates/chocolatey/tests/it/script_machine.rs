//! Conditions on the machine: a script is explained for each that makes a difference.

use fleetmend_model::effect::Machines;

use crate::script::{run, shown};

fn explained(script: &str) -> String {
    let files = ["tools/x86.exe", "tools/x64.exe"];
    shown(&run(script.as_bytes(), &files))
}

#[test]
fn each_bitness_has_its_file() {
    let both = "Ready Exe [/S] [0] Any=tools/x86.exe X64=tools/x64.exe";
    for script in [
        "$f = if (Get-OSArchitectureWidth 64) { 'x64' } else { 'x86' }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$f = 'x86'\nif ((Get-ProcessorBits) -eq 64) { $f = 'x64' }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "if ([Environment]::Is64BitOperatingSystem -and !$env:ChocolateyForceX86) { Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\x64.exe }\nelse { Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\x86.exe }",
        "$p = Get-WmiObject Win32_Processor\n$f = if ($p.AddressWidth -eq 64) { 'x64' } else { 'x86' }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$f = if ((Get-CimInstance -ClassName Win32_Processor).AddressWidth -ne 32) { 'x64' } else { 'x86' }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$f = switch (Get-OSBitness) { 64 { 'x64' } 32 { 'x86' } }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$f = @{ AMD64 = 'x64'; x86 = 'x86' }[$env:PROCESSOR_ARCHITECTURE]\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$f = 'x' + ([IntPtr]::Size * 8)\nif ($f -eq 'x32') { $f = 'x86' }\nInstall-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\$f.exe\"",
        "$a = @{ packageName = 'acme'; fileType = 'exe'; silentArgs = '/S'; file = \"$PSScriptRoot\\x86.exe\"; file64 = \"$PSScriptRoot\\x64.exe\" }\nInstall-ChocolateyInstallPackage @a",
    ] {
        assert_eq!(explained(script), both, "{script}");
    }
}

#[test]
fn arguments_may_depend_on_the_bitness() {
    let script = "$a = if (Get-OSArchitectureWidth -Compare 64) { '/x64' } else { '/x86' }\nInstall-ChocolateyPackage acme exe $a https://a.example/a.exe";
    assert_eq!(
        explained(script),
        "Ready Exe [/x64] [0] Any=https://a.example/a.exe[/x86] X64=https://a.example/a.exe"
    );
}

#[test]
fn windows_of_32_bits_has_one_folder_for_programs() {
    let script = "$d = [Environment]::GetFolderPath('ProgramFilesX86')\nInstall-ChocolateyPackage acme exe \"/S /D=$d\" https://a.example/a.exe";
    assert_eq!(
        explained(script),
        "Ready Exe [/S /D=%ProgramFiles(x86)%] [0] Any=https://a.example/a.exe[/S /D=%ProgramFiles%] X64=https://a.example/a.exe"
    );
}

#[test]
fn machines_that_a_script_refuses_have_no_file() {
    let only_64 = "Ready Exe [/S] [0] X64=https://a.example/a.exe";
    for script in [
        "if (Get-OSArchitectureWidth 32) { throw 'no' }\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe",
        "Install-ChocolateyPackage acme exe /S -Url64bit https://a.example/a.exe",
        "$ErrorActionPreference = 'Stop'\nif ([IntPtr]::Size -eq 4) { Write-Error 'no' }\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe",
    ] {
        assert_eq!(explained(script), only_64, "{script}");
    }
}

#[test]
fn the_oldest_windows_that_a_script_takes_is_known() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    for (guard, expected) in [
        (
            "if ([Environment]::OSVersion.Version.Major -lt 10) { throw 'old' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
        ),
        (
            "if ([Environment]::OSVersion.Version -lt [version]'6.1') { throw 'old' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
        ),
        (
            "if ([Environment]::OSVersion.Version.Build -lt '17134') { throw 'old' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe build>=17134",
        ),
        (
            "if ([int](Get-CimInstance Win32_OperatingSystem).BuildNumber -lt 22000) { throw 'Windows 11 only' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe build>=22000",
        ),
        (
            "$v = (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion').CurrentBuild\nif ([version]\"10.0.$v\" -lt (New-Object Version 10, 0, 19041)) { throw 'old' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe build>=19041",
        ),
    ] {
        assert_eq!(
            explained(&format!("{guard}\n{install}")),
            expected,
            "{guard}"
        );
    }
    let other = "$u = if ([Environment]::OSVersion.Version.Build -ge 22000) { 'new' } else { 'old' }\nInstall-ChocolateyPackage acme exe /S \"https://a.example/$u.exe\"";
    assert!(
        explained(other).contains("depends on the version of Windows"),
        "{}",
        explained(other)
    );
}

#[test]
fn an_error_that_is_written_ends_the_script_only_where_it_says_so() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    for (error, ends) in [
        ("Write-Error 'no'", false),
        ("$ErrorActionPreference = 'Stop'; Write-Error 'no'", true),
        ("Write-Error 'no' -ErrorAction Stop", true),
        (
            "$ErrorActionPreference = 'Stop'; Write-Error 'no' -ea Continue",
            false,
        ),
    ] {
        let found = explained(&format!("{error}\n{install}"));
        assert_eq!(found.contains("a.exe"), !ends, "{error}: {found}");
    }
}

#[test]
fn a_condition_of_64_bit_machines_alone_leaves_the_others_their_file() {
    let script = "$a = @{ packageName = 'acme'; fileType = 'exe'; silentArgs = '/S'; url = 'https://a.example/a.exe'; url64bit = 'https://a.example/a64.exe' }
if (Test-Path C:\\acme) { $a.Remove('url64bit') }
Install-ChocolateyPackage @a";
    let found = explained(script);
    assert!(found.starts_with("Ready Exe [/S] [0] "), "{found}");
    let (with, without) = found.split_once(" and ").unwrap();
    let sides = [with, without];
    for (word, file) in [
        ("if(", "Any=https://a.example/a.exe"),
        (
            "unless(",
            "Any=https://a.example/a.exe X64=https://a.example/a64.exe",
        ),
    ] {
        let side = sides.iter().find(|it| it.contains(word)).unwrap();
        assert!(side.contains(&format!("{file} {word}")), "{side}");
    }
    // What is installed on 32-bit machines whatever holds is not put under the condition of another.
    let script = "if (Get-OSArchitectureWidth 64) { if (Test-Path C:\\acme) { Install-ChocolateyPackage acme exe /S https://a.example/64.exe } } else { Install-ChocolateyPackage acme exe /S https://a.example/32.exe }";
    assert!(
        explained(script).contains("in different ways"),
        "{}",
        explained(script)
    );
}

#[test]
fn effects_of_one_kind_of_machine_stand_in_the_scripts_order() {
    let script = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot
$w = if ([Environment]::Is64BitOperatingSystem) { 'win64' } else { 'win32' }
Copy-Item \"$PSScriptRoot\\acme\\$w\\acme.exe\" C:\\acme
Remove-Item \"$PSScriptRoot\\acme\"";
    let found = run(script.as_bytes(), &[]);
    let lines: Vec<u32> = found.effects.iter().map(|it| it.line).collect();
    assert_eq!(lines, [3, 3, 4], "{:?}", found.effects);
}

#[test]
fn nothing_sets_a_variable_that_is_none_of_chocolateys() {
    let script = "if (!$env:ChocolateyForceX64) { Install-ChocolateyPackage acme exe /S https://a.example/a.exe }";
    assert_eq!(
        explained(script),
        "Ready Exe [/S] [0] Any=https://a.example/a.exe"
    );
}

#[test]
fn a_mark_that_the_script_removes_is_not_made() {
    let files = [
        "tools/32/a.exe.ignore",
        "tools/64/a.exe.ignore",
        "tools/b.exe.ignore",
    ];
    let script = "Remove-Item \"$PSScriptRoot\\$(Get-ProcessorBits)\\a.exe.ignore\"";
    let found = run(script.as_bytes(), &files);
    let marks = found.shims.iter();
    let marks: Vec<_> = marks
        .map(|it| (it.program.as_str(), it.always, it.machines))
        .collect();
    assert_eq!(
        marks,
        [
            ("tools/32/a.exe", true, Machines::X64),
            ("tools/64/a.exe", true, Machines::X86),
            ("tools/b.exe", true, Machines::All)
        ]
    );
}
