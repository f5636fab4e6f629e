//! A folded name in pieces.

/// A piece of a name, without space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Stands in brackets or quotes: an aside.
    pub(super) aside: bool,
    /// Stands in quotes: a code name.
    pub(super) quoted: bool,
    /// How many ` - `, `: ` or `|` stand before it.
    pub(super) segment: u8,
}

/// Splits at space, brackets and the marks between the parts of a name. What is joined by `.`, `-`,
/// `_`, `+` or `&` stays one piece until versions were taken out.
pub(super) fn tokens(folded: &str) -> Vec<Token> {
    let mut tokens = Tokens::default();
    let chars: Vec<char> = folded.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|it| chars.get(it)).copied();
        let after = chars.get(at + 1).copied();
        let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        match c {
            '(' | '[' | '{' | '<' | '（' | '【' | '«' => {
                tokens.end();
                tokens.depth = tokens.depth.saturating_add(1);
            }
            ')' | ']' | '}' | '>' | '）' | '】' | '»' => {
                tokens.end();
                tokens.depth = tokens.depth.saturating_sub(1);
            }
            '"' | '“' | '”' | '„' => {
                tokens.end();
                tokens.quoted = !tokens.quoted;
            }
            '\'' | '‘' | '’' | '`' => {
                // Within a word it is an apostrophe, which nobody writes twice the same way.
                if is_edge(before) || is_edge(after) {
                    tokens.end();
                    tokens.quoted = !tokens.quoted && is_edge(before);
                }
            }
            '|' | '•' | '·' | '–' | '—' => {
                tokens.end();
                tokens.segment = tokens.segment.saturating_add(1);
            }
            ':' if after.is_none_or(char::is_whitespace) => {
                tokens.end();
                tokens.segment = tokens.segment.saturating_add(1);
            }
            '-' if before.is_none_or(char::is_whitespace) => {
                tokens.end();
                if after.is_none_or(char::is_whitespace) {
                    tokens.segment = tokens.segment.saturating_add(1);
                }
            }
            ',' if !(before.is_some_and(|c| c.is_ascii_digit())
                && after.is_some_and(|c| c.is_ascii_digit())) =>
            {
                tokens.end();
            }
            ';' | '/' | '\\' => tokens.end(),
            c if c.is_whitespace() || c.is_control() => tokens.end(),
            c => tokens.text.push(c),
        }
    }
    tokens.end();
    tokens.done
}

#[derive(Default)]
struct Tokens {
    done: Vec<Token>,
    text: String,
    depth: u8,
    quoted: bool,
    segment: u8,
}

impl Tokens {
    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_matches(['.', '-', ':', '_', ',', '&', '!', '?', '*']);
        if !text.is_empty() {
            self.done.push(Token {
                text: text.to_owned(),
                aside: self.depth > 0 || self.quoted,
                quoted: self.quoted,
                segment: self.segment,
            });
        }
    }
}
