//! The names that a package's software may be registered by.

use std::collections::HashSet;

use super::title::editions_beyond;
use crate::normal::{Name, Word, is_component, is_edition, is_empty_word, is_soft};
use crate::pattern::Pattern;

/// Where a name is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// The package's title.
    Title,
    /// The package's id.
    Id,
    /// The package's pattern for registered names.
    Pattern,
}

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnName {
    /// Words joined.
    pub(crate) key: String,
    pub(crate) source: Source,
    /// Words of the source that the key leaves out and that are not explained.
    pub(crate) lacks: Vec<String>,
}

/// Words that a maker's name has before the product's, at most.
const MAKER: usize = 2;

pub(super) fn own_names(
    title: &Name,
    id: &Name,
    patterns: &[Pattern],
    makers: &HashSet<String>,
) -> Vec<OwnName> {
    let mut names = Names {
        makers,
        found: Vec::new(),
    };
    let of_id: Vec<String> = editions_beyond(id, title).map(str::to_owned).collect();
    // Asides and what stands behind a dash describe the product, but for an edition.
    let main: Vec<&Word> = title
        .words
        .iter()
        .filter(|it| !it.aside && !it.behind)
        .collect();
    let described = title.words.iter().filter(|it| it.aside || it.behind);
    let mut lacks: Vec<String> = described
        .clone()
        .filter(|it| is_edition(&it.text))
        .map(|it| it.text.clone())
        .collect();
    lacks.extend(of_id.iter().cloned());
    // What the id says as well is no description.
    let id_key = id.key();
    let said = described.filter(|it| {
        let is_word = it.text.chars().count() > 3 && !is_empty_word(&it.text);
        is_word && !is_soft(&it.text) && it.behind && id_key.contains(&it.text)
    });
    lacks.extend(said.map(|it| it.text.clone()));
    names.add_all(&main, Source::Title, &lacks, MAKER);
    names.add_line_of_id(&id_key, &main);
    names.add_by_maker(&main);
    // A name of words between brackets: `Vim (gvim)`. It goes on from the name before them: `Eddie -
    // OpenVPN GUI` is not called `OpenVPN`.
    let all: Vec<&Word> = title.words.iter().collect();
    if all.len() > main.len() {
        let before = main.len().saturating_sub(1);
        names.add_all(&all, Source::Title, &of_id, MAKER.min(before));
    }
    // `firefox-dev`, titled `Firefox Developer Edition`: without its end the id names the ordinary one.
    let of_title = editions_beyond(title, id).filter(|_| id.channel.is_some());
    let of_title: Vec<String> = of_title.map(str::to_owned).collect();
    names.add_id(&id.words.iter().collect::<Vec<_>>(), &of_title);
    for pattern in patterns {
        let name = Name::of(&pattern.without_wildcards(), "");
        let of_id: Vec<String> = editions_beyond(id, &name).map(str::to_owned).collect();
        names.add_all(
            &name.words.iter().collect::<Vec<_>>(),
            Source::Pattern,
            &of_id,
            MAKER,
        );
    }
    names.found
}

/// Whether a word alone could be a product's name.
fn says_something(word: &str) -> bool {
    !is_empty_word(word) && !is_soft(word) && !is_edition(word) && !is_component(word)
}

struct Names<'m> {
    makers: &'m HashSet<String>,
    found: Vec<OwnName>,
}

impl Names<'_> {
    /// The words as they are, without the maker before them in as many words as it may be, without soft words behind them, and
    /// each of these without numbers.
    fn add_all(&mut self, words: &[&Word], source: Source, lacks: &[String], most_before: usize) {
        let mut lacks = lacks.to_vec();
        for start in 0..words.len().min(most_before + 1) {
            let rest = &words[start..];
            // `MEGA for Edge` is not `Edge`, and what is left must name something.
            let is_name = rest.first().is_some_and(|it| !is_empty_word(&it.text))
                && rest.iter().any(|it| says_something(&it.text));
            if start == 0 || is_name {
                self.add_ends(rest, source, &lacks);
            }
            let text = words[start].text.as_str();
            match text {
                "the" | "microsoft" => {}
                _ if self.makers.contains(text) => lacks.push(text.to_owned()),
                _ => return,
            }
        }
    }

    /// The id, and what is left of it without the maker where the title is called so as well.
    fn add_id(&mut self, words: &[&Word], lacks: &[String]) {
        self.add_ends(words, Source::Id, lacks);
        let Some((first, rest)) = words.split_first() else {
            return;
        };
        let key: String = rest.iter().map(|it| it.text.as_str()).collect();
        let is_title = self
            .found
            .iter()
            .any(|it| it.source == Source::Title && it.key == key);
        if self.makers.contains(&first.text) && is_title {
            let lacks: Vec<String> = [&first.text].into_iter().chain(lacks).cloned().collect();
            self.push(vec![&key], Source::Id, &lacks);
        }
    }

    fn add_ends(&mut self, words: &[&Word], source: Source, lacks: &[String]) {
        let mut lacks = lacks.to_vec();
        let mut end = words.len();
        while end > 0 {
            self.add(&words[..end], source, &lacks);
            end -= 1;
            let last = &words[end].text;
            if is_empty_word(last) {
                continue;
            }
            if !is_soft(last) && !is_edition(last) {
                return;
            }
            lacks.push(last.clone());
        }
    }

    /// `RealVNC Viewer`, titled `VNC Viewer`: its maker is called by the product's first word, and the
    /// product by the maker's.
    fn add_by_maker(&mut self, title: &[&Word]) {
        const LEAST: usize = 3;
        let Some((first, rest)) = title.split_first() else {
            return;
        };
        if rest.is_empty() || first.text.chars().count() < LEAST {
            return;
        }
        let goes_on = |it: &&String| it.len() > first.text.len() && it.ends_with(&first.text);
        let mut makers: Vec<&String> = self.makers.iter().filter(goes_on).collect();
        makers.sort();
        for maker in makers {
            let rest = rest.iter().map(|it| it.text.as_str());
            let words = [maker.as_str()].into_iter().chain(rest).collect();
            self.push(words, Source::Title, &[]);
        }
    }

    /// `python2` beside the title `Python 2.x`: the id is the title with its line.
    fn add_line_of_id(&mut self, id: &str, title: &[&Word]) {
        let key: String = title
            .iter()
            .filter(|it| !it.is_number())
            .map(|it| it.text.as_str())
            .collect();
        let is_line = id
            .strip_prefix(&key)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
        if is_line {
            self.push(vec![&key], Source::Id, &[]);
        }
    }

    fn add(&mut self, words: &[&Word], source: Source, lacks: &[String]) {
        self.push(
            words.iter().map(|it| it.text.as_str()).collect(),
            source,
            lacks,
        );
        let is_kept = |(at, it): &(usize, &&Word)| *at == 0 || !it.is_number();
        if words.iter().enumerate().all(|it| is_kept(&it)) {
            return;
        }
        let words = words.iter().enumerate().filter(is_kept);
        self.push(
            words.map(|(_, it)| it.text.as_str()).collect(),
            source,
            lacks,
        );
    }

    fn push(&mut self, words: Vec<&str>, source: Source, lacks: &[String]) {
        let key = words.concat();
        let is_known = self
            .found
            .iter()
            .any(|it| it.key == key && it.source == source && it.lacks.len() <= lacks.len());
        if key.chars().count() >= 2 && !is_known {
            self.found.push(OwnName {
                key,
                source,
                lacks: lacks.to_vec(),
            });
        }
    }
}
