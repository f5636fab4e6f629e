//! Reads `$filter`.

use super::filter::{Expr, Field, Op};
use crate::odata::cut;

/// The deepest nesting of brackets.
const MAX_DEPTH: usize = 64;

/// The most words and signs: several times what clients send. Conditions on conditions are nested as
/// deep as there are, and each is tried on every entry.
const MAX_TOKENS: usize = 400;

impl Expr {
    /// Reads a `$filter`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        };
        let expr = parser.either()?;
        match parser.tokens.get(parser.at) {
            None => Ok(expr),
            Some(token) => Err(format!("{} is not expected there", token.shown())),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Open,
    Close,
    Comma,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("'{word}'"),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Open => "'('".to_owned(),
            Self::Close => "')'".to_owned(),
            Self::Comma => "','".to_owned(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == MAX_TOKENS {
            return Err(format!("it has more than {MAX_TOKENS} words and signs"));
        }
        rest = match first {
            '(' | ')' | ',' => {
                tokens.push(match first {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
                &rest[1..]
            }
            '\'' => {
                let (text, after) = literal(&rest[1..])?;
                // Times in this form order as texts.
                if tokens.last() == Some(&Token::Word("datetime".to_owned())) {
                    tokens.pop();
                }
                tokens.push(Token::Text(text));
                after
            }
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "(),'".contains(c))
                    .unwrap_or(rest.len());
                let word = &rest[..end];
                tokens
                    .push(number(word).map_or_else(|| Token::Word(word.to_owned()), Token::Number));
                &rest[end..]
            }
        }
        .trim_start();
    }
    Ok(tokens)
}

/// A number, with the letter that `OData` may put behind it.
fn number(word: &str) -> Option<f64> {
    let first = word.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'-') {
        return None;
    }
    word.trim_end_matches(['L', 'M', 'd', 'f', 'D', 'F'])
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A text up to its closing quote; two quotes stand for one.
fn literal(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('\'') else {
            return Err("a text has no closing quote".to_owned());
        };
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Ok((value, rest)),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(it)) if it == word);
        self.at += usize::from(found);
        found
    }

    fn take(&mut self, token: &Token) -> Result<(), String> {
        if self.tokens.get(self.at) == Some(token) {
            self.at += 1;
            return Ok(());
        }
        Err(format!("{} is missing", token.shown()))
    }

    fn either(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.both()?;
        while self.take_word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            left = Expr::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let mut negations = 0_usize;
        while self.take_word("not") {
            negations += 1;
        }
        let left = self.operand()?;
        let op = match self.tokens.get(self.at) {
            Some(Token::Word(word)) => Op::from_word(word),
            _ => None,
        };
        let mut expr = match op {
            Some(op) => {
                self.at += 1;
                Expr::Compare(op, Box::new(left), Box::new(self.operand()?))
            }
            None => left,
        };
        if negations % 2 == 1 {
            expr = Expr::Not(Box::new(expr));
        }
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            None => Err("it ends too early".to_owned()),
            Some(Token::Text(text)) => Ok(Expr::Text(text)),
            Some(Token::Number(number)) => Ok(Expr::Number(number)),
            Some(Token::Open) => {
                let inner = self.either()?;
                self.take(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) => self.word(&word),
            Some(token) => Err(format!("{} is not expected there", token.shown())),
        }
    }

    fn word(&mut self, word: &str) -> Result<Expr, String> {
        match word {
            "null" => return Ok(Expr::Null),
            "true" => return Ok(Expr::Bool(true)),
            "false" => return Ok(Expr::Bool(false)),
            _ => {}
        }
        if self.tokens.get(self.at) != Some(&Token::Open) {
            return Field::from_word(word)
                .map(Expr::Field)
                .ok_or_else(|| format!("'{}' is not a property of packages", cut(word)));
        }
        self.at += 1;
        let first = Box::new(self.either()?);
        let expr = match word {
            "tolower" => Expr::Lower(first),
            "toupper" => Expr::Upper(first),
            "trim" => *first,
            "substringof" => Expr::Contains(first, self.second()?),
            "startswith" => Expr::StartsWith(first, self.second()?),
            "endswith" => Expr::EndsWith(first, self.second()?),
            _ => return Err(format!("the function '{}' is not known", cut(word))),
        };
        self.take(&Token::Close)?;
        Ok(expr)
    }

    fn second(&mut self) -> Result<Box<Expr>, String> {
        self.take(&Token::Comma)?;
        Ok(Box::new(self.either()?))
    }
}
