//! Debian package versions, ordered as deb-version(7) says.

use std::cmp::Ordering;

use crate::digits;

/// Orders two Debian versions `[epoch:]upstream[-revision]`.
///
/// Total over any text: what dpkg would refuse as a version is ordered by the same rules. A missing
/// epoch is 0, a missing revision is empty (which orders the same as `0`).
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    digits::compare(a.epoch, b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision))
}

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
            _ => ("", text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self {
            epoch,
            upstream,
            revision,
        }
    }
}

/// Alternately compares the longest run without digits and the longest run of digits.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (a_text, a_rest) = split_text(a);
        let (b_text, b_rest) = split_text(b);
        let (a_digits, a_rest) = digits::split_leading(a_rest);
        let (b_digits, b_rest) = digits::split_leading(b_rest);
        let order = compare_text(a_text, b_text).then_with(|| digits::compare(a_digits, b_digits));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

fn split_text(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn compare_text(a: &str, b: &str) -> Ordering {
    // The end of a run weighs as much as a digit: behind `~`, before letters, before all else.
    let weights = |text: &str| text.bytes().map(weight).chain([0]).collect::<Vec<_>>();
    weights(a).cmp(&weights(b))
}

fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        byte if byte.is_ascii_alphabetic() => i32::from(byte),
        byte => i32::from(byte) + 256,
    }
}
