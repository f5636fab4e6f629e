//! A release's file names become paths on the device: one component, of a real file, or nothing.

use fleetmend_model::release::{Action, Release};
use fleetmend_trust::{Refusal, verify};

use crate::{DEVICE, NOW, keys, release, signed_with};

fn with_file(name: &str, sha256: &str, length: u64) -> Release {
    let mut release = release();
    let Action::RunInstaller(run) = &mut release.action else {
        panic!("an installer")
    };
    name.clone_into(&mut run.files[0].name);
    sha256.clone_into(&mut run.files[0].sha256);
    run.files[0].length = length;
    release
}

fn is_accepted(release: &Release) -> bool {
    let keys = keys();
    match verify(
        &signed_with(&keys, release, |_| {}),
        &keys.root,
        DEVICE,
        4,
        NOW,
    ) {
        Ok(_) => true,
        Err(Refusal::File(_)) => false,
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

#[test]
fn names_of_real_installers_are_accepted() {
    let names = [
        "setup.exe",
        "7z2409-x64.msi",
        "Example App (x64) 1.0.msi",
        "Größe.exe",
        "console.exe",
        "com.example.app.exe",
        "COM10.exe",
        "null.msi",
        "a",
    ];
    for name in names {
        assert!(is_accepted(&with_file(name, &"a".repeat(64), 1)), "{name}");
    }
    assert!(is_accepted(&with_file(
        &"x".repeat(200),
        &"a".repeat(64),
        1
    )));
}

#[test]
fn names_that_are_not_one_plain_file_are_refused() {
    let long = "x".repeat(201);
    let names = [
        "",
        ".",
        "..",
        "../setup.exe",
        "..\\setup.exe",
        "/setup.exe",
        "\\setup.exe",
        "a/b",
        "a\\b",
        "C:setup.exe",
        "C:\\setup.exe",
        "setup.exe:stream",
        ".hidden",
        "setup.exe.",
        "setup.exe ",
        "a\"b.exe",
        "a*b",
        "a?b",
        "a<b",
        "a>b",
        "a|b",
        "a\0b",
        "a\nb",
        "a\u{7f}b",
        "a\u{85}b",
        &long,
        // Windows' device names, with any extension and in any letter case.
        "CON",
        "nul",
        "con.msi",
        "NUL.exe",
        "Aux.tar.gz",
        "PRN",
        "COM1",
        "com9.exe",
        "LPT1.msi",
        "com1 .exe",
        "COM¹",
        "lpt³.exe",
        "CONIN$",
        "conout$",
    ];
    for name in names {
        assert!(
            !is_accepted(&with_file(name, &"a".repeat(64), 1)),
            "{name:?}"
        );
    }
}

#[test]
fn impossible_digests_and_lengths_are_refused() {
    let digest = "a".repeat(64);
    assert!(!is_accepted(&with_file("setup.exe", &digest, 0)));
    for sha256 in [
        "",
        &digest[1..],
        &format!("{digest}a"),
        &"A".repeat(64),
        &"g".repeat(64),
    ] {
        assert!(!is_accepted(&with_file("setup.exe", sha256, 1)), "{sha256}");
    }
}
