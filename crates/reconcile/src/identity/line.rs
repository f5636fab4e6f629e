//! Lines of versions that live side by side: Python 3.11 and 3.12, Visual C++ 2010 and 2013.

use crate::normal::{Name, Word, is_platform, number_parts};

/// A line that a package is bound to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// `3.11`, `8`, `2010`: what its versions begin with.
    Numbers(Vec<String>),
    /// `2015-2022`.
    Years(u32, u32),
}

/// Whether a row belongs to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// Its numbers say another line.
    No,
    /// It has no numbers.
    Unknown,
    /// Its numbers say this line.
    Yes,
}

/// All numbers of an installed row.
#[derive(Debug, Default)]
pub(crate) struct RowNumbers {
    /// Versions in the name.
    named: Vec<Vec<String>>,
    /// Numbers that are words of the name.
    words: Vec<String>,
    /// The registered version.
    registered: Vec<String>,
}

impl RowNumbers {
    pub(crate) fn of(name: &Name, version: &str) -> Self {
        let parts = |text: &str| number_parts(text).into_iter().map(str::to_owned).collect();
        Self {
            named: name.versions.iter().map(|it| parts(it)).collect(),
            words: name
                .words
                .iter()
                .filter(|word| word.is_number())
                .map(|word| word.text.clone())
                .collect(),
            registered: parts(version),
        }
    }

    /// The first number of its version: in the name, or as it is registered.
    pub(crate) fn major(&self) -> Option<&str> {
        let versions = self.named.iter().chain([&self.registered]);
        versions.flatten().next().map(String::as_str)
    }

    /// Whether a number in the name is the version's own: `5` of 5.1.3, `2022` of 22.4, `2307` of 23.7.
    pub(crate) fn explains(&self, number: &str) -> bool {
        let mut versions = self.named.iter().chain([&self.registered]);
        versions.any(|version| begins_with_number(version, number))
    }
}

/// Whether a version is of the line that a number names: its first number, its year, or its first two.
pub(crate) fn begins_with_number(version: &[String], number: &str) -> bool {
    let Some(major) = version.first() else {
        return false;
    };
    if major == number || number.strip_prefix("20") == Some(major) {
        return true;
    }
    let Some(minor) = version.get(1) else {
        return false;
    };
    number == format!("{major}{minor}") || number == format!("{major}{minor:0>2}")
}

impl Line {
    /// The line that a word or version of a title names.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if let Some((from, to)) = text.split_once('-')
            && let (Ok(from), Ok(to)) = (from.parse(), to.parse())
            && text.len() == 9
        {
            return Some(Self::Years(from, to));
        }
        let parts: Vec<String> = number_parts(text).into_iter().map(str::to_owned).collect();
        (!parts.is_empty()).then_some(Self::Numbers(parts))
    }

    /// Whether the row belongs to it.
    pub(crate) fn fit(&self, row: &RowNumbers) -> Fit {
        let is_bare = row.named.is_empty() && row.words.is_empty() && row.registered.is_empty();
        let fits = match self {
            Self::Numbers(line) => {
                let begins = |version: &Vec<String>| version.starts_with(line);
                let is_said = row.words.iter().any(|it| self.is_named_by(it));
                // A year in the name is the line; the registered version counts otherwise.
                let names_year = year(line).is_some() && row.words.iter().any(|it| is_year(it));
                is_said
                    || row.named.iter().any(begins)
                    || (!names_year
                        && (begins(&row.registered)
                            || (line.len() == 1 && begins_with_number(&row.registered, &line[0]))))
            }
            Self::Years(..) => row.words.iter().any(|it| self.is_named_by(it)),
        };
        match (fits, is_bare) {
            (true, _) => Fit::Yes,
            (false, true) => Fit::Unknown,
            (false, false) => Fit::No,
        }
    }

    /// Whether a word of a name says this line.
    pub(crate) fn is_named_by(&self, word: &str) -> bool {
        match (self, Self::of(word)) {
            // The range grows with each year's release of the same thing.
            (Self::Years(from, _), Some(Self::Years(same, _))) => *from == same,
            (Self::Years(from, to), Some(Self::Numbers(number))) => {
                year(&number).is_some_and(|it| (*from..=*to).contains(&it))
            }
            (Self::Numbers(line), _) => line.len() == 1 && line[0] == word,
            (Self::Years(..), None) => false,
        }
    }

    /// Whether it is a year or several.
    pub(crate) fn is_year(&self) -> bool {
        match self {
            Self::Numbers(line) => year(line).is_some(),
            Self::Years(..) => true,
        }
    }

    /// How narrow it is: `3.11` is narrower than `3`.
    pub(crate) fn narrowness(&self) -> usize {
        match self {
            Self::Numbers(parts) => 2 * parts.len(),
            Self::Years(..) => 1,
        }
    }
}

pub(crate) fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

fn year(line: &[String]) -> Option<u32> {
    match line {
        [one] if is_year(one) => one.parse().ok(),
        _ => None,
    }
}

/// The numbers of a title that name lines: all but the first word, and the versions. The one behind
/// `Windows` says where it runs.
pub(crate) fn lines(name: &Name) -> Vec<Line> {
    let is_line = |(at, word): &(usize, &Word)| {
        *at > 0 && word.is_number() && !word.aside && !is_platform(name, *at)
    };
    let words = name.words.iter().enumerate().filter(is_line);
    let mut lines: Vec<Line> = words
        .filter_map(|(_, word)| Line::of(&word.text))
        .chain(name.versions.iter().filter_map(|it| Line::of(it)))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}
