//! Which file of a release is for a machine, and times.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_model::detection::Detection;
use fleetmend_model::recipe::{Bitness, InstallerKind};
use fleetmend_model::release::{ReleaseFile, RunInstaller};

#[test]
fn a_64_bit_machine_takes_its_own_file_and_a_32_bit_machine_never_does() {
    let cases: [(&[Bitness], Option<Bitness>, Option<Bitness>); 4] = [
        (
            &[Bitness::Any, Bitness::X64],
            Some(Bitness::X64),
            Some(Bitness::Any),
        ),
        (&[Bitness::Any], Some(Bitness::Any), Some(Bitness::Any)),
        (&[Bitness::X64], Some(Bitness::X64), None),
        (&[], None, None),
    ];
    for (files, on_x64, on_x86) in cases {
        let run = RunInstaller {
            kind: InstallerKind::Exe,
            files: files
                .iter()
                .map(|&bitness| ReleaseFile {
                    name: "setup.exe".to_owned(),
                    sha256: "0".repeat(64),
                    length: 1,
                    bitness,
                })
                .collect(),
            arguments: String::new(),
            exit_codes: vec![0],
            detection: Detection::default(),
        };
        assert_eq!(
            run.file_for(true).map(|file| file.bitness),
            on_x64,
            "{files:?}"
        );
        assert_eq!(
            run.file_for(false).map(|file| file.bitness),
            on_x86,
            "{files:?}"
        );
    }
}

#[test]
fn times_do_not_overflow_or_run_backwards() {
    assert_eq!(Millis(5).since(Millis(3)), Duration::from_millis(2));
    assert_eq!(Millis(3).since(Millis(5)), Duration::ZERO);
    assert_eq!(
        Millis(i64::MAX).since(Millis(i64::MIN)),
        Duration::from_millis(i64::MAX as u64)
    );
    assert_eq!(Millis(1) + Duration::MAX, Millis(i64::MAX));
    assert_eq!(Millis(1) - Duration::from_secs(1), Millis(-999));
}
