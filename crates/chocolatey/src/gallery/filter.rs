//! The part of `OData` v2's `$filter` that NuGet clients use.
//!
//! Comparisons of texts do not mind letter case, as in NuGet's own galleries; versions compare as
//! versions. What is not understood is an error and never an empty answer.

use std::borrow::Cow;
use std::cmp::Ordering;

use fleetmend_versions::nuget::Version;

use super::entry::{Entry, Latest};

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// A condition on an entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Field(Field),
    Lower(Box<Expr>),
    Upper(Box<Expr>),
    /// The first in the second.
    Contains(Box<Expr>, Box<Expr>),
    StartsWith(Box<Expr>, Box<Expr>),
    EndsWith(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Op, Box<Expr>, Box<Expr>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            _ => return None,
        })
    }

    fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (Self::Eq, order) => order == Some(Ordering::Equal),
            (Self::Ne, order) => order != Some(Ordering::Equal),
            (_, None) => false,
            (Self::Lt, Some(order)) => order.is_lt(),
            (Self::Le, Some(order)) => order.is_le(),
            (Self::Gt, Some(order)) => order.is_gt(),
            (Self::Ge, Some(order)) => order.is_ge(),
        }
    }
}

macro_rules! fields {
    ($($name:ident),+ $(,)?) => {
        /// A property of NuGet's entity type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($name),+ }

        impl Field {
            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $(stringify!($name) => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}
fields!(
    Id,
    Version,
    NormalizedVersion,
    Title,
    Authors,
    Summary,
    Description,
    ProjectUrl,
    IconUrl,
    ReleaseNotes,
    Owners,
    LicenseUrl,
    Tags,
    Created,
    LastUpdated,
    LastEdited,
    Published,
    PackageSize,
    DownloadCount,
    VersionDownloadCount,
    IsLatestVersion,
    IsAbsoluteLatestVersion,
    IsPrerelease,
    Listed,
    IsApproved,
    IsDownloadCacheAvailable,
    RequireLicenseAcceptance,
    PackageStatus,
    PackageTestResultStatus,
    DownloadCacheStatus,
);

enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    Version(&'a Version),
}

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

    /// The id, lower case, that every entry which passes must have; `None` where there is no one.
    pub(super) fn only_id(&self) -> Option<String> {
        match self {
            Self::And(a, b) => a.only_id().or_else(|| b.only_id()),
            Self::Compare(Op::Eq, a, b) => match (&**a, &**b) {
                (Self::Text(text), field) | (field, Self::Text(text)) => {
                    let is_id = match field {
                        Self::Field(Field::Id) => true,
                        Self::Lower(inner) | Self::Upper(inner) => {
                            **inner == Self::Field(Field::Id)
                        }
                        _ => false,
                    };
                    is_id.then(|| text.to_lowercase())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an entry passes.
    pub(super) fn passes(&self, entry: &Entry, latest: Latest) -> bool {
        matches!(self.value(entry, latest), Value::Bool(true))
    }

    fn value<'a>(&'a self, entry: &'a Entry, latest: Latest) -> Value<'a> {
        let text = |expr: &'a Self| match expr.value(entry, latest) {
            Value::Text(text) => Some(text),
            Value::Version(version) => Some(version.to_string().into()),
            _ => None,
        };
        let holds = |a: &'a Self, b: &'a Self, test: fn(&str, &str) -> bool| {
            Value::Bool(match (text(a), text(b)) {
                (Some(a), Some(b)) => test(&lower(a), &lower(b)),
                _ => false,
            })
        };
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text.into()),
            Self::Field(field) => field.value(entry, latest),
            Self::Lower(inner) if **inner == Self::Field(Field::Id) => {
                Value::Text(Cow::Borrowed(&entry.id_key))
            }
            Self::Lower(inner) => text(inner).map_or(Value::Null, |it| Value::Text(lower(it))),
            Self::Upper(inner) => {
                text(inner).map_or(Value::Null, |it| Value::Text(it.to_uppercase().into()))
            }
            Self::Contains(needle, hay) => holds(hay, needle, |hay, needle| hay.contains(needle)),
            Self::StartsWith(hay, start) => holds(hay, start, |hay, it| hay.starts_with(it)),
            Self::EndsWith(hay, end) => holds(hay, end, |hay, it| hay.ends_with(it)),
            Self::Not(inner) => Value::Bool(!inner.passes(entry, latest)),
            Self::And(a, b) => Value::Bool(a.passes(entry, latest) && b.passes(entry, latest)),
            Self::Or(a, b) => Value::Bool(a.passes(entry, latest) || b.passes(entry, latest)),
            Self::Compare(op, a, b) => {
                let order = compare(&a.value(entry, latest), &b.value(entry, latest));
                Value::Bool(op.holds(order))
            }
        }
    }
}

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        text.to_lowercase().into()
    } else {
        text
    }
}

/// `None` where the two cannot be compared; null equals only null.
fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => {
            Some(lower(Cow::Borrowed(a)).cmp(&lower(Cow::Borrowed(b))))
        }
        (Value::Version(a), Value::Version(b)) => Some(a.cmp(b)),
        (Value::Version(a), Value::Text(b)) => Some((*a).cmp(&Version::parse(b).ok()?)),
        (Value::Text(a), Value::Version(b)) => Some(Version::parse(a).ok()?.cmp(b)),
        _ => None,
    }
}

impl Field {
    fn value(self, entry: &Entry, latest: Latest) -> Value<'_> {
        let nuspec = &entry.item.nuspec;
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        let given = match self {
            Self::Authors => &nuspec.authors,
            Self::Summary => &nuspec.summary,
            Self::Description => &nuspec.description,
            Self::ProjectUrl => &nuspec.project_url,
            Self::IconUrl => &nuspec.icon_url,
            Self::ReleaseNotes => &nuspec.release_notes,
            Self::Owners => &nuspec.owners,
            Self::LicenseUrl => &nuspec.license_url,
            _ => &None,
        };
        match self {
            Self::Id => Value::Text(Cow::Borrowed(&nuspec.id)),
            Self::Version | Self::NormalizedVersion => Value::Version(entry.version()),
            Self::Title => Value::Text(Cow::Borrowed(nuspec.title.as_ref().unwrap_or(&nuspec.id))),
            Self::Authors
            | Self::Summary
            | Self::Description
            | Self::ProjectUrl
            | Self::IconUrl
            | Self::ReleaseNotes
            | Self::Owners
            | Self::LicenseUrl => given
                .as_ref()
                .map_or(Value::Null, |text| Value::Text(Cow::Borrowed(text))),
            Self::Tags => Value::Text(Cow::Borrowed(&entry.tags)),
            Self::Created | Self::LastUpdated | Self::LastEdited => {
                Value::Text(Cow::Borrowed(&entry.item.created))
            }
            Self::Published => Value::Text(Cow::Borrowed(entry.published())),
            Self::PackageSize => Value::Number(entry.item.size as f64),
            Self::DownloadCount | Self::VersionDownloadCount => Value::Number(0.0),
            Self::IsLatestVersion => Value::Bool(latest.stable),
            Self::IsAbsoluteLatestVersion => Value::Bool(latest.absolute),
            Self::IsPrerelease => Value::Bool(nuspec.normalised.is_prerelease()),
            Self::Listed => Value::Bool(entry.item.listed),
            Self::IsApproved => Value::Bool(true),
            Self::IsDownloadCacheAvailable => Value::Bool(false),
            Self::RequireLicenseAcceptance => Value::Bool(nuspec.requires_license_acceptance),
            Self::PackageStatus => text("Approved"),
            Self::PackageTestResultStatus | Self::DownloadCacheStatus => text("Unknown"),
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

fn cut(word: &str) -> String {
    word.chars().take(60).collect()
}
