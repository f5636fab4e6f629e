//! Archives and downloads: what is unpacked, and installers that come out of it.

use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script::analyse;
use fleetmend_model::recipe::Verdict;

use crate::package::zip;
use crate::script::{run, shown};

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn explained(script: &str, files: &[&str]) -> String {
    shown(&run(script.replace("SHA", SHA).as_bytes(), files))
}

#[test]
fn archives_are_unpacked_where_the_script_says() {
    for (script, expected) in [
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot https://a.example/b.zip -Checksum SHA -ChecksumType sha256 -Checksum64 SHA -ChecksumType64 sha256",
            "Ready Archive [] [0] Any=https://a.example/a.zip#sha256:e3b0 X64=https://a.example/b.zip#sha256:e3b0 to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "Get-ChocolateyUnzip -File $PSScriptRoot\\a.zip -Destination (Join-Path (Get-ToolsLocation) acme)\nRemove-Item $PSScriptRoot\\*.zip",
            "Ready Archive [] [0] Any=tools/a.zip to=%ChocolateyToolsLocation%\\acme +EnvironmentVariable?(name=ChocolateyToolsLocation scope=User, or Machine where that cannot be written value=%SystemDrive%\\tools) +EnvironmentVariable?(name=ChocolateyToolsLocation scope=User, or Machine where that cannot be written value=<variable ChocolateyBinRoot, else variable chocolatey_bin_root>) +EnvironmentVariable?(name=chocolatey_bin_root scope=User value=) +EnvironmentVariable?(name=ChocolateyBinRoot scope=User value=) +EnvironmentVariable?(name=ChocolateyToolsLocation scope=User, or Machine where that cannot be written value=%SystemDrive%\\<the folder without a drive>)",
        ),
        (
            "$a = @{ PackageName = 'acme'; FileFullPath64 = \"$PSScriptRoot\\a.zip\"; Destination = $PSScriptRoot }\nGet-ChocolateyUnzip @a",
            "Ready Archive [] [0] X64=tools/a.zip to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "Get-ChocolateyWebFile acme \"$PSScriptRoot\\acme.exe\" https://a.example/a.exe",
            "Ready File [] [0] Any=https://a.example/a.exe to=%ChocolateyPackageFolder%\\tools\\acme.exe",
        ),
        // Its server may name it.
        (
            "Get-ChocolateyWebFile acme \"$PSScriptRoot\\acme.exe\" https://a.example/a.exe -GetOriginalFileName",
            "Ready File [] [0] Any=https://a.example/a.exe to=%ChocolateyPackageFolder%\\tools\\*",
        ),
        (
            "Install-ChocolateyVsixPackage acme https://a.example/a.vsix -Checksum SHA -ChecksumType sha256",
            r"Ready Vsix [/q] [0, 1001] Any=https://a.example/a.vsix#sha256:e3b0 if(a Visual Studio with a folder of its own is installed | installdir of registry HKLM:\SOFTWARE\Microsoft\VisualStudio\*, installdir of registry HKLM:\SOFTWARE\Wow6432Node\Microsoft\VisualStudio\*)",
        ),
        // Its 32-bit half never finds the version that it is asked for.
        (
            "Install-ChocolateyVsixPackage acme https://a.example/a.vsix 14 -Checksum SHA -ChecksumType sha256",
            r"Ready Vsix [/q] [0, 1001] X64=https://a.example/a.vsix#sha256:e3b0 if(Visual Studio 14.0 is installed | installdir of registry HKLM:\SOFTWARE\Wow6432Node\Microsoft\VisualStudio\14.0)",
        ),
        (
            "Install-VisualStudioVsixExtension acme https://a.example/a.vsix SHA sha256 14",
            "Ready Vsix [/quiet /admin] [0, 1001] Any=https://a.example/a.vsix#sha256:e3b0",
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\nGet-ChildItem $PSScriptRoot -Recurse -Include *.exe | % { Install-BinFile $_.BaseName $_.FullName }",
            "Ready Archive [] [0] Any=tools/a.zip to=%ChocolateyPackageFolder%\\tools +Shim?(name=* path=%ChocolateyPackageFolder%\\tools\\**\\*.exe)",
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot -SpecificFolder sub\\x",
            "Ready Archive [] [0] Any=tools/a.zip!/sub/x/ to=%ChocolateyPackageFolder%\\tools",
        ),
        // What compresses one archive holds that one; by which name, its header may say.
        (
            "Install-ChocolateyZipPackage acme https://a.example/a-1.tar.gz $PSScriptRoot\nGet-ChocolateyUnzip (Get-ChildItem $PSScriptRoot -Filter *.tar).FullName $PSScriptRoot",
            "Ready Archive [] [0] Any=https://a.example/a-1.tar.gz!/*.tar to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "Install-ChocolateyZipPackage acme https://a.example/a-1.tar.gz $PSScriptRoot\nGet-ChocolateyUnzip $PSScriptRoot\\*tar $PSScriptRoot",
            "Ready Archive [] [0] Any=https://a.example/a-1.tar.gz!/*tar to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "Get-ChocolateyWebFile acme $PSScriptRoot\\a.tgz https://a.example/a.tgz\nGet-ChocolateyUnzip $PSScriptRoot\\a.tgz $PSScriptRoot\nGet-ChocolateyUnzip $PSScriptRoot\\a.tar $PSScriptRoot",
            "Ready Archive [] [0] Any=https://a.example/a.tgz!/a.tar to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "Get-ChocolateyWebFile acme $PSScriptRoot\\a.tgz https://a.example/a.tgz\nGet-ChocolateyUnzip $PSScriptRoot\\a.tgz $PSScriptRoot\nGet-ChocolateyUnzip $PSScriptRoot\\a.tar $PSScriptRoot -SpecificFolder sub",
            "Ready Archive [] [0] Any=https://a.example/a.tgz!/a.tar!/sub/ to=%ChocolateyPackageFolder%\\tools",
        ),
        // Two archives are two things.
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\nInstall-ChocolateyZipPackage acme https://a.example/b.zip $PSScriptRoot",
            "Ready Archive [] [0] Any=tools/a.zip to=%ChocolateyPackageFolder%\\tools and Archive [] [0] Any=https://a.example/b.zip to=%ChocolateyPackageFolder%\\tools",
        ),
    ] {
        assert_eq!(explained(script, &["tools/a.zip"]), expected, "{script}");
    }
}

#[test]
fn installers_out_of_archives_and_downloads_are_followed() {
    for (script, expected) in [
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot -Checksum SHA -ChecksumType sha256\nInstall-ChocolateyInstallPackage acme msi /qn \"$PSScriptRoot\\sub\\setup.msi\"",
            "Ready Msi [/qn] [0] Any=https://a.example/a.zip#sha256:e3b0!/sub/setup.msi to=%ChocolateyPackageFolder%\\tools",
        ),
        (
            "$d = Get-ChocolateyUnzip $PSScriptRoot\\a.zip \"$env:TEMP\\acme\"\nInstall-ChocolateyInstallPackage acme exe /S (Get-ChildItem $d -Recurse -Include Setup*.exe | select -First 1)",
            "Ready Exe [/S] [0] Any=tools/a.zip!/**/Setup*.exe",
        ),
        (
            "$f = Join-Path $env:TEMP 'a.exe'\nGet-ChocolateyWebFile acme $f https://a.example/a.exe -Checksum SHA -ChecksumType sha256\nInstall-ChocolateyInstallPackage acme exe /S $f",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe#sha256:e3b0",
        ),
        (
            "$f = \"$env:TEMP\\a.exe\"\nGet-WebFile https://a.example/a.exe $f\nGet-ChecksumValid $f SHA sha256\nInstall-ChocolateyInstallPackage acme exe /S $f",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe#sha256:e3b0",
        ),
        (
            "Get-ChocolateyWebFile acme $env:TEMP\\a.zip https://a.example/a.zip\nGet-ChocolateyUnzip $env:TEMP\\a.zip $env:TEMP\\a\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\a\\b.exe",
            "Ready Exe [/S] [0] Any=https://a.example/a.zip!/b.exe",
        ),
        (
            "Copy-Item $PSScriptRoot\\x86.exe $env:TEMP\\setup.exe\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\setup.exe",
            "Ready Exe [/S] [0] Any=tools/x86.exe",
        ),
    ] {
        let files = ["tools/a.zip", "tools/x86.exe"];
        let files = if script.contains("x86.exe") {
            &files[1..]
        } else {
            &files[..1]
        };
        assert_eq!(explained(script, files), expected, "{script}");
    }
}

#[test]
fn an_installer_out_of_an_archive_says_which_folder_of_the_package_that_stays_in() {
    let unpack = "Get-ChocolateyUnzip $PSScriptRoot\\a.zip";
    let install = "Install-ChocolateyInstallPackage acme exe /S";
    let tools = "%ChocolateyPackageFolder%\\tools";
    for (folder, behind, expected) in [
        ("$PSScriptRoot", "", Some(tools.to_owned())),
        ("$PSScriptRoot\\x", "", Some(format!("{tools}\\x"))),
        // One file of several is gone, and that is said.
        (
            "$PSScriptRoot\\x",
            "Remove-Item $PSScriptRoot\\x\\setup.exe",
            Some(format!("{tools}\\x")),
        ),
        // Nothing of it is left.
        (
            "$PSScriptRoot\\x",
            "Remove-Item $PSScriptRoot\\x -Recurse",
            None,
        ),
        (
            "$PSScriptRoot\\x",
            "Remove-Item $PSScriptRoot\\x\\* -Recurse",
            None,
        ),
        ("$env:TEMP\\x", "", None),
    ] {
        let script = format!("{unpack} {folder}\n{install} {folder}\\setup.exe\n{behind}");
        let found = run(script.as_bytes(), &["tools/a.zip"]);
        let recipe = found.recipe.as_ref().unwrap();
        assert_eq!(recipe.destination, expected, "{script}: {}", shown(&found));
        assert_eq!(recipe.files[0].inside.as_deref(), Some("setup.exe"));
        assert!(recipe.further.is_empty(), "{}", shown(&found));
    }
    // What is put in place is put somewhere, also where that is another folder.
    let script = format!(
        "$d = if ([Environment]::Is64BitOperatingSystem) {{ 'C:\\x64' }} else {{ 'C:\\x86' }}\n{unpack} $d"
    );
    let found = run(script.as_bytes(), &["tools/a.zip"]);
    let recipe = found.recipe.unwrap();
    assert_eq!(recipe.destination.as_deref(), Some("C:\\x64"));
    // Of two folders none is said.
    let script = format!(
        "$d = if ([Environment]::Is64BitOperatingSystem) {{ \"$PSScriptRoot\\x64\" }} else {{ \"$PSScriptRoot\\x86\" }}
{unpack} $d\n{install} $d\\setup.exe"
    );
    assert_eq!(
        explained(&script, &["tools/a.zip"]),
        "Ready Exe [/S] [0] Any=tools/a.zip!/setup.exe"
    );
}

#[test]
fn what_chocolatey_lists_of_an_archive_is_removed_from_the_packages_folder_alone() {
    let unpack = "$d = $env:ChocolateyPackageFolder
Get-ChocolateyUnzip -PackageName acme $PSScriptRoot\\a.zip $d\n";
    for (removed, is_effect) in [("a.zip.txt", false), ("readme.txt", true)] {
        let script = format!("{unpack}Remove-Item (Join-Path $d {removed})");
        let found = explained(&script, &["tools/a.zip"]);
        assert!(found.starts_with("Ready Archive"), "{found}");
        assert_eq!(found.contains("+Files"), is_effect, "{found}");
    }
}

#[test]
fn downloads_by_other_commands_are_files_too() {
    let install = "Install-ChocolateyInstallPackage acme exe /S $env:TEMP\\a.exe";
    for (script, expected) in [
        (
            "Invoke-WebRequest -Uri https://a.example/a.exe -OutFile $env:TEMP\\a.exe -UseBasicParsing",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
        ),
        (
            "(New-Object System.Net.WebClient).DownloadFile('https://a.example/a.exe', \"$env:TEMP\\a.exe\")",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
        ),
        (
            "Start-BitsTransfer https://a.example/a.exe $env:TEMP\\a.exe",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe",
        ),
        (
            "Invoke-WebRequest https://a.example/a.exe -OutFile $env:TEMP\\a.exe -Headers @{ Referer = 'https://a.example' }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe{referer: https://a.example}",
        ),
        (
            "Get-ChocolateyWebFile acme $env:TEMP\\a.exe https://a.example/a.exe -Options @{ Headers = @{ 'User-Agent' = 'x' } }",
            "Ready Exe [/S] [0] Any=https://a.example/a.exe{user-agent: x}",
        ),
    ] {
        let script = format!("{script}\n{install}");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(shown(&found), expected, "{script}");
        let is_plain = !expected.contains('{');
        assert_eq!(found.deployable().is_ok(), is_plain, "{script}");
    }
    for script in [
        "Invoke-WebRequest http://a.example/a.exe -OutFile $env:TEMP\\a.exe",
        "Invoke-WebRequest $env:Url -OutFile $env:TEMP\\a.exe",
        "Invoke-WebRequest https://a.example/a.exe -OutFile a.exe",
        "Invoke-WebRequest https://a.example/a.exe -OutFile $env:TEMP\\a.exe -Headers @{ a = Get-Random }",
        "Get-ChocolateyWebFile acme $env:TEMP\\a.exe https://a.example/a.exe -Options @{ Headers = $env:Headers }",
    ] {
        let found = run(script.as_bytes(), &[]);
        assert!(!found.findings.is_empty(), "{script}: {}", shown(&found));
    }
}

#[test]
fn app_packages_are_steps() {
    for (script, expected) in [
        (
            "Add-AppxPackage -Path $PSScriptRoot\\a.msixbundle",
            "Ready Appx [] [0] Any=tools/a.msixbundle",
        ),
        (
            "Add-AppxProvisionedPackage -Online -SkipLicense -PackagePath $PSScriptRoot\\a.msixbundle",
            "Ready Appx [-Online] [0] Any=tools/a.msixbundle",
        ),
    ] {
        let found = run(script.as_bytes(), &["tools/a.msixbundle"]);
        assert_eq!(shown(&found), expected, "{script}");
        assert!(found.deployable().is_err());
    }
}

#[test]
fn files_of_packages_are_found_however_their_folder_is_named() {
    for (path, expected) in [
        (
            "$env:ChocolateyInstall\\lib\\$env:ChocolateyPackageName\\tools\\a.exe",
            "tools/a.exe",
        ),
        (
            "$(Split-Path (Split-Path $PSScriptRoot))\\ACME\\tools\\a.exe",
            "tools/a.exe",
        ),
        (
            "$(Join-Path (Split-Path $env:ChocolateyPackageFolder) 'acme\\tools')\\a.exe",
            "tools/a.exe",
        ),
        // Of a package that this one depends on.
        (
            "$env:ChocolateyInstall\\lib\\other\\tools\\b.exe",
            "Other:tools/b.exe",
        ),
        ("$PSScriptRoot\\..\\..\\other\\b.exe", "Other:b.exe"),
    ] {
        let script = format!("Install-ChocolateyInstallPackage acme exe /S \"{path}\"");
        let nuspec = b"<package><metadata><id>acme</id><version>1.2.3</version><dependencies><dependency id=\"Other\" /></dependencies></metadata></package>";
        let bytes = zip(&[
            ("acme.nuspec", nuspec),
            ("tools/chocolateyInstall.ps1", script.as_bytes()),
            ("tools/a.exe", b"x"),
        ]);
        let found = analyse(&Nupkg::read(&bytes, &Limits::default()).unwrap());
        assert_eq!(
            shown(&found),
            format!("Ready Exe [/S] [0] Any={expected}"),
            "{path}"
        );
        assert_eq!(found.deployable().is_ok(), !expected.contains(':'));
    }
}

#[test]
fn files_that_may_be_gone_or_elsewhere_are_findings() {
    for (script, what) in [
        (
            "Remove-Item $PSScriptRoot\\*.zip\nGet-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot",
            "the script removes tools/a.zip",
        ),
        (
            "if (Test-Path C:\\x) { Remove-Item $PSScriptRoot\\a.zip }\nGet-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot",
            "the script removes tools/a.zip",
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\b.zip $PSScriptRoot",
            "has no file tools/b.zip",
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip sub",
            "no full path",
        ),
        (
            "Get-WebFile https://a.example/a.exe $env:TEMP\\a.exe $env:Browser",
            "user agent",
        ),
    ] {
        let found = run(script.as_bytes(), &["tools/a.zip"]);
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
    let kept = "Remove-Item $PSScriptRoot\\* -Exclude a.zip\nGet-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot";
    assert!(explained(kept, &["tools/a.zip"]).starts_with("Ready"));
}

#[test]
fn changes_to_what_was_unpacked_are_effects() {
    let script = "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot\nRemove-Item $PSScriptRoot\\a.zip\nMove-Item $PSScriptRoot\\acme64.exe $PSScriptRoot\\acme.exe";
    assert_eq!(
        explained(script, &["tools/a.zip"]),
        "Ready Archive [] [0] Any=tools/a.zip to=%ChocolateyPackageFolder%\\tools +Files(destination=%ChocolateyPackageFolder%\\tools\\acme.exe path=%ChocolateyPackageFolder%\\tools\\acme64.exe)"
    );
}

#[test]
fn only_one_plain_installer_is_for_the_agent() {
    for (script, is_deployable) in [
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe",
            true,
        ),
        (
            "Install-ChocolateyPackage acme msi /qn https://a.example/a.msi https://a.example/b.msi",
            true,
        ),
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot",
            false,
        ),
        (
            "Get-ChocolateyWebFile acme \"$PSScriptRoot\\acme.exe\" https://a.example/a.exe",
            false,
        ),
        (
            "Install-ChocolateyPackage acme msu /quiet https://a.example/a.msu",
            false,
        ),
        (
            "Install-ChocolateyPackage acme exe \"/S /D=$env:ProgramFiles\" https://a.example/a.exe",
            false,
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\nInstall-ChocolateyPackage acme exe /S https://a.example/b.exe",
            false,
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\nInstall-ChocolateyPath C:\\acme",
            false,
        ),
        (
            "if ([Environment]::OSVersion.Version.Build -lt 22000) { throw 'old' }\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe",
            false,
        ),
        (
            "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $env:TEMP\\a\nInstall-ChocolateyInstallPackage acme exe /S $env:TEMP\\a\\b.exe",
            false,
        ),
    ] {
        let found = run(script.as_bytes(), &["tools/a.zip"]);
        assert_eq!(found.verdict, Verdict::Ready, "{script}: {}", shown(&found));
        assert_eq!(found.deployable().is_ok(), is_deployable, "{script}");
    }
}

#[test]
fn a_web_client_sends_its_headers_and_what_it_brought_may_be_checked_later() {
    let digest = "a".repeat(64);
    let check = format!("Get-ChecksumValid $zip {digest} sha256");
    let script = |address: &str, settings: &str, check: &str| {
        let script = format!(
            "$zip = \"$env:TEMP\\a.zip\"\n$wc = New-Object System.Net.WebClient\n{settings}\n\
             $wc.DownloadFile('{address}', $zip)\n{check}\n\
             Get-ChocolateyUnzip $zip $PSScriptRoot\n"
        );
        run(script.as_bytes(), &[])
    };
    let referer = "$wc.Headers.Add('Referer', 'https://a.example/')";
    let found = script("http://a.example/a.zip", referer, &check);
    let file = &found.recipe.as_ref().unwrap().files[0];
    assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
    assert_eq!(file.headers["referer"], "https://a.example/");
    assert_eq!(file.checksum.as_ref().unwrap().hex, digest);
    for settings in [
        "$wc.UseDefaultCredentials = $true",
        "$wc.Headers['X'] = 'y'",
    ] {
        let found = script("https://a.example/a.zip", settings, "");
        assert_eq!(
            found.verdict,
            Verdict::Ready,
            "{settings}: {}",
            shown(&found)
        );
    }
    let maybe = format!("if (Test-Path C:\\x) {{ {check} }}");
    for (address, settings, check) in [
        ("http://a.example/a.zip", "", ""),
        ("http://a.example/a.zip", "", maybe.as_str()),
        (
            "https://a.example/a.zip",
            "$wc.Headers.Add('X', (Get-Date))",
            "",
        ),
        ("https://a.example/a.zip", "$wc.Headers.Add('X: y')", ""),
        ("https://a.example/a.zip", "$wc.Credentials = $env:Foo", ""),
        (
            "https://a.example/a.zip",
            "$wc.UploadFile('https://a.example', 'a')",
            "",
        ),
        (
            "https://a.example/a.zip",
            "$wc.Headers.Add('X', $wc.ResponseHeaders['y'])",
            "",
        ),
    ] {
        let found = script(address, settings, check);
        assert_ne!(
            found.verdict,
            Verdict::Ready,
            "{settings}{check}: {}",
            shown(&found)
        );
    }
}

#[test]
fn the_inner_archive_has_the_name_that_the_download_is_saved_under() {
    let script = "Get-ChocolateyWebFile acme $PSScriptRoot\\acme.tar.gz https://a.example/acme_0.18_x64.tar.gz
Get-ChocolateyUnzip $PSScriptRoot\\acme.tar.gz $PSScriptRoot
Get-ChocolateyUnzip $PSScriptRoot\\acme.tar $PSScriptRoot
Remove-Item $PSScriptRoot\\acme.tar";
    assert_eq!(
        explained(script, &[]),
        "Ready Archive [] [0] Any=https://a.example/acme_0.18_x64.tar.gz!/acme.tar to=%ChocolateyPackageFolder%\\tools"
    );
}

#[test]
fn which_of_several_archives_holds_a_file_is_never_guessed() {
    let script = "Get-ChocolateyUnzip $PSScriptRoot\\a.zip $PSScriptRoot
Install-ChocolateyZipPackage acme https://a.example/b.zip $PSScriptRoot
Install-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\setup.exe";
    let text = explained(script, &["tools/a.zip"]);
    assert!(text.contains("which of several archives"), "{text}");
    // The one in the innermost folder is above it, and the others are not.
    let script = script.replace("$PSScriptRoot\n", "$PSScriptRoot\\sub\n");
    let script = script.replacen("a.zip $PSScriptRoot\\sub", "a.zip $PSScriptRoot", 1);
    let script = script.replace("\\setup.exe", "\\sub\\setup.exe");
    let text = explained(&script, &["tools/a.zip"]);
    assert!(
        text.contains("Any=https://a.example/b.zip!/setup.exe"),
        "{text}"
    );
}

#[test]
fn the_name_of_what_a_compressed_archive_holds_is_the_scripts_own_or_none() {
    for (name, inside) in [
        ("$PSScriptRoot\\other.tar", "other.tar"),
        ("(Get-Item $PSScriptRoot\\*.tar)", "*.tar"),
    ] {
        let script = format!(
            "Install-ChocolateyZipPackage acme https://a.example/a-1.tar.gz $PSScriptRoot\nGet-ChocolateyUnzip {name} $PSScriptRoot"
        );
        let expected = format!(
            "Ready Archive [] [0] Any=https://a.example/a-1.tar.gz!/{inside} to=%ChocolateyPackageFolder%\\tools"
        );
        assert_eq!(explained(&script, &[]), expected, "{script}");
    }
}

#[test]
fn what_is_changed_between_unpacking_and_installing_is_said_by_its_place_in_the_archive() {
    let found = run(
        b"Get-ChocolateyUnzip $PSScriptRoot\\a.zip \"$env:TEMP\\acme\"
Remove-Item \"$env:TEMP\\acme\\Update.Core\" -Recurse
Install-ChocolateyInstallPackage acme exe /S \"$env:TEMP\\acme\\setup.exe\"",
        &["tools/a.zip"],
    );
    assert_eq!(
        shown(&found),
        "Ready Exe [/S] [0] Any=tools/a.zip!/setup.exe +Files(path=<a.zip>\\Update.Core recurse=True)"
    );
    // Where the archive is all that is installed, its folder is said.
    let found = run(
        b"Get-ChocolateyUnzip $PSScriptRoot\\a.zip C:\\acme
Remove-Item C:\\acme\\old.exe -ea 0",
        &["tools/a.zip"],
    );
    let effect = &found.effects[0];
    assert_eq!(effect.operands["path"], "C:\\acme\\old.exe");
}
