//! A package and its version as an argument of `apt-get`.

use fleetmend_model::release::AptUpgrade;

/// The upgrade as an argument of `apt-get install`. Names come from devices: one that APT could
/// take for something else than a package and its version is refused.
///
/// Source: Debian Policy, 5.6.1 'Source', 5.6.8 'Architecture', 5.6.12 'Version'.
pub(super) fn argument(upgrade: &AptUpgrade) -> Result<String, String> {
    let AptUpgrade {
        package,
        architecture,
        version,
    } = upgrade;
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_right = |text: &str| {
        text.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let is_package = starts_right(package)
        && package
            .bytes()
            .all(|byte| is_lower(byte) || b"+-.".contains(&byte));
    let is_architecture = starts_right(architecture)
        && architecture
            .bytes()
            .all(|byte| is_lower(byte) || byte == b'-');
    let is_version = starts_right(version)
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-:~".contains(&byte))
        // An argument that ends so is one for removal.
        && !version.ends_with('-');
    if is_package && is_architecture && is_version {
        Ok(format!("{package}:{architecture}={version}"))
    } else {
        Err(format!(
            "'{package}:{architecture}' '{version}' is no package and version of Debian"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(package: &str, architecture: &str, version: &str) -> AptUpgrade {
        AptUpgrade {
            package: package.to_owned(),
            architecture: architecture.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn only_what_is_a_package_and_a_version_becomes_an_argument() {
        for (package, architecture, version, is_right) in [
            ("libstdc++6", "amd64", "1:12.2.0-14+deb12u1~bpo", true),
            ("g++", "all", "1+", true),
            ("--purge", "amd64", "1", false),
            ("-o", "amd64", "1", false),
            ("a b", "amd64", "1", false),
            ("a", "amd64", "1-", false),
            ("a", "amd64", "-1", false),
            ("a", "", "1", false),
            ("a", "amd64", "1 b", false),
            ("a", "amd64=2", "1", false),
            ("A", "amd64", "1", false),
            ("", "amd64", "1", false),
            ("a", "amd64", "", false),
            ("a*", "amd64", "1", false),
            ("../a", "amd64", "1", false),
        ] {
            let argument = argument(&upgrade(package, architecture, version));
            assert_eq!(
                argument.is_ok(),
                is_right,
                "{package}:{architecture}={version}"
            );
        }
        assert_eq!(
            argument(&upgrade("a1", "amd64", "2:3")).unwrap(),
            "a1:amd64=2:3"
        );
    }
}
