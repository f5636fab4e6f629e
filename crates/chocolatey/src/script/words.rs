//! Splits a command into words, as PowerShell's argument mode does.
//!
//! The grammar takes a bare path such as `$toolsDir\*.exe` for an expression with errors in it, so a
//! command's words are taken from its text and not from the tree.

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
}

/// The words of the command that begins at the text's start, and how many bytes it has.
pub(super) fn split(text: &str) -> (Vec<Word<'_>>, usize) {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    // The call operators stand in front of the command's name.
    if matches!(bytes.first(), Some(b'&' | b'.')) {
        words.push(Word { text: &text[..1] });
        at = 1;
    }
    let mut end = at;
    loop {
        at = skip_blanks(bytes, at);
        if at >= bytes.len() || ends_command(bytes, at) {
            return (words, end);
        }
        if bytes[at] == b'#' {
            return (words, end);
        }
        let start = at;
        at = word_end(bytes, at);
        if at == start {
            return (words, end);
        }
        words.push(Word {
            text: &text[start..at],
        });
        end = at;
    }
}

/// Splits a word at the commas outside of quotes and brackets.
pub(super) fn items(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let mut items = Vec::new();
    let (mut at, mut start) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b',' {
            items.push(word[start..at].trim());
            at += 1;
            start = at;
        } else {
            at = skip_piece(bytes, at);
        }
    }
    items.push(word[start..].trim());
    items
}

/// A text on one line: what is blank outside of quotes as one blank.
pub(super) fn folded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut folded = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let blanks = text[at..].len() - text[at..].trim_start().len();
        let end = match bytes[at] {
            _ if blanks > 0 => at + blanks,
            b'`' if skip_blanks(bytes, at) > at => skip_blanks(bytes, at),
            b'\'' => skip_single(bytes, at),
            b'"' => skip_double(bytes, at),
            b'@' => skip_here_string(bytes, at).unwrap_or(at + 1),
            b'`' => at + 2,
            _ => at + 1,
        };
        let mut end = end.min(bytes.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        if blanks == 0 && skip_blanks(bytes, at) == at {
            folded.push_str(&text[at..end]);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
        at = end;
    }
    folded.trim().to_owned()
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t') => at += 1,
            Some(b'`') if bytes.get(at + 1) == Some(&b'\n') => at += 2,
            Some(b'`') if bytes[at + 1..].starts_with(b"\r\n") => at += 3,
            _ => return at,
        }
    }
}

fn ends_command(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'\n' | b'\r' | b';' | b'|' | b')' | b'}' | b'&')
}

fn word_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            None => return at,
            Some(b' ' | b'\t' | b'`') if skip_blanks(bytes, at) > at => {
                // A comma behind blanks goes on with the word.
                let next = skip_blanks(bytes, at);
                if bytes.get(next) != Some(&b',') {
                    return at;
                }
                at = next;
            }
            Some(b',') => {
                at += 1;
                loop {
                    at = skip_blanks(bytes, at);
                    match bytes.get(at) {
                        Some(b'\r' | b'\n') => at += 1,
                        _ => break,
                    }
                }
            }
            // `2>&1` is one word.
            Some(b'&') if at > 0 && bytes[at - 1] == b'>' => at += 1,
            Some(_) if ends_command(bytes, at) => return at,
            Some(_) => at = skip_piece(bytes, at),
        }
    }
}

/// The place behind one character, or behind a whole quoted or bracketed piece.
fn skip_piece(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        b'\'' => skip_single(bytes, at),
        b'"' => skip_double(bytes, at),
        b'(' | b'{' => skip_brackets(bytes, at),
        b'`' => (at + 2).min(bytes.len()),
        b'@' => skip_here_string(bytes, at).unwrap_or(at + 1),
        _ => at + 1,
    }
}

/// The place behind the here-string that begins at `at`, if one does.
pub(super) fn skip_here_string(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = *bytes.get(at + 1)?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let rest = bytes.get(at + 2..)?;
    let head = rest
        .iter()
        .position(|it| !matches!(it, b' ' | b'\t' | b'\r'))?;
    if rest[head] != b'\n' {
        return None;
    }
    let end = [b'\n', quote, b'@'];
    let rest = &rest[head..];
    let found = rest.windows(3).position(|it| it == end);
    Some(found.map_or(bytes.len(), |n| at + 2 + head + n + 3))
}

pub(super) fn skip_single(bytes: &[u8], at: usize) -> usize {
    bytes[(at + 1).min(bytes.len())..]
        .iter()
        .position(|byte| *byte == b'\'')
        .map_or(bytes.len(), |n| at + n + 2)
}

pub(super) fn skip_double(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'`' => at += 2,
            b'"' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'(') => at = skip_brackets(bytes, at + 1),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The place behind the bracket that closes the one at `at`. Quotes and comments inside count.
///
/// The stack is explicit: the text may be nested as deep as it is long.
pub(super) fn skip_brackets(bytes: &[u8], mut at: usize) -> usize {
    // `"` stands for a string that goes on behind a `$(…)` inside of it.
    let mut stack: Vec<u8> = Vec::new();
    loop {
        let Some(byte) = bytes.get(at) else {
            return bytes.len();
        };
        if stack.last() == Some(&b'"') {
            match byte {
                b'`' => at += 2,
                b'"' => {
                    stack.pop();
                    at += 1;
                }
                b'$' if bytes.get(at + 1) == Some(&b'(') => {
                    stack.push(b')');
                    at += 2;
                }
                _ => at += 1,
            }
            continue;
        }
        match byte {
            b'(' => stack.push(b')'),
            b'{' => stack.push(b'}'),
            b')' | b'}' => {
                stack.pop();
                if stack.is_empty() {
                    return at + 1;
                }
            }
            b'\'' => {
                at = skip_single(bytes, at);
                continue;
            }
            b'@' if skip_here_string(bytes, at).is_some() => {
                at = skip_here_string(bytes, at).unwrap_or(bytes.len());
                continue;
            }
            b'"' => stack.push(b'"'),
            b'`' => at += 1,
            b'#' if at > 0
                && matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b';' | b'{' | b'(') =>
            {
                at = bytes[at..]
                    .iter()
                    .position(|it| *it == b'\n')
                    .map_or(bytes.len(), |n| at + n);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}
