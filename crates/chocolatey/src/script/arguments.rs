//! A command's words, evaluated. The grammar reads a bare path such as `$toolsDir\*.exe` and a
//! parameter such as `-Url64bit` in ways of its own, so words are taken from the text.

use super::expand::variable_length;
use super::interpreter::{Interpreter, Weight, excerpt};
use super::parameters::Argument;
use super::value::Value;
use super::words;

impl Interpreter<'_> {
    /// Evaluates a command's words.
    pub(super) fn arguments(&mut self, words: &[&str], line: u32) -> Vec<Argument> {
        let mut arguments = Vec::new();
        let mut in_strings = Vec::new();
        let mut skip_target = false;
        let mut sets_variable = false;
        for word in words {
            if std::mem::take(&mut sets_variable) {
                let variable = word.trim_matches(['"', '\'', '+']);
                let value = Value::unknown("what a command tells beside its output is not known");
                self.set_variable(variable, value, line);
            }
            if std::mem::take(&mut skip_target) {
                if !word.eq_ignore_ascii_case("$null") {
                    let what = format!("writes its output into a file: {}", excerpt(word));
                    self.find(Weight::Review, line, what);
                }
                continue;
            }
            if let Some(target) = redirection(word) {
                // Into nothing or another stream; a redirection into a file writes it.
                skip_target = target.is_empty();
                if !target.is_empty()
                    && !target.starts_with('&')
                    && !target.eq_ignore_ascii_case("$null")
                {
                    let what = format!("writes its output into a file: {}", excerpt(word));
                    self.find(Weight::Review, line, what);
                }
                continue;
            }
            if let Some((name, attached)) = parameter_name(word) {
                let attached = attached.map(|word| {
                    let value = self.word_value(word, line);
                    in_strings.extend(text_of_string(word, &value));
                    value
                });
                sets_variable = is_variable_parameter(name);
                arguments.push(Argument::Name(name.to_owned(), attached));
            } else if let Some(name) = word
                .strip_prefix('@')
                .filter(|it| !it.starts_with(['(', '{', '"', '\'']))
            {
                let value = self.variable(name);
                arguments.push(match value {
                    Value::Table(id) => {
                        let entries = self.state.tables.get(&id).cloned().unwrap_or_default();
                        self.charge(entries.len().saturating_mul(64));
                        Argument::Entries(entries)
                    }
                    other => Argument::Splat(self.solid(other)),
                });
            } else {
                let value = self.word_value(word, line);
                in_strings.extend(text_of_string(word, &value));
                arguments.push(Argument::Value(value));
            }
        }
        // What stood in the words of other commands among these has been handed to them.
        self.in_strings = in_strings;
        join_attached(arguments)
    }

    pub(super) fn word_value(&mut self, word: &str, line: u32) -> Value {
        let items = words::items(word);
        if items.len() > 1 {
            return Value::array(
                items
                    .into_iter()
                    .map(|item| self.item_value(item, line))
                    .collect(),
            );
        }
        self.item_value(word.trim(), line)
    }

    fn item_value(&mut self, item: &str, line: u32) -> Value {
        let first = item.chars().next().unwrap_or(' ');
        if is_expression(item) {
            return self.run_expression(item, line);
        }
        if first == '{' {
            let inside = item.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            return self.block(inside.unwrap_or(""), line);
        }
        if !is_one_word(item) {
            return Value::unknown(format!("{} is not one word", excerpt(item)));
        }
        if item.contains(['"', '\'']) {
            return self.quoted_pieces(item, line);
        }
        self.expand(item, line, false)
    }

    /// A bare word with quoted pieces in it, as in `/D="a b"`: the quotes go, the rest is one text.
    fn quoted_pieces(&mut self, item: &str, line: u32) -> Value {
        let unknown = || Value::unknown(format!("{} is not analysed", excerpt(item)));
        // A word that begins with a quoted piece is more than one argument; so is a variable with a
        // quoted piece right behind it.
        let is_path = item.starts_with('$')
            && item
                .split(['"', '\''])
                .next()
                .is_some_and(|plain| plain.contains('\\'));
        if !is_path && item.starts_with(['"', '\'', '$', '@', '(']) {
            return unknown();
        }
        let mut text = String::new();
        let mut rest = item;
        while let Some(at) = rest.find(['"', '\'']) {
            let bytes = rest.as_bytes();
            let end = if bytes[at] == b'"' {
                words::skip_double(bytes, at)
            } else {
                words::skip_single(bytes, at)
            };
            let (Some(plain), Some(piece)) = (rest.get(..at), rest.get(at..end)) else {
                return unknown();
            };
            if piece.len() < 2 || plain.contains('`') {
                return unknown();
            }
            text.push_str(&self.expand(plain, line, false).to_text());
            text.push_str(&self.run_expression(piece, line).to_text());
            rest = rest.get(end..).unwrap_or("");
        }
        text.push_str(&self.expand(rest, line, false).to_text());
        Value::text(text)
    }
}

/// The text of a word that is one string in double quotes.
fn text_of_string(word: &str, value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if word.starts_with('"') => Some(text.as_ref().to_owned()),
        _ => None,
    }
}

/// `-Name: value`
fn join_attached(arguments: Vec<Argument>) -> Vec<Argument> {
    let mut joined: Vec<Argument> = Vec::new();
    for argument in arguments {
        match (joined.last_mut(), argument) {
            (Some(Argument::Name(name, attached @ None)), Argument::Value(value))
                if name.ends_with(':') =>
            {
                name.pop();
                *attached = Some(value);
            }
            (_, argument) => joined.push(argument),
        }
    }
    joined
}

/// The value of an argument that stands by itself.
pub(super) fn plain(argument: Argument) -> Option<Value> {
    match argument {
        Argument::Value(value) => Some(value),
        Argument::Name(_, attached) => attached,
        Argument::Entries(_) | Argument::Splat(_) => None,
    }
}

/// `-Name`, `-Name:` or `-Name:value`; not `-1`.
fn parameter_name(word: &str) -> Option<(&str, Option<&str>)> {
    // An en dash, an em dash and a bar are hyphens to PowerShell.
    let rest = word.strip_prefix(['-', '\u{2013}', '\u{2014}', '\u{2015}'])?;
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    match rest.split_once(':') {
        Some((_, "")) | None => Some((rest, None)),
        Some((name, attached)) => Some((name, Some(attached))),
    }
}

/// Whether a parameter names a variable that the command sets; every cmdlet has those.
fn is_variable_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_begun = |whole: &str, least: usize| name.len() >= least && whole.starts_with(&name);
    is_begun("errorvariable", 6)
        || is_begun("warningvariable", 8)
        || is_begun("informationvariable", 12)
        || is_begun("outvariable", 4)
        || is_begun("pipelinevariable", 9)
        || matches!(name.as_str(), "ev" | "wv" | "iv" | "ov" | "pv")
}

/// The target behind a redirection's sign; empty where it is the next word.
fn redirection(word: &str) -> Option<&str> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '*');
    let target = rest.strip_prefix(">>").or_else(|| rest.strip_prefix('>'))?;
    (word.len() - rest.len() <= 1).then_some(target)
}

/// Whether a word is an expression by itself, and not a bare word with variables in it.
fn is_expression(item: &str) -> bool {
    let bytes = item.as_bytes();
    match bytes.first() {
        Some(b'(') => true,
        Some(b'"' | b'\'') => is_one_string(bytes),
        Some(b'@') => matches!(bytes.get(1), Some(b'(' | b'{' | b'"' | b'\'')),
        Some(b'$') if bytes.get(1) == Some(&b'(') => {
            let end = words::skip_brackets(bytes, 1);
            end == bytes.len() || matches!(bytes.get(end), Some(b'.' | b'['))
        }
        Some(b'$') => {
            let length = variable_length(&item[1..]);
            let rest = item.get(1 + length..).unwrap_or("");
            let is_member = rest.strip_prefix('.').is_some_and(|it| {
                it.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    && (it.contains('(') || !it.contains(['\\', '/']))
            });
            let is_static = rest.starts_with("::");
            length > 0 && (rest.is_empty() || rest.starts_with('[') || is_member || is_static)
        }
        Some(b'-') => item.len() > 1 && bytes[1..].iter().all(u8::is_ascii_digit),
        Some(byte) if byte.is_ascii_digit() => bytes.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether a bare word is one: PowerShell ends it at a bracket. A type's name is taken for none, as
/// its text is not what the script says (see `prepare`).
fn is_one_word(item: &str) -> bool {
    let bytes = item.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'`' => at + 2,
            b'\'' => words::skip_single(bytes, at),
            b'"' => words::skip_double(bytes, at),
            b'$' if bytes.get(at + 1) == Some(&b'(') => words::skip_brackets(bytes, at + 1),
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                at + 1 + variable_length(&item[at + 1..]).max(1)
            }
            b'(' | b')' | b'{' | b'}' => return false,
            b'[' if is_type_name(&bytes[at + 1..]) => return false,
            _ => at + 1,
        };
    }
    true
}

/// Whether a name with a dot or `::` behind its bracket follows.
fn is_type_name(rest: &[u8]) -> bool {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    let length = rest.iter().take_while(is_name).count();
    rest.get(length) == Some(&b']')
        && (rest[..length].contains(&b'.') || rest[length + 1..].starts_with(b"::"))
}

/// Whether a word is one string in quotes; two of them in it stand for one.
fn is_one_string(bytes: &[u8]) -> bool {
    let Some(quote) = bytes.first() else {
        return false;
    };
    let mut at = 0;
    while bytes.get(at) == Some(quote) {
        let end = if *quote == b'"' {
            words::skip_double(bytes, at)
        } else {
            words::skip_single(bytes, at)
        };
        if end == bytes.len() {
            return bytes.len() > at + 1 && bytes.last() == Some(quote);
        }
        at = end;
    }
    false
}
