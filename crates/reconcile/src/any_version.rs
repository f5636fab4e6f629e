//! A pattern for an application's name whatever its version, for what an administrator says of all of them.

use crate::normal::Name;
use crate::said_text;

/// The name with `*` in the place of each version, as [`said_text`] has patterns. None where no version
/// stands in the name: then the name itself is for all of them.
pub fn any_version(name: &str, version: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let versions = Name::of(name, version).versions;
    let mut spans: Vec<(usize, usize)> =
        versions.iter().flat_map(|it| places(&lower, it)).collect();
    spans.sort_unstable();
    let mut pattern = String::with_capacity(name.len());
    let mut end = 0;
    for (from, to) in spans {
        if from >= end {
            pattern += &said_text::exactly(&name[end..from]);
            pattern.push('*');
            end = to;
        }
    }
    (end > 0).then(|| pattern + &said_text::exactly(&name[end..]))
}

/// Where a version stands in a name, not within a word or a longer number.
fn places<'n>(name: &'n str, version: &'n str) -> impl Iterator<Item = (usize, usize)> + 'n {
    let is_within = |c: char| c.is_alphanumeric() || c == '.';
    let all = name.match_indices(version).filter(|it| !it.1.is_empty());
    all.filter_map(move |(from, it)| {
        let to = from + it.len();
        let before = name[..from].chars().next_back();
        let after = name[to..].chars().next();
        let is_alone = before.is_none_or(|c| c == 'v' || !is_within(c))
            && after.is_none_or(|c| !c.is_alphanumeric());
        is_alone.then_some((from, to))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_in_a_name_becomes_any() {
        let cases = [
            (
                "Python 3.11.7 (64-bit)",
                "3.11.7150.0",
                Some("Python * (64-bit)"),
            ),
            ("Example v1.2.3", "1.2.3", Some("Example v*")),
            ("Example 2.0 (2.0)", "2.0", Some("Example * (*)")),
            ("Example 12.0.1", "2.0", Some("Example *")),
            ("Star* 1.0", "1.0", Some(r"Star\* *")),
            ("Example", "1.0", None),
            ("7-Zip", "24.08", None),
        ];
        for (name, version, expected) in cases {
            let pattern = any_version(name, version);
            assert_eq!(pattern.as_deref(), expected, "{name}");
            if let Some(pattern) = pattern {
                assert!(said_text::is_pattern(&pattern), "{pattern}");
                assert!(said_text::fits(&pattern, name), "{pattern}");
            }
        }
    }
}
