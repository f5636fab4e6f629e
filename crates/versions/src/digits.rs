//! Numbers of any length, compared as text: version parts of outside data fit no integer type.

use std::cmp::Ordering;

/// Orders two runs of ASCII digits by their value; leading zeros do not count, an empty run is zero.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits a text behind its leading ASCII digits.
pub(crate) fn split_leading(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}
