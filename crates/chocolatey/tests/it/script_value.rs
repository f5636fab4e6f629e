//! What expressions come to: seen in the arguments of an installer.

use fleetmend_model::recipe::Verdict;

use crate::script::{run, shown};

/// The installer's arguments where they are what the expression gives.
pub fn arguments(before: &str, expression: &str) -> Result<String, String> {
    let script = format!(
        "{before}\n$x = {expression}\nInstall-ChocolateyPackage acme exe \"<$x>\" https://a.example/a.exe"
    );
    let found = run(
        script.as_bytes(),
        &["tools/acme-2.0.zip", "tools/sub/a.exe"],
    );
    match (found.verdict, &found.recipe) {
        (Verdict::Ready, Some(recipe)) => Ok(recipe.arguments.trim_matches(['<', '>']).to_owned()),
        _ => Err(shown(&found)),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn expressions_come_to_what_powershell_makes_of_them() {
    for (before, expression, expected) in [
        ("", "'a', 'b', 'c' | Select-Object -Last 1 -Skip 1", "b"),
        ("", "'a', 'b', 'c' | Select-Object -First 1 -Skip 1", "b"),
        ("", "'a', 'b', 'c' | Select-Object -Skip 2", "c"),
        // What stands in a text is read like what stands outside.
        (
            "$t = $PSScriptRoot",
            "\"$(Split-Path $t\\a.exe -Leaf)\"",
            "a.exe",
        ),
        ("", "\"$(1..3)-$('[a+b]')\"", "1 2 3-[a+b]"),
        // Texts.
        ("", "'a''b'", "a'b"),
        ("$n = 'x'", "\"$n-${n}-$($n + 1)-`$n\"", "x-x-x1-$n"),
        ("", "@'\na \"b\" $c\n'@", "a \"b\" $c"),
        ("$n = 1", "@\"\nn=$n\n\"@", "n=1"),
        ("", "'{0}-{1:D3}-{2:X}' -f 'a', 7, 255", "a-007-FF"),
        ("", "'a' + 1 + 'b'", "a1b"),
        ("", "1 + '2'", "3"),
        ("", "'ab' * 2", "abab"),
        ("", "0x80070642", "-2147023294"),
        ("", "0x7fffffff", "2147483647"),
        ("", "0x100000000", "4294967296"),
        // One of two by a condition.
        ("", "@('a', 'b')[1 -eq 1]", "b"),
        ("", "@{ $true = 'a'; $false = 'b' }[1 -eq 2]", "b"),
        // Paths.
        ("$p = 'x' | Join-Path -ChildPath 'y'", "$p", "x\\y"),
        (
            "",
            "Split-Path (Resolve-Path \"$PSScriptRoot\\..\\tools\\a.exe\").Path -Leaf",
            "a.exe",
        ),
        // Methods.
        ("", "'AbC'.ToLower()", "abc"),
        ("", "' a '.Trim() + 'x/'.TrimEnd('/')", "ax"),
        ("", "'1.2.3'.Replace('.', '')", "123"),
        ("", "'1.2.3'.Split('.')[-1]", "3"),
        ("", "'abcdef'.Substring(1, 3)", "bcd"),
        ("", "'abc'.IndexOf('c')", "2"),
        ("", "'7'.PadLeft(3, '0')", "007"),
        ("", "('a,b' -split ',') -join '+'", "a+b"),
        ("", "-join ('a', 'b')", "ab"),
        // Regular expressions.
        ("", "'v1.2' -replace '^v(\\d+)\\.(\\d+)$', '$2-$1'", "2-1"),
        ("", "'aXbx' -replace 'x'", "ab"),
        ("", "'aXbx' -creplace 'x', '_'", "aXb_"),
        (
            "",
            "if ('acme-12' -match '(?<n>\\d+)') { $Matches.n + $Matches[0] }",
            "1212",
        ),
        ("", "[regex]::Escape('a.b')", "a\\.b"),
        ("", "('a1', 'b', 'c2' -match '\\d').Count", "2"),
        ("", "'abc' -like 'A*'", "True"),
        // Lists and tables.
        ("$a = @(1, 2) + 3", "$a.Count", "3"),
        ("$a = 1, 2, 3", "\"$a\"", "1 2 3"),
        ("$a = 1..4", "$a[0] + $a[-1]", "5"),
        ("$a, $b, $c = 1, 2, 3, 4", "\"$b $c\"", "2 3 4"),
        ("$a = @(); $a += 'x'; $a += 'y'", "$a -join '-'", "x-y"),
        (
            "$a = New-Object System.Collections.ArrayList; [void]$a.Add('z')",
            "\"$a\"",
            "z",
        ),
        ("$h = @{ a = 1; 'b c' = 2 }", "$h.A + $h['B C']", "3"),
        ("$h = [ordered]@{ a = 1 }; $h.Add('b', 2)", "$h.Count", "2"),
        // A table is one thing under two names.
        ("$h = @{ a = 1 }; $i = $h; $i.a = 2", "$h.a", "2"),
        ("$h = @{ a = 1 }; $i = $h.Clone(); $i.a = 2", "$h.a", "1"),
        ("$h = @{ a = 1 } + @{ b = 2 }", "$h.a + $h.b", "3"),
        ("$h = @{ a = @{ b = 1 } }; $h.a.b = 5", "$h.a.b", "5"),
        ("$o = [pscustomobject]@{ n = 'x' }", "$o.n", "x"),
        // Comparisons convert the right side.
        ("", "10 -eq '10'", "True"),
        ("", "'a' -eq 'A' -and 'a' -cne 'A'", "True"),
        ("", "$null -eq '' -or !$null", "True"),
        ("", "2 -in 1, 2 -and 'x' -notin 'y'", "True"),
        ("", "@('a', 'b') -contains 'B'", "True"),
        ("", "[version]'1.10' -gt [version]'1.9.9'", "True"),
        ("", "([version]'1.2.3').Minor", "2"),
        ("", "'10.0.1' -as [version] -ge '10.0'", "True"),
        ("", "'x' -is [string]", "True"),
        // Paths.
        ("", "Split-Path 'C:\\a\\b.txt' -Leaf", "b.txt"),
        ("", "Split-Path -Parent 'C:\\a\\b.txt'", "C:\\a"),
        ("", "Join-Path 'C:\\a' 'b'", "C:\\a\\b"),
        ("", "Join-Path 'C:/a' 'b/c'", "C:\\a\\b\\c"),
        (
            "",
            "[System.IO.Path]::Combine('C:\\a', 'b/c')",
            "C:\\a\\b/c",
        ),
        (
            "",
            "[IO.Path]::GetFileNameWithoutExtension('C:\\a\\b.txt')",
            "b",
        ),
        (
            "",
            "[System.IO.Path]::Combine('C:\\a', 'b', 'c')",
            "C:\\a\\b\\c",
        ),
        (
            "",
            "(Get-Item \"$PSScriptRoot\\acme-*.zip\").Name",
            "acme-2.0.zip",
        ),
        (
            "",
            "\"$(Get-ChildItem $PSScriptRoot -Filter *.zip)\"",
            "acme-2.0.zip",
        ),
        (
            "",
            "[string](Get-ChildItem $PSScriptRoot -Filter *.zip)",
            "acme-2.0.zip",
        ),
        (
            "",
            "(Get-ChildItem $PSScriptRoot -Filter *.zip).BaseName",
            "acme-2.0",
        ),
        (
            "",
            "(Get-ChildItem $PSScriptRoot -Recurse -Include *.exe).Directory.Name",
            "sub",
        ),
        (
            "",
            "(Get-ChildItem $PSScriptRoot -Filter *.zip | Select-Object -First 1 -ExpandProperty Name)",
            "acme-2.0.zip",
        ),
        // Pipelines.
        (
            "",
            "(1, 2, 3 | Where-Object { $_ -gt 1 } | ForEach-Object { $_ * 2 }) -join ','",
            "4,6",
        ),
        ("", "(3, 1, 2 | Sort-Object -Descending) -join ''", "321"),
        ("", "('a', 'a', 'b' | select -Unique) -join ''", "ab"),
        ("", "(@{ n = 'x' }, @{ n = 'y' } | ? n -eq 'y').n", "y"),
        // Package parameters: none are given.
        (
            "$pp = Get-PackageParameters",
            "if ($pp.Dir) { $pp.Dir } else { 'none' }",
            "none",
        ),
        (
            "$pp = Get-PackageParameters; if (!$pp['Port']) { $pp['Port'] = 80 }",
            "$pp.Port",
            "80",
        ),
        (
            "",
            "if ($env:ChocolateyPackageParameters -match 'x') { 1 } else { 2 }",
            "2",
        ),
        // Statements as values.
        (
            "",
            "switch ('b') { 'a' { 1 } 'b' { 2 } default { 3 } }",
            "2",
        ),
        (
            "",
            "switch -Regex ('abc') { '^a' { 1; break } '.' { 2 } }",
            "1",
        ),
        ("", "& { param($p) \"-$p-\" } 7", "-7-"),
        ("$i = 1; $i++; ++$i", "$i", "3"),
        ("$b = 'x'", "$($b)", "x"),
    ] {
        assert_eq!(
            arguments(before, expression),
            Ok(expected.to_owned()),
            "{before}; {expression}"
        );
    }
}

#[test]
fn what_only_the_device_knows_stays_unknown() {
    for expression in [
        "(Get-Date)",
        "(Get-Content C:\\x)",
        "$env:COMPUTERNAME.ToLower()",
        "($env:ProgramFiles -replace 'a', 'b')",
        "(Get-Random)",
        "'abc' -replace '(?=b)', 'x'",
        "[Environment]::GetFolderPath('Nowhere')",
        "(Invoke-WebRequest https://a.example)",
        "(Get-ItemProperty HKLM:\\Software\\Acme)",
        "$env:Foo.ToLower()",
        "(Test-Path C:\\x)",
        "$PSItem",
    ] {
        let found = arguments("", expression);
        assert!(found.is_err(), "{expression}: {found:?}");
    }
}

#[test]
fn values_of_the_device_are_named() {
    for (expression, expected) in [
        ("$env:Foo", "variable foo"),
        ("(Get-Culture).Name", "name of Windows culture"),
        (
            "(Get-ItemProperty HKLM:\\Software\\Acme).Path",
            "path of registry HKLM:\\Software\\Acme",
        ),
    ] {
        assert_eq!(arguments("", expression).as_deref(), Ok(expected));
    }
}

#[test]
fn folders_of_the_device_are_named() {
    for (expression, expected) in [
        ("$env:ProgramFiles", "%ProgramFiles%"),
        (
            "\"${env:ProgramFiles(x86)}\\Acme\"",
            "%ProgramFiles(x86)%\\Acme",
        ),
        (
            "[Environment]::GetFolderPath('CommonDesktopDirectory')",
            "%CommonDesktop%",
        ),
        (
            "[Environment]::GetFolderPath([Environment+SpecialFolder]::Programs)",
            "%Programs%",
        ),
        (
            "\"$([System.Environment]::GetFolderPath([System.Environment+SpecialFolder]::Programs))\"",
            "%Programs%",
        ),
        (
            "Join-Path (Get-ToolsLocation) 'acme'",
            "%ChocolateyToolsLocation%\\acme",
        ),
        ("$PSScriptRoot", "%ChocolateyPackageFolder%\\tools"),
    ] {
        assert_eq!(
            arguments("", expression),
            Ok(expected.to_owned()),
            "{expression}"
        );
    }
}

#[test]
fn bare_paths_and_digits_in_parameters_are_read_rightly() {
    for call in [
        "Install-ChocolateyInstallPackage acme exe /S $dir\\a*.exe",
        "Install-ChocolateyInstallPackage -File64 $dir\\a*.exe -File $dir\\a*.exe -SilentArgs /S -FileType exe -PackageName acme",
        "Install-ChocolateyInstallPackage acme exe /S (Get-Item $dir\\*.exe) # the only one",
        "Install-ChocolateyInstallPackage acme -FileType:exe -Silent:'/S' -File $(Join-Path $dir 'acme.exe')",
        "Install-ChocolateyInstallPackage `\n  -PackageName acme `\n  -File \"$dir\\acme.exe\" `\n  -FileType exe -SilentArgs /S `\n\n",
    ] {
        let script = format!(
            "$dir = $PSScriptRoot\n{}",
            call.replace("$dir\\a*.exe", "(Get-Item $dir\\a*.exe)")
        );
        let found = run(script.as_bytes(), &["tools/acme.exe"]);
        assert_eq!(
            shown(&found),
            "Ready Exe [/S] [0] Any=tools/acme.exe",
            "{script}"
        );
    }
}

#[test]
fn a_bare_word_ends_at_a_bracket() {
    for word in [
        "a(1)",
        "/x{AAAA}",
        "[a+b]",
        "[System.Environment+SpecialFolder]::Programs",
        "[Environment]::GetFolderPath('Programs')",
        "a\"b\"(1)",
    ] {
        let script = format!("Install-ChocolateyPackage acme exe {word} https://a.example/a.exe");
        let found = run(script.as_bytes(), &[]);
        assert_ne!(found.verdict, Verdict::Ready, "{word}: {}", shown(&found));
    }
    for (word, expected) in [("/a=$(1)", "/a=1"), ("/S`(1`)", "/S(1)"), ("a[0]", "a[0]")] {
        let script = format!("Install-ChocolateyPackage acme exe {word} https://a.example/a.exe");
        let found = run(script.as_bytes(), &[]);
        let arguments = found.recipe.as_ref().map(|it| it.arguments.as_str());
        assert_eq!(arguments, Some(expected), "{word}: {}", shown(&found));
    }
}
