//! The packages' own patterns for `DisplayName`, indexed so that one name meets only the few
//! patterns that could fit it.

use std::collections::HashMap;

use fleetmend_model::name_pattern;

/// The longest pattern that is used, in bytes. Real ones stay under 120.
const MAX_PATTERN: usize = 256;
/// The most `*` in a pattern: bounds the time of one comparison.
const MAX_STARS: usize = 8;
/// The longest name that is looked at, in bytes: Windows shows 255 characters at most.
pub(crate) const MAX_NAME: usize = 1024;
/// Letters and digits that a pattern must name to be more than a chance.
const SPECIFIC: usize = 4;
/// Length of the inner texts by which patterns without a literal start are found, in characters.
const GRAM: usize = 3;

/// A pattern that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// As the package has it.
    pub(crate) text: String,
}

impl Pattern {
    /// `None` for what is no usable pattern: empty, not plain, out of bounds, or naming so little that
    /// it fits by chance.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let stars = text.chars().filter(|&c| c == '*').count();
        let is_within_bounds = text.len() <= MAX_PATTERN && stars <= MAX_STARS;
        let is_specific = text.chars().filter(|c| c.is_alphanumeric()).count() >= SPECIFIC;
        let is_usable = is_specific && is_within_bounds && name_pattern::is_plain(text);
        is_usable.then(|| Self {
            text: text.to_owned(),
        })
    }

    /// Whether a registered name fits it.
    pub(crate) fn fits(&self, name: &str) -> bool {
        name_pattern::matches(&self.text, name)
    }

    /// What every name that fits begins with, in lower case.
    pub(crate) fn start(&self) -> String {
        let folded = fold(&self.text);
        folded
            .split(['*', '?'])
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// Its literal text.
    pub(crate) fn without_wildcards(&self) -> String {
        self.text.replace(['*', '?'], " ")
    }
}

/// Patterns by what a name must begin with or hold for them to fit.
#[derive(Debug, Default)]
pub(crate) struct PatternIndex {
    by_start: HashMap<Box<str>, Vec<u32>>,
    longest_start: usize,
    by_gram: HashMap<Box<str>, Vec<u32>>,
    others: Vec<u32>,
}

impl PatternIndex {
    /// `owner` is what [`Self::fitting`] gives back.
    pub(crate) fn insert(&mut self, pattern: &Pattern, owner: u32) {
        match Place::of(&pattern.text) {
            Place::Start(start) => {
                self.longest_start = self.longest_start.max(start.len());
                self.by_start.entry(start).or_default().push(owner);
            }
            Place::Gram(gram) => self.by_gram.entry(gram).or_default().push(owner),
            Place::Anywhere => self.others.push(owner),
        }
    }

    /// Takes one back.
    pub(crate) fn remove(&mut self, pattern: &Pattern, owner: u32) {
        match Place::of(&pattern.text) {
            Place::Start(start) => take_from(&mut self.by_start, &start, owner),
            Place::Gram(gram) => take_from(&mut self.by_gram, &gram, owner),
            Place::Anywhere => take(&mut self.others, owner),
        }
    }

    /// Owners whose pattern fits the name, each once, in rising order.
    pub(crate) fn fitting<'a>(
        &self,
        name: &str,
        patterns_of: impl Fn(u32) -> &'a [Pattern],
    ) -> Vec<u32> {
        if name.len() > MAX_NAME {
            return Vec::new();
        }
        let folded = fold(name);
        let mut owners = self.others.clone();
        for (at, c) in folded.char_indices() {
            let end = at + c.len_utf8();
            if end <= self.longest_start
                && let Some(found) = self.by_start.get(&folded[..end])
            {
                owners.extend(found);
            }
            if !self.by_gram.is_empty()
                && let Some(gram) = first_gram(&folded[at..])
                && let Some(found) = self.by_gram.get(gram)
            {
                owners.extend(found);
            }
        }
        owners.sort_unstable();
        owners.dedup();
        owners.retain(|&owner| {
            let mut patterns = patterns_of(owner).iter();
            patterns.any(|pattern| name_pattern::matches(&pattern.text, name))
        });
        owners
    }
}

/// Where a pattern is found.
enum Place {
    /// By its literal start.
    Start(Box<str>),
    /// By a text in the middle of it.
    Gram(Box<str>),
    Anywhere,
}

impl Place {
    fn of(pattern: &str) -> Self {
        let folded = fold(pattern);
        let mut literals = folded.split(['*', '?']);
        let start = literals.next().unwrap_or_default();
        if !start.is_empty() {
            return Self::Start(start.into());
        }
        let inner = literals.max_by_key(|literal| literal.chars().count());
        let gram = first_gram(inner.unwrap_or_default());
        gram.map_or(Self::Anywhere, |it| Self::Gram(it.into()))
    }
}

fn take_from(owners: &mut HashMap<Box<str>, Vec<u32>>, key: &str, owner: u32) {
    if let Some(of_key) = owners.get_mut(key) {
        take(of_key, owner);
        if of_key.is_empty() {
            owners.remove(key);
        }
    }
}

fn take(owners: &mut Vec<u32>, owner: u32) {
    if let Some(at) = owners.iter().position(|it| *it == owner) {
        owners.swap_remove(at);
    }
}

/// Lower case as [`name_pattern::matches`] has it: each character by itself.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn first_gram(text: &str) -> Option<&str> {
    let (at, last) = text.char_indices().nth(GRAM - 1)?;
    Some(&text[..at + last.len_utf8()])
}
