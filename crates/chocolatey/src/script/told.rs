//! What a filter asks, as a text that says all of it: what the script has, its own variables by their
//! values.

use super::command::Invocation;
use super::expand::variable_length;
use super::interpreter::Interpreter;
use super::place;
use super::value::{Block, HOLE, STAR, Value};

/// The longest text of a filter, in bytes.
const MAX_FILTER: usize = 500;

/// What is no variable of the script's own.
const FIXED: [&str; 5] = ["_", "psitem", "null", "true", "false"];

impl Interpreter<'_> {
    /// What `Where-Object` asks of an item, in a block or by parameters; `None`: that cannot be told.
    pub(super) fn told_filter(
        &mut self,
        command: &Invocation<'_>,
        block: Option<&Block>,
    ) -> Option<String> {
        let parameters = command.text.split_once(char::is_whitespace).map(|it| it.1);
        let text = block.map_or(parameters, |it| Some(&it.text))?;
        self.told(text.trim())
    }

    fn told(&mut self, text: &str) -> Option<String> {
        if !self.charge(text.len()) {
            return None;
        }
        let mut told = String::new();
        let mut quote = None;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if told.len() > MAX_FILTER {
                return None;
            }
            rest = &rest[c.len_utf8()..];
            match (c, quote) {
                ('#', None) => return None,
                ('\'' | '"', None) => quote = Some(c),
                ('\'' | '"', Some(open)) if open == c => quote = None,
                (_, None) if c.is_whitespace() || c == '`' && rest.starts_with(['\r', '\n']) => {
                    if !told.ends_with(' ') {
                        told.push(' ');
                    }
                    continue;
                }
                ('`', None | Some('"')) => {
                    let next = rest.chars().next()?;
                    rest = &rest[next.len_utf8()..];
                    told.extend([c, next]);
                    continue;
                }
                ('$', None | Some('"')) => {
                    let length = variable_length(rest);
                    let (name, behind) = rest.split_at(length);
                    if rest.starts_with(['(', '{']) {
                        return None;
                    }
                    if length > 0 && !FIXED.contains(&name.to_ascii_lowercase().as_str()) {
                        let is_part = quote.is_none() && behind.starts_with(['.', '[', ':']);
                        let value = self.variable(name);
                        told.push_str(&literal(&value, quote.is_some()).filter(|_| !is_part)?);
                        rest = behind;
                        continue;
                    }
                }
                _ => {}
            }
            told.push(c);
        }
        if told.len() > MAX_FILTER {
            return None;
        }
        let told = told.trim();
        (quote.is_none() && !told.is_empty()).then(|| told.to_owned())
    }
}

/// A value as a script writes it, or as a part of a string in double quotes.
fn literal(value: &Value, is_quoted: bool) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Text(text) if text.len() <= MAX_FILTER => {
            let is_open = text.contains([HOLE, STAR, '"', '`', '$', '\n']);
            let names_more = place::has_asked(text) || super::facts::names_software(text);
            let text = place::written(text);
            let written = if is_quoted {
                text
            } else {
                format!("'{}'", text.replace('\'', "''"))
            };
            (!is_open && !names_more).then_some(written)
        }
        _ => None,
    }
}
