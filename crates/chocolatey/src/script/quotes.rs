//! Typographic quotes: `PowerShell` takes them for `'` and `"`, the grammar for letters.

use std::borrow::Cow;

const SINGLE: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
const DOUBLE: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];

/// The text with plain quotes wherever one begins or ends a string. Lines stay where they are.
pub(super) fn straightened(text: &str) -> Cow<'_, str> {
    let is_typographic = |c: char| !c.is_ascii() && (SINGLE.contains(&c) || DOUBLE.contains(&c));
    if !text.contains(is_typographic) {
        return Cow::Borrowed(text);
    }
    let mut straight = Straight {
        chars: text.chars().collect(),
        at: 0,
        written: String::with_capacity(text.len()),
        inside: Vec::new(),
    };
    while straight.at < straight.chars.len() {
        match straight.inside.last() {
            Some(Inside::Text) => straight.in_text(),
            Some(Inside::Here) => straight.in_here_string(),
            Some(Inside::Code(_)) | None => straight.in_code(),
        }
    }
    Cow::Owned(straight.written)
}

/// What stands around a place, besides the script itself.
enum Inside {
    /// A string in double quotes.
    Text,
    /// A here-string with double quotes.
    Here,
    /// A `$( )` in one of these, with so many open brackets.
    Code(usize),
}

struct Straight {
    chars: Vec<char>,
    at: usize,
    written: String,
    inside: Vec<Inside>,
}

impl Straight {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn is_next(&self, ahead: usize, set: &[char]) -> bool {
        self.peek(ahead).is_some_and(|it| set.contains(&it))
    }

    /// Takes so many characters as they are.
    fn copy(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.written.extend(&self.chars[self.at..end]);
        self.at = end;
    }

    /// Writes something for so many characters.
    fn put(&mut self, text: &str, count: usize) {
        self.written.push_str(text);
        self.at = (self.at + count).min(self.chars.len());
    }

    /// Takes all up to where the text ends or the test holds, looked at from there.
    fn copy_until(&mut self, test: impl Fn(&Self) -> bool) {
        while self.at < self.chars.len() && !test(self) {
            self.copy(1);
        }
    }

    fn in_code(&mut self) {
        match self.peek(0) {
            Some('`') => self.copy(2),
            Some('#') if self.begins_word() => {
                self.copy_until(|it| it.is_next(0, &['\n', '\r']));
            }
            Some('<') if self.is_next(1, &['#']) => {
                self.copy(2);
                self.copy_until(|it| it.is_next(0, &['#']) && it.is_next(1, &['>']));
                self.copy(2);
            }
            Some('$') if self.is_next(1, &['{']) => self.copy_until(|it| it.is_next(0, &['}'])),
            Some('@') if self.begins_here_string(&SINGLE) => {
                self.put("@'", 2);
                self.copy_until(|it| it.ends_here_string(&SINGLE));
                self.end_here_string("'");
            }
            Some('@') if self.begins_here_string(&DOUBLE) => {
                self.put("@\"", 2);
                self.inside.push(Inside::Here);
            }
            Some(c) if SINGLE.contains(&c) => self.single(),
            Some(c) if DOUBLE.contains(&c) => {
                self.put("\"", 1);
                self.inside.push(Inside::Text);
            }
            Some(c @ ('(' | ')')) => {
                self.copy(1);
                if let Some(Inside::Code(open)) = self.inside.last_mut() {
                    if c == '(' {
                        *open += 1;
                    } else {
                        *open -= 1;
                    }
                    if *open == 0 {
                        self.inside.pop();
                    }
                }
            }
            _ => self.copy(1),
        }
    }

    /// A string in single quotes, of whatever kind each is.
    fn single(&mut self) {
        self.put("'", 1);
        while let Some(c) = self.peek(0) {
            if !SINGLE.contains(&c) {
                self.copy(1);
            } else if self.is_next(1, &SINGLE) {
                // Two of them stand for the first.
                let kept = if c == '\'' {
                    "''".to_owned()
                } else {
                    c.to_string()
                };
                self.put(&kept, 2);
            } else {
                self.put("'", 1);
                return;
            }
        }
    }

    fn in_text(&mut self) {
        match self.peek(0) {
            Some('`') => self.copy(2),
            Some(c) if DOUBLE.contains(&c) && self.is_next(1, &DOUBLE) => {
                let kept = if c == '"' {
                    "\"\"".to_owned()
                } else {
                    c.to_string()
                };
                self.put(&kept, 2);
            }
            Some(c) if DOUBLE.contains(&c) => {
                self.put("\"", 1);
                self.inside.pop();
            }
            _ => self.in_both(),
        }
    }

    fn in_here_string(&mut self) {
        if self.ends_here_string(&DOUBLE) {
            self.end_here_string("\"");
            self.inside.pop();
        } else if self.peek(0) == Some('`') && !self.is_next(1, &['\n', '\r']) {
            self.copy(2);
        } else {
            self.in_both();
        }
    }

    fn in_both(&mut self) {
        if self.peek(0) == Some('$') && self.is_next(1, &['(']) {
            self.copy(2);
            self.inside.push(Inside::Code(1));
        } else {
            self.copy(1);
        }
    }

    fn begins_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        before.is_none_or(|it| it.is_whitespace() || "({,;|&=})]".contains(*it))
    }

    fn begins_here_string(&self, quotes: &[char]) -> bool {
        let mut rest = self.chars.get(self.at + 2..).unwrap_or_default().iter();
        let head = rest.find(|it| !matches!(it, ' ' | '\t' | '\r'));
        self.is_next(1, quotes) && head == Some(&'\n')
    }

    fn ends_here_string(&self, quotes: &[char]) -> bool {
        self.is_next(0, &['\n']) && self.is_next(1, quotes) && self.is_next(2, &['@'])
    }

    fn end_here_string(&mut self, quote: &str) {
        if self.at < self.chars.len() {
            self.put(&format!("\n{quote}@"), 3);
        }
    }
}
