//! What a package says of itself: its names, its maker, and which line, channel and edition of the
//! product it is.

mod address;
mod claim;
mod line;
mod own_name;
mod title;

use std::collections::{BTreeSet, HashSet};

pub(crate) use claim::Claim;
pub(crate) use line::{Fit, Line, RowNumbers, begins_with_number, is_year};
pub(crate) use own_name::{OwnName, Source};

use crate::catalog::{CatalogPackage, family};
use crate::normal::{Architecture, Channel, Name, Publisher, channel_word, fold, is_empty_word};
use crate::pattern::Pattern;
use title::{spaced, without_remarks};

/// Kinds of package that register no software of their own, by the end of their id.
const NO_SOFTWARE: [&str; 9] = [
    ".extension",
    ".hook",
    ".template",
    "-psmodule",
    "-winconfig",
    "-font",
    "-chrome",
    "-firefox",
    "-edge",
];
/// What packages of extensions for a program pull in to be installed.
const INSTALLS_EXTENSIONS: &str = "chocolatey-vscode.extension";

/// What sets a package apart from an ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trait {
    /// For one architecture alone.
    ForArchitecture,
    /// Title or id begin as its patterns do.
    CalledLikePatterns,
    /// Brings files that register nowhere.
    Portable,
    /// Says nothing of itself but its id.
    Untitled,
    /// Its packager gave it up.
    Retired,
}

/// One package, as matching by name sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Names that its software may be registered by.
    pub(crate) names: Vec<OwnName>,
    /// The title for people, without remarks of the packager.
    pub(crate) title: String,
    /// Words of its patterns.
    pub(crate) pattern_words: HashSet<String>,
    /// Words of title and id.
    pub(crate) own_words: HashSet<String>,
    /// Words that the packager filed it under.
    pub(crate) tags: HashSet<String>,
    /// Words of the authors.
    pub(crate) author_words: HashSet<String>,
    /// Words that say who makes it, from authors and the project's address.
    pub(crate) maker_words: HashSet<String>,
    /// The same, one each.
    pub(crate) makers: BTreeSet<Publisher>,
    /// Those joined.
    pub(crate) maker_keys: BTreeSet<String>,
    /// Lines of versions that it is bound to.
    pub(crate) lines: Vec<Line>,
    pub(crate) channel: Option<Channel>,
    /// The architecture that it is for, where it is for one alone.
    pub(crate) architecture: Option<Architecture>,
    /// Words of the id.
    pub(crate) id_words: Vec<String>,
    /// Ids of packages that it pulls in.
    pub(crate) pulls_in: Vec<String>,
    /// Lines of its own name that it pulls in: `314` of `python314`.
    pub(crate) lines_pulled_in: Vec<String>,
    /// Patterns that name more than the begin of a name.
    pub(crate) claims: Vec<Claim>,
    /// The newest version.
    pub(crate) version: String,
    traits: HashSet<Trait>,
}

impl Identity {
    /// From the newest version that says anything.
    pub(crate) fn of(package: &CatalogPackage, patterns: &[Pattern]) -> Self {
        let id = family(&package.name).to_lowercase();
        let mut identity = Self::default();
        let is_extension = package
            .dependencies
            .iter()
            .any(|it| it.eq_ignore_ascii_case(INSTALLS_EXTENSIONS));
        if is_extension || NO_SOFTWARE.iter().any(|end| id.ends_with(end)) {
            return identity;
        }
        let (title, remarks) = without_remarks(&package.title);
        let is_retired = remarks.iter().any(|it| {
            let it = fold(it);
            it.contains("deprecated") || it.contains("retired") || it.contains("no longer")
        });
        let id_name = Name::of(&spaced(&id), "");
        let title_name = Name::of(if title.is_empty() { &id } else { title }, "");
        identity.title = if title.is_empty() {
            package.name.clone()
        } else {
            title.to_owned()
        };
        let is_portable = package.name.to_lowercase().ends_with(".portable")
            || title_name
                .words
                .iter()
                .any(|it| it.aside && it.text == "portable");
        // `firefox-dev` is titled `Firefox Developer Edition`, and registers so.
        let is_edition = title_name.words.iter().any(|it| it.text == "developer");
        let of_id = id_name.channel.filter(|_| !is_edition);
        identity.channel = title_name.channel.or(of_id);
        identity.architecture = title_name.architecture.or(id_name.architecture);
        identity.lines = line::lines(&title_name);
        if identity.lines.is_empty() {
            identity.lines = line::lines(&id_name);
        }
        identity.learn_makers(&package.authors, &package.project_url);
        identity.id_words = id_name.words.iter().map(|it| it.text.clone()).collect();
        identity.pulls_in = package
            .dependencies
            .iter()
            .map(|it| it.to_lowercase())
            .collect();
        identity.lines_pulled_in = lines_pulled_in(&id_name, &identity.pulls_in);
        identity.version.clone_from(&package.version);
        identity.claims = patterns.iter().filter_map(Claim::of).collect();
        let words = title_name.words.iter().chain(&id_name.words);
        identity.own_words = words.map(|word| word.text.clone()).collect();
        identity.tags = fold(&package.tags)
            .split(|c: char| !c.is_alphanumeric())
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        identity.names =
            own_name::own_names(&title_name, &id_name, patterns, &identity.author_words);
        identity.pattern_words = patterns
            .iter()
            .flat_map(|it| Name::of(&it.without_wildcards(), "").words)
            .map(|word| word.text)
            .collect();
        let traits = [
            (Trait::Retired, is_retired),
            (Trait::Portable, is_portable),
            (Trait::Untitled, title.is_empty()),
            (
                Trait::ForArchitecture,
                title_name.has_architecture || id_name.has_architecture,
            ),
            (
                Trait::CalledLikePatterns,
                identity.begins_like_patterns(&title_name, &id_name),
            ),
        ];
        identity.traits = traits
            .into_iter()
            .filter(|it| it.1)
            .map(|it| it.0)
            .collect();
        identity.learn_line_of_id(&title_name, &id_name);
        identity.learn_channel_of_id(&id_name);
        identity
    }

    /// Whether the version alone is another one.
    pub(crate) fn is_but_for_version(&self, other: &Self) -> bool {
        let Self { version, .. } = other;
        let this = Self {
            version: version.clone(),
            ..self.clone()
        };
        this == *other
    }

    pub(crate) fn is(&self, it: Trait) -> bool {
        self.traits.contains(&it)
    }

    fn learn_makers(&mut self, authors: &str, project_url: &str) {
        for author in authors.split([',', ';', '&']) {
            let names = if author.contains("://") {
                address::makers(author)
            } else {
                vec![author.to_owned()]
            };
            for name in names {
                self.learn_maker(&name);
            }
        }
        self.author_words = self.maker_words.clone();
        for name in address::makers(project_url) {
            self.learn_maker(&name);
        }
    }

    fn learn_maker(&mut self, name: &str) {
        let maker = Publisher::of(name);
        self.maker_words.extend(maker.telling().map(str::to_owned));
        if !maker.is_empty() {
            self.maker_keys.insert(maker.key());
            self.makers.insert(maker);
        }
    }

    /// `TeamViewer*` is not what `SolarWinds Take Control TeamViewer` is called, nor `BCUninstaller`
    /// what `Bulk Crap Uninstaller` is: title or id begin with a word of the patterns.
    fn begins_like_patterns(&self, title: &Name, id: &Name) -> bool {
        let is_pattern = |word: &str| {
            let mut words = self.pattern_words.iter().map(String::as_str);
            words.any(|it| it == word || begins_with(it, word) || begins_with(word, it))
        };
        [title, id].into_iter().any(|name| {
            let mut words = name.words.iter().map(|it| it.text.as_str());
            let is_said = |word: &&str| !is_empty_word(word) && !self.author_words.contains(*word);
            let begin = name.key();
            words
                .clone()
                .find(is_said)
                .or(words.next())
                .is_some_and(is_pattern)
                || self.pattern_words.iter().any(|it| begins_with(&begin, it))
        })
    }

    /// `firefoxesr` is the channel `ESR` of what is titled `Firefox`.
    fn learn_channel_of_id(&mut self, id: &Name) {
        let id = id.key();
        let titles = self.names.iter().filter(|it| it.source == Source::Title);
        let mut ends = titles.filter_map(|it| id.strip_prefix(it.key.as_str()));
        if self.channel.is_none() {
            self.channel = ends.find_map(channel_word);
        }
    }

    /// `1password7` is line 7 of what is titled `1Password`.
    fn learn_line_of_id(&mut self, title: &Name, id: &Name) {
        if !self.lines.is_empty() {
            return;
        }
        let (title, id) = (title.key(), id.key());
        if let Some(rest) = id.strip_prefix(&title)
            && !title.is_empty()
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_digit())
        {
            self.lines.extend(Line::of(rest));
        }
    }
}

fn lines_pulled_in(id: &Name, pulls_in: &[String]) -> Vec<String> {
    let id = id.key();
    let stem = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = |other: &String| {
        let number = other.strip_prefix(stem).filter(|_| *other != id)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.to_owned())
    };
    pulls_in.iter().filter_map(number).collect()
}

/// Whether a word goes on from another one of some length.
fn begins_with(word: &str, begin: &str) -> bool {
    begin.chars().count() > 2 && word.starts_with(begin)
}
