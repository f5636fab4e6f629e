//! The date by which Chocolatey's packagers number repairs of a package: `2.7.4.20240131` repairs
//! the package of version 2.7.4 and brings the same software.
//!
//! Source: Chocolatey's documentation, 'Package Fix Version Notation'.

use crate::nuget::Version;

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

/// Where a version has the date of a repair: in its fourth number, or in its third where it has no
/// fourth.
pub fn place(version: &Version) -> Option<usize> {
    match version.numbers() {
        [.., fourth] if is_fix_date(fourth) => Some(3),
        [.., third, 0] if is_fix_date(third) => Some(2),
        _ => None,
    }
}

/// The version of the software that a package version stands for, beside an installed version of
/// it: without the date of a repair, unless the vendor numbers that way too.
pub fn without(package_version: &str, installed: &str) -> String {
    if let Ok(version) = Version::parse_any(package_version)
        && let Some(place) = place(&version)
    {
        let vendor_dates =
            Version::parse(installed).is_ok_and(|it| is_fix_date(it.numbers()[place]));
        if !vendor_dates {
            let kept: Vec<String> = version.numbers()[..place]
                .iter()
                .map(u32::to_string)
                .collect();
            return kept.join(".");
        }
    }
    package_version.to_owned()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn the_date_of_a_repair_is_left_out_unless_the_vendor_dates_versions_too() {
        for (package, installed, expected) in [
            ("2.7.4.20240131", "2.7.4", "2.7.4"),
            ("2.7.4.2024013101", "2.7.4", "2.7.4"),
            ("1.77.20160812", "1.77", "1.77"),
            ("2.7.4.20240131", "2.7.4.20240101", "2.7.4.20240131"),
            ("1.77.20160812", "1.76.20160101", "1.77.20160812"),
            ("2.7.4.20241331", "2.7.4", "2.7.4.20241331"),
            ("2.7.4", "2.7.4", "2.7.4"),
            ("no version", "", "no version"),
        ] {
            assert_eq!(
                without(package, installed),
                expected,
                "{package} {installed}"
            );
        }
    }
}
