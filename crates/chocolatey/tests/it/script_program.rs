//! Programs that a script starts: installers as steps, tools of Windows by what they change, others by
//! their command line, and a finding where what is run is not known.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};

/// What a package with the file that the script names is explained as.
fn explained(script: &str) -> String {
    let file = if script.contains("a.msi") {
        "tools/a.msi"
    } else {
        "tools/a.exe"
    };
    shown(&run(script.as_bytes(), &[file]))
}

#[test]
fn an_installer_that_is_told_to_be_silent_is_a_step() {
    for (script, expected) in [
        (
            "Start-Process \"$PSScriptRoot\\a.exe\" '/S' -Wait",
            "Ready Exe [/S] [] Any=tools/a.exe",
        ),
        (
            "Start-Process -FilePath $PSScriptRoot\\a.exe -ArgumentList '/quiet', '/norestart' -Wait -NoNewWindow",
            "Ready Exe [/quiet /norestart] [] Any=tools/a.exe",
        ),
        (
            "& \"$PSScriptRoot\\a.exe\" /VERYSILENT \"/LOG=C:\\a b.log\" -x:1",
            "Ready Exe [/VERYSILENT \"/LOG=C:\\a b.log\" -x:1] [] Any=tools/a.exe",
        ),
        (
            "Start-ChocolateyProcessAsAdmin '--mode unattended' \"$PSScriptRoot\\a.exe\" -ValidExitCodes 0, 3010",
            "Ready Exe [--mode unattended] [0, 3010] Any=tools/a.exe",
        ),
        (
            "Start-ChocolateyProcessAsAdmin '-s' \"$PSScriptRoot\\a.exe\"",
            "Ready Exe [-s] [0] Any=tools/a.exe",
        ),
        (
            "Start-Process msiexec.exe \"/i `\"$PSScriptRoot\\a.msi`\" /qn ALLUSERS=1\" -Wait",
            "Ready Msi [/qn ALLUSERS=1] [] Any=tools/a.msi",
        ),
        (
            "$f = Get-ChocolateyWebFile acme $env:TEMP\\b.exe https://a.example/b.exe\nStart-Process $f /S -Wait",
            "Ready Exe [/S] [] Any=https://a.example/b.exe",
        ),
    ] {
        assert_eq!(explained(script), expected, "{script}");
    }
}

#[test]
fn tools_of_windows_are_told_by_what_they_change() {
    for (script, expected) in [
        (
            "netsh advfirewall firewall add rule name=acme dir=in action=allow",
            "Firewall(arguments=advfirewall firewall add rule name=acme dir=in action=allow file=netsh)",
        ),
        (
            "& schtasks.exe /Create /TN acme /TR 'C:\\a b.exe'",
            "ScheduledTask(arguments=/Create /TN acme /TR \"C:\\a b.exe\" file=schtasks)",
        ),
        (
            "Start-ChocolateyProcessAsAdmin \"certutil -addstore 'TrustedPublisher' '$PSScriptRoot\\a.cer'\"",
            "Certificate(arguments=-addstore TrustedPublisher %ChocolateyPackageFolder%\\tools\\a.cer file=certutil)",
        ),
        (
            "Start-ChocolateyProcessAsAdmin 'cmd /c NET STOP acme'",
            "Service(arguments=STOP acme file=net)",
        ),
        (
            "Start-Process \"$env:SystemRoot\\System32\\regsvr32.exe\" \"/s `\"$env:ProgramFiles\\Acme\\a.dll`\"\"",
            "Component(arguments=/s \"%ProgramFiles%\\Acme\\a.dll\" file=regsvr32)",
        ),
        (
            "& C:\\Windows\\SysWOW64\\regsvr32.exe /s a.dll",
            "Component(arguments=/s a.dll file=C:\\Windows\\SysWOW64\\regsvr32.exe)",
        ),
        (
            "reg add HKLM\\Software\\Acme /v x /f",
            "Registry(arguments=add HKLM\\Software\\Acme /v x /f file=reg)",
        ),
        (
            "icacls.exe C:\\acme /grant 'Users:(OI)(CI)F' | Out-Null",
            "Rights(arguments=C:\\acme /grant Users:(OI)(CI)F file=icacls)",
        ),
        (
            "& $env:ComSpec /c 'mklink /D C:\\a C:\\b'",
            "Files(arguments=/D C:\\a C:\\b file=mklink)",
        ),
        (
            "msiexec /x '{0-1}' /qn",
            "Uninstall(file={0-1} silentargs=/qn)",
        ),
        (
            "Start-ChocolateyProcessAsAdmin 'Set-Service acme -StartupType Manual'",
            "Service(name=acme startuptype=Manual)",
        ),
    ] {
        let expected = format!("NoInstaller +{expected}");
        assert_eq!(explained(script), expected, "{script}");
    }
}

#[test]
fn tools_that_read_are_facts() {
    assert_eq!(
        explained(
            "if (schtasks /query /tn acme) { return }\nStart-Process $PSScriptRoot\\a.exe /S"
        ),
        "Ready Exe [/S] [] Any=tools/a.exe unless(schtasks /query /tn acme | Windows schtasks /query /tn acme)"
    );
}

#[test]
fn other_programs_are_told_by_their_command_line() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\n";
    let ready = "Ready Exe [/S] [0] Any=https://a.example/a.exe";
    for (script, expected) in [
        (
            "Start-Process \"$env:ProgramFiles\\Acme\\acme.exe\" '-register' -WorkingDirectory C:\\acme",
            "Program(arguments=-register file=%ProgramFiles%\\Acme\\acme.exe workingdirectory=C:\\acme)",
        ),
        (
            "$l = Get-AppInstallLocation acme\n& \"$l\\acme.exe\"",
            "Program(file=<Get-AppInstallLocation of software acme>\\acme.exe)",
        ),
        (
            "Start-Process https://a.example/thanks",
            "Program(file=https://a.example/thanks)",
        ),
        (
            "& $PSScriptRoot\\a.exe -ngen",
            "Program(arguments=-ngen file=%ChocolateyPackageFolder%\\tools\\a.exe)",
        ),
        (
            "$k = Get-UninstallRegistryKey 'acme*'\nStart-Process $k.UninstallString /S -Wait",
            "Uninstall?(file=<uninstallstring of software acme*> filetype=exe silentargs=/S softwarename=acme*)",
        ),
    ] {
        assert_eq!(
            explained(&format!("{install}{script}")),
            format!("{ready} +{expected}"),
            "{script}"
        );
    }
}

#[test]
fn what_a_program_does_that_is_not_told_is_a_finding() {
    for script in [
        "Start-Process notepad",
        "Start-Process AutoHotkey \"$PSScriptRoot\\a.ahk\"",
        "& \"$env:ProgramFiles\\AutoHotkey\\AutoHotkeyU64.exe\" x",
        "& \"$env:ProgramFiles\\nodejs\\node.exe\" x.js",
        "npm install -g acme",
        "& $env:Acme /x",
        "Start-Process C:\\acme\\acme.bat",
        "Start-Process powershell '-File x.ps1'",
        "Start-ChocolateyProcessAsAdmin (Get-Content C:\\x)",
        "cmd /c 'a & b'",
        "cmd /c acme",
        "schtasks /frobnicate",
        "net user acme /add",
        "netsh http add urlacl x",
        "msiexec /i C:\\x.msi /qn",
        "msiexec /i $PSScriptRoot\\a.msi",
        "Start-Process $PSScriptRoot\\none.exe /S",
        "Start-Process $PSScriptRoot\\a.exe (Get-Random)",
        // It may be the installer, waiting for a person.
        "Start-Process $PSScriptRoot\\a.exe",
        // The script decides by itself which codes mean success.
        "$p = Start-Process $PSScriptRoot\\a.exe /S -PassThru -Wait\nif ($p.ExitCode -ne 0) { throw 'x' }",
        "& $PSScriptRoot\\a.exe /S\nif ($LASTEXITCODE) { throw 'x' }",
    ] {
        let files = ["tools/a.exe", "tools/a.msi"];
        let found = run(script.as_bytes(), &files);
        assert!(
            matches!(
                found.verdict,
                Verdict::NeedsReview | Verdict::NeedsChocolatey
            ),
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn a_program_whose_codes_are_not_looked_at_is_not_for_the_agent() {
    let found = run(
        b"Start-Process $PSScriptRoot\\a.exe /S -Wait",
        &["tools/a.exe"],
    );
    let why = found.deployable().unwrap_err();
    assert!(why.contains("which exit codes mean success"), "{why}");
}

#[test]
fn an_installer_on_a_disc_image_is_a_step() {
    assert_eq!(
        explained(
            "$iso = Get-ChocolateyWebFile acme $env:TEMP\\a.iso https://a.example/a.iso\nInstall-ChocolateyIsoInstallPackage -PackageName acme -IsoFile $iso -FileType msi -SilentArgs '/qn' -File 'x86\\a.msi' -File64 'x64\\a.msi' -ValidExitCodes 0, 3010"
        ),
        "Ready Msi [/qn] [0, 3010] Any=https://a.example/a.iso!/x86/a.msi X64=https://a.example/a.iso!/x64/a.msi"
    );
    assert_eq!(
        explained(
            "Install-ChocolateyIsoPackage acme https://a.example/a.iso exe /S -File setup.exe"
        ),
        "Ready Exe [/S] [0] Any=https://a.example/a.iso!/setup.exe"
    );
}
