//! What stays at the version that it has, and until which version.

use fleetmend_versions::nuget::Version;

use crate::catalog::parse_version;

/// A word against updates of a package, whoever said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin<'a> {
    /// Who says so, or what.
    pub by: &'a str,
    /// The highest package version that is still wanted; without one, whatever is installed stays.
    pub highest: Option<&'a str>,
    /// Why; empty where that is not known.
    pub reason: &'a str,
}

impl Pin<'_> {
    /// Whether it speaks against an update to a version. A highest version that cannot be read speaks
    /// against all.
    pub fn holds(&self, offered: &Version) -> bool {
        let highest = self.highest.and_then(parse_version);
        highest.is_none_or(|it| *offered > it)
    }

    /// Who says what and why, in a part of a sentence.
    pub fn says(&self) -> String {
        let Self {
            by,
            highest,
            reason,
        } = self;
        let what = match highest {
            Some(highest) => format!("stays at {highest} or below"),
            None => "stays as it is installed".to_owned(),
        };
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        format!("{by} said that it {what}{reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_speaks_against_what_is_above_its_highest_version_or_against_all() {
        for (highest, offered, holds) in [
            (None, "1.0", true),
            (Some("2.0"), "2.0.0", false),
            (Some("2.0"), "1.9", false),
            (Some("2.0"), "2.0.1", true),
            (Some("2.0"), "2.0-rc1", false),
            (Some("two"), "1.0", true),
        ] {
            let pin = Pin {
                by: "ann",
                highest,
                reason: "",
            };
            let offered = parse_version(offered).unwrap();
            assert_eq!(pin.holds(&offered), holds, "{highest:?} {offered}");
        }
    }

    #[test]
    fn a_pin_says_who_and_until_which_version_and_why() {
        let mut pin = Pin {
            by: "ann",
            highest: None,
            reason: "",
        };
        assert_eq!(pin.says(), "ann said that it stays as it is installed");
        (pin.highest, pin.reason) = (Some("2.0"), "the licence ends");
        let said = "ann said that it stays at 2.0 or below: the licence ends";
        assert_eq!(pin.says(), said);
    }
}
