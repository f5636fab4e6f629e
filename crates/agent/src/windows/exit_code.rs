//! What an installer's exit code means.

use fleetmend_model::recipe::InstallerKind;
use fleetmend_model::release::{RESTART_EXIT_CODES, RunInstaller};

use crate::platform::RunResult;

/// What Windows Installer means by its codes. Source: 'Windows Installer error codes'.
const MSI_CAUSES: [(u32, &str); 21] = [
    (1601, "the Windows Installer service cannot be reached"),
    (1602, "the installation was cancelled"),
    (
        1603,
        "the installation failed; the package or a condition in it stopped it",
    ),
    (1605, "the product that it changes is not installed"),
    (1612, "the installation source of the product is not there"),
    (1613, "the package needs a newer Windows Installer"),
    (1618, "another installation is in progress on the machine"),
    (1619, "the package cannot be opened"),
    (1620, "the package is not a valid Windows Installer package"),
    (1622, "the log file cannot be opened"),
    (
        1623,
        "the package's language is not supported by this machine",
    ),
    (1624, "a transform of the package cannot be applied"),
    (1625, "this machine's policy forbids the installation"),
    (1627, "a function failed while it ran"),
    (1632, "the temporary folder is full or not accessible"),
    (1633, "the package is for another processor architecture"),
    (1636, "the patch package cannot be opened"),
    (1638, "another version of the product is installed already"),
    (
        1639,
        "the command line has an argument that Windows Installer does not know",
    ),
    (1640, "installing from a remote session is not permitted"),
    (
        1644,
        "a customization of the package is forbidden by this machine's policy",
    ),
];

/// The result for an installer that ended with a code.
///
/// Windows counts exit codes from 0 to 2³²−1; many list them as signed, so a code is looked up both
/// ways and reported as the release lists it.
pub(crate) fn result(installer: &RunInstaller, code: u32, output: String) -> RunResult {
    let (unsigned, signed) = (i64::from(code), i64::from(code.cast_signed()));
    let reported = if installer.exit_codes.contains(&signed) {
        signed
    } else {
        unsigned
    };
    let restart_due = RESTART_EXIT_CODES.contains(&unsigned);
    let success = restart_due || installer.exit_codes.contains(&reported);
    let cause = if success {
        String::new()
    } else {
        cause(installer.kind, code)
    };
    RunResult {
        exit_code: Some(reported),
        success,
        restart_due,
        cause,
        output,
    }
}

fn cause(kind: InstallerKind, code: u32) -> String {
    let name = match kind {
        InstallerKind::Msi => "Windows Installer",
        InstallerKind::Exe => "the installer",
    };
    let signed = code.cast_signed();
    let number = if signed < 0 {
        format!("{signed} (0x{code:08X})")
    } else {
        code.to_string()
    };
    let known = MSI_CAUSES.iter().find(|(known, _)| *known == code);
    match (kind, known) {
        (InstallerKind::Msi, Some((_, words))) => {
            format!("{name} ended with exit code {number}: {words}")
        }
        // An EXE may mean something else by the same number.
        (InstallerKind::Exe, Some((_, words))) => format!(
            "{name} ended with exit code {number}; if it passed Windows Installer's on: {words}"
        ),
        (_, None) => format!("{name} ended with exit code {number}"),
    }
}

#[cfg(test)]
mod tests {
    use fleetmend_model::detection::Detection;

    use super::*;

    fn installer(kind: InstallerKind, exit_codes: &[i64]) -> RunInstaller {
        RunInstaller {
            kind,
            files: Vec::new(),
            arguments: String::new(),
            exit_codes: exit_codes.to_vec(),
            detection: Detection::default(),
        }
    }

    #[test]
    fn a_code_is_success_if_the_release_lists_it_or_it_asks_for_a_restart() {
        use InstallerKind::{Exe, Msi};
        // kind, listed codes, code → reported, success, restart due
        for (kind, listed, code, reported, success, restart) in [
            (Msi, &[0][..], 0, 0, true, false),
            (Msi, &[0], 3010, 3010, true, true),
            (Exe, &[0], 1641, 1641, true, true),
            (Msi, &[0], 1603, 1603, false, false),
            (Exe, &[0, 5], 5, 5, true, false),
            (Exe, &[], 0, 0, false, false),
            (Exe, &[-1], u32::MAX, -1, true, false),
            (Exe, &[4_294_967_295], u32::MAX, 4_294_967_295, true, false),
            (Exe, &[0], 0x8007_0005, 0x8007_0005, false, false),
        ] {
            let result = result(&installer(kind, listed), code, String::new());
            assert_eq!(
                (result.exit_code, result.success, result.restart_due),
                (Some(reported), success, restart),
                "{code} of {listed:?}"
            );
            assert_eq!(result.cause.is_empty(), success, "{code} of {listed:?}");
        }
    }

    #[test]
    fn a_failure_has_its_cause_in_words() {
        for (kind, code, words) in [
            (InstallerKind::Msi, 1633, "another processor architecture"),
            (
                InstallerKind::Msi,
                4242,
                "Windows Installer ended with exit code 4242",
            ),
            (
                InstallerKind::Exe,
                2,
                "the installer ended with exit code 2",
            ),
            (
                InstallerKind::Exe,
                1603,
                "if it passed Windows Installer's on",
            ),
            (InstallerKind::Exe, 0x8007_0005, "-2147024891 (0x80070005)"),
        ] {
            let cause = result(&installer(kind, &[0]), code, String::new()).cause;
            assert!(cause.contains(words), "{cause}");
        }
    }
}
