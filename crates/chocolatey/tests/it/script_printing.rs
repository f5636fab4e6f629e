//! Commands that only print or wait, and that are handed what they do not take.

use crate::script::run;
use crate::script_flow::install;

/// Whether a line ends a script behind the installation.
fn ends(preference: &str, line: &str) -> bool {
    let script = install(&format!(
        "$ErrorActionPreference = '{preference}'\nINSTALL '/S'\n{line}"
    ));
    let found = run(script.as_bytes(), &[]);
    let mut said = found.findings.iter();
    said.any(|it| it.what == "the script fails behind the installation, whatever holds")
}

#[test]
fn a_command_that_only_prints_ends_the_script_where_it_is_handed_what_it_does_not_take() {
    for line in [
        "Write-Warning '{0}' -f 'x'",
        "Write-Warning 'a' + 'b'",
        "Write-Verbose 'a' -Foo -ErrorAction SilentlyContinue",
        "Write-Debug 'a' -ForegroundColor Red",
        "Write-Output '{0}' -f 'x'",
        // This one has a parameter of that beginning, for a colour.
        "Write-Host '{0}' -f 'x'",
        "Write-Host 'a' -ForegroundColor Crimson",
        "Start-Sleep -Foo 3",
        "Start-Sleep 3 4",
        "Start-Sleep -Seconds",
        "'x' | Out-Null -Foo",
    ] {
        assert!(ends("Stop", line), "{line}");
        assert!(!ends("Continue", line), "{line}");
    }
    for line in [
        "Write-Warning ('{0}' -f 'x')",
        "Write-Warning -Message 'a' -WarningVariable w",
        "Write-Host 'a' + 'b' -Fore Yellow",
        "Write-Host 'a' -BackgroundColor 4 -NoNewline",
        "Write-Host \"a $env:USERNAME\" -ForegroundColor $env:COLOUR",
        "Write-Output 'a' 'b'",
        "Write-Progress 'a' -PercentComplete 3",
        "Start-Sleep -s 3",
        "Start-Sleep -m 300",
        "Write-Information 'a' -InformationAction Continue",
        "$h = @{ Object = 'a'; ForegroundColor = 'Red' }\nWrite-Host @h",
        "'x' | Out-Null",
        "function Write-Warning { param($a) }\nWrite-Warning 'a' 'b'",
        "try { Write-Warning 'a' -f 'x' } catch { }",
    ] {
        assert!(!ends("Stop", line), "{line}");
    }
}
