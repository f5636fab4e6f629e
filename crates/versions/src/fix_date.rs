//! The date by which Chocolatey's packagers number repairs of a package: `2.7.4.20240131` repairs
//! the package of version 2.7.4 and brings the same software.
//!
//! Source: Chocolatey's documentation, 'Package Fix Version Notation'.

use crate::nuget::{Dialect, Version};

/// `20240131`, or with a count of the day behind it, `2024013101`.
pub fn is_fix_date(number: u32) -> bool {
    let date = if number > 99_999_999 {
        number / 100
    } else {
        number
    };
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    (2011..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// The version of the software that a package version stands for, beside an installed version of
/// it: without the date of a repair, unless the vendor numbers that way too.
pub fn without(package_version: &str, installed: &str) -> String {
    let parsed = Version::parse(package_version)
        .or_else(|_| Version::parse_in(package_version, Dialect::Choco1));
    if let Ok(version) = parsed {
        let [major, minor, patch, fourth] = version.numbers();
        let vendor_dates = Version::parse(installed).is_ok_and(|it| is_fix_date(it.numbers()[3]));
        if is_fix_date(fourth) && !vendor_dates {
            return format!("{major}.{minor}.{patch}");
        }
    }
    package_version.to_owned()
}
