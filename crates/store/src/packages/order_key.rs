//! Versions as texts that sort byte by byte as the versions do, so that the database can find the
//! latest.

use std::fmt::Write as _;

use fleetmend_versions::nuget::Version;

/// A text that is greater the later the version is, by Chocolatey 2.x's order. A text that is no
/// version comes before all versions.
pub fn order_key(version: &str) -> String {
    Version::parse(version).map_or_else(|_| format!(" {}", version.to_lowercase()), |it| of(&it))
}

fn of(version: &Version) -> String {
    let [a, b, c, d] = version.numbers();
    let mut key = format!("{a:010}.{b:010}.{c:010}.{d:010}");
    let Some(prerelease) = version.prerelease() else {
        // After every '-'.
        key.push('~');
        return key;
    };
    key.push('-');
    for label in prerelease.split('.') {
        // Numbers come before texts. A label may be written '-5'.
        if let Ok(number) = label.parse::<i32>() {
            let _ = write!(key, "0{:010}", i64::from(number) - i64::from(i32::MIN));
        } else {
            key.push('1');
            key.push_str(&label.to_lowercase());
        }
        // Before every character of a label.
        key.push('!');
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_versions_do(
            a in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(-[0-9a-zA-Z-]{1,4}(\\.[0-9a-zA-Z-]{1,3}){0,2})?",
            b in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(-[0-9a-zA-Z-]{1,4}(\\.[0-9a-zA-Z-]{1,3}){0,2})?",
        ) {
            let (Ok(x), Ok(y)) = (Version::parse(&a), Version::parse(&b)) else { return Ok(()) };
            prop_assert_eq!(order_key(&a).cmp(&order_key(&b)), x.cmp(&y), "{} {}", a, b);
        }
    }

    #[test]
    fn later_versions_have_greater_keys() {
        let order = [
            "not a version",
            "1.0-1",
            "1.0-2",
            "1.0-10",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-alphab",
            "1.0-beta",
            "1.0",
            "1.0.0.1",
            "1.2",
            "1.10",
            "24.9",
        ];
        for pair in order.windows(2) {
            assert!(order_key(pair[0]) < order_key(pair[1]), "{pair:?}");
        }
        assert_eq!(order_key("1.0-BETA"), order_key("1.0.0-beta"));
    }
}
