//! How many files there must be for a helper that takes one path.

use fleetmend_model::recipe::Verdict;

use crate::script::run_package;

#[test]
fn a_helper_that_takes_one_path_fails_where_a_pattern_does_not_find_one_file() {
    let stop =
        "$ErrorActionPreference = 'Stop'\nGet-ChocolateyUnzip $PSScriptRoot\\a.zip C:\\acme\n";
    let one = "there is exactly one <file C:\\acme\\**\\a.exe>";
    let any = "there is at least one <file C:\\acme\\**\\a.exe>";
    for (command, expected) in [
        ("Install-BinFile acme $a", vec![one]),
        ("Install-BinFile acme $a.FullName", vec![one]),
        // A string takes several, one behind the other, and is empty without any.
        ("Install-BinFile acme \"$a\"", vec![any]),
        ("Install-BinFile acme -Path:\"$($a.FullName)\"", vec![any]),
        ("Install-BinFile -Path $a.FullName -Name \"$a\"", vec![one]),
        ("foreach ($b in $a) { Install-BinFile acme \"$b\" }", vec![]),
        // Of a loop each is one, and one is taken of several.
        ("foreach ($b in $a) { Install-BinFile acme $b }", vec![]),
        ("Install-BinFile acme ($a | Select-Object -First 1)", vec![]),
    ] {
        let script = format!(
            "{stop}$a = Get-ChildItem C:\\acme -Include a.exe -Recurse\n{command}\nSet-Content C:\\b x"
        );
        let entries: [(&str, &[u8]); 2] = [
            ("tools/chocolateyInstall.ps1", script.as_bytes()),
            ("tools/a.zip", b"x"),
        ];
        let found = run_package(&entries);
        assert_eq!(
            found.verdict,
            Verdict::Ready,
            "{command}: {:?}",
            found.findings
        );
        let texts: Vec<&str> = found.conditions.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, expected, "{command}");
        assert_eq!(found.effects.len(), 2, "{command}");
        let last = &found.effects[1];
        assert_eq!(last.always, expected.is_empty(), "{command}: {last:?}");
    }
}
