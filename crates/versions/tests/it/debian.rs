#[cfg(target_os = "linux")]
use std::process::Command;

use fleetmend_versions::debian::compare;
use proptest::prelude::*;

#[test]
fn table() {
    // From deb-version(7) and Debian policy 5.6.12.
    for (a, expected, b) in [
        ("1.0", "=", "1.0-0"),
        ("1.0", "=", "0:1.0"),
        ("1.0~rc1", "<", "1.0"),
        ("1.0~~", "<", "1.0~"),
        ("1.0~", "<", "1.0"),
        ("1.0", "<", "1.0a"),
        ("1.0a", "<", "1.0+"),
        ("1.2.10", ">", "1.2.9"),
        ("1:0.1", ">", "9.9"),
        ("2.36-9+deb12u4", "<", "2.36-9+deb12u10"),
        ("1.0-1", "<", "1.0-1ubuntu1"),
        ("1.0-1~bpo12+1", "<", "1.0-1"),
        ("1.2-3-4", "<", "1.2-4-1"),
        ("99999999999999999999999", "<", "100000000000000000000000"),
        ("007", "=", "7"),
    ] {
        assert_eq!(crate::sign(compare(a, b)), expected, "{a} {b}");
    }
}

/// Asks dpkg, which is only where Debian is; the time limit keeps a hung tool from hanging the tests.
#[cfg(target_os = "linux")]
fn dpkg(a: &str, operator: &str, b: &str) -> bool {
    Command::new("timeout")
        .args(["20", "dpkg", "--compare-versions", a, operator, b])
        .status()
        .expect("dpkg and timeout belong to every Debian system")
        .success()
}

#[cfg(target_os = "linux")]
fn version_text() -> impl Strategy<Value = String> {
    "([0-2]:)?[0-9][0-9a-bZ.+~]{0,6}(-[0-9a-b.+~]{1,4})?"
}

#[cfg(target_os = "linux")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn dpkg_gives_the_same_order(a in version_text(), b in version_text()) {
        let operator = match crate::sign(compare(&a, &b)) { "<" => "lt", "=" => "eq", _ => "gt" };
        prop_assert!(dpkg(&a, operator, &b), "dpkg does not say {a} {operator} {b}");
    }

    #[test]
    fn dpkg_gives_the_same_order_of_close_versions(
        a in "1[.]0[~a0+]{0,3}[01]?(-[01~a]{1,2})?",
        b in "1[.]0[~a0+]{0,3}[01]?(-[01~a]{1,2})?",
    ) {
        let operator = match crate::sign(compare(&a, &b)) { "<" => "lt", "=" => "eq", _ => "gt" };
        prop_assert!(dpkg(&a, operator, &b), "dpkg does not say {a} {operator} {b}");
    }
}

proptest! {
    #[test]
    fn any_text_is_ordered_without_panic(a in "\\PC{0,30}", b in "\\PC{0,30}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }
}
