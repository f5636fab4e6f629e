//! Patterns for the names of software.

use fleetmend_model::name_pattern::{fault, matches};
use proptest::prelude::*;

#[test]
fn a_pattern_that_any_or_other_software_fits_names_nothing() {
    let cases = [
        ("7-Zip*", true),
        ("*Notepad++*", true),
        ("Git version *", true),
        ("Git", true),
        ("R?? for Windows", true),
        ("Überblick", true),
        ("", false),
        ("  ", false),
        ("*", false),
        ("**", false),
        ("* ?*", false),
        ("D2*", false),
        ("*R*", false),
        ("C++", false),
        ("$($env:ChocolateyPackageName)*", false),
        ("Acme [0-9]*", false),
        ("Acme`*", false),
        ("Acme\u{7}", false),
    ];
    for (pattern, names) in cases {
        assert_eq!(fault(pattern).is_none(), names, "{pattern}");
    }
}

#[test]
fn patterns_match_as_powershell_does() {
    let cases = [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("?", "", false),
        ("?", "ä", true),
        ("7-zip*", "7-Zip 24.09 (x64)", true),
        ("7-zip*", " 7-Zip", false),
        ("*zip*", "7-Zip 24.09", true),
        ("Notepad++*", "Notepad++ (64-bit x64)", true),
        ("Git version ?.*", "Git version 2.45", true),
        ("Git version ?.*", "Git version 12.45", false),
        ("a*b*c", "aXbXbXc", true),
        ("a*b*c", "aXbXbX", false),
        ("ÜBER*", "über app", true),
        ("a.c", "abc", false),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

/// The definition, in exponential time.
fn matches_slowly(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|taken| matches_slowly(rest, &text[taken..])),
        Some((&c, rest)) => text
            .split_first()
            .is_some_and(|(&t, behind)| (c == '?' || c == t) && matches_slowly(rest, behind)),
    }
}

fn lower(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

proptest! {
    #[test]
    fn patterns_match_exactly_as_defined(pattern in "[abA*?]{0,8}", text in "[abB]{0,10}") {
        prop_assert_eq!(
            matches(&pattern, &text),
            matches_slowly(&lower(&pattern), &lower(&text))
        );
    }
}
