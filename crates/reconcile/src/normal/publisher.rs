//! Who made it, without the form of the company.

use super::fold;

/// Forms of companies. Source: the suffixes that WinGet's own normaliser leaves out.
const LEGAL: &str = "ab ad ag aps as asa bv co cv doo ges gesmbh gmbh inc kg ks ps llc lp ltd ltda mbh nv plc sl \
     pty pvt sa sarl sc sca sp spa srl sro company corp corporation holding holdings incorporated \
     limited subsidiary oy kft sas ev";

/// Words that say nothing about who it is.
const GENERIC: &str = "the team project projects developer developers development community foundation software \
     group labs lab technologies technology systems system solutions studio studios contributors \
     contributor open source international authors author org net com www http https and of for \
     by io dev et al others copyright de free";

/// A publisher as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Publisher {
    words: Vec<String>,
}

impl Publisher {
    /// From `Publisher`, an author, or the host of an address.
    pub fn of(text: &str) -> Self {
        let folded = fold(text);
        // `a.s.`, `B.V.`: the dots are no ends of words.
        let mut words: Vec<String> = Vec::new();
        for piece in folded.split(|c: char| !c.is_alphanumeric() && c != '.') {
            let letters: Vec<&str> = piece.split('.').filter(|it| !it.is_empty()).collect();
            let is_acronym = letters.len() > 1 && letters.iter().all(|it| it.chars().count() == 1);
            if is_acronym {
                words.push(letters.concat());
            } else {
                words.extend(letters.into_iter().map(str::to_owned));
            }
        }
        // A year, as in `(c) 2006-2011, …`.
        words.retain(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
        words.retain(|word| !matches!(word.as_str(), "http" | "https"));
        // The first word is a name, whatever it is.
        let mut first = true;
        words.retain(|word| std::mem::take(&mut first) || !is_one_of(LEGAL, word));
        Self { words }
    }

    /// All words in lower case, without forms of companies.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The words without space between them.
    pub fn key(&self) -> String {
        self.words.concat()
    }

    /// The words that say who it is.
    pub(crate) fn telling(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .map(String::as_str)
            .filter(|word| word.chars().count() > 1 && !is_one_of(GENERIC, word))
    }

    /// By what the catalog may know it: the whole, and the first word that says who it is.
    pub(crate) fn known_by(&self) -> Vec<String> {
        const LEAST: usize = 3;
        let first = self.telling().next();
        let first = first.filter(|it| it.chars().count() >= LEAST);
        let first = first.map(str::to_owned);
        std::iter::once(self.key()).chain(first).collect()
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// Whether a word is a form of company.
pub(crate) fn is_legal_form(word: &str) -> bool {
    is_one_of(LEGAL, word)
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split(' ').any(|it| it == word)
}
