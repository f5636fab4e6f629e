//! Branches, loops, functions and other scripts of the package.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, run_package, shown};

const READY: &str = "Ready Exe [/S] [0] Any=https://a.example/a.exe";

#[test]
fn ways_that_are_known_are_followed() {
    for script in [
        // Functions: by position, by name, abbreviated, with defaults, switches and the pipeline.
        "function f($a, $b = '/S') { $b }\nINSTALL (f 1)",
        "function f { param([string]$Argument, [switch]$On) if ($On) { $Argument } else { 'no' } }\nINSTALL (f -Arg '/S' -On)",
        "function f { param([Parameter(Mandatory = $true)][string]$a) return \"/$a\" }\nINSTALL (f -a:S)",
        "function f([Parameter(ValueFromPipeline)]$x) { process { \"/$x\" } }\nINSTALL ('S' | f)",
        "filter f { \"/$_\" }\nINSTALL ('S' | f)",
        "function f { \"/$($args[0])\" }\nINSTALL (f S)",
        "function f($h) { $h.a = '/S' }\n$t = @{ a = 'x' }\nf $t\nINSTALL $t.a",
        "function f { $script:x = '/S' }\nf\nINSTALL $x",
        "$x = '/S'\nfunction f { $x = 'local'; $x }\n$null = f\nINSTALL $x",
        "function f { begin { $n = 0 } process { $n++ } end { if ($n -eq 2) { '/S' } } }\nINSTALL (1, 2 | f)",
        "function f { foreach ($i in 1, 2, 3) { if ($i -eq 2) { return '/S' } } 'no' }\nINSTALL (f)",
        "$f = { '/S' }\nINSTALL (& $f)",
        "function f { g }\nfunction g { '/S' }\nINSTALL (f)",
        "param([string]$a = '/S')\nINSTALL $a",
        // An assignment has a value where one is wanted.
        "$x = '/S'\nif ($a = $x) { $b = 1 } else { $a = '/Q' }\nINSTALL $a",
        "function f { '/S' }\nif ($a = f) {\nINSTALL $a\n}",
        "$a = $b = '/S'\nINSTALL \"$(if ($b -eq '/S') { $a })\"",
        "$l = 1, 2\nwhile ($n = $l[0]) { $l = @(); $a = '/S' }\nINSTALL $a",
        "switch ($k = 'x') { 'x' { $a = '/S' } }\nINSTALL $a",
        // Steps by one have the value before or behind.
        "$i = 0\n$a = '/S', '/Q'\nif ($i++ -eq 0) { $b = 1 } else { $a = $null }\nINSTALL $a[--$i]",
        // Clauses of every kind.
        "switch (\"x\") { \"x\" { $a = '/S' } default { $a = '/Q' } }\nINSTALL $a",
        "$k = 'x'\nswitch ('x') { $k { $a = '/S' }; default { $a = '/Q' } }\nINSTALL $a",
        "switch -Regex ('abc') { \"^b\" { $a = '/Q' } \"^a\" { $a = '/S' } }\nINSTALL $a",
        "switch (2) { 1 { $a = '/Q' } 2 { $a = '/S' } }\nINSTALL $a",
        // List objects are shared by all that refer to them.
        "$l = New-Object System.Collections.Generic.List[string]\nfunction f { param([System.Collections.Generic.List[string]]$To, $x) $To.Add($x) }\nf -To $l -x '/'\nf $l 'S'\nINSTALL ($l -join '')",
        "$l = [System.Collections.ArrayList]@('/')\n$null = $l.Add('S')\nINSTALL \"$($l[0])$($l[1])\"",
        "$l = [Collections.ArrayList]::new()\n$l.AddRange(@('/S'))\nif ($l.Count -eq 1) { $l | % { $a = $_ } }\nINSTALL $a",
        "$l = New-Object System.Collections.ArrayList\nforeach ($x in 'a', '/S') { $l.Add($x) | Out-Null }\nforeach ($x in $l) { $a = $x }\nINSTALL $a",
        // Loops.
        "$t = [ordered]@{ b = '/'; a = 'S' }\nforeach ($k in $t.Keys) { $a += $t[$k] }\nINSTALL $a",
        "$t = @{ b = 1; a = 2 }\nforeach ($k in $t.Keys) { $n += $t[$k] }\nINSTALL $(if ($n -eq 3) { '/S' })",
        "foreach ($a in 'x', '/S', 'y') { if ($a -eq '/S') { break } }\nINSTALL $a",
        "$n = 0\nwhile ($true) { $n++; if ($n -ge 3) { break } }\nINSTALL $(if ($n -eq 3) { '/S' })",
        "for ($i = 0; $i -lt 3; $i++) { if ($i -eq 1) { continue }; $l = $i }\nINSTALL $(if ($l -eq 2) { '/S' })",
        "$i = 0\ndo { $i += 2 } until ($i -ge 4)\nINSTALL $(if ($i -eq 4) { '/S' })",
        // Errors.
        "try { throw 'x' } catch { $a = '/S' }\nINSTALL $a",
        "try { $a = '/S' } catch { $a = 'no' } finally { $b = 1 }\nINSTALL '/S'",
        // What follows a block on a line of its own.
        "$a = if ($false) { 'no' }\n# a remark\nelse { '/S' }\nINSTALL $a",
        "if ($true) { $a = '/S' } # a remark\nelseif ($x) { $a = 'no' }\nINSTALL $a",
        "Set-Variable -Name a -Value '/S'\nINSTALL $a",
        "INSTALL '/S'\nreturn\nStart-Process notepad",
        "if (Test-Path C:\\x) { Write-Host 'there' } else { Write-Warning 'not there' }\nINSTALL '/S'",
        "if (Get-Process acme -ea 0) { $note = 'runs' }\nINSTALL '/S'",
    ] {
        let script = install(script);
        assert_eq!(shown(&run(script.as_bytes(), &[])), READY, "{script}");
    }
}

/// A script with `INSTALL x` written out.
pub(crate) fn install(script: &str) -> String {
    let line = |line: &str| {
        if let Some((before, argument)) = line.split_once("INSTALL ") {
            return format!(
                "{before}Install-ChocolateyPackage acme exe {argument} https://a.example/a.exe\n"
            );
        }
        line.to_owned() + "\n"
    };
    script.lines().map(line).collect()
}

#[test]
fn ways_that_are_not_known_leave_it_unknown() {
    for (script, what) in [
        (
            "$a = if (Get-Random) { '/S' } else { '/Q' }\nINSTALL $a",
            "depends on a condition",
        ),
        (
            "function f { if (Get-Random) { return '/Q' } '/S' }\nINSTALL (f)",
            "depends on a condition",
        ),
        (
            "foreach ($x in Get-Content C:\\x) { $a = $x }\nINSTALL $a",
            "argument silentargs is not known",
        ),
        (
            "$a = 1\nwhile (Test-Path C:\\x) { $a++ }\nINSTALL $a",
            "argument silentargs is not known",
        ),
        (
            "$h = @{ a = '/S' }\nif (Get-Random) { $h.a = '/Q' }\nINSTALL $h.a",
            "depends on a condition",
        ),
        (
            "switch (Get-Random) { 'a' { $a = '/S' } default { $a = '/Q' } }\nINSTALL $a",
            "depends on a condition",
        ),
        (
            "try { Get-Item C:\\x } catch { INSTALL '/S'\n}",
            "installs under a condition",
        ),
        ("function f { f }\nf\nINSTALL '/S'", "too deep"),
        (
            "$l = New-Object System.Collections.ArrayList\nfunction f($to) { if (Get-Random) { $to.Add('/S') } }\nf $l\nINSTALL \"$l\"",
            "argument silentargs is not known",
        ),
        // The order in which a table is gone through is .NET's own.
        (
            "$t = @{ b = 1; a = 2 }\n$a = '/S'\nforeach ($k in $t.Keys) { $a += $t[$k] }\nINSTALL $a",
            "the order in which a table is gone through",
        ),
        (
            "$t = @{ b = 1; a = 2 }\n$a = ($t.GetEnumerator() | % { $_.Value }) -join ''\nINSTALL $a",
            "the order in which a table is gone through",
        ),
        // Variables that a command sets by its parameters.
        (
            "Get-Item C:\\x -ErrorVariable e -ea 0\nif (!$e) {\nINSTALL '/S'\n}",
            "installs under a condition",
        ),
        (
            "$null = Get-Service x -ov '+s'\nif (!$s) {\nINSTALL '/S'\n}",
            "installs under a condition",
        ),
    ] {
        let script = install(script);
        let found = run(script.as_bytes(), &[]);
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
}

#[test]
fn a_table_that_was_handed_over_is_the_same_table() {
    let script = "function f($h) { if (Get-Random) { $h.silentArgs = '/Q' } }\n$a = @{ packageName = 'acme'; url = 'https://a.example/a.exe'; silentArgs = '/S' }\nf $a\nInstall-ChocolateyPackage @a";
    let found = run(script.as_bytes(), &[]);
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn other_scripts_of_the_package_are_followed() {
    let install = "Install-ChocolateyPackage acme exe $a https://a.example/a.exe";
    let helpers: &[u8] = b"$a = '/S'\nfunction Get-Argument { '/S' }\n";
    for script in [
        format!(". $PSScriptRoot\\helpers.ps1\n{install}"),
        format!(
            ". \"$(Split-Path -Parent $MyInvocation.MyCommand.Definition)\\helpers.ps1\"\n{install}"
        ),
        format!(". (Join-Path $PSScriptRoot 'Helpers.ps1')\n$a = Get-Argument\n{install}"),
        format!("Import-Module \"$PSScriptRoot\\helpers.ps1\"\n{install}"),
    ] {
        let found = run_package(&[
            ("tools/chocolateyInstall.ps1", script.as_bytes()),
            ("tools/helpers.ps1", helpers),
        ]);
        assert_eq!(shown(&found), READY, "{script}");
    }
    let script = format!(". $PSScriptRoot\\helpers.ps1\n{install}");
    let found = run_package(&[
        ("tools/chocolateyInstall.ps1", script.as_bytes()),
        ("tools/helpers.ps1", b"$a = '/S'\nStart-Process notepad"),
    ]);
    assert_eq!(found.verdict, Verdict::NeedsChocolatey);
    assert_eq!(found.findings[0].file, "tools/helpers.ps1");
    assert_eq!(found.findings[0].line, 2);
}

#[test]
fn a_script_that_only_refuses_installs_nothing() {
    assert_eq!(
        shown(&run(b"throw 'This package is deprecated'", &[])),
        "NoInstaller"
    );
    let under_a_condition = b"$pp = Get-PackageParameters\nif (!$pp.Key) { throw 'give me a key' }\nInstall-ChocolateyPackage acme exe /S https://a.example/a.exe";
    assert_eq!(
        run(under_a_condition, &[]).verdict,
        Verdict::NeedsChocolatey
    );
}

#[test]
fn break_in_the_block_of_a_pipeline_is_none_of_a_loop() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    for (script, expected) in [
        ("1, 2 | % { if ($_ -eq 1) { break } }", Verdict::NoInstaller),
        ("1, 2 | ForEach-Object { continue }", Verdict::NoInstaller),
        (
            "1, 2 | % { foreach ($a in 1, 2) { break } }",
            Verdict::Ready,
        ),
        ("foreach ($a in 1, 2) { break }", Verdict::Ready),
    ] {
        let found = run(format!("{script}\n{install}").as_bytes(), &[]);
        assert_eq!(found.verdict, expected, "{script}: {}", shown(&found));
    }
}
