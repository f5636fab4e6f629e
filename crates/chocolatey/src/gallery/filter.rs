//! The part of `OData` v2's `$filter` that NuGet clients use.
//!
//! Comparisons of texts do not mind letter case, as in NuGet's own galleries; versions compare as
//! versions. What is not understood is an error and never an empty answer.

use std::borrow::Cow;
use std::cmp::Ordering;

use fleetmend_versions::nuget::Version;

use super::budget::{Budget, PART};
use super::entry::{Entry, Latest};

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
    pub(super) fn from_word(word: &str) -> Option<Self> {
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
            pub(super) fn from_word(word: &str) -> Option<Self> {
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

    /// Whether an entry passes; says nothing once the budget is spent.
    pub(super) fn passes(&self, entry: &Entry, latest: Latest, budget: &Budget) -> bool {
        matches!(self.value(entry, latest, budget), Value::Bool(true))
    }

    fn value<'a>(&'a self, entry: &'a Entry, latest: Latest, budget: &Budget) -> Value<'a> {
        budget.spend(PART);
        if budget.is_spent() {
            return Value::Null;
        }
        let passes = |expr: &Self| expr.passes(entry, latest, budget);
        let text = |expr: &'a Self| match expr.value(entry, latest, budget) {
            Value::Text(text) => {
                budget.spend(text.len());
                Some(text)
            }
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
            Self::Not(inner) => Value::Bool(!passes(inner)),
            Self::And(a, b) => Value::Bool(passes(a) && passes(b)),
            Self::Or(a, b) => Value::Bool(passes(a) || passes(b)),
            Self::Compare(op, a, b) => {
                let value = |expr: &'a Self| {
                    let value = expr.value(entry, latest, budget);
                    if let Value::Text(text) = &value {
                        budget.spend(text.len());
                    }
                    value
                };
                Value::Bool(op.holds(compare(&value(a), &value(b))))
            }
        }
    }
}

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_lower) {
        text
    } else {
        text.to_lowercase().into()
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
        (Value::Version(a), Value::Text(b)) => Some((*a).cmp(&Version::parse_any(b).ok()?)),
        (Value::Text(a), Value::Version(b)) => Some(Version::parse_any(a).ok()?.cmp(b)),
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
