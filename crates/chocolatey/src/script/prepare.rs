//! Rewrites what the grammar takes wrongly into what it takes rightly and means the same, before a
//! script is parsed. Lines stay where they are. What stands in a text's `$( )` is rewritten too.
//!
//! - A bare path that begins with a variable gets quotes (`$dir\*.exe`).
//! - A nested type's `+` becomes a dot (`[Environment+SpecialFolder]`).
//! - Comments go, and a `` ` `` in front of an empty line. `else`, `catch` and their like on a line of their own follow their block by a
//!   line's continuation, and clauses of a `switch` on one line get a `;` between them, as does what
//!   stands behind `param( )` on its line.
//! - A range of numbers gets blanks around its dots (`1..3`).
//! - Typographic quotes that begin or end a string become plain ones (`quotes`).

use super::expand::variable_length;
use super::quotes::straightened;
use super::words::{skip_brackets, skip_double, skip_here_string, skip_single};

/// Words that go on with the statement whose block stands before them.
const GOES_ON: [&str; 5] = ["else", "elseif", "catch", "finally", "until"];

/// How many bytes are looked ahead at in all, as a multiple of the text's length. What is nested
/// deeper than real scripts are stays as it is.
const MAX_AHEAD: usize = 16;

/// How deep texts are looked into for the texts in them.
const MAX_TEXTS: usize = 4;

/// The text as the grammar is given it.
pub(super) fn prepare(text: &str) -> String {
    prepare_in(&straightened(text), 0)
}

/// The same for what stands in that many texts.
fn prepare_in(text: &str, depth: usize) -> String {
    let bytes = text.as_bytes();
    let mut prepared = String::with_capacity(text.len() + 64);
    let (mut at, mut copied) = (0, 0);
    let mut ahead = text.len().saturating_mul(MAX_AHEAD);
    // Where a `;` is due behind a `param( )`, innermost last.
    let mut due: Vec<usize> = Vec::new();
    let mut before = b'\n';
    while let Some(&byte) = bytes.get(at) {
        if due.last().is_some_and(|it| *it <= at) {
            due.pop();
            prepared.push_str(text.get(copied..at).unwrap_or(""));
            prepared.push(';');
            copied = at;
        }
        let next = match byte {
            b'#' if begins_word(before) || matches!(before, b'}' | b')' | b']') => {
                let end = line_end(bytes, at);
                prepared.push_str(&text[copied..at]);
                copied = end;
                end
            }
            b'<' if bytes.get(at + 1) == Some(&b'#') => {
                let end = comment_end(bytes, at);
                prepared.push_str(&text[copied..at]);
                prepared.push(' ');
                prepared.extend(text[at..end].chars().filter(|c| *c == '\n'));
                copied = end;
                end
            }
            b'@' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => {
                skip_here_string(bytes, at).unwrap_or(at + 1)
            }
            b'\'' => skip_single(bytes, at),
            b'"' => {
                let end = skip_double(bytes, at);
                let parts = parts_inside(bytes, at, end);
                for (start, close) in parts.into_iter().filter(|_| depth < MAX_TEXTS) {
                    prepared += &text[copied..start];
                    prepared += &prepare_in(&text[start..close], depth + 1);
                    copied = close;
                }
                end
            }
            // A line that goes on with an empty one ends there.
            b'`' if goes_on_empty(&bytes[at + 1..]) => {
                prepared.push_str(&text[copied..at]);
                copied = at + 1;
                at + 1
            }
            b'`' => at + 2,
            b'}' => {
                if let Some((end, written)) = behind_block(text, at + 1) {
                    prepared.push_str(&text[copied..=at]);
                    prepared.push_str(&written);
                    copied = end;
                    before = b' ';
                    at = end;
                    continue;
                }
                at + 1
            }
            b'p' | b'P' if begins_word(before) => {
                due.extend(parameters_end(bytes, at, &mut ahead));
                at + 1
            }
            b'.' if is_range(bytes, at) => {
                prepared.push_str(&text[copied..at]);
                prepared.push_str(" .. ");
                copied = at + 2;
                at + 2
            }
            b'$' if begins_word(before) => {
                let end = bare_path(text, at, &mut ahead);
                if let Some(end) = end {
                    prepared.push_str(&text[copied..at]);
                    prepared.push('"');
                    prepared.push_str(&text[at..end]);
                    prepared.push('"');
                    copied = end;
                }
                end.unwrap_or(at + 1)
            }
            b'[' => {
                if let Some(plus) = nested_type(bytes, at) {
                    prepared.push_str(&text[copied..plus]);
                    prepared.push('.');
                    copied = plus + 1;
                }
                at + 1
            }
            _ => at + 1,
        };
        let next = next.min(bytes.len());
        before = if next > at + 1 && byte == b'#' {
            b' '
        } else {
            bytes[next - 1]
        };
        at = next;
    }
    prepared.push_str(text.get(copied..).unwrap_or(""));
    prepared
}

/// Where the insides of the `$( )` stand in the text in double quotes from `at` to `end`.
fn parts_inside(bytes: &[u8], mut at: usize, end: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    at += 1;
    while at < end {
        match bytes[at] {
            b'`' => at += 2,
            b'$' if bytes.get(at + 1) == Some(&b'(') => {
                let close = skip_brackets(bytes, at + 1);
                if close <= end && bytes[close - 1] == b')' && close > at + 2 {
                    parts.push((at + 2, close - 1));
                }
                at = close;
            }
            _ => at += 1,
        }
    }
    parts
}

fn begins_word(before: u8) -> bool {
    before.is_ascii_whitespace() || matches!(before, b'(' | b'{' | b',' | b';' | b'|' | b'&' | b'=')
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    rest.iter()
        .position(|it| *it == b'\n' || *it == b'\r')
        .map_or(bytes.len(), |n| at + n)
}

fn comment_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    rest.windows(2)
        .position(|it| it == b"#>")
        .map_or(bytes.len(), |n| at + n + 2)
}

/// Where brackets end, as long as there is something left to look ahead at.
fn brackets_ahead(bytes: &[u8], at: usize, ahead: &mut usize) -> Option<usize> {
    if *ahead == 0 {
        return None;
    }
    let end = skip_brackets(bytes, at);
    *ahead = ahead.saturating_sub(end - at);
    Some(end)
}

/// Where the `param( )` at `at` ends, if a statement stands behind it on its line.
fn parameters_end(bytes: &[u8], at: usize, ahead: &mut usize) -> Option<usize> {
    if !bytes.get(at..at + 5)?.eq_ignore_ascii_case(b"param") {
        return None;
    }
    let blanks = bytes[at + 5..]
        .iter()
        .take_while(|it| it.is_ascii_whitespace());
    let open = at + 5 + blanks.count();
    if bytes.get(open) != Some(&b'(') {
        return None;
    }
    let end = brackets_ahead(bytes, open, ahead)?;
    let next = bytes
        .get(end..)?
        .iter()
        .find(|it| !matches!(it, b' ' | b'\t'))?;
    (!matches!(next, b'\r' | b'\n' | b';' | b'}' | b'#')).then_some(end)
}

/// Whether `..` at `at` stands between whole numbers, or a number and a variable.
fn is_range(bytes: &[u8], at: usize) -> bool {
    let digits = bytes[..at]
        .iter()
        .rev()
        .take_while(|it| it.is_ascii_digit())
        .count();
    let before = bytes[..at - digits].last();
    digits > 0
        && before.is_none_or(|it| begins_word(*it))
        && bytes.get(at + 1) == Some(&b'.')
        && bytes
            .get(at + 2)
            .is_some_and(|it| it.is_ascii_digit() || *it == b'$')
}

/// Whether a line's rest is empty, and the next line too.
fn goes_on_empty(rest: &[u8]) -> bool {
    let mut lines = rest.split(|it| *it == b'\n');
    let is_blank = |line: Option<&[u8]>| line.is_none_or(|it| it.trim_ascii().is_empty());
    rest.first().is_none_or(|it| matches!(it, b'\r' | b'\n'))
        && is_blank(lines.next())
        && is_blank(lines.next())
}

/// What stands between the `}` before `at` and a word that goes on with its statement, or the next
/// clause of a `switch`: where that begins, and what is written for it.
fn behind_block(text: &str, at: usize) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut end = at;
    let mut lines = 0;
    loop {
        match bytes.get(end)? {
            b'\n' => {
                lines += 1;
                end += 1;
            }
            b' ' | b'\t' | b'\r' => end += 1,
            b'#' => end = line_end(bytes, end),
            b'<' if bytes.get(end + 1) == Some(&b'#') => {
                let close = comment_end(bytes, end);
                lines += text[end..close].matches('\n').count();
                end = close;
            }
            _ => break,
        }
    }
    let word: String = bytes[end..]
        .iter()
        .take_while(|it| it.is_ascii_alphabetic())
        .map(|it| char::from(*it).to_ascii_lowercase())
        .collect();
    if lines > 0 && GOES_ON.contains(&word.as_str()) {
        return Some((end, "`\n".repeat(lines) + " "));
    }
    if lines == 0 && end > at {
        let close = match bytes[end] {
            b'\'' => skip_single(bytes, end),
            b'"' => skip_double(bytes, end),
            _ if word == "default" => end + word.len(),
            _ => return None,
        };
        let rest = bytes.get(close..)?;
        let next = rest.iter().find(|it| !matches!(it, b' ' | b'\t'));
        if next == Some(&b'{') {
            return Some((end, "; ".to_owned()));
        }
    }
    None
}

/// Where the bare path ends that begins with the variable or `$( )` at `at`; `None`: there is none.
fn bare_path(text: &str, at: usize, ahead: &mut usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = if bytes.get(at + 1) == Some(&b'(') {
        brackets_ahead(bytes, at + 1, ahead)?
    } else {
        at + 1 + variable_length(&text[at + 1..])
    };
    if bytes.get(end) != Some(&b'\\') || end == at + 1 {
        return None;
    }
    loop {
        match bytes.get(end) {
            Some(b'"' | b'\'' | b'`') => return None,
            Some(b'$') if bytes.get(end + 1) == Some(&b'(') => {
                end = brackets_ahead(bytes, end + 1, ahead)?;
            }
            Some(b'$') if bytes.get(end + 1) == Some(&b'{') => {
                end += 1 + variable_length(&text[end + 1..]).max(1);
            }
            None
            | Some(
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'(' | b')' | b'{' | b'}' | b'|'
                | b'&' | b'<' | b'>',
            ) => return Some(end),
            Some(_) => end += 1,
        }
    }
}

/// Where the `+` of a nested type's name stands in the brackets that open at `at`.
fn nested_type(bytes: &[u8], at: usize) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    let name = bytes[at + 1..].iter().take_while(|it| is_name(it)).count();
    let plus = at + 1 + name;
    let rest = bytes.get(plus + 1..)?;
    let nested = rest.iter().take_while(|it| is_name(it)).count();
    let is_nested = bytes[plus] == b'+'
        && bytes[at + 1].is_ascii_alphabetic()
        && rest.first()?.is_ascii_alphabetic()
        && rest.get(nested) == Some(&b']');
    (name > 0 && is_nested).then_some(plus)
}
