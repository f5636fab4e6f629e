//! Strings in double quotes, here-strings and bare words: escapes, variables and `$(…)`.

use super::interpreter::{Interpreter, MAX_TEXT};
use super::value::{HOLE, Value};
use super::words::skip_brackets;

impl Interpreter<'_> {
    /// Expands the inside of a string. In one with quotes around it `""` stands for `"`.
    pub(super) fn expand(&mut self, text: &str, line: u32, quoted: bool) -> Value {
        let mut result = String::new();
        let mut rest = text;
        let mut why = None;
        while let Some(at) = rest.find(['$', '`', '"']) {
            result.push_str(&rest[..at]);
            rest = &rest[at..];
            if result.len() > MAX_TEXT {
                return Value::unknown("the text is too long");
            }
            if let Some(behind) = rest.strip_prefix('`') {
                rest = escape(behind, &mut result);
            } else if let Some(behind) = rest.strip_prefix('"') {
                result.push('"');
                rest = if quoted {
                    behind.strip_prefix('"').unwrap_or(behind)
                } else {
                    behind
                };
            } else if rest.starts_with("$(") {
                let end = skip_brackets(rest.as_bytes(), 1);
                let inside = rest.get(2..end.saturating_sub(1)).unwrap_or("");
                let value = self.run_expression(inside, line);
                why = why.or_else(|| (!value.is_known()).then(|| value.why()));
                result.push_str(&self.text_of(&value));
                rest = rest.get(end..).unwrap_or("");
            } else {
                let length = variable_length(&rest[1..]);
                if length == 0 {
                    result.push('$');
                    rest = &rest[1..];
                } else {
                    let name = rest[1..=length].trim_matches(['{', '}']);
                    let value = self.variable(name);
                    why = why.or_else(|| (!value.is_known()).then(|| value.why()));
                    result.push_str(&self.text_of(&value));
                    rest = &rest[1 + length..];
                }
            }
        }
        result.push_str(rest);
        if result.len() == HOLE.len_utf8() && result.starts_with(HOLE) {
            return Value::unknown(why.unwrap_or_else(|| "its text is not known".to_owned()));
        }
        self.canonical(Value::text(result))
    }
}

/// Resolves the escape behind a backtick; gives what follows it.
fn escape<'t>(behind: &'t str, result: &mut String) -> &'t str {
    let mut chars = behind.chars();
    match chars.next() {
        Some('n') => result.push('\n'),
        Some('r') => result.push('\r'),
        Some('t') => result.push('\t'),
        Some('0') => result.push('\0'),
        Some('a') => result.push('\u{7}'),
        Some('b') => result.push('\u{8}'),
        Some('f') => result.push('\u{c}'),
        Some('v') => result.push('\u{b}'),
        Some(other) => result.push(other),
        None => {}
    }
    chars.as_str()
}

/// How long the variable's name behind a `$` is, braces and scope included; 0: there is none.
pub(super) fn variable_length(text: &str) -> usize {
    if text.starts_with('{') {
        return text.find('}').map_or(0, |at| at + 1);
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let run = |text: &str| text.find(|c| !is_name(c)).unwrap_or(text.len());
    let first = run(text);
    if first == 0 {
        return usize::from(text.starts_with(['$', '?', '^']));
    }
    if let Some(behind) = text[first..].strip_prefix(':') {
        let second = run(behind);
        if second > 0 {
            return first + 1 + second;
        }
    }
    first
}
