//! What is taken out of a name: versions, architecture, language, words of the installer.

use super::architecture::Stated;
use super::token::Token;
use super::{version_text, vocabulary};

/// What was taken out.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Versions, as written.
    pub(super) versions: Vec<String>,
    pub(super) architecture: Stated,
}

impl Taken {
    /// The pieces that are left. The registered version helps to tell versions.
    pub(super) fn strip(&mut self, tokens: &[Token], version: &str) -> Vec<Token> {
        let mut left: Vec<Token> = Vec::with_capacity(tokens.len());
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            let taken = self
                .architecture(rest)
                .or_else(|| language(rest))
                .or_else(|| self.version(rest, version))
                .or_else(|| installer_phrase(rest))
                .or_else(|| self.code_name(rest))
                .or_else(|| platform(rest));
            if let Some(taken) = taken {
                at += taken;
            } else {
                left.extend(self.part_of(token, &left));
                at += 1;
            }
        }
        left
    }

    fn architecture(&mut self, rest: &[Token]) -> Option<usize> {
        let text = |at: usize| rest.get(at).map_or("", |it| it.text.as_str());
        let mut taken = if vocabulary::is_architecture(text(0)) {
            1
        } else if vocabulary::is_width(text(0)) && matches!(text(1), "bit" | "bits") {
            2
        } else if vocabulary::is_width(text(0))
            && vocabulary::is_width(text(1))
            && matches!(text(2), "bit" | "bits")
        {
            3
        } else if text(0) == "win" && vocabulary::is_width(text(1)) {
            if matches!(text(2), "bit" | "bits") {
                3
            } else {
                2
            }
        } else {
            return None;
        };
        for it in &rest[..taken.min(rest.len())] {
            self.architecture.add(&it.text);
        }
        if text(taken) == "edition" {
            taken += 1;
        }
        Some(taken)
    }

    fn version(&mut self, rest: &[Token], registered: &str) -> Option<usize> {
        let first = rest.first()?;
        let next = rest.get(1);
        if version_text::introduces(&first.text)
            && let Some(next) = next
            && let Some(version) = version_text::introduced(&next.text)
        {
            self.versions.push(version.to_owned());
            return Some(2 + prerelease_words(&rest[2..]));
        }
        // `8 Update 351`
        let is_number = |token: &Token| token.text.bytes().all(|b| b.is_ascii_digit());
        if is_number(first)
            && next.is_some_and(|it| matches!(it.text.as_str(), "update" | "u"))
            && let Some(number) = rest.get(2).filter(|it| is_number(it))
        {
            self.versions
                .push(format!("{}.{}", first.text, number.text));
            return Some(3);
        }
        if let Some(found) = version_text::find(&first.text)
            && found.word.is_empty()
        {
            self.versions.push(found.version.to_owned());
            return Some(1 + prerelease_words(&rest[1..]));
        }
        // `SP1` says no more than a version does.
        if let Some(number) = first.text.strip_prefix("sp")
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            return Some(1);
        }
        let major = version_text::number_parts(registered).first().copied();
        let roman = version_text::roman(&first.text).map(|it| it.to_string());
        if roman.is_some() && roman.as_deref() == major {
            self.versions.extend(roman);
            return Some(1);
        }
        None
    }

    /// `'Prizren'` behind a version.
    fn code_name(&self, rest: &[Token]) -> Option<usize> {
        let quoted = rest.iter().take_while(|it| it.quoted).count();
        (quoted > 0 && !self.versions.is_empty()).then_some(quoted)
    }

    /// A piece without the version or architecture that is glued to it.
    fn part_of(&mut self, token: &Token, before: &[Token]) -> Option<Token> {
        let with = |text: &str| Token {
            text: text.to_owned(),
            ..token.clone()
        };
        if let Some(rest) = vocabulary::without_architecture(&token.text) {
            self.architecture.add(&token.text[rest.len() + 1..]);
            return Some(with(rest));
        }
        if let Some(found) = version_text::find(&token.text) {
            self.versions.push(found.version.to_owned());
            // `go1.24.3` behind `Go Programming Language`
            let is_said = before.iter().any(|it| it.text == found.word);
            let word = found.word.trim_end_matches(['-', '_', '.']);
            return (!is_said && !word.is_empty()).then(|| with(word));
        }
        Some(token.clone())
    }
}

fn language(rest: &[Token]) -> Option<usize> {
    let first = rest.first()?;
    // `English Grammar` is a product; a language behind a name is not.
    let is_at_end = rest.len() == 1 || first.aside;
    let has_region = first.text.contains(['-', '_']);
    let is_behind = first.segment > 0;
    (vocabulary::is_language(&first.text, first.aside) && (is_at_end || has_region || is_behind))
        .then_some(1)
}

fn prerelease_words(rest: &[Token]) -> usize {
    let Some(first) = rest.first() else { return 0 };
    if !version_text::is_prerelease_word(&first.text) {
        return 0;
    }
    let is_number = |it: &Token| it.text.bytes().all(|b| b.is_ascii_digit());
    1 + usize::from(rest.get(1).is_some_and(is_number))
}

/// `2008R2Plus`: the Windows that it is built for.
fn platform(rest: &[Token]) -> Option<usize> {
    let text = rest.first()?.text.strip_suffix("plus")?;
    let is_server = matches!(text, "2003" | "2008" | "2008r2" | "2012" | "2012r2");
    is_server.then_some(1)
}

/// A phrase of the installer in brackets, or at the end.
fn installer_phrase(rest: &[Token]) -> Option<usize> {
    let words: Vec<&str> = rest
        .iter()
        .take(4)
        .flat_map(|it| it.text.split('-'))
        .collect();
    let taken = vocabulary::installer_phrase(&words);
    if taken == 0 {
        return None;
    }
    // In pieces: `machine-wide` is one of them.
    let mut pieces = 0;
    let mut words = 0;
    for token in rest {
        if words >= taken {
            break;
        }
        words += token.text.split('-').count();
        pieces += 1;
    }
    let all_aside = rest[..pieces].iter().all(|it| it.aside);
    (words == taken
        && (all_aside || (taken > 1 && pieces == rest.len()) || is_installer_kind(&rest[0])))
    .then_some(pieces)
}

fn is_installer_kind(token: &Token) -> bool {
    matches!(token.text.as_str(), "msi" | "nsis")
}

/// `KB2565063`, `Update for …`, `Security Update for …`, `Hotfix for …`, `Service Pack 2 for …`.
pub(super) fn is_update(tokens: &[Token]) -> bool {
    let is_article = |token: &Token| {
        let text = token.text.strip_prefix("kb").unwrap_or_default();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        digits >= 6 && text[digits..].trim_start_matches("-v").len() <= 1
    };
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text.as_str());
    tokens.iter().any(is_article)
        || match text(0) {
            "update" | "hotfix" => text(1) == "for",
            "security" | "critical" | "definition" => text(1) == "update",
            "service" => text(1) == "pack",
            _ => false,
        }
}
