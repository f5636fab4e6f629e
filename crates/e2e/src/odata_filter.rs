//! The part of OData v2's `$filter` that NuGet clients use: comparisons of a package's fields with
//! literals, `tolower`, `substringof`, `startswith`, `and`, `or`, `not` and parentheses.
//!
//! What is not understood is an error, which the feed answers with 400, as real feeds do.

use std::cmp::Ordering;

/// A value of a field or a literal.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Value {
    Bool(bool),
    Text(String),
    Number(f64),
}

/// Whether a package, whose fields `field` gives by name, passes the filter.
pub(crate) fn matches(filter: &str, field: &dyn Fn(&str) -> Option<Value>) -> Result<bool, String> {
    let mut parser = Parser {
        tokens: tokenize(filter)?,
        position: 0,
        field,
    };
    let result = parser.disjunction()?;
    match parser.peek() {
        None => truth(&result),
        Some(token) => Err(format!("unexpected {token:?} in $filter")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Symbol(char),
}

fn tokenize(filter: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        match first {
            ' ' => rest = &rest[1..],
            '(' | ')' | ',' => {
                tokens.push(Token::Symbol(first));
                rest = &rest[1..];
            }
            '\'' => {
                let (text, after) = string_literal(&rest[1..])?;
                tokens.push(Token::Literal(Value::Text(text)));
                rest = after;
            }
            _ => {
                let end = rest.find([' ', '(', ')', ',', '\'']).unwrap_or(rest.len());
                let word = &rest[..end];
                rest = &rest[end..];
                tokens.push(match word {
                    "true" => Token::Literal(Value::Bool(true)),
                    "false" => Token::Literal(Value::Bool(false)),
                    // datetime'2024-01-01T00:00:00': times in this form sort as texts.
                    "datetime" => continue,
                    _ => word.parse().map_or_else(
                        |_| Token::Word(word.to_owned()),
                        |number| Token::Literal(Value::Number(number)),
                    ),
                });
            }
        }
    }
    Ok(tokens)
}

/// Reads up to the closing quote; a doubled quote stands for itself.
fn string_literal(mut rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    loop {
        let end = rest
            .find('\'')
            .ok_or("a text in $filter has no closing quote")?;
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with('\'') {
            return Ok((text, rest));
        }
        text.push('\'');
        rest = &rest[1..];
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    position: usize,
    field: &'a dyn Fn(&str) -> Option<Value>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn take(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("$filter ends too early")?;
        self.position += 1;
        Ok(token)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: char) -> Result<(), String> {
        match self.take()? {
            Token::Symbol(found) if found == symbol => Ok(()),
            other => Err(format!("{other:?} in $filter where {symbol} should be")),
        }
    }

    fn disjunction(&mut self) -> Result<Value, String> {
        let mut left = self.conjunction()?;
        while self.take_word("or") {
            let right = self.conjunction()?;
            left = Value::Bool(truth(&left)? | truth(&right)?);
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Value, String> {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            let right = self.comparison()?;
            left = Value::Bool(truth(&left)? & truth(&right)?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Value, String> {
        if self.take_word("not") {
            let value = self.comparison()?;
            return Ok(Value::Bool(!truth(&value)?));
        }
        let left = self.operand()?;
        let holds: fn(Ordering) -> bool = match self.peek() {
            Some(Token::Word(word)) => match word.as_str() {
                "eq" => Ordering::is_eq,
                "ne" => Ordering::is_ne,
                "gt" => Ordering::is_gt,
                "ge" => Ordering::is_ge,
                "lt" => Ordering::is_lt,
                "le" => Ordering::is_le,
                _ => return Ok(left),
            },
            _ => return Ok(left),
        };
        self.position += 1;
        let right = self.operand()?;
        let order = left
            .partial_cmp(&right)
            .ok_or("$filter compares what has no order")?;
        Ok(Value::Bool(holds(order)))
    }

    fn operand(&mut self) -> Result<Value, String> {
        match self.take()? {
            Token::Literal(value) => Ok(value),
            Token::Symbol('(') => {
                let value = self.disjunction()?;
                self.expect(')')?;
                Ok(value)
            }
            Token::Symbol(symbol) => Err(format!("unexpected {symbol} in $filter")),
            Token::Word(word) if self.peek() == Some(&Token::Symbol('(')) => self.function(&word),
            Token::Word(word) => {
                (self.field)(&word).ok_or_else(|| format!("no property {word} to filter by"))
            }
        }
    }

    fn function(&mut self, name: &str) -> Result<Value, String> {
        self.expect('(')?;
        let first = text(self.disjunction()?)?;
        if name == "tolower" {
            self.expect(')')?;
            return Ok(Value::Text(first.to_lowercase()));
        }
        self.expect(',')?;
        let second = text(self.disjunction()?)?;
        self.expect(')')?;
        match name {
            "substringof" => Ok(Value::Bool(second.contains(&first))),
            "startswith" => Ok(Value::Bool(first.starts_with(&second))),
            "endswith" => Ok(Value::Bool(first.ends_with(&second))),
            _ => Err(format!("no function {name} to filter by")),
        }
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(format!("{other:?} in $filter is neither true nor false")),
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("{other:?} in $filter where a text should be")),
    }
}
