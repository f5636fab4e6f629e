//! Parameters that Chocolatey's helpers do not do without.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, run_package, shown};

#[test]
fn a_call_without_a_mandatory_parameter_is_a_finding() {
    for (script, parameter) in [
        (
            "Install-ChocolateyPackage -FileType exe -SilentArgs /S -Url https://a.example/a.exe",
            "packagename",
        ),
        (
            "Install-ChocolateyPackage '' exe /S https://a.example/a.exe",
            "packagename",
        ),
        (
            "Install-ChocolateyInstallPackage -FileType exe -SilentArgs /S -File $PSScriptRoot\\a.exe",
            "packagename",
        ),
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip",
            "unziplocation",
        ),
        ("Get-ChocolateyUnzip $PSScriptRoot\\a.zip", "destination"),
        (
            "Get-ChocolateyWebFile acme -Url https://a.example/a.zip",
            "filefullpath",
        ),
        (
            "Install-ChocolateyShortcut -ShortcutFilePath C:\\a.lnk",
            "targetpath",
        ),
        ("Install-ChocolateyPath $nothing Machine", "pathtoinstall"),
        ("Install-BinFile acme", "path"),
        ("Uninstall-ChocolateyZipPackage acme", "zipfilename"),
        (
            "Uninstall-ChocolateyPackage -FileType exe -File C:\\x.exe",
            "packagename",
        ),
    ] {
        let found = run(script.as_bytes(), &["tools/a.exe", "tools/a.zip"]);
        let text = shown(&found);
        assert!(
            !matches!(found.verdict, Verdict::Ready | Verdict::NoInstaller)
                && text.contains(&format!("the mandatory parameter {parameter} is")),
            "{script}: {text}"
        );
    }
}

#[test]
fn a_shim_is_removed_by_its_name_alone() {
    assert_eq!(
        shown(&run(b"Uninstall-BinFile acme", &[])),
        "NoInstaller +Shim(name=acme)"
    );
}

#[test]
fn software_without_a_name_is_not_looked_for() {
    let script = b"(Get-UninstallRegistryKey -SoftwareName '').UninstallString | % { Uninstall-ChocolateyPackage acme exe /S $_ }";
    let found = run_package(&[("tools/chocolateyUninstall.ps1", script)]);
    let uninstall = found.uninstall.unwrap();
    assert_ne!(uninstall.verdict, Verdict::Ready, "{uninstall:?}");
}
