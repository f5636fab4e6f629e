//! What speaks against a package although its name is the row's.

use super::judge::{Found, Judging};
use super::maker::Maker;
use super::repackaged::Standing;
use crate::identity::{Source, Trait};
use crate::normal::{is_component, is_edition, is_platform, is_soft};

/// Letters that a name must have to be telling.
const LEAST: usize = 3;

impl Judging<'_> {
    /// In a part of a sentence; `None` where nothing does.
    pub(super) fn doubt(&self, found: &Found) -> Option<&'static str> {
        let identity = self.identity;
        let is_odd = found.own.source == Source::Pattern
            && !identity.is(Trait::CalledLikePatterns)
            && !(found.maker == Maker::Same && self.is_claimed_exactly());
        if !found.channels_meet {
            Some("it is a preview, and the package is not")
        } else if found.is_line_open {
            Some("the row has no version that says which line it is")
        } else if identity.is(Trait::Portable) && !self.by_pattern {
            Some("the package is a portable copy, which registers nothing")
        } else if self.standing() == Standing::Organisation {
            Some("the package is an organisation's own")
        } else if self.is_of_later_line() {
            Some("it is of a later line than the package")
        } else if is_odd {
            Some("the package's pattern names something else than the package")
        } else {
            self.doubt_by_words(found)
                .or_else(|| self.doubt_by_maker(found))
        }
    }

    /// `PowerShell 7` where the package is at 5: a number in the name is a line of its own.
    fn is_of_later_line(&self) -> bool {
        let row = self.row;
        let Some(major) = self.package_major().and_then(|it| it.parse::<u32>().ok()) else {
            return false;
        };
        let words = row.name.words.iter().enumerate().skip(1);
        let words = words.filter(|(at, it)| !it.aside && !is_platform(&row.name, *at));
        let mut numbers = words.filter_map(|(_, it)| it.text.parse::<u32>().ok());
        self.identity.lines.is_empty()
            && numbers.any(|it| it > major && row.numbers.explains(&it.to_string()))
    }

    /// The package's name may have a soft word or an edition more if its maker or its pattern speak
    /// for it.
    fn doubt_by_words(&self, found: &Found) -> Option<&'static str> {
        let identity = self.identity;
        let editions = || found.lacks.iter().filter(|it| is_edition(it));
        let lacks_edition = editions().next().is_some();
        if lacks_edition && !identity.pattern_words.is_empty() && !self.by_pattern {
            return Some("the package's own pattern does not fit");
        }
        // What only the title says may be the packager's remark.
        let is_in_id = |edition: &&&str| identity.id_words.iter().any(|it| it == **edition);
        if editions().any(|it| is_in_id(&it)) && !self.by_pattern {
            return Some("the package is an edition that the row does not name");
        }
        if found.left_over.is_other_edition {
            return Some("it is another edition than the package");
        }
        // `Example App` is not `Example Tool`.
        if found.left_over.says_kind && found.lacks.iter().any(|it| is_soft(it)) {
            return Some("the package's name says another kind of program");
        }
        let is_allowed = |word: &&str| {
            is_edition(word) || is_soft(word) || identity.author_words.contains(*word)
        };
        let is_backed = found.maker == Maker::Same
            || self.by_pattern
            || (found.maker == Maker::Silent && !lacks_edition && self.is_telling());
        let is_fine = found.lacks.is_empty() || (is_backed && found.lacks.iter().all(is_allowed));
        (!is_fine).then_some("the package's name has more words")
    }

    fn doubt_by_maker(&self, found: &Found) -> Option<&'static str> {
        let is_named_by_both =
            || self.is_whole(found, Source::Id) && self.is_whole(found, Source::Title);
        let is_telling = || self.by_pattern || self.is_telling();
        match found.maker {
            Maker::Same => None,
            Maker::Silent if is_telling() || is_named_by_both() => None,
            Maker::Silent => Some("the name alone says too little and no publisher is registered"),
            Maker::Stranger if is_telling() => None,
            Maker::Stranger => Some("the name says little and the publisher is another one"),
            Maker::Other if is_named_by_both() && (self.is_rare() || self.by_pattern) => None,
            Maker::Other => {
                Some("the publisher makes other packages of the catalog and not this one")
            }
        }
    }

    /// Whether the name says enough by itself.
    fn is_telling(&self) -> bool {
        let letters = self.part.key.chars().filter(|c| c.is_alphabetic()).count();
        letters >= LEAST && (self.used().count() > 1 || self.is_rare())
    }

    /// Whether the name has a word that hardly anybody else uses.
    fn is_rare(&self) -> bool {
        self.used().any(|it| self.index.is_rare(it))
    }

    /// The row's words that are the package's name.
    fn used(&self) -> impl Iterator<Item = &str> {
        let words = self.row.name.words.iter().zip(&self.part.used);
        words
            .filter(|(_, used)| **used)
            .map(|(word, _)| word.text.as_str())
    }

    /// Whether a person should see it: most of the name is the package's, and no word says that it is
    /// a part or a companion.
    pub(super) fn is_worth_a_look(&self, found: &Found) -> bool {
        let words = self.row.name.words.iter();
        // What stands behind `with` comes with it: `Ruby with MSYS2`.
        let words = words.take_while(|it| it.text != "with");
        let of_name: usize = words.map(|it| it.text.chars().count()).sum();
        let is_possible = match found.maker {
            Maker::Same | Maker::Silent => true,
            Maker::Stranger => self.is_telling(),
            Maker::Other => found.left_over.count + found.lacks.len() == 0 && self.is_telling(),
        };
        let mut unexplained = found.left_over.unexplained.iter();
        // `Zoom Workplace` by Zoom: its maker and its pattern speak for it, were it renamed.
        let is_backed = self.by_pattern && found.maker == Maker::Same;
        let is_most = self.part.key.chars().count() * 2 >= of_name
            || (is_backed
                && found.left_over.unexplained.len() == 1
                && !found.left_over.is_other_edition);
        is_possible && is_most && !unexplained.any(|it| is_component(it))
    }
}
