//! What a script changes besides: as data where all of it is known, as a finding where not.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};

fn effects(script: &str) -> String {
    let script = format!("Install-ChocolateyPackage acme exe /S https://a.example/a.exe\n{script}");
    let text = shown(&run(script.as_bytes(), &[]));
    text.strip_prefix("Ready Exe [/S] [0] Any=https://a.example/a.exe")
        .map_or(text.clone(), |it| it.trim().to_owned())
}

#[test]
fn a_character_of_a_text_is_not_taken_for_the_first_of_several() {
    let script = "$k = Get-UninstallRegistryKey 'acme*'
Install-ChocolateyPath (Join-Path $k.InstallLocation[0] 'bin')";
    let shown = effects(script);
    assert!(shown.contains("is not known"), "{shown}");
}

#[test]
fn what_takes_a_path_alone_by_its_place_and_is_given_more_fails() {
    for script in [
        "New-Item -ItemType File -Path \"$PSScriptRoot\\acme.exe.ignore\" ''",
        "Remove-Item C:\\a C:\\b",
    ] {
        let behind = format!("{script}\nSet-Content C:\\b x");
        assert_eq!(effects(&behind), "+Files(path=C:\\b value=x)", "{script}");
        let stops = format!("$ErrorActionPreference = 'Stop'\n{behind}");
        let shown = effects(&stops);
        assert!(
            shown.ends_with("fails behind the installation, whatever holds"),
            "{shown}"
        );
    }
    // Dashes of other kinds are those of parameters too.
    for dash in ['\u{2013}', '\u{2014}', '\u{2015}'] {
        let script = format!("\u{feff}Remove-Item C:\\a {dash}Force");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(shown(&found), "NoInstaller +Files(force=True path=C:\\a)");
    }
    let shown = effects("Set-Content C:\\a b");
    assert_eq!(shown, "+Files(path=C:\\a value=b)");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn changes_that_are_known_are_listed() {
    for (script, expected) in [
        (
            "Install-ChocolateyShortcut \"$([Environment]::GetFolderPath('CommonPrograms'))\\Acme.lnk\" -TargetPath \"$env:ProgramFiles\\Acme\\acme.exe\"",
            "+Shortcut(shortcutfilepath=%CommonPrograms%\\Acme.lnk targetpath=%ProgramFiles%\\Acme\\acme.exe)",
        ),
        (
            "Install-ChocolateyPath \"$env:SystemDrive\\acme\" Machine",
            "+SearchPath(pathtoinstall=%SystemDrive%\\acme pathtype=Machine)",
        ),
        (
            "Install-ChocolateyEnvironmentVariable ACME_HOME C:\\acme -VariableType Machine",
            "+EnvironmentVariable(variablename=ACME_HOME variabletype=Machine variablevalue=C:\\acme)",
        ),
        (
            "Install-ChocolateyPath C:\\acme",
            "+SearchPath(pathtoinstall=C:\\acme pathtype=User)",
        ),
        (
            "Uninstall-ChocolateyEnvironmentVariable ACME_HOME",
            "+EnvironmentVariable(variablename=ACME_HOME variabletype=User)",
        ),
        (
            "Install-BinFile acme \"$PSScriptRoot\\acme.exe\"",
            "+Shim(name=acme path=%ChocolateyPackageFolder%\\tools\\acme.exe)",
        ),
        (
            "$l = Get-AppInstallLocation 'Acme*'\nif ($l) { Register-Application \"$l\\acme.exe\" acme } else { Write-Warning 'no' }",
            "fails if(($l) -and -not (there is <Get-AppInstallLocation of software Acme*>\\acme.exe) | Get-AppInstallLocation of software Acme*, existence of file <Get-AppInstallLocation of software Acme*>\\acme.exe) +AppPath?(exepath=<Get-AppInstallLocation of software Acme*>\\acme.exe name=acme)",
        ),
        (
            "New-Item HKLM:\\Software\\Acme -Force",
            "+Registry(force=True path=HKLM:\\Software\\Acme)",
        ),
        (
            "Set-ItemProperty -Path HKCU:\\Software\\Acme -Name x -Value 1",
            "+Registry(name=x path=HKCU:\\Software\\Acme propertytype=DWord where it is new value=1)",
        ),
        (
            "Remove-Item \"$env:PUBLIC\\Desktop\\Acme.lnk\" -ea 0",
            "+Files(path=%PUBLIC%\\Desktop\\Acme.lnk)",
        ),
        (
            "Remove-Item \"$PSScriptRoot\\..\\..\\..\\x\"",
            "+Files(path=%ChocolateyPackageFolder%\\tools\\..\\..\\..\\x)",
        ),
        (
            "[IO.Directory]::CreateDirectory('C:\\acme')",
            "+Files(argument1=C:\\acme)",
        ),
        (
            "Get-Process acme* -ea 0 | Stop-Process -Force",
            "+StopProcess(force=True inputobject=acme*)",
        ),
        ("Stop-Process -Name acme", "+StopProcess(name=acme)"),
        // Filters by the name say which; others leave some out.
        (
            "Get-Service | Where-Object { $_.Name -like 'Acme*' } | Stop-Service",
            "+Service(inputobject=Acme*)",
        ),
        (
            "Get-Process acme* | ? { $_.Path -like 'C:\\acme\\*' } | Stop-Process",
            "+StopProcess(inputobject=<acme* where $_.Path -like 'C:\\acme\\*'>)",
        ),
        (
            "'x' | Out-File C:\\acme.log -Append",
            "+Files(append=True path=C:\\acme.log value=x)",
        ),
        (
            "$p = Get-Process acme -ea 0\nif ($p) { $p.Kill() }",
            "+StopProcess?(name=acme)",
        ),
        ("Stop-Service acme", "+Service(name=acme)"),
        (
            "if ((Get-Service acme -ea 0).Status -eq 'Running') { Stop-Service acme }",
            "+Service?(name=acme)",
        ),
        ("$env:ACME = 'x'", "+EnvironmentVariable(name=acme value=x)"),
        (
            "Install-VsCodeExtension -extensionId 'acme.tool@1.0'",
            "+EditorExtension(extensionid=acme.tool@1.0)",
        ),
        (
            "$k = (Get-UninstallRegistryKey 'acme*').UninstallString\nif ($k.Count -eq 1) { Uninstall-ChocolateyPackage acme exe /S $k }",
            "+Uninstall?(file=<uninstallstring of software acme*> filetype=exe silentargs=/S softwarename=acme* validexitcodes=0)",
        ),
        // What is found in a folder without wildcards has its name alone as its text, which is what
        // parameters are given; only a pipeline hands over the full path.
        (
            "Remove-Item (Join-Path C:\\y (Get-ChildItem C:\\x -Filter a*))",
            "+Files(path=C:\\y\\a*)",
        ),
        (
            "Get-ChildItem C:\\x -Filter a* | % { Remove-Item \"C:\\y\\$_\" }",
            "+Files?(path=C:\\y\\a*)",
        ),
        (
            "Get-ChildItem C:\\x -Filter a* | Remove-Item",
            "+Files(path=C:\\x\\a*)",
        ),
        (
            "Get-ChildItem C:\\x -Filter a* | % { Remove-Item $_.FullName }",
            "+Files?(path=C:\\x\\a*)",
        ),
        (
            "Get-ChildItem C:\\x\\a* | % { Remove-Item $_ }",
            "+Files?(path=C:\\x\\a*)",
        ),
        // Shortcuts by the shell's own object.
        (
            "$s = New-Object -ComObject WScript.Shell\n$l = $s.CreateShortcut(\"$($s.SpecialFolders.Item('AllUsersDesktop'))\\Acme.lnk\")\n$l.TargetPath = \"$env:ProgramFiles\\Acme\\a.exe\"\n$l.Arguments = '-x'\n$l.Save()",
            "+Shortcut(arguments=-x shortcutfilepath=%CommonDesktop%\\Acme.lnk targetpath=%ProgramFiles%\\Acme\\a.exe)",
        ),
        (
            "[Environment]::SetEnvironmentVariable('ACME', 'x', 'Machine')",
            "+EnvironmentVariable(name=ACME scope=Machine value=x)",
        ),
        (
            "[Environment]::SetEnvironmentVariable('ACME', 'x')",
            "+EnvironmentVariable(name=acme value=x)",
        ),
        (
            "New-NetFirewallRule -DisplayName Acme -Direction Inbound -Action Allow -Program C:\\a.exe | Out-Null",
            "+Firewall(action=Allow direction=Inbound displayname=Acme program=C:\\a.exe)",
        ),
        (
            "Enable-WindowsOptionalFeature -Online -FeatureName Acme -NoRestart",
            "+WindowsFeature(featurename=Acme norestart=True online=True)",
        ),
        (
            "Install-ChocolateyFont \"$PSScriptRoot\\*.ttf\" -Multiple",
            "+Font(multiple=True paths=%ChocolateyPackageFolder%\\tools\\*.ttf)",
        ),
        (
            "New-Service acme C:\\acme.exe",
            "+Service(binarypathname=C:\\acme.exe name=acme)",
        ),
        (
            "Install-ChocolateyPowershellCommand acme $PSScriptRoot\\a.ps1",
            "+Shim(packagename=acme psfilefullpath=%ChocolateyPackageFolder%\\tools\\a.ps1)",
        ),
        (
            "Unregister-ScheduledTask -TaskName Acme -Confirm:$false",
            "+ScheduledTask(taskname=Acme)",
        ),
        (
            "code --install-extension acme.tool",
            "+EditorExtension(arguments=--install-extension acme.tool file=code)",
        ),
        (
            "Invoke-Command -ScriptBlock { param($p) Remove-Item $p } -ArgumentList C:\\x | Out-Null",
            "+Files(path=C:\\x)",
        ),
        (
            "New-PSDrive -Name HKCR -PSProvider Registry -Root HKEY_CLASSES_ROOT | Out-Null\nNew-Item HKCR:\\Acme",
            "+Registry(path=HKCR:\\Acme)",
        ),
        ("Set-ExecutionPolicy Bypass -Scope Process -Force", ""),
        ("Get-Date | Export-Clixml $PSScriptRoot\\x.xml", ""),
        // What only the device has, by its name.
        (
            "Set-Content $env:Foo\\x y",
            "+Files(path=<variable foo>\\x value=y)",
        ),
        (
            "Remove-Item (Get-ItemProperty HKLM:\\Software\\Acme).Folder",
            "+Files(path=<folder of registry HKLM:\\Software\\Acme>)",
        ),
        (
            "$k = Get-UninstallRegistryKey 'Acme*'\nInstall-BinFile acme (Split-Path $k.DisplayIcon)",
            "+Shim?(name=acme path=<displayicon of software Acme* (the folder above)>)",
        ),
        // What a pattern stands for, on a device.
        (
            "Get-ChildItem C:\\acme\\*.tmp | Remove-Item",
            "+Files(path=C:\\acme\\*.tmp)",
        ),
        (
            "Get-Service acme -ea 0 | Stop-Service -PassThru | Set-Service -StartupType Disabled",
            "+Service(inputobject=acme passthru=True) +Service(inputobject=acme startuptype=Disabled)",
        ),
        (
            "$s = Stop-Service acme -PassThru\n$s.WaitForStatus('Stopped')",
            "+Service(name=acme passthru=True)",
        ),
        // In the package's own folder, which exists only for Chocolatey, nothing is left behind.
        (
            "Remove-Item $PSScriptRoot\\*.exe; Set-Content \"$PSScriptRoot\\acme.exe.ignore\" ''",
            "",
        ),
        (
            "New-Item -ItemType Directory $env:TEMP\\acme | Out-Null; Set-Content $env:TEMP\\acme\\x y",
            "",
        ),
    ] {
        assert_eq!(effects(script), expected, "{script}");
    }
}

#[test]
fn what_is_changed_of_folders_leaves_files_of_such_names() {
    let folders = "<folders matching C:\\acme\\a*>";
    let listing = "$a = Get-ChildItem C:\\acme -Directory -Filter a*\n";
    for (change, expected) in [
        ("$a | Remove-Item", folders),
        ("Remove-Item $a.FullName", folders),
        ("Remove-Item \"$($a.FullName)\\\"", folders),
        ("Remove-Item (Join-Path C:\\acme $a)", folders),
        (
            "Remove-Item \"c:\\Acme\\$a\"",
            "<folders matching c:\\Acme\\a*>",
        ),
        (
            "$a | Select-Object -First 1 | Remove-Item",
            "<one of the folders matching C:\\acme\\a*>",
        ),
        // What lies in something lies in a folder.
        ("Remove-Item \"C:\\acme\\$a\\*\"", "C:\\acme\\a*\\*"),
        (
            "Get-ChildItem C:\\acme -Directory -Recurse -Filter bin | Remove-Item",
            "<folders matching C:\\acme\\**\\bin>",
        ),
        // Of all that has such a name, the files are meant too.
        (
            "$b = Get-ChildItem C:\\acme -Filter b*\nRemove-Item $b.FullName",
            "C:\\acme\\b*",
        ),
    ] {
        let script = format!("{listing}{change}");
        assert_eq!(
            effects(&script),
            format!("+Files(path={expected})"),
            "{script}"
        );
    }
    // Which of both a text is of is not known.
    let script = format!(
        "{listing}$b = Get-ChildItem C:\\acme -Filter a*\nRemove-Item (Join-Path C:\\acme $a)"
    );
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
    // What an archive brings into the package's own folder.
    let script = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot
$a = Get-ChildItem $PSScriptRoot -Directory -Filter a*
Remove-Item (Join-Path $PSScriptRoot $a) -Recurse";
    let wanted =
        "+Files(path=<folders matching %ChocolateyPackageFolder%\\tools\\a*> recurse=True)";
    let text = shown(&run(script.as_bytes(), &[]));
    assert!(text.ends_with(wanted), "{text}");
}

#[test]
fn changes_that_are_not_known_are_findings() {
    for script in [
        // Which of the files it is, a condition decides that is not known.
        "Get-ChildItem C:\\acme -Recurse -Filter *.exe | % { if ($_.Length -gt 9) { Install-BinFile acme $_.FullName } }",
        "Start-Process notepad",
        "& $env:ComSpec /c x",
        "msiexec /i x",
        "Install-ChocolateyPath (Get-Random)",
        "Set-ItemProperty HKLM:\\Software\\Acme x (Get-Date)",
        "Stop-Process -Id $pid2.Id -InputObject (Get-Acme)",
        "$env:ACME = Get-Random",
        "New-Object -ComObject Shell.Application",
        "$s = New-Object -ComObject WScript.Shell\n$s.RegWrite('HKCU\\x', 1)",
        "$s = New-Object -ComObject WScript.Shell\n$l = $s.CreateShortcut('C:\\a.lnk')\n$l.TargetPath = Get-Random\n$l.Save()",
        "Start-Job -FilePath C:\\x.ps1",
        // When it removes the file, and whether the script waits for it, is not told.
        "Start-Job -ScriptBlock { Remove-Item C:\\x } | Out-Null",
        "Set-ExecutionPolicy Unrestricted",
        "Invoke-WebRequest https://a.example -Method Post -Body x",
        "Invoke-Expression (Get-Content C:\\x)",
        "Add-Type -TypeDefinition $x",
        "New-Item Cert:\\x",
        "Mount-DiskImage x",
        "$shell.CreateShortcut('x')",
        "$j = Start-Job { 'x' }\nSet-Content C:\\x ($j | Receive-Job)",
        "Write-Output x > C:\\x",
        "Set-Service -Name (Get-Random) -StartupType Disabled",
        "New-Service acme (Get-Random)",
        // Of no service and no program that has a name.
        "Start-Service $nothing",
        "Stop-Service ''",
        "Set-Service -StartupType Disabled",
        "Stop-Process -Name $nothing",
        "$s = Get-Service $nothing\nif ($s.Status -ne 'Running') { Set-Content C:\\x y }",
        "if (Get-Process '') { Set-Content C:\\x y }",
    ] {
        let text = effects(script);
        assert!(
            text.starts_with("NeedsReview") || text.starts_with("NeedsChocolatey"),
            "{script}: {text}"
        );
    }
}

#[test]
fn a_native_program_is_not_taken_for_the_command_of_its_name() {
    // `sc` writes a file, `sc.exe` changes services.
    assert_eq!(
        shown(&run(b"sc.exe delete acme", &[])),
        "NoInstaller +Service(arguments=delete acme file=sc)"
    );
    assert_eq!(
        shown(&run(b"sc C:\\delete acme", &[])),
        "NoInstaller +Files(path=C:\\delete value=acme)"
    );
}

#[test]
fn an_installer_out_of_an_archive_that_is_removed_again_is_no_effect() {
    let install = "Install-ChocolateyZipPackage acme https://a.example/a.zip $PSScriptRoot\nInstall-ChocolateyInstallPackage acme exe /S $PSScriptRoot\\a.exe";
    for (removed, is_effect) in [("a.exe", false), ("b.exe", true), ("*.exe", true)] {
        let script = format!("{install}\nRemove-Item $PSScriptRoot\\{removed}");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(!found.effects.is_empty(), is_effect, "{removed}");
    }
}
