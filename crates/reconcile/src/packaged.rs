//! What a package of the machine's own package manager comes to: that one's word, never the catalog's.

use fleetmend_model::inventory::{AvailableUpdate, HELD, Software, UpdateScan, WithheldUpdate};

use crate::state::State;

/// What a device's package manager said, and how far it could be asked.
#[derive(Debug, Clone, Copy)]
pub struct Packaged<'a> {
    /// Its last answer; `None` where there was none.
    pub scan: Option<&'a UpdateScan>,
    /// What it does not offer, though it is there.
    pub withheld: &'a [WithheldUpdate],
    /// The machine's architecture, as [`fleetmend_model::device::Host`] names it.
    pub architecture: &'a str,
    /// The version that is missing, as the device's list has it: of a source that was not reached since it
    /// offered that, where no other one names the package.
    pub missing: Option<&'a str>,
    /// Whether the last scan found the package.
    pub is_read: bool,
}

impl<'a> Packaged<'a> {
    /// What a package comes to, and why.
    pub fn told(self, row: &Software) -> (State, String) {
        let Some(scan) = self.scan else {
            let why = "the last scan has no answer of a package manager";
            return (State::CannotTell, why.to_owned());
        };
        let manager = &scan.provider;
        if let Some(update) = scan.updates.iter().find(|it| is_offered(row, it)) {
            return (State::Missing, offers(manager, update));
        }
        if let Some(it) = self.withheld(row) {
            return withheld(manager, it);
        }
        let is_complete = scan.unreachable.is_empty();
        match self.missing {
            Some(version) if !is_complete => {
                let why = format!(
                    "{manager} offered {version}, and not all of its sources were reached since"
                );
                (State::Missing, why)
            }
            _ if !is_complete => {
                let why = format!(
                    "not all sources of {manager} could be reached, and the others have nothing newer"
                );
                (State::CannotTell, why)
            }
            _ if !self.is_read => {
                let why =
                    format!("{manager} offers nothing newer, and the last scan did not read it");
                (State::CannotTell, why)
            }
            _ => (State::Current, format!("{manager} offers nothing newer")),
        }
    }

    /// One that names the architecture says more.
    fn withheld(self, row: &Software) -> Option<&'a WithheldUpdate> {
        let mut all = self.withheld.iter();
        if let Some(it) = all.find(|it| it.package == row.key) {
            return Some(it);
        }
        let of_row = row.key.rsplit_once(':').map(|it| it.1);
        let is_native = of_row.is_none_or(|it| it == "all" || it == debian(self.architecture));
        let mut all = self.withheld.iter().filter(|_| is_native);
        all.find(|it| it.package == row.name)
    }
}

fn is_offered(row: &Software, update: &AvailableUpdate) -> bool {
    row.key
        .strip_prefix(update.package.as_str())
        .and_then(|it| it.strip_prefix(':'))
        .is_some_and(|it| it == update.architecture)
}

fn withheld(manager: &str, it: &WithheldUpdate) -> (State, String) {
    let (installed, candidate) = (&it.installed, &it.candidate);
    let newer = match candidate.as_str() {
        "" => "a newer version".to_owned(),
        version => version.to_owned(),
    };
    if it.why == HELD {
        let than = match candidate.as_str() {
            "" => String::new(),
            version => format!(", though {version} is there"),
        };
        let why = format!("held in {manager} on the device: it stays at {installed}{than}");
        return (State::Pinned, why);
    }
    let why = format!("{manager} does not offer {newer} to the device: {}", it.why);
    (State::NotMissing, why)
}

/// That a package manager offers an upgrade.
pub(crate) fn offers(manager: &str, update: &AvailableUpdate) -> String {
    let from = match update.origin.as_str() {
        "" => String::new(),
        origin => format!(" from {origin}"),
    };
    format!("{manager} offers {}{from}", update.candidate)
}

/// What Debian calls an architecture.
fn debian(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "i386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use fleetmend_model::inventory::{Place, UnreachableSource};

    use super::*;

    fn package(key: &str) -> Software {
        Software {
            place: Place::Dpkg,
            key: key.to_owned(),
            name: key.split(':').next().unwrap().to_owned(),
            version: "1.0".to_owned(),
            publisher: String::new(),
            product_code: None,
            upgrade_code: None,
        }
    }

    fn scan(is_complete: bool) -> UpdateScan {
        let unreachable = UnreachableSource {
            source: "http://archive".to_owned(),
            cause: "it cannot be reached".to_owned(),
        };
        UpdateScan {
            provider: "apt".to_owned(),
            unreachable: vec![unreachable].split_off(usize::from(is_complete)),
            updates: vec![AvailableUpdate {
                package: "offered".to_owned(),
                architecture: "amd64".to_owned(),
                installed: "1.0".to_owned(),
                candidate: "2.0".to_owned(),
                security: false,
                origin: "Debian:12/stable".to_owned(),
            }],
            withheld: Vec::new(),
        }
    }

    fn withheld() -> Vec<WithheldUpdate> {
        let it = |package: &str, candidate: &str, why: &str| WithheldUpdate {
            package: package.to_owned(),
            installed: "1.0".to_owned(),
            candidate: candidate.to_owned(),
            why: why.to_owned(),
        };
        vec![
            it("held", "2.0", HELD),
            it("held-silently", "", HELD),
            it("kept", "2.0", "kept back"),
            it("phased", "2.0", "phased"),
            it("both:i386", "2.0", "kept back"),
            it("native", "2.0", "phased"),
        ]
    }

    #[test]
    fn a_package_is_what_its_package_manager_says() {
        let withheld = withheld();
        let told = |key: &str, scan: Option<&UpdateScan>, missing: Option<&str>, is_read: bool| {
            let all = Packaged {
                scan,
                withheld: &withheld,
                architecture: "x86_64",
                missing,
                is_read,
            };
            all.told(&package(key))
        };
        let (whole, partial) = (scan(true), scan(false));
        let nothing = "apt offers nothing newer";
        for (key, state, why) in [
            (
                "offered:amd64",
                State::Missing,
                "apt offers 2.0 from Debian:12/stable",
            ),
            ("offered:i386", State::Current, nothing),
            ("offered-more:amd64", State::Current, nothing),
            ("plain:all", State::Current, nothing),
            (
                "held:amd64",
                State::Pinned,
                "held in apt on the device: it stays at 1.0, though 2.0 is there",
            ),
            (
                "held-silently:all",
                State::Pinned,
                "held in apt on the device: it stays at 1.0",
            ),
            (
                "kept:amd64",
                State::NotMissing,
                "apt does not offer 2.0 to the device: kept back",
            ),
            (
                "phased:amd64",
                State::NotMissing,
                "apt does not offer 2.0 to the device: phased",
            ),
            (
                "both:i386",
                State::NotMissing,
                "apt does not offer 2.0 to the device: kept back",
            ),
            ("both:amd64", State::Current, nothing),
            ("native:i386", State::Current, nothing),
        ] {
            let expected = (state, why.to_owned());
            assert_eq!(told(key, Some(&whole), None, true), expected, "{key}");
        }
        assert_eq!(
            told("offered:amd64", Some(&partial), None, false).0,
            State::Missing
        );
        assert_eq!(
            told("plain:all", Some(&partial), Some("2.0"), true).0,
            State::Missing
        );
        assert_eq!(
            told("plain:all", Some(&partial), None, true).0,
            State::CannotTell
        );
        assert_eq!(
            told("plain:all", Some(&whole), None, false).0,
            State::CannotTell
        );
        assert_eq!(told("plain:all", None, None, true).0, State::CannotTell);
        assert_eq!(
            told("held:amd64", Some(&partial), None, true).0,
            State::Pinned
        );
    }
}
