//! Regular expressions and wildcards. Only expressions that mean the same in .NET and here are
//! applied: what the `regex` crate refuses (look-around, references) is not known.

use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use super::interpreter::{Interpreter, MAX_TEXT};
use super::path;
use super::place::is_plain;
use super::value::Value;

/// The largest compiled expression, in bytes.
const MAX_EXPRESSION: usize = 256 * 1024;

/// The longest expression, in bytes.
const MAX_PATTERN: usize = 1_000;

fn compile(pattern: &str, with_case: bool) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN || !is_plain(pattern) {
        return None;
    }
    // .NET's inline comments and named groups in quotes are none here; `(?<name>` is one in both.
    RegexBuilder::new(pattern)
        .case_insensitive(!with_case)
        .size_limit(MAX_EXPRESSION)
        .dfa_size_limit(MAX_EXPRESSION)
        .build()
        .ok()
}

/// The text that an operator for texts takes a value for.
fn subject(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Text(text) if is_plain(text) => Some(text.as_ref().to_owned()),
        Value::Int(_) | Value::Bool(_) | Value::Version(_) => Some(value.to_text()),
        _ => None,
    }
}

/// `[regex]::Escape`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '*' | '+' | '?' | '|' | '{' | '[' | '(' | ')' | '^' | '$' | '.' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            ' ' => escaped.push_str("\\ "),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `-replace` of one value.
pub(super) fn replace(value: &Value, from: &Value, to: &Value, with_case: bool) -> Value {
    if let Value::Unknown(_) = value {
        return value.clone();
    }
    let unknown = || Value::unknown("what is replaced is not known");
    let (Some(text), Some(from), Some(to)) = (subject(value), subject(from), subject(to)) else {
        return unknown();
    };
    let Some(expression) = compile(&from, with_case) else {
        return unknown();
    };
    // Empty matches are found in other places by .NET than here.
    if expression.is_match("") || to.len().saturating_mul(text.len()) > MAX_TEXT {
        return unknown();
    }
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for found in expression.captures_iter(&text) {
        let Some(whole) = found.get(0) else { continue };
        result.push_str(&text[at..whole.start()]);
        let Some(written) = substitute(&to, &found) else {
            return unknown();
        };
        result.push_str(&written);
        at = whole.end();
    }
    result.push_str(&text[at..]);
    Value::text(result)
}

/// A replacement with `$1`, `${name}`, `$&` and `$$`; `None`: others are in it.
fn substitute(replacement: &str, found: &regex::Captures<'_>) -> Option<String> {
    let mut written = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        written.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let group = found.get(rest[..digits].parse().ok()?)?;
            written.push_str(group.as_str());
            rest = &rest[digits..];
        } else if let Some(inside) = rest.strip_prefix('{') {
            let (name, behind) = inside.split_once('}')?;
            let group = match name.parse() {
                Ok(number) => found.get(number)?,
                Err(_) => found.name(name)?,
            };
            written.push_str(group.as_str());
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('$') {
            written.push('$');
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('&') {
            written.push_str(found.get(0)?.as_str());
            rest = behind;
        } else if rest.starts_with(['`', '\'', '+', '_']) {
            return None;
        } else {
            written.push('$');
        }
    }
    written.push_str(rest);
    Some(written)
}

/// `-split` with a pattern, and perhaps a count.
pub(super) fn split(left: &Value, right: &Value) -> Value {
    let unknown = || Value::unknown("what is split is not known");
    let Some(text) = left.as_plain() else {
        return unknown();
    };
    let Some(expression) = right.as_plain().and_then(|it| compile(it, false)) else {
        return unknown();
    };
    if expression.is_match("") || expression.captures_len() > 1 {
        return unknown();
    }
    Value::array(expression.split(text).map(Value::text).collect())
}

/// `-like`.
pub(super) fn like(left: &Value, right: &Value) -> Option<bool> {
    let (text, pattern) = (subject(left)?, subject(right)?);
    if pattern.contains(['[', '`']) {
        return None;
    }
    Some(path::matches(&pattern.to_lowercase(), &text.to_lowercase()))
}

/// `[regex]'…'`.
pub(super) fn object(pattern: &Value) -> Value {
    match pattern.as_plain() {
        Some(pattern) => Value::Regex(pattern.into()),
        None => Value::unknown("the regular expression is not known"),
    }
}

impl Interpreter<'_> {
    /// A method of a regular expression, which minds case; `None`: what it gives is not known.
    pub(super) fn regex_method(
        &mut self,
        target: &Value,
        name: &str,
        arguments: &[Value],
    ) -> Option<Value> {
        let Value::Regex(pattern) = target else {
            return None;
        };
        if !self.charge(super::expression::EXPRESSION_COST) {
            return None;
        }
        let pattern = Value::Text(Rc::clone(pattern));
        let value = match (name, arguments) {
            ("tostring", []) => pattern,
            ("replace", [text, to]) => replace(text, &pattern, to, true),
            ("ismatch", [text]) => {
                let expression = compile(pattern.as_plain()?, true)?;
                Value::Bool(expression.is_match(text.as_plain()?))
            }
            _ => return None,
        };
        let from: Vec<&Value> = arguments.iter().collect();
        Some(self.or_asked(value, &from))
    }

    /// `-match` and its like; sets `$Matches` where it fits.
    pub(super) fn match_operator(&mut self, operator: &str, left: &Value, right: &Value) -> Value {
        let open = Value::unknown("what it compares is not known");
        let open = self.or_asked(open, &[left, right]);
        let unknown = || open.clone();
        let with_case = operator.starts_with("-c");
        let wanted = !operator.contains("not");
        let expression = subject(right).and_then(|it| compile(&it, with_case));
        if let Value::Array(items) = left {
            let Some(expression) = expression else {
                return unknown();
            };
            let mut fitting = Vec::new();
            for item in &items.all {
                match subject(item) {
                    Some(text) if expression.is_match(&text) == wanted => {
                        fitting.push(item.clone());
                    }
                    Some(_) => {}
                    None => return unknown(),
                }
            }
            return Value::array(fitting);
        }
        let (Some(text), Some(expression)) = (subject(left), expression) else {
            self.set_local("matches", unknown());
            return unknown();
        };
        let Some(found) = expression.captures(&text) else {
            return Value::Bool(!wanted);
        };
        let mut groups = Vec::new();
        for (place, name) in expression.capture_names().enumerate() {
            if let Some(group) = found.get(place) {
                let key: Rc<str> = name.map_or_else(|| place.to_string().into(), Into::into);
                groups.push((key, Value::text(group.as_str())));
            }
        }
        let groups = self.new_table(groups);
        self.set_local("matches", groups);
        Value::Bool(wanted)
    }
}
