//! How the versions of a package are ordered, and how far it is from one to another.

use std::cmp::Ordering;

use fleetmend_versions::{debian, nuget, rpm};
use serde::{Deserialize, Serialize};

/// Whose versions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Chocolatey's.
    Nuget,
    /// Of Debian packages.
    Debian,
    /// Of RPM packages.
    Rpm,
}

/// How far one version is from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Neither of the first two numbers differs.
    Patch,
    /// The second number differs.
    Minor,
    /// The first number differs, or how far it is cannot be told.
    Major,
}

impl Step {
    /// The word that administrators see.
    pub fn label(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl Scheme {
    /// Which version is newer. A text that is no version is older than all that are.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Nuget => match (
                nuget::Version::parse_any(a).ok(),
                nuget::Version::parse_any(b).ok(),
            ) {
                (None, None) => a.cmp(b),
                (a, b) => a.cmp(&b),
            },
            Self::Debian => debian::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
        }
    }

    /// How far it is from what is installed. What that is may be the machine's own word, in any form: its
    /// numbers alone are looked at.
    pub fn step(self, installed: Option<&str>, version: &str) -> Step {
        let numbers = |text| match self {
            Self::Nuget => numbers(0, text),
            Self::Debian | Self::Rpm => of_package_manager(text),
        };
        let (Some(from), Some(to)) = (installed.and_then(numbers), numbers(version)) else {
            return Step::Major;
        };
        let at = |of: &[u64], place: usize| of.get(place).copied().unwrap_or(0);
        match (0..3).find(|place| at(&from, *place) != at(&to, *place)) {
            Some(0 | 1) => Step::Major,
            Some(_) => Step::Minor,
            None => Step::Patch,
        }
    }
}

/// What stands between an epoch and the package's own revision.
fn of_package_manager(text: &str) -> Option<Vec<u64>> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let upstream = rest.rsplit_once('-').map_or(rest, |(upstream, _)| upstream);
    numbers(epoch.trim().parse().ok()?, upstream)
}

/// The epoch, and the numbers that stand first in a text, divided by dots.
fn numbers(epoch: u64, text: &str) -> Option<Vec<u64>> {
    let text = text.trim().trim_start_matches(['v', 'V']);
    let mut numbers = vec![epoch];
    for part in text.split('.') {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match part[..digits].parse() {
            Ok(number) => numbers.push(number),
            Err(_) => break,
        }
        if digits < part.len() {
            break;
        }
    }
    (numbers.len() > 1).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_first_number_that_differs_and_major_where_it_cannot_be_told() {
        use Scheme::{Debian, Nuget, Rpm};
        for (scheme, from, to, step) in [
            (Nuget, Some("1.2.3"), "2.0.0", Step::Major),
            (Nuget, Some("1.2.3"), "1.3.0", Step::Minor),
            (Nuget, Some("1.2.3"), "1.2.4", Step::Patch),
            (Nuget, Some("1.2.3"), "1.2.3.20260101", Step::Patch),
            (Nuget, Some("24.08"), "24.9.0", Step::Minor),
            (Nuget, Some("v128.0 (x64)"), "128.0.1", Step::Patch),
            (Nuget, Some("1"), "1.0.1", Step::Patch),
            (Nuget, Some("unknown"), "1.0.1", Step::Major),
            (Nuget, None, "1.0.1", Step::Major),
            (Nuget, Some("1.0"), "", Step::Major),
            (Nuget, Some("99999999999999999999999.1"), "1.0", Step::Major),
            (
                Debian,
                Some("1:9.2p1-2+deb12u3"),
                "1:9.2p1-2+deb12u5",
                Step::Patch,
            ),
            (Debian, Some("1.22.1-9"), "1.24.0-1", Step::Minor),
            (Debian, Some("1.22.1-9"), "1:1.22.1-9", Step::Major),
            (Rpm, Some("0:3.0.7-27.el9"), "0:3.2.2-6.el9", Step::Minor),
        ] {
            assert_eq!(scheme.step(from, to), step, "{from:?} to {to}");
        }
    }

    #[test]
    fn what_is_no_version_is_older_than_all_that_are() {
        assert_eq!(Scheme::Nuget.compare("1.10", "1.9"), Ordering::Greater);
        assert_eq!(Scheme::Nuget.compare("latest", "0.1"), Ordering::Less);
        assert_eq!(
            Scheme::Nuget.compare("latest", "later"),
            "latest".cmp("later")
        );
        assert_eq!(Scheme::Debian.compare("1.0~rc1", "1.0"), Ordering::Less);
        assert_eq!(Scheme::Rpm.compare("2-1", "10-1"), Ordering::Less);
    }
}
