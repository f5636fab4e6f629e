//! Versions as texts that sort byte by byte as the versions do, so that the database can find the
//! latest.

use fleetmend_versions::nuget::Version;

/// A text that is greater the later the version is, by Chocolatey's order; a package fix of
/// Chocolatey 1.x (`1.0_1`) comes behind the version that it fixes. A text that is no version comes
/// before all versions.
pub fn order_key(version: &str) -> String {
    Version::parse_any(version)
        .map_or_else(|_| format!(" {}", version.to_lowercase()), |it| of(&it))
}

fn of(version: &Version) -> String {
    let mut key = String::with_capacity(48);
    for number in version.numbers() {
        if !key.is_empty() {
            key.push('.');
        }
        push_number(&mut key, number);
    }
    match version.prerelease() {
        // After every '-'.
        None => key.push('~'),
        Some(prerelease) => push_prerelease(&mut key, prerelease),
    }
    if version.fix() != 0 {
        // What has no fix ends here, and so comes first.
        push_number(&mut key, version.fix());
    }
    key
}

fn push_prerelease(key: &mut String, prerelease: &str) {
    key.push('-');
    for label in prerelease.split('.') {
        // Numbers come before texts. A label may be written '-5'.
        if let Ok(number) = label.parse::<i32>() {
            key.push('0');
            push_number(key, number.abs_diff(i32::MIN));
        } else {
            key.push('1');
            key.extend(label.chars().map(|it| it.to_ascii_lowercase()));
        }
        // Before every character of a label.
        key.push('!');
    }
}

/// Ten digits: as many as the largest number has.
fn push_number(key: &mut String, mut number: u32) {
    let mut digits = [b'0'; 10];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    key.extend(digits.map(char::from));
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
            "1.0-beta_2",
            "1.0",
            "1.0_1",
            "1.0.0_10",
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
