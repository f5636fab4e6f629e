//! Products that register under another name than everybody calls them by.
//!
//! This list is short and stays so: each line is a product of a vendor who says in its own
//! documentation that both names are the same thing, and which no rule on words could find.

use super::token::Token;

/// A phrase and what it is called, which is never longer.
struct Renamed {
    registered: &'static [&'static str],
    called: &'static [&'static str],
    /// Whether it must be the whole name.
    is_whole: bool,
}

const RENAMED: [Renamed; 6] = [
    // Source: Microsoft's list of .NET downloads, '.NET Desktop Runtime'.
    Renamed {
        registered: &["windows", "desktop", "runtime"],
        called: &["net", "desktop", "runtime"],
        is_whole: false,
    },
    // Source: Microsoft's page 'Latest supported Visual C++ Redistributable downloads'.
    Renamed {
        registered: &["redistributable", "for", "visual", "studio"],
        called: &["redistributable"],
        is_whole: false,
    },
    // `Java 8 Update 351`. Source: Oracle's page 'How do I know what Java version I have'.
    Renamed {
        registered: &["java"],
        called: &["jre"],
        is_whole: true,
    },
    // Source: Oracle's 'JDK Installation for Microsoft Windows'.
    Renamed {
        registered: &["java", "se", "development", "kit"],
        called: &["jdk"],
        is_whole: false,
    },
    // Source: Adobe's page 'Acrobat Reader DC: Frequently asked questions'.
    Renamed {
        registered: &["adobe", "acrobat", "reader"],
        called: &["adobe", "reader"],
        is_whole: false,
    },
    Renamed {
        registered: &["java", "se", "runtime", "environment"],
        called: &["jre"],
        is_whole: false,
    },
];

/// Puts the names that everybody uses in place.
pub(super) fn rename(words: &mut Vec<Token>) {
    for it in &RENAMED {
        let length = it.registered.len();
        let is_here =
            |window: &[Token]| window.iter().zip(it.registered).all(|(a, b)| a.text == *b);
        let at = if it.is_whole {
            (words.len() == length && is_here(words)).then_some(0)
        } else {
            words.windows(length).position(is_here)
        };
        if let Some(at) = at {
            let like = words[at].clone();
            let called = it.called.iter().map(|text| Token {
                text: (*text).to_owned(),
                ..like.clone()
            });
            words.splice(at..at + length, called);
        }
    }
}
