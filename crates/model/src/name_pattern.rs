//! Patterns by which packages name their software's `DisplayName`: how they match, and which of them
//! say enough to tell that software from other software.

/// Letters and digits that a pattern must have to name anything.
const LEAST: usize = 3;

/// Why a pattern tells nobody whether the software is there; `None` where it does. The text goes on
/// from "the software's name '…' ".
pub fn fault(pattern: &str) -> Option<&'static str> {
    let is_wild = |c: char| matches!(c, '*' | '?');
    if pattern.chars().all(|c| is_wild(c) || c.is_whitespace()) {
        return Some("fits any software");
    }
    if !is_plain(pattern) {
        return Some("is no plain pattern");
    }
    if pattern.chars().filter(|c| c.is_alphanumeric()).count() < LEAST {
        return Some("is too short to tell the software from others");
    }
    None
}

/// Whether a pattern is text, `*` and `?` alone: without variables that the script would fill in, and
/// without character classes and escapes, which no real package needs.
pub fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['$', '`', '[', ']']) && !pattern.chars().any(char::is_control)
}

/// PowerShell's wildcard match on `*` and `?`, case ignored. Linear in the text for each `*`.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}
