//! Code that Windows PowerShell runs although it does not look like it: none of it may be missed.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, run_package, shown};

const INSTALL: &str = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
const TOOLS: &str = "$t = Split-Path $MyInvocation.MyCommand.Definition\n";

/// Scripts that do more than install, in front of or behind an installation.
fn is_never_ready(scripts: &[&str]) {
    for script in scripts {
        for script in [
            format!("{script}\n{INSTALL}"),
            format!("{INSTALL}\n{script}"),
        ] {
            let found = run(script.as_bytes(), &["tools/setup.exe"]);
            assert_ne!(found.verdict, Verdict::Ready, "{script}\n{}", shown(&found));
            assert!(!found.findings.is_empty(), "{script}\n{}", shown(&found));
        }
    }
}

fn is_ready(scripts: &[&str]) {
    for script in scripts {
        let script = format!("{script}\n{INSTALL}");
        let found = run(script.as_bytes(), &["tools/setup.exe"]);
        assert_eq!(found.verdict, Verdict::Ready, "{script}\n{}", shown(&found));
    }
}

#[test]
fn what_another_code_page_makes_of_a_script_is_found() {
    // Bytes of these dashes are quotes in the code page of Western Europe.
    is_never_ready(&[
        "Write-Host \"a \u{2013}; net user evil pw /add #\"",
        "Write-Host \"a \u{2014}; net user evil pw /add #\"",
        "$a = 'x \u{2011}; net user evil pw /add #'",
    ]);
    // Other texts do not change what is run.
    is_ready(&["Write-Host 'a \u{e9}\u{ae}'", "# \u{2013} \u{2019}"]);
}

#[test]
fn a_script_without_a_mark_is_read_in_the_code_page_of_windows() {
    let script = "Install-ChocolateyPackage acme exe '/S /N=\u{e9}' https://a.example/a.exe";
    let marked = format!("\u{feff}{script}");
    for (script, expected) in [(script, "/S /N=\u{c3}\u{a9}"), (&marked, "/S /N=\u{e9}")] {
        let found = run(script.as_bytes(), &[]);
        assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
        assert_eq!(found.recipe.unwrap().arguments, expected);
    }
    let found = run(
        b"Install-ChocolateyPackage acme exe '/S /N=\xe9\x80' https://a.example/a.exe",
        &[],
    );
    assert_eq!(found.recipe.unwrap().arguments, "/S /N=\u{e9}\u{20ac}");
}

#[test]
fn typographic_quotes_begin_and_end_strings() {
    is_never_ready(&[
        "Write-Host 'abc\u{2019}; net user evil pw /add #'",
        "Write-Host \"abc\u{201d}; net user evil pw /add #\"",
        "$x = \u{201b}abc'; net user evil pw /add #\u{2018}",
        "Write-Host \"$(Write-Host 'a\u{201a}; net user evil #')\"",
        "Write-Host @\u{2019}\nit\n\u{2018}@; net user evil\n#'@",
        "Write-Host @'\nit\n\u{2018}@; net user evil\n#'@",
        "Write-Host a\u{2019}#b\u{2019}; net user evil",
    ]);
    is_ready(&[
        // In other strings, doubled, escaped and in comments they are letters.
        "Write-Host \"it\u{2019}s\"",
        "Write-Host 'so \u{201c}called\u{201d}'",
        "Write-Host 'it\u{2019}\u{2019}s' # it\u{2019}s",
        "Write-Host \"a `\u{201d} b\" <# it\u{2019}s #>",
        "Write-Host @'\nit\u{2019}s \"\n'@",
    ]);
    let script = "\u{feff}Install-ChocolateyPackage acme exe \u{2018}/S /N=it''s\u{2019} \u{201c}https://a.example/a.exe\u{201d}";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(
        shown(&found),
        "Ready Exe [/S /N=it's] [0] Any=https://a.example/a.exe"
    );
}

#[test]
fn script_blocks_that_commands_are_handed_are_run() {
    is_never_ready(&[
        "1, 2 | Sort-Object { net user evil }",
        "1 | Sort-Object -Property @{ Expression = { net user evil } }",
        "1 | select { net user evil }",
        "1 | Select-Object @{ n = 'x'; e = { net user evil } }",
        "1 | Select-Object -ExpandProperty { net user evil }",
        "$b = { net user evil }\n1 | Group-Object $b",
        "$null = Measure-Command { net user evil }",
        "if (Test-Path C:\\x) { $b = { net user evil } } else { $b = { 1 } }\n1 | Sort-Object $b",
        "foreach ($b in { net user evil }, $env:A) { 1 | select @{ e = $b } }",
        "Compare-Object 1 2 -Property { net user evil }",
        "1 | Format-Table { net user evil }",
        "1 | Format-List -Property 'a', @{ e = { net user evil } }",
        "$s = @{ Property = { net user evil } }\n1 | Format-Wide @s",
        "1 | Measure-Object -Property { net user evil }",
        "Get-ChildItem C:\\x | Copy-Item -Destination { net user evil }",
        "Get-Process -Name { net user evil }",
        "$x = [regex]::Replace('a', 'b', { net user evil })",
        "$r = [regex]'a'\n$x = $r.Replace('a', { net user evil })",
        "$m = [Text.RegularExpressions.MatchEvaluator]{ net user evil }\n$x = [regex]::Replace('a', 'b', $m)",
        "'a', 'b' | ? { if ($_ -eq 'b') { net user evil }; Test-Path C:\\x }",
        "Where-Object -InputObject 1 -FilterScript { net user evil }",
        "ForEach-Object { net user evil }",
        "ForEach-Object -InputObject 1 -Process { net user evil }",
        "1 | ForEach-Object { 1 } -RemainingScripts:{ net user evil }",
    ]);
    is_ready(&[
        "$x = Get-ChildItem $env:ProgramFiles | Sort-Object { [version]$_.Name } -Descending | select -First 1",
        "$x = Get-Process | Select-Object @{ n = 'x'; e = { $_.Name.ToLower() } }",
        "$x = [regex]::Replace('a', 'b', { 'c' })",
        "Install-ChocolateyPackage -PackageName b -FileType exe -SilentArgs /S -Url https://a.example/b.exe -BeforeInstall { Write-Host x }\nreturn",
    ]);
}

#[test]
fn methods_that_foreach_object_calls_by_name_are_methods() {
    is_never_ready(&[
        "Get-Item C:\\x | % Delete",
        "Get-WmiObject Win32_Service | % Delete",
        "Get-Item C:\\x | ForEach-Object -MemberName Delete",
        "Get-Item C:\\x | % CopyTo 'C:\\y'",
        "Get-Item C:\\x | % CopyTo -ArgumentList 'C:\\y'",
        "Get-Item C:\\x | % Del*",
        "Get-Item (Get-ItemProperty HKLM:\\Acme).Path | % Delete",
        "Get-Item HKLM:\\Acme | % DeleteSubKeyTree x",
        "Get-Item $env:ChocolateyPackageFolder | % Delete",
    ]);
    is_ready(&[
        "$x = Get-ChildItem C:\\x | % FullName",
        "$x = Get-ItemProperty HKLM:\\Acme -Name Executable | % Executable",
        "$x = 'HKLM:\\A', 'HKLM:\\B' | ? { Test-Path $_ } | % { Get-ItemProperty $_ -Name Tool | % Tool }",
        "$x = 'a' | % ToUpper",
        "$x = 'a' | % Replace 'a' 'b'",
        "$x = @{ Any = 1 } | % Any",
    ]);
    // As `$_.Kill()` is: an effect.
    let found = run(
        format!("Get-Process acme | % Kill\n{INSTALL}").as_bytes(),
        &[],
    );
    assert_eq!(
        shown(&found),
        "Ready Exe [/S] [0] Any=https://a.example/a.exe +StopProcess(name=acme)"
    );
}

#[test]
fn variables_of_providers_are_no_variables() {
    is_never_ready(&[
        "${function:Write-Host} = { net user evil }\nWrite-Host x",
        "$function:f = { net user evil }",
        "${C:\\x.txt} = 'evil'",
        "$HKLM:a = 1",
        "$alias:f = 'g'",
        "foreach ($function:f in { net user evil }) { }",
        "if (${C:\\x.txt}) { net user evil }",
    ]);
    is_ready(&[
        "$env:A = 1\n$script:a = 1\n$global:b = 1\n$local:c = 1\n$private:d = 1\n${variable:e} = 1\n${script:f} = 1",
    ]);
}

#[test]
fn defaults_for_parameters_are_a_finding() {
    let table = "@{ '*:url64bit' = 'https://b.example/b.exe' }";
    for setting in [
        "$PSDefaultParameterValues = T",
        "$global:PSDefaultParameterValues = T",
        "$script:psdefaultparametervalues = T",
        "Set-Variable PSDefaultParameterValues T",
        "Set-Variable PSDefaultParameterValues T -Scope Global",
        "New-Variable -Name PSDefaultParameterValues -Value T",
        "$PSDefaultParameterValues.Add('*:url64bit', 'https://b.example/b.exe')",
        "$PSDefaultParameterValues['*:url64bit'] = 'https://b.example/b.exe'",
        "$d = $PSDefaultParameterValues\n$d.Add('*:url64bit', 'https://b.example/b.exe')",
        "foreach ($PSDefaultParameterValues in T) { }",
        "function f($PSDefaultParameterValues = T) { }\nf",
        "function f($PSDefaultParameterValues) { }\nf T",
    ] {
        is_never_ready(&[&setting.replace('T', table).replace("default", "Default")]);
        is_never_ready(&[&setting.replace(" T", &format!(" ({table})"))]);
    }
}

#[test]
fn modules_are_chocolateys_by_their_exact_name_or_place() {
    is_never_ready(&[
        "Import-Module C:\\evil\\chocolateyInstaller.psm1",
        "Import-Module chocolateyEvil",
        "Import-Module $env:ChocolateyInstall\\lib\\evil\\chocolateyInstaller.psm1",
        "Import-Module $env:ChocolateyInstall\\helpers\\..\\chocolateyInstaller.psm1",
        "Import-Module Microsoft.PowerShell.Evil",
        "Import-Module chocolateyProfile, evil",
        "chocolateyEvil\\Write-Host 'x'",
    ]);
    is_ready(&[
        "Import-Module $env:ChocolateyInstall\\helpers\\chocolateyInstaller.psm1",
        "Import-Module \"$env:ChocolateyInstall/helpers/chocolateyProfile.psm1\" -Force",
        "Import-Module chocolateyProfile",
        "Import-Module Microsoft.PowerShell.Utility",
    ]);
    let script = format!("{TOOLS}Import-Module \"$t\\chocolateyInstaller.psm1\"\n{INSTALL}");
    let package = |module: &str| {
        run_package(&[
            ("tools/chocolateyInstall.ps1", script.as_bytes()),
            ("tools/chocolateyInstaller.psm1", module.as_bytes()),
        ])
    };
    assert_ne!(package("net user evil").verdict, Verdict::Ready);
    assert_eq!(package("Write-Host x").verdict, Verdict::Ready);
}

#[test]
fn aliases_come_before_functions() {
    is_never_ready(&[
        "function start { }\nstart calc.exe",
        "function start { }\n& 'start' calc.exe",
        "function iex { }\niex $env:A",
        "function ii { }\nii calc.exe",
        "function Icm { }\nicm { net user evil }",
    ]);
    is_ready(&["function mkdir { }\nmkdir C:\\x", "function f { }\nf"]);
}

#[test]
fn a_file_of_the_package_that_the_script_writes_is_not_what_it_was() {
    let files: [(&str, &[u8]); 3] = [
        ("tools/good.ps1", b"Write-Host x"),
        ("tools/other.ps1", b"Write-Host y"),
        ("tools/setup.exe", b"x"),
    ];
    for writing in [
        "'net user' | Set-Content \"$t\\TO\"",
        "'net user' | Add-Content -Path \"$t\\TO\"",
        "'net user' | Out-File \"$t\\TO\"",
        "'net user' > \"$t\\TO\"",
        "Write-Output 'net user' > \"$t\\TO\"",
        "'net user' | Tee-Object \"$t\\TO\"",
        "Export-Csv \"$t\\TO\" -InputObject 1",
        "Copy-Item C:\\evil \"$t\\TO\"",
        "Copy-Item C:\\evil\\* $t",
        "Copy-Item \"$t\\other.ps1\" \"$t\\TO\"",
        "Move-Item \"$t\\other.ps1\" \"$t\\TO\" -Force",
        "Rename-Item \"$t\\other.ps1\" 'TO'",
        "robocopy C:\\evil $t",
        "robocopy C:\\evil \"$t\" /e",
        "xcopy C:\\evil \"$t\\TO\"",
        "Invoke-WebRequest https://b.example/x -OutFile \"$t\\TO\"",
        "if (Test-Path C:\\x) { Remove-Item \"$t\\TO\" }",
    ] {
        for (file, using) in [
            ("good.ps1", ". \"$t\\good.ps1\""),
            ("good.ps1", "& \"$t\\good.ps1\""),
            ("good.ps1", "Import-Module \"$t\\good.ps1\""),
        ] {
            let script = format!("{TOOLS}{}\n{using}\n{INSTALL}", writing.replace("TO", file));
            let mut all = vec![("tools/chocolateyInstall.ps1", script.as_bytes())];
            all.extend(files);
            let found = run_package(&all);
            assert_ne!(found.verdict, Verdict::Ready, "{script}\n{}", shown(&found));
        }
    }
    for writing in [
        "Copy-Item C:\\evil.exe \"$t\\setup.exe\"",
        "robocopy C:\\evil $t",
        "xcopy C:\\evil \"$t\\setup.exe\"",
    ] {
        let script = format!(
            "{TOOLS}{writing}\nInstall-ChocolateyInstallPackage acme exe /S \"$t\\setup.exe\""
        );
        let found = run(script.as_bytes(), &["tools/setup.exe"]);
        assert_ne!(found.verdict, Verdict::Ready, "{script}\n{}", shown(&found));
    }
}

#[test]
fn marks_for_shims_outside_of_the_package_are_files_that_are_written() {
    is_ready(&[&format!("{TOOLS}Set-Content \"$t\\a.exe.gui\" ''")]);
    for script in [
        "Set-Content \"$((Get-ChildItem -Filter *.exe -Recurse).FullName).gui\" ''",
        "Set-Content C:\\Windows\\x.ignore ''",
    ] {
        let found = run(format!("{script}\n{INSTALL}").as_bytes(), &[]);
        let is_told = !found.effects.is_empty() || !found.findings.is_empty();
        assert!(is_told, "{script}\n{}", shown(&found));
    }
}

#[test]
fn each_of_a_list_that_is_enumerated_is_told_by_its_own_path() {
    let script = format!(
        "{TOOLS}$all = @(\"$env:PUBLIC\\Desktop\\A.lnk\", \"$env:APPDATA\\B\\C.lnk\")\n\
         foreach ($it in $all.GetEnumerator()) {{ if (Test-Path $it) {{ Remove-Item $it }} }}\n{INSTALL}"
    );
    let found = run(script.as_bytes(), &[]);
    let says = format!("{found:?}");
    for path in ["A.lnk", "C.lnk"] {
        assert!(says.contains(path), "{path}\n{says}");
    }
}

#[test]
fn a_place_is_the_same_as_itself() {
    let script = format!(
        "{TOOLS}$where = $t\nif ($where -ne $t) {{ Install-ChocolateyPath $where }}\n{INSTALL}"
    );
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::Ready, "{}", shown(&found));
    assert!(found.effects.is_empty());
}
