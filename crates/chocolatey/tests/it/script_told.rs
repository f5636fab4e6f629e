//! What comes of facts of the device is said exactly, or is a finding: that it depends on something does
//! not say what it is.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};

#[test]
fn an_operand_that_comes_of_facts_somehow_is_a_finding() {
    for script in [
        "$p = (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path.Substring(1)\nInstall-BinFile acme \"$p\\a.exe\"",
        "$p = (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path.Substring(1)\nInstall-BinFile acme $p",
        "$p = $(if (Test-Path C:\\x) { 'C:\\x' } else { 'C:\\y' })\nSet-Content \"$p\\z.txt\" x",
        "$p = (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path.Substring(1)\n& \"$p\\a.exe\" /x",
        "$p = (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path.Substring(1)\nGet-ChocolateyUnzip $PSScriptRoot\\a.zip \"$p\\x\"",
        "$k = Get-UninstallRegistryKey 'Acme*'\nUninstall-ChocolateyPackage acme exe /S $k.UninstallString.Substring(1)",
    ] {
        let found = run(script.as_bytes(), &["tools/a.zip"]);
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn an_operand_that_is_a_fact_itself_is_said_by_its_name() {
    for (script, expected) in [
        (
            "Install-BinFile acme \"$((Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path)\\a.exe\"",
            r"+Shim(name=acme path=<path of registry HKLM:\SOFTWARE\Acme>\a.exe)",
        ),
        (
            "Install-BinFile acme (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path.Trim('\"')",
            "+Shim(name=acme path=<path of registry HKLM:\\SOFTWARE\\Acme (without any of '\"' at both ends)>)",
        ),
    ] {
        let text = shown(&run(script.as_bytes(), &[]));
        assert!(text.ends_with(expected), "{text}");
    }
}

#[test]
fn a_pattern_below_a_folder_that_only_the_device_knows_is_said_in_full() {
    for (listing, path) in [
        (
            "Get-ChildItem \"$p\\*.exe\"",
            r"<path of registry HKLM:\SOFTWARE\Acme>\*.exe",
        ),
        (
            "Get-ChildItem \"$p\\*\\bin\\a.exe\"",
            r"<path of registry HKLM:\SOFTWARE\Acme>\*\bin\a.exe",
        ),
        (
            "Get-ChildItem \"$p\\bin\" -Filter *.exe",
            r"<path of registry HKLM:\SOFTWARE\Acme>\bin\*.exe",
        ),
        (
            "Get-ChildItem \"$env:ProgramFiles\\X\\*\\bin\\y.exe\"",
            r"%ProgramFiles%\X\*\bin\y.exe",
        ),
    ] {
        let script = format!(
            "$p = (Get-ItemProperty HKLM:\\SOFTWARE\\Acme).Path\n$a = ({listing}).FullName\nRegister-Application $a -Name acme"
        );
        let text = shown(&run(script.as_bytes(), &[]));
        let expected = format!("(exepath={path} name=acme)");
        assert!(text.contains(&expected), "{listing}: {text}");
    }
}
