//! The words that the comparison of names knows, as [`super::fold`] leaves them.

use std::collections::HashSet;
use std::sync::LazyLock;

type Words = LazyLock<HashSet<&'static str>>;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* static $name: Words = LazyLock::new(|| $text.split_whitespace().collect());)*
    };
}

words! {
    /// Pieces that name an architecture and nothing else.
    ARCHITECTURES =
        "x64 x86 x32 amd64 arm64 arm aarch64 ia64 i386 i586 i686 386 64bit 32bit 64bits 32bits \
         64-bit 32-bit 64-bits 32-bits win32 win64 w32 w64 x86_64 x86-64 x64_x86 x64_arm \
         x64_arm64 x86_x64 64-bit-version anycpu";
    /// English and own names of languages, and the three letters that Windows has for them.
    LANGUAGES =
        "english german deutsch french francais spanish espanol italian italiano dutch nederlands \
         portuguese portugues russian japanese chinese korean polish polski czech swedish svenska \
         norwegian danish dansk finnish suomi turkish hungarian greek hebrew arabic romanian \
         ukrainian multilingual multilanguage enu deu fra esn ita nld ptb ptg rus jpn chs cht kor \
         plk csy sve nor dan fin trk hun ell eng intl";
    /// Codes of languages (ISO 639-1) that registered names carry.
    LANGUAGE_CODES =
        "ar bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka \
         kk ko lt lv mk ms nb nl nn pl pt ro ru sk sl sr sv th tr uk";
    /// Further codes, which are words as well: only before a region.
    LANGUAGE_CODES_WITH_REGION =
        "vi zh sq af ta ur";
    /// Words of a package's title that a registered name may lack.
    SOFT =
        "app apps application desktop client software program tool utility gui open source \
         opensource free community standard personal suite project";
    /// The same for words that say nothing at all.
    EMPTY =
        "the a an and for of by on to in with your windows win microsoft package installer \
         install setup edition version latest official team msi exe portable x";
    /// Words behind a registered name that say nothing.
    SILENT = "edition for windows version the release win x app application and";
    /// The same where the publisher is the package's maker.
    SILENT_BY_MAKER =
        "ssl trial demo evaluation client community free standard personal ce software";
    /// Words that name an edition of a product.
    EDITIONS =
        "community pro enterprise ultimate standard home personal free lite light basic premium \
         plus express edu student trial demo classic legacy vanilla full mini business \
         still fresh current extended developer core slim minimal isolated readonly";
    /// Words that make another thing of a name: parts and companions of a product.
    COMPONENTS =
        "sdk pack targeting plugin plugins plug addin addins addon addons add ons extension \
         extensions driver drivers library libraries documentation docs help samples examples \
         symbols debug debugger helper updater update updates tools server service services agent \
         launcher manager viewer runtime redistributable mui component components support \
         installer uninstaller shell console cli web mobile connector toolbar module provider \
         theme skin font patch hotfix interpreter bootstrap";
}

/// Ends of a piece that name an architecture: `psqlodbc_x64`, `7.0.0-1-64bit`.
const ARCHITECTURE_ENDS: &str =
    "-x64 -x86 _x64 _x86 -64bit -32bit -64-bit -32-bit -win64 -win32 -amd64 -arm64 _amd64 _64bit";

/// What stands before `bit`, `bits`.
const WIDTHS: [&str; 2] = ["32", "64"];

/// Phrases of the installer, longest first.
const INSTALLER_PHRASES: [&str; 21] = [
    "installed for current user",
    "installed for all users",
    "installed for currentuser",
    "installed for allusers",
    "only current user",
    "current user only",
    "remove or repair",
    "uninstall or repair",
    "machine wide install",
    "current user",
    "all users",
    "per user",
    "per machine",
    "remove only",
    "uninstall only",
    "system installer",
    "user installer",
    "user",
    "machine",
    "msi",
    "nsis",
];

pub(super) fn is_architecture(piece: &str) -> bool {
    ARCHITECTURES.contains(piece)
}

pub(super) fn is_width(piece: &str) -> bool {
    WIDTHS.contains(&piece)
}

/// A piece without an architecture at its end, where it has one and something before it.
pub(super) fn without_architecture(piece: &str) -> Option<&str> {
    ARCHITECTURE_ENDS
        .split_whitespace()
        .find_map(|end| piece.strip_suffix(end))
        .filter(|rest| !rest.is_empty())
}

/// Whether a piece is a language: by its name, by a code alone in brackets, by a code with region.
pub(super) fn is_language(piece: &str, is_aside: bool) -> bool {
    if LANGUAGES.contains(piece) {
        return true;
    }
    match piece.split_once(['-', '_']) {
        Some((code, region)) => {
            let is_code =
                LANGUAGE_CODES.contains(code) || LANGUAGE_CODES_WITH_REGION.contains(code);
            let region = region.rsplit(['-', '_']).next().unwrap_or_default();
            is_code && region.len() == 2 && region.bytes().all(|b| b.is_ascii_lowercase())
        }
        None => is_aside && LANGUAGE_CODES.contains(piece),
    }
}

/// How many of the words are a phrase of the installer.
pub(super) fn installer_phrase(words: &[&str]) -> usize {
    INSTALLER_PHRASES
        .iter()
        .map(|phrase| phrase.split(' '))
        .filter(|phrase| {
            phrase.clone().zip(words).filter(|(a, b)| a == *b).count() == phrase.clone().count()
        })
        .map(Iterator::count)
        .next()
        .unwrap_or(0)
}

/// Whether a registered name may lack this word of a package's title.
pub(crate) fn is_soft(word: &str) -> bool {
    SOFT.contains(word)
}

/// One word for those that mean the same.
pub(super) fn plain_word(word: &str) -> &str {
    match word {
        "freeware" => "free",
        "educational" | "education" => "edu",
        "professional" => "pro",
        it => it,
    }
}

/// Whether a word of a package's title says nothing.
pub(crate) fn is_empty_word(word: &str) -> bool {
    EMPTY.contains(word)
}

/// Whether a word behind a registered name says nothing, given whether the publisher is the maker.
pub(crate) fn is_silent(word: &str, is_by_maker: bool) -> bool {
    SILENT.contains(word) || (is_by_maker && SILENT_BY_MAKER.contains(word))
}

/// Whether a word names an edition.
pub(crate) fn is_edition(word: &str) -> bool {
    EDITIONS.contains(word)
}

/// Whether a word makes a part or a companion of a product.
pub(crate) fn is_component(word: &str) -> bool {
    COMPONENTS.contains(word)
}
