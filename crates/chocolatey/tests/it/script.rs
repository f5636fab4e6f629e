use fleetmend_chocolatey::nupkg::{Limits, Nupkg};
use fleetmend_chocolatey::script::analyse;
use fleetmend_model::condition::Fact;
use fleetmend_model::recipe::{Analysis, FileOrigin, Recipe, RecipeKind, Verdict};
use fleetmend_model::shim::ShimKind;

use crate::package::nupkg;

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Analyses a package of that install script and files of these names.
pub(crate) fn run(script: &[u8], files: &[&str]) -> Analysis {
    let mut entries: Vec<(&str, &[u8])> = vec![("tools/chocolateyInstall.ps1", script)];
    entries.extend(files.iter().map(|name| (*name, &b"x"[..])));
    run_package(&entries)
}

/// Analyses a package of those files.
pub(crate) fn run_package(entries: &[(&str, &[u8])]) -> Analysis {
    let bytes = nupkg(entries);
    analyse(&Nupkg::read(&bytes, &Limits::default()).unwrap())
}

/// The whole result as one text.
pub(crate) fn shown(found: &Analysis) -> String {
    let mut parts = vec![format!("{:?}", found.verdict)];
    if let Some(recipe) = &found.recipe {
        installation(recipe, &mut parts);
    }
    parts.extend(found.conditions.iter().map(|it| {
        let word = if it.holds { "fails unless" } else { "fails if" };
        let facts: Vec<String> = it.facts.iter().map(Fact::label).collect();
        format!("{word}({} | {})", it.text, facts.join(", "))
    }));
    for effect in &found.effects {
        let operands: Vec<String> = effect
            .operands
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let perhaps = if effect.always { "" } else { "?" };
        parts.push(format!(
            "+{:?}{perhaps}({})",
            effect.kind,
            operands.join(" ")
        ));
    }
    parts.extend(found.through.iter().map(|id| format!("through={id}")));
    parts.extend(
        found
            .findings
            .iter()
            .map(|it| format!("!{} {}", it.line, it.what)),
    );
    parts.join(" ")
}

fn installation(recipe: &Recipe, parts: &mut Vec<String>) {
    parts.push(format!(
        "{:?} [{}] {:?}",
        recipe.kind, recipe.arguments, recipe.exit_codes
    ));
    for file in &recipe.files {
        let origin = match &file.origin {
            FileOrigin::Embedded { path } => path,
            FileOrigin::Url { url } => url,
        };
        let checksum = file.checksum.as_ref();
        let checksum = checksum.map(|it| format!("#{}:{}", it.algorithm, &it.hex[..4]));
        let inside = file.inside.as_ref().map(|it| format!("!/{it}"));
        let part = file.part.as_ref().map(|it| format!("!/{it}/"));
        let headers: Vec<String> = file
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let headers = if headers.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", headers.join(", "))
        };
        let package = file.package.as_ref().map(|it| format!("{it}:"));
        let package = package.unwrap_or_default();
        let arguments = file.arguments.as_ref().map(|it| format!("[{it}]"));
        parts.push(format!(
            "{:?}={package}{origin}{headers}{}{}{}",
            file.bitness,
            checksum.unwrap_or_default(),
            inside.unwrap_or_default() + &part.unwrap_or_default(),
            arguments.unwrap_or_default()
        ));
    }
    parts.extend(recipe.conditions.iter().map(|it| {
        let word = if it.holds { "if" } else { "unless" };
        let facts: Vec<String> = it.facts.iter().map(Fact::label).collect();
        format!("{word}({} | {})", it.text, facts.join(", "))
    }));
    parts.extend(recipe.destination.as_ref().map(|it| format!("to={it}")));
    parts.extend(recipe.minimum_build.map(|it| format!("build>={it}")));
    parts.extend(
        recipe
            .software_name
            .as_ref()
            .map(|name| format!("name={name}")),
    );
    for further in &recipe.further {
        parts.push("and".to_owned());
        installation(further, parts);
    }
}

#[test]
fn an_archive_that_is_run_as_an_installer_is_found() {
    for script in [
        "Install-ChocolateyInstallPackage acme exe '/S' $PSScriptRoot\\a.zip",
        "Install-ChocolateyPackage acme -FileType msi -SilentArgs '/qn' -File64 $PSScriptRoot\\a.zip",
    ] {
        let found = run(script.as_bytes(), &["tools/a.zip"]);
        assert_eq!(found.verdict, Verdict::NeedsReview, "{script}");
        let said: Vec<&str> = found.findings.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(
            said,
            ["runs an archive as an installer: tools/a.zip"],
            "{script}"
        );
    }
}

#[test]
fn standard_scripts_are_ready() {
    let toolsdirs = [
        "$toolsDir = \"$(Split-Path -parent $MyInvocation.MyCommand.Definition)\"",
        "$toolsDir = Split-Path $MyInvocation.MyCommand.Definition",
        "$toolsDir = Split-Path -Parent $MyInvocation.MyCommand.Path",
        "$ToolsDir = \"$PSScriptRoot\"",
        "$toolsDir = $(Split-Path -parent $script:MyInvocation.MyCommand.Path)",
        "$toolsDir = Join-Path $env:ChocolateyPackageFolder 'tools'",
        "$toolsDir = [IO.Path]::Combine($env:ChocolateyPackageFolder, 'tools')",
    ];
    for toolsdir in toolsdirs {
        for file in [
            "\"$toolsDir\\setup.msi\"",
            "(Join-Path $toolsDir 'setup.msi')",
            "($toolsDir + '\\setup.msi')",
            "(Get-Item $toolsDir\\*.msi)",
            "\"$($toolsDir)\\..\\tools/SETUP.msi\"",
        ] {
            let script = format!(
                "{toolsdir}\n$packageArgs = @{{\n  packageName = $env:ChocolateyPackageName\n  fileType = 'MSI'\n  file = {file}\n  softwareName = 'Acme*'\n  silentArgs = '/qn /norestart'\n  validExitCodes = @(0, 3010, -5)\n}}\nInstall-ChocolateyInstallPackage @packageArgs"
            );
            assert_eq!(
                shown(&run(script.as_bytes(), &["tools/setup.msi"])),
                "Ready Msi [/qn /norestart] [0, 3010, -5] Any=tools/setup.msi name=Acme*",
                "{script}"
            );
        }
    }
}

#[test]
fn arguments_are_bound_as_powershell_does() {
    let sums = format!(
        "-Checksum {SHA} -ChecksumType sha256 -Checksum64 '{SHA}' -checksumtype64 'SHA256'"
    );
    let expected = "Ready Exe [/S /D=\"a b\"] [0] Any=https://a.example/1.2.3/a.exe#sha256:e3b0 X64=https://a.example/b.exe#sha256:e3b0";
    for call in [
        "Install-ChocolateyPackage 'acme' 'exe' '/S /D=\"a b\"' $url 'https://a.example/b.exe' SUMS",
        "Install-ChocolateyPackage -PackageName acme -FileType exe -SilentArgs '/S /D=\"a b\"' -Url $url -Url64bit 'https://a.example/b.exe' SUMS",
        "Install-ChocolateyPackage acme -Silent \"/S /D=`\"a b`\"\" -InstallerType exe -Url $url -Url64 https://a.example/b.exe SUMS",
        "Install-ChocolateyPackage acme -Url:$url -Url64bit:'https://a.example/b.exe' `\n  -FileType 'exe' -SilentArgs \"/S /D=\"\"a b\"\"\" SUMS",
        "install-chocolateypackage SUMS acme exe ('/S {0}' -f '/D=\"a b\"') \"$url\" https://a.example/b.exe | Out-Null",
        "$a = @{ packageName = 'acme'; silentArgs = '/S' ; url = $url }\n$a['url64bit'] = 'https://a.example/b.exe'\n$a.silentArgs += ' /D=\"a b\"'\nInstall-ChocolateyPackage @a SUMS",
    ] {
        let script = format!(
            "$url = \"https://a.example/$env:ChocolateyPackageVersion/a.exe\"\n{}",
            call.replace("SUMS", &sums)
        );
        assert_eq!(shown(&run(script.as_bytes(), &[])), expected, "{script}");
    }
}

#[test]
fn known_conditions_and_harmless_commands_leave_it_ready() {
    let script = r#"
        $ErrorActionPreference = 'Stop' # stop
        $toolsDir = Split-Path -Parent $MyInvocation.MyCommand.Definition
        $pp = Get-PackageParameters
        Write-Host "Installing $env:ChocolateyPackageName ..."
        $extra = if ($pp['Desktop']) { ' /desktop' } else { '' }
        $a = @{ packageName = 'acme'; file = "$toolsDir\x86.exe"; file64 = "$toolsDir\x64.exe"; silentArgs = "/S$extra" }
        if ($pp.Language -and $true) { $a.silentArgs = '/lang' }
        if (!$pp.NoStart) { Write-Verbose 'x' } else { Start-Process notepad }
        Install-ChocolateyInstallPackage @a
        Get-ChildItem $toolsDir\*.exe | ForEach-Object { Remove-Item $_ -ea 0; if (Test-Path $_) { Set-Content "$_.ignore" '' } }
        rm $toolsDir\*.exe, "$toolsDir\a.txt" -Force
        Update-SessionEnvironment
    "#;
    assert_eq!(
        shown(&run(script.as_bytes(), &["tools/x86.exe", "tools/x64.exe"])),
        "Ready Exe [/S] [0] Any=tools/x86.exe X64=tools/x64.exe"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_not_explained_is_a_finding_and_never_ready() {
    use Verdict::{NeedsChocolatey as Custom, NeedsReview as Review};
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    for (script, verdict, what) in [
        (
            "INSTALL; Start-Process notepad.exe",
            Custom,
            "Start-Process notepad.exe",
        ),
        (
            "INSTALL; & \"$env:ProgramFiles\\python.exe\" /x",
            Custom,
            "starts a program",
        ),
        ("INSTALL; a.exe /x", Custom, "a.exe /x"),
        (
            "INSTALL; $s = New-Object -ComObject Shell.Application",
            Custom,
            "New-Object",
        ),
        ("INSTALL; $x.Delete()", Custom, "calls a method"),
        (
            "function f { Start-Process a }\nf\nINSTALL",
            Custom,
            "Start-Process a",
        ),
        (
            ". \"$PSScriptRoot\\helpers.ps1\"\nINSTALL",
            Custom,
            "runs another script",
        ),
        (
            "Install-ChocolateyZipPackage acme https://a.example/a.zip x",
            Review,
            "no full path",
        ),
        (
            "foreach ($x in Get-Service) { INSTALL }",
            Review,
            "under a condition that is not known",
        ),
        (
            "try { Write-Host a } catch { INSTALL }",
            Review,
            "under a condition that is not known",
        ),
        (
            "Install-ChocolateyPackage acme exe $env:Foo https://a.example/a.exe",
            Review,
            "silentargs is not known",
        ),
        (
            "Install-ChocolateyPackage acme exe '/S /L=<job-folder>\\a.log' https://a.example/a.exe",
            Review,
            "means something else",
        ),
        (
            "Install-ChocolateyPackage acme exe /S (Get-Url)",
            Custom,
            "Get-Url",
        ),
        (
            "Install-ChocolateyPackage acme exe /S http://a.example/a.exe",
            Review,
            "plain HTTP",
        ),
        (
            "Install-ChocolateyPackage acme exe /S ftp://a.example/a.exe",
            Review,
            "not http or https",
        ),
        (
            "Install-ChocolateyPackage acme exe /S C:\\a.exe",
            Review,
            "not in the package",
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe -Checksum 12 -ChecksumType md5",
            Review,
            "not a md5 digest",
        ),
        (
            "Install-ChocolateyPackage acme exe '' https://a.example/a.exe",
            Review,
            "no silent arguments",
        ),
        (
            "Install-ChocolateyPackage acme msi /q https://a.example/a.exe",
            Review,
            "fileType is msi and",
        ),
        (
            "Install-ChocolateyPackage acme exe /S",
            Review,
            "neither a file nor an address",
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe -Bogus 1",
            Review,
            "parameter Bogus",
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe -Check 1",
            Review,
            "parameter Check is not known",
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/a.exe -ValidExitCodes $env:Codes",
            Review,
            "validExitCodes",
        ),
        (
            "Install-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\none.exe\"",
            Review,
            "the package has no file tools/none.exe",
        ),
        (
            "Install-ChocolateyInstallPackage acme exe /S C:\\a.exe",
            Review,
            "not in the package",
        ),
        (
            "Install-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\..\\..\\a.exe\"",
            Review,
            "not in the package",
        ),
        ("INSTALL\n$x = 'open", Review, "cannot be parsed"),
    ] {
        let script = script.replace("INSTALL", install);
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.verdict, verdict, "{script}: {}", shown(&found));
        assert!(
            found.findings.iter().any(|it| it.what.contains(what)),
            "{script}: {}",
            shown(&found)
        );
    }
}

#[test]
fn a_log_in_the_folder_for_temporary_files_goes_to_the_jobs_folder() {
    for (arguments, expected) in [
        // Chocolatey's own template for MSI packages.
        (
            "/qn /norestart /l*v `\"$($env:TEMP)\\$($packageName).$($env:chocolateyPackageVersion).MsiInstall.log`\"",
            "/qn /norestart /l*v \"<job-folder>\\acme.1.2.3.MsiInstall.log\"",
        ),
        (
            "/S /LOG=$env:TMP/$env:ChocolateyPackageName.log /x",
            "/S /LOG=<job-folder>\\acme.log /x",
        ),
        (
            "/S /LOG=`\"$env:TEMP\\$env:ChocolateyPackageTitle.log`\"",
            "/S /LOG=\"<job-folder>\\Acme Tool.log\"",
        ),
        (
            "/s /v`\"/qn /l*v \\`\"$(Join-Path $env:TEMP 'a b.log')\\`\"`\"",
            "/s /v\"/qn /l*v \\\"<job-folder>\\a b.log\\\"\"",
        ),
    ] {
        let script =
            format!("Install-ChocolateyPackage acme exe \"{arguments}\" https://a.example/a.exe");
        let expected = format!("Ready Exe [{expected}] [0] Any=https://a.example/a.exe");
        assert_eq!(shown(&run(script.as_bytes(), &[])), expected, "{script}");
    }
}

#[test]
fn a_variable_set_under_an_unknown_condition_is_not_known() {
    let script = "$a = '/S'\nif (Get-Random) { $a = '/Q' }\nInstall-ChocolateyPackage acme exe $a https://a.example/a.exe";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview);
    assert_eq!(found.findings[0].line, 3);
    // The same in both ways is known.
    let same = script.replace("/Q", "/S");
    assert_eq!(run(same.as_bytes(), &[]).verdict, Verdict::Ready);
}

#[test]
fn addresses_and_versions_are_what_chocolatey_makes_of_them() {
    for (script, expected) in [
        // The runner's own variables reach the script.
        (
            "Install-ChocolateyPackage acme exe /S https://a.example/$version/$packageName.exe",
            "Any=https://a.example/1.2.3/acme.exe",
        ),
        (
            "Install-ChocolateyPackage acme exe /S https://a.example//b//c.exe",
            "Any=https://a.example/b/c.exe",
        ),
        // The same address twice: the first checksum counts, the second is not looked at.
        (
            "Install-ChocolateyPackage acme exe /S http://a.example/c.exe http://a.example/c.exe -checksum d41d8cd98f00b204e9800998ecf8427e",
            "Any=http://a.example/c.exe#md5:d41d",
        ),
    ] {
        let found = shown(&run(script.as_bytes(), &[]));
        assert_eq!(found, format!("Ready Exe [/S] [0] {expected}"), "{script}");
    }
    let found = run(
        b"Install-ChocolateyPackage acme exe $note https://a.example/a.exe",
        &[],
    );
    assert_eq!(found.verdict, Verdict::NeedsReview);
}

#[test]
fn nothing_installed_is_a_meta_or_portable_package() {
    let bytes = nupkg(&[("tools/app.exe", b"MZ")]);
    let package = Nupkg::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(shown(&analyse(&package)), "NoInstaller");
    assert_eq!(
        shown(&run(b"Write-Host 'see the other package'", &[])),
        "NoInstaller"
    );
}

#[test]
fn the_kind_is_what_chocolatey_takes_it_for() {
    for (call, kind) in [
        ("-Url https://a.example/a.exe", Some(RecipeKind::Exe)),
        ("-Url https://a.example/download", Some(RecipeKind::Exe)),
        (
            "-Url https://a.example/download -FileType msi",
            Some(RecipeKind::Msi),
        ),
        (
            "-Url 'https://a.example/a.MSI?x=1' -FileType ''",
            Some(RecipeKind::Msi),
        ),
        (
            "-Url https://a.example/a.msu -FileType msu",
            Some(RecipeKind::Msu),
        ),
        (
            "-Url https://a.example/a.msp -FileType MSP",
            Some(RecipeKind::Msp),
        ),
        // Without a type it is started as a program, which an MSI is not.
        ("-Url https://a.example/a.msi", None),
        ("-Url https://a.example/a.exe -FileType msi", None),
        ("-Url https://a.example/a.exe -FileType vsix", None),
    ] {
        let script = format!("Install-ChocolateyPackage acme -SilentArgs /q {call}");
        let found = run(script.as_bytes(), &[]);
        assert_eq!(
            found.recipe.as_ref().map(|it| it.kind),
            kind,
            "{}",
            shown(&found)
        );
        assert_eq!(found.verdict == Verdict::Ready, kind.is_some());
    }
}

#[test]
fn scripts_are_read_in_every_encoding_of_powershell() {
    let script = "$n = 'Ü'\r\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xFEFF)
            .chain(script.encode_utf16())
            .flat_map(bytes)
            .collect()
    };
    let with_mark = [&b"\xEF\xBB\xBF"[..], script.as_bytes()].concat();
    let latin: Vec<u8> = script.chars().map(|c| c as u8).collect();
    for bytes in [
        with_mark,
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        latin,
    ] {
        assert_eq!(run(&bytes, &[]).verdict, Verdict::Ready);
    }
}

#[test]
fn a_signature_below_a_script_changes_nothing() {
    let plain = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\r\n";
    let line = format!(
        "# {}==\r\n",
        "MIIdpwYJKoZIhvcNAQcCoIIdmDCCHZQCAQEx/+".repeat(2)
    );
    let signature = format!(
        "\r\n# SIG # Begin signature block\r\n{}# SIG # End signature block\r\n",
        line.repeat(100)
    );
    let signed = run(format!("{plain}{signature}").as_bytes(), &[]);
    assert_eq!(signed.verdict, Verdict::Ready);
    assert_eq!(signed.recipe, run(plain.as_bytes(), &[]).recipe);
}

#[test]
fn files_beside_an_embedded_installer_are_pointed_out() {
    let script = b"Install-ChocolateyInstallPackage acme exe /S \"$PSScriptRoot\\x86.exe\"";
    assert_eq!(
        run(script, &["tools/x86.exe", "tools/LICENSE.txt"]).verdict,
        Verdict::Ready
    );
    let found = run(script, &["tools/x86.exe", "tools/data1.cab"]);
    assert_eq!(found.verdict, Verdict::Ready);
    assert_eq!(
        found.recipe.as_ref().unwrap().beside,
        ["tools/data1.cab".to_owned()]
    );
    // The agent is given the installer alone.
    let why = found.deployable().unwrap_err();
    assert!(why.contains("tools/data1.cab lies beside"), "{why}");
}

#[test]
fn scripts_have_a_size_that_is_read_and_no_more() {
    let large = vec![b'#'; 40 * 1024 * 1024];
    // Under the ratio of a zip bomb: a line of it does not pack.
    let noisy: Vec<u8> = (0..200_000_u32)
        .flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes())
        .chain(large)
        .collect();
    let found = run(&noisy, &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview);
    assert!(
        found.findings[0].what.contains("cannot be read"),
        "{found:?}"
    );
    let filler = vec![b'#'; 128 * 1024];
    let names: Vec<String> = (0..100).map(|it| format!("tools/{it}.ps1")).collect();
    let mut many: Vec<(&str, &[u8])> = names.iter().map(|it| (it.as_str(), &filler[..])).collect();
    many.push(("tools/chocolateyInstall.ps1", b". $PSScriptRoot\\99.ps1"));
    assert_eq!(run_package(&many).verdict, Verdict::NeedsReview);
}

/// The programs that get no shim, and whether that is certain.
pub(crate) fn ignored(found: &Analysis) -> Vec<(&str, bool)> {
    let marks = found.shims.iter().filter(|it| it.kind == ShimKind::None);
    marks.map(|it| (it.program.as_str(), it.always)).collect()
}
