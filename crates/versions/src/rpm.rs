//! RPM versions: `rpmvercmp` as in rpm's own source (`rpmio/rpmvercmp.cc`), with `~` and `^`.

use std::cmp::Ordering;

use crate::digits;

/// Orders two RPM versions `[epoch:]version[-release]`.
///
/// A missing epoch is 0; a missing release comes before every other (`rpmverCmp` in `rpmver.c`).
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    digits::compare(a.0, b.0)
        .then_with(|| compare_segments(a.1, b.1))
        .then_with(|| match (a.2, b.2) {
            (Some(a), Some(b)) => compare_segments(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

fn split(text: &str) -> (&str, &str, Option<&str>) {
    let text = text.trim();
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("", text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// `rpmvercmp`: one version or release, without epoch.
fn compare_segments(mut a: &str, mut b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    while !a.is_empty() || !b.is_empty() {
        a = skip_separators(a);
        b = skip_separators(b);

        // `~` comes before everything, the end of the text included.
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(a_rest), Some(b_rest)) => {
                (a, b) = (a_rest, b_rest);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        // `^` comes behind the end of the text and before any other segment.
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(a_rest), Some(b_rest)) => {
                (a, b) = (a_rest, b_rest);
                continue;
            }
            (Some(_), None) if b.is_empty() => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) if a.is_empty() => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            break;
        }

        let numeric = a.starts_with(|c: char| c.is_ascii_digit());
        let (a_run, a_rest) = split_run(a, numeric);
        let (b_run, b_rest) = split_run(b, numeric);
        if b_run.is_empty() {
            // Segments of different kinds: numbers are newer than letters.
            return if numeric {
                Ordering::Greater
            } else {
                Ordering::Less
            };
        }
        let order = if numeric {
            digits::compare(a_run, b_run)
        } else {
            a_run.cmp(b_run)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    // Whichever has text left is newer.
    a.len().min(1).cmp(&b.len().min(1))
}

fn skip_separators(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^')
}

fn split_run(text: &str, numeric: bool) -> (&str, &str) {
    let belongs = |byte: u8| {
        if numeric {
            byte.is_ascii_digit()
        } else {
            byte.is_ascii_alphabetic()
        }
    };
    let end = text
        .bytes()
        .position(|byte| !belongs(byte))
        .unwrap_or(text.len());
    text.split_at(end)
}
