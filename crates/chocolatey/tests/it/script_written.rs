//! What a script reads of the registry that it has written there itself.

use fleetmend_model::recipe::{Analysis, Verdict};

use crate::script::{run, shown};

const INSTALL: &str = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe\n";
const KEY: &str = "HKCU:\\Software\\Acme";

fn installing(end: &str) -> Analysis {
    run(format!("{INSTALL}$k = '{KEY}'\n{end}").as_bytes(), &[])
}

#[test]
fn a_value_that_the_script_has_written_is_not_asked_of_the_device() {
    for end in [
        "Set-ItemProperty $k -Name Eula -Value 1\nif ((Get-ItemProperty $k).Eula -ne 1) { throw 'no' }",
        "New-ItemProperty $k eula 1 -Type DWord -Force\nif ((Get-ItemProperty \"$k\\\" -Name Eula).Eula -ne 1) { throw 'no' }",
        "Set-ItemProperty $k Eula yes\nif ((Get-ItemPropertyValue $k Eula) -ne 'yes') { throw 'no' }",
        "Set-ItemProperty $k Eula 1\nif (!(Test-Path HKCU:\\Software\\Acme)) { throw 'no' }",
        "New-Item HKCU:\\Software -Name Acme -Force\nif (!(Test-Path $k)) { throw 'no' }",
        "New-Item $k\\sub -Force\nif (!(Test-Path $k)) { throw 'no' }",
    ] {
        let found = installing(end);
        assert_eq!(found.verdict, Verdict::Ready, "{end}: {}", shown(&found));
        assert!(found.conditions.is_empty(), "{end}: {}", shown(&found));
    }
    let found = installing(
        "Set-ItemProperty $k Eula 1\nif ((Get-ItemProperty $k).Eula -eq 1) { throw 'no' }",
    );
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn a_value_that_the_script_may_have_written_is_not_known() {
    for write in [
        "if (Test-Path C:\\x) { Set-ItemProperty $k Eula 1 }",
        "foreach ($p in Get-Process acme -ea 0) { Set-ItemProperty $k Eula 1 }",
        "Set-ItemProperty $k Eula (Get-Random)",
        "$p = Get-ItemProperty $k; $p.Eula | Out-Null; Set-ItemProperty $k Eula 1",
        "Set-ItemProperty $k Eula 1; Install-ChocolateyPackage acme exe /S https://a.example/b.exe",
    ] {
        let found = installing(&format!(
            "{write}\nif ((Get-ItemProperty $k).Eula -ne 1) {{ throw 'no' }}"
        ));
        assert_eq!(
            found.verdict,
            Verdict::NeedsReview,
            "{write}: {}",
            shown(&found)
        );
    }
    let found =
        installing("if (Test-Path C:\\x) { New-Item $k }\nif (!(Test-Path $k)) { throw 'no' }");
    assert_eq!(found.verdict, Verdict::NeedsReview, "{}", shown(&found));
}

#[test]
fn what_the_script_has_not_written_is_asked_of_the_device() {
    for end in [
        "Set-ItemProperty $k Other 1\nif ((Get-ItemProperty $k).Eula -ne 1) { throw 'no' }",
        "Set-ItemProperty $k Eula 1\nRemove-ItemProperty $k Eula\nif ((Get-ItemProperty $k).Eula -ne 1) { throw 'no' }",
        "if ((Get-ItemProperty $k).Eula -ne 1) { throw 'no' }\nSet-ItemProperty $k Eula 1",
        "Set-ItemProperty $k Eula 1\nRemove-Item $k\nif (!(Test-Path $k)) { throw 'no' }",
    ] {
        let found = installing(end);
        assert_eq!(found.conditions.len(), 1, "{end}: {}", shown(&found));
    }
}

#[test]
fn an_environment_variable_that_the_script_has_set_is_not_asked_of_the_device() {
    for set in [
        "$env:ACME = 'a'",
        "Install-ChocolateyEnvironmentVariable ACME a Machine",
    ] {
        let found = installing(&format!("{set}\nif ($env:ACME -ne 'a') {{ throw 'no' }}"));
        assert!(found.conditions.is_empty(), "{set}: {}", shown(&found));
    }
}
