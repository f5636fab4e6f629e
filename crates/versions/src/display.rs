//! `DisplayVersion` of Windows' installed programs: whatever the vendor wrote there.

use std::cmp::Ordering;

use crate::digits;

/// Words behind a version that name the architecture and nothing about the version.
const ARCHITECTURES: [&str; 9] = [
    "x64", "x86", "amd64", "arm64", "64-bit", "32-bit", "64 bit", "32 bit", "x86_64",
];

/// Words before a version that say only that one follows.
const PREFIXES: [&str; 4] = ["version", "ver.", "ver", "v."];

/// Orders two display versions; `None` where that would be a guess.
///
/// A version is a row of numbers of any length, divided by dots (or by commas all through, as PE
/// resources have it), behind an optional `v`; missing parts are zero. An architecture behind it is
/// left out. Any other text behind the numbers counts as *not understood*: such versions have an
/// order only where two or more numbers stand before that text and already differ. Texts that are
/// the same and hold a number are equal whatever their form.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    if a.trim().eq_ignore_ascii_case(b.trim()) && a.bytes().any(|byte| byte.is_ascii_digit()) {
        return Some(Ordering::Equal);
    }
    let (a, b) = (Parsed::of(a)?, Parsed::of(b)?);
    let common = a.parts.len().min(b.parts.len());
    for (left, right) in a.parts.iter().zip(&b.parts) {
        match digits::compare(left, right) {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    match (a.rest.is_empty(), b.rest.is_empty()) {
        (true, true) => {}
        (false, false) if a.rest.eq_ignore_ascii_case(b.rest) && a.parts.len() == b.parts.len() => {
            return Some(Ordering::Equal);
        }
        _ => return None,
    }
    let is_zero = |part: &&str| digits::compare(part, "0") == Ordering::Equal;
    if !a.parts[common..].iter().all(is_zero) {
        return Some(Ordering::Greater);
    }
    if !b.parts[common..].iter().all(is_zero) {
        return Some(Ordering::Less);
    }
    Some(Ordering::Equal)
}

struct Parsed<'a> {
    /// At least one run of digits.
    parts: Vec<&'a str>,
    /// What is left and not understood.
    rest: &'a str,
}

impl<'a> Parsed<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let text = without_architecture(without_prefix(text.trim()));
        let (first, mut rest) = digits::split_leading(text);
        if first.is_empty() {
            return None;
        }
        let mut parts = vec![first];
        let separator = rest.chars().next().filter(|c| matches!(c, '.' | ','));
        while let Some(separator) = separator {
            let Some(behind) = rest.strip_prefix(separator) else {
                break;
            };
            let (part, behind) = digits::split_leading(behind.trim_start());
            if part.is_empty() {
                break;
            }
            parts.push(part);
            rest = behind;
        }
        // `8u401`, `2024-01-05` or a commit hash: the number alone says too little.
        let understood =
            parts.len() > 1 || rest.is_empty() || rest.starts_with(char::is_whitespace);
        understood.then_some(Self {
            parts,
            rest: rest.trim(),
        })
    }
}

fn without_prefix(text: &str) -> &str {
    for prefix in PREFIXES {
        if let Some(head) = text.get(..prefix.len())
            && head.eq_ignore_ascii_case(prefix)
        {
            let rest = text[prefix.len()..].trim_start();
            if rest.starts_with(|c: char| c.is_ascii_digit()) {
                return rest;
            }
        }
    }
    match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

fn without_architecture(text: &str) -> &str {
    let Some((head, bracketed)) = split_last_group(text) else {
        return text;
    };
    let word = bracketed.trim_matches(['(', ')', '[', ']']).trim();
    if ARCHITECTURES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
    {
        head.trim_end()
    } else {
        text
    }
}

/// Splits off the last word, or all of the last pair of brackets.
fn split_last_group(text: &str) -> Option<(&str, &str)> {
    if text.ends_with([')', ']']) {
        let start = text.rfind(['(', '['])?;
        return Some(text.split_at(start));
    }
    let start = text.rfind(char::is_whitespace)?;
    Some((&text[..start], text[start..].trim_start()))
}
