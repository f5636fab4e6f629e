use fleetmend_model::recipe::Verdict;
use proptest::prelude::*;

use crate::script::{run, shown};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn deep_and_long_scripts_come_back_and_are_never_ready() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    // Numbered, because a package with a script that packs too well is refused before.
    let numbers: String = (0..200_000).map(|n| n.to_string() + "\n").collect();
    for (name, script) in [
        (
            "parentheses",
            format!(
                "{install}\n$x = {}1{}",
                "(".repeat(20_000),
                ")".repeat(20_000)
            ),
        ),
        (
            "open parentheses",
            format!("{install}\n$x = {}", "(".repeat(20_000)),
        ),
        (
            "blocks",
            format!(
                "{install}\n{}{}",
                "if (Test-Path x) {".repeat(5_000),
                "}".repeat(5_000)
            ),
        ),
        (
            "strings in strings",
            format!(
                "{install}\n$x = {}1{}",
                "\"$(".repeat(2_000),
                ")\"".repeat(2_000)
            ),
        ),
        (
            "growing text",
            format!(
                "$x = 'aaaaaaaa'\n{}{install} \"$x\"",
                "$x = \"$x$x$x$x\"\n".repeat(30)
            ),
        ),
        (
            "many ways",
            format!(
                "if (Test-Path 0) {{ }}{}\n{install}",
                " elseif (Test-Path 1) { throw }".repeat(20_000)
            ),
        ),
        (
            "many casts",
            format!("{}$x = 1\n{install}", "[a]".repeat(20_000)),
        ),
        (
            "many signs",
            format!("$x = 1{}\n{install} $x", " + 1".repeat(20_000)),
        ),
        (
            "nested tables",
            format!(
                "$x = @{{a = 1}}\n{}{install} $x",
                "$x = @{a = $x}\n".repeat(20_000)
            ),
        ),
        (
            "doubling text",
            format!(
                "$x = 'aaaaaaaa'\n{}{install} $x",
                "$x = $x + $x\n".repeat(60)
            ),
        ),
        (
            "doubling list",
            format!("$x = @('a', 'b')\n{}{install} $x", "$x += $x\n".repeat(60)),
        ),
        (
            "doubling table",
            format!(
                "$x = @{{a = 1}}\n{}{install} $x",
                "$x = @{a = $x; b = $x}\n".repeat(60)
            ),
        ),
        (
            "replacing",
            format!(
                "$x = 'aaaaaaaaaaaaaaaa'\n{}{install} \"$x\"; $x = '{}'",
                "$x = $x.Replace('a', $x)\n".repeat(20),
                '\'',
            ),
        ),
        (
            "formatting",
            format!(
                "$x = '{{0}}{{0}}'\n{}{install} \"$x\"; throw",
                "$x = $x -f $x\n".repeat(60)
            ),
        ),
        ("unary", format!("{install}\n$x = {}1", "!".repeat(20_000))),
        ("too large", format!("{install}\n<#{numbers}#>")),
        ("marks", format!("{install} '\u{F8F0}'")),
        ("zero", format!("{install}\0")),
    ] {
        let found = run(script.as_bytes(), &[]);
        let text: String = shown(&found).chars().take(300).collect();
        assert_ne!(found.verdict, Verdict::Ready, "{name}: {text}");
        assert!(!found.findings.is_empty(), "{name}");
    }
}

/// A script as packages have it, to be broken.
const WHOLE: &str = r#"
$ErrorActionPreference = 'Stop' # stop
$toolsDir = "$(Split-Path -Parent $MyInvocation.MyCommand.Definition)"
. $toolsDir\helpers.ps1
function Get-It([string]$Name, [switch]$On) { begin { $n = 0 } process { "$Name$n" } }
$pp = Get-PackageParameters
$packageArgs = @{
  packageName = $env:ChocolateyPackageName; fileType = 'exe'
  url = 'https://a.example/a.exe'; url64bit = "https://a.example/{0}.exe" -f ('b' -replace 'b', 'c')
  silentArgs = "/S /LOG=`"$($env:TEMP)\a.log`""; validExitCodes = @(0, 3010)
}
if ((Get-OSArchitectureWidth 64) -and !$pp.X86) { $packageArgs.file = Get-Item $toolsDir\*_x64.exe }
else { throw 'no' }
foreach ($x in 1..3) { if ($x -eq 2) { continue }; $packageArgs['n'] += $x }
switch -Regex ($x) { '^a' { break } default { $i++ } }
try { Get-ChildItem $toolsDir -Recurse -Filter *.exe | ? { $_.Name -like 'a*' } | % { Set-Content "$_.ignore" '' } }
catch [System.Exception] { Write-Warning $_ } finally { $x = $null }
Install-ChocolateyPackage @packageArgs
@"
$x
"@ | Out-Null
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_analysed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        run(&bytes, &[]);
    }

    #[test]
    fn broken_scripts_are_analysed_without_panic(
        cuts in prop::collection::vec((0_usize..WHOLE.len(), 0_usize..40, ".{0,3}"), 1..6)
    ) {
        let mut script = WHOLE.to_owned();
        for (at, length, put) in cuts {
            let at = (0..=at.min(script.len())).rev().find(|it| script.is_char_boundary(*it));
            let from = at.unwrap_or(0);
            let to = (from..=(from + length).min(script.len())).rev().find(|it| script.is_char_boundary(*it));
            script.replace_range(from..to.unwrap_or(from), &put);
        }
        run(script.as_bytes(), &["tools/a_x64.exe"]);
    }

    #[test]
    fn any_mix_of_script_parts_is_analysed_without_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "$a", " = ", "\"", "'", "$(", ")", "(", "{", "}", "@{", "@(", ";", "\n", "|", "if (", "else {",
            "foreach ($x in ", "Install-ChocolateyPackage ", "-Url64bit ", "-a:", "@a", "`", "``é", "é", ",",
            "$a.b", "$a['x']", "[string]", "::x(", "-f ", "+ ", "\"$a\\*.exe\"", "$a\\*.exe", ">", "2>&1", "#",
            "<#", "return", "throw ", "& ", ". ", "%{", "${", "$env:", "@'\n", "\n'@", "-1", "0x", "1.5", "!", "=",
            "function f { ", "param($a)", "process ", "switch ($x) { ", "default ", "try { ", "catch { ", "while ($true) { ",
            "\u{2018}", "\u{201d}", "\u{201e}$(", "Sort-Object ", "% Delete", "Get-ChocolateyUnzip ", "Get-ChildItem ", "Remove-Item ", "-replace ", "-match ", "[Environment+SpecialFolder]",
            "$x = ", "$x++", "..", "-join ", ".Split('.')", "[version]", "f ", "break", "continue", "}\nelse ", "`\n",
        ]), 0..40)
    ) {
        run(parts.concat().as_bytes(), &[]);
    }
}

/// Each table is in the next one very often, and all of them are handed to a command.
#[test]
fn tables_that_many_share_are_looked_through_once() {
    let keys = |of: &str| {
        (0..2_500)
            .map(|it| format!("k{it}={of};"))
            .collect::<String>()
    };
    let script = format!(
        "$a=@{{{}}}\n$b=@{{{}}}\n$c=@{{{}}}\nGet-Random $c\nSort-Object $c",
        keys("1"),
        keys("$a"),
        keys("$b")
    );
    run(script.as_bytes(), &[]);
}

#[test]
fn paths_whose_letters_change_their_length_in_lower_case_are_read() {
    for name in [
        "tools/\u{130}\u{130}\u{130}.exe",
        "tools/\u{212a}\u{212a}.exe",
        "\u{130}/\u{212a}.exe",
    ] {
        for script in [
            "Get-ChildItem (Split-Path $MyInvocation.MyCommand.Definition) -Recurse",
            "Get-ChildItem $env:ChocolateyPackageFolder -Filter *.exe -Recurse | % { $_.FullName }",
            "$t = Split-Path $MyInvocation.MyCommand.Definition\n\
             Get-ChocolateyUnzip \"$t\\a.zip\" $t\n\
             Install-ChocolateyInstallPackage acme exe /S \"$t\\\u{130}\\\u{212a}\u{130}.exe\"",
        ] {
            run(script.as_bytes(), &[name]);
        }
    }
}

#[test]
fn a_filter_longer_than_is_told_is_never_told_however_it_ends() {
    for (word, times, is_told) in [("a", 1, true), ("a", 600, false), ("a", 490, false)] {
        for filter in ["$_.Path -eq $x", "$_.Path -eq \"$x$x\""] {
            let script = format!(
                "$x = '{word}' * {times}\nGet-Process acme* | ? {{ {filter} }} | Stop-Process"
            );
            let found = run(script.as_bytes(), &[]);
            let told = found.verdict == Verdict::NoInstaller;
            assert_eq!(told, is_told, "{script}: {}", shown(&found));
        }
    }
}
