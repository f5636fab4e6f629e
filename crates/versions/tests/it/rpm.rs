#[cfg(target_os = "linux")]
use std::process::Command;

use fleetmend_versions::rpm::compare;
use proptest::prelude::*;

#[test]
fn table() {
    // From rpm's own tests of rpmvercmp (tests/rpmvercmp.at).
    for (a, expected, b) in [
        ("1.0", "=", "1.0"),
        ("1.0", "<", "2.0"),
        ("2.0.1", ">", "2.0"),
        ("2.0", "<", "2.0.1"),
        ("2.0.1a", ">", "2.0.1"),
        ("5.5p1", "<", "5.5p2"),
        ("5.5p10", ">", "5.5p1"),
        ("10xyz", "<", "10.1xyz"),
        ("xyz10", "<", "xyz10.1"),
        ("xyz.4", "<", "8"),
        ("8", ">", "xyz.4"),
        ("5.5p2", "<", "5.6p1"),
        ("5.6p1", "<", "6.5p1"),
        ("6.0.rc1", ">", "6.0"),
        ("10b2", ">", "10a1"),
        ("1.0aa", "=", "1.0aa"),
        ("1.0a", "<", "1.0aa"),
        ("10.0001", "=", "10.1"),
        ("10.0001", "<", "10.0039"),
        ("4.999.9", "<", "5.0"),
        ("20101121", "<", "20101122"),
        ("2_0", "=", "2.0"),
        ("2.0", "=", "2_0"),
        ("a", "=", "a"),
        ("a+", "=", "a+"),
        ("a+", "=", "a_"),
        ("+a", "=", "_a"),
        ("+", "=", "_"),
        ("1.0~rc1", "<", "1.0"),
        ("1.0~rc1", "<", "1.0~rc2"),
        ("1.0~rc1~git123", "<", "1.0~rc1"),
        ("1.0^", ">", "1.0"),
        ("1.0^git1", ">", "1.0"),
        ("1.0^git1", "<", "1.0^git2"),
        ("1.0^git1", "<", "1.01"),
        ("1.0^20160101", "<", "1.0.1"),
        ("1.0^20160101^git1", ">", "1.0^20160101"),
        ("1.0^20160102", ">", "1.0^20160101^git1"),
        ("1.0~rc1^git1", ">", "1.0~rc1"),
        ("1.0^git1~pre", "<", "1.0^git1"),
        // Epoch and release.
        ("1:1.0-1", ">", "2.0-1"),
        ("0:1.0-1", "=", "1.0-1"),
        ("1.0-1.el9", "<", "1.0-2.el9"),
        ("1.0-9.el9", "<", "1.0-10.el9"),
        ("1.0", "<", "1.0-~"),
        ("1.0", "<", "1.0-"),
    ] {
        assert_eq!(crate::sign(compare(a, b)), expected, "{a} {b}");
    }
}

/// Asks rpm itself; the time limit keeps a hung tool from hanging the tests.
#[cfg(target_os = "linux")]
fn rpm(a: &str, b: &str) -> String {
    let question = format!("%{{lua:print(rpm.vercmp('{a}','{b}'))}}");
    let answer = Command::new("timeout")
        .args(["20", "rpm", "--eval", &question])
        .output()
        .expect("timeout belongs to every Linux system");
    match String::from_utf8_lossy(&answer.stdout).trim() {
        "-1" => "<".to_owned(),
        "0" => "=".to_owned(),
        "1" => ">".to_owned(),
        other => panic!(
            "rpm says {other:?}: {}",
            String::from_utf8_lossy(&answer.stderr)
        ),
    }
}

#[cfg(target_os = "linux")]
fn version_text() -> impl Strategy<Value = String> {
    "([0-2]:)?[0-9a-b][0-9a-bZ.+_~^]{0,6}(-[0-9a-b.+~^]{1,4})?"
}

#[cfg(target_os = "linux")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rpm_gives_the_same_order(a in version_text(), b in version_text()) {
        prop_assert_eq!(crate::sign(compare(&a, &b)), rpm(&a, &b), "{} {}", a, b);
    }

    #[test]
    fn rpm_gives_the_same_order_of_close_versions(
        a in "1[.]0[~^a0+]{0,3}[01]?(-[01~^a]{1,2})?",
        b in "1[.]0[~^a0+]{0,3}[01]?(-[01~^a]{1,2})?",
    ) {
        prop_assert_eq!(crate::sign(compare(&a, &b)), rpm(&a, &b), "{} {}", a, b);
    }
}

proptest! {
    #[test]
    fn any_two_texts_have_an_order_and_its_reverse(a in "\\PC{0,30}", b in "\\PC{0,30}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }

    #[test]
    fn close_versions_have_an_order_and_its_reverse(
        a in "[0-9a.~^-]{0,8}",
        b in "[0-9a.~^-]{0,8}",
    ) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }
}
