//! Which pieces of a name are versions.

/// Words behind which a version follows.
const INTRODUCE: &str = "version ver v build release rev revision versione versao versie wersja fileversion vers rel \
     patchlevel r b";

/// What may stand behind the numbers of a version.
const SUFFIXES: &str = "a alpha b beta rc pre preview prerelease dev snapshot stable final ga release sp r p u x \
     nightly internal lts canary patch";

/// Whether a version follows behind this word.
pub(super) fn introduces(word: &str) -> bool {
    INTRODUCE.split(' ').any(|it| it == word)
}

/// The version in a piece behind such a word: `5`, `v2.0.3.7`, `r1.6`.
pub(super) fn introduced(piece: &str) -> Option<&str> {
    let start = piece.find(|c: char| c.is_ascii_digit())?;
    let (glue, version) = piece.split_at(start);
    (glue.is_empty() || introduces(glue.trim_end_matches('.'))).then_some(version)
}

/// Whether a word right behind a version belongs to it.
pub(super) fn is_prerelease_word(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    ["alpha", "beta", "rc", "snapshot", "prerelease"].contains(&word)
}

/// A version in a piece: the word that is glued before it, and its numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// `maxima` of `maxima-5.43.2`; empty where nothing is.
    pub(super) word: &'a str,
    /// The numbers, e.g. `5.43.2`, `3` of `3.x`.
    pub(super) version: &'a str,
}

/// Reads `2.7.4`, `v6.0.0`, `go1.24.3`, `maxima-5.43.2`, `11.0.27+6`, `8_8_2`, `4.2.0.697.stable`,
/// `1.15beta1`, `3.x`, `01-01-2023`, `8u401`. A number alone is none, and `2015-2022` is a range of
/// years.
pub(super) fn find(piece: &str) -> Option<Found<'_>> {
    let start = piece.find(|c: char| c.is_ascii_digit())?;
    let (word, body) = piece.split_at(start);
    let glue = word.trim_end_matches(['-', '_', '.']);
    if !glue.chars().all(char::is_alphabetic) || is_year_range(body) {
        return None;
    }
    let (numbers_end, parts) = numbers(body)?;
    let suffix = &body[numbers_end..];
    // `1.8.0_252-2-ojdkbuild`: so many numbers are a version, whatever stands behind them.
    let is_long = parts > 2 && suffix.starts_with(['.', '-', '_', '+']);
    if !is_long && !is_suffix(suffix) {
        return None;
    }
    let word = if introduces(glue) { "" } else { glue };
    Some(Found {
        word,
        version: &body[..numbers_end],
    })
}

/// Where the row of numbers ends and how many they are; `None` for a number alone.
fn numbers(body: &str) -> Option<(usize, usize)> {
    let bytes = body.as_bytes();
    let digits_from = |at: usize| {
        bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = digits_from(0);
    let mut parts = 1;
    let mut dashes = 0;
    while let Some(separator) = bytes.get(end) {
        if !matches!(separator, b'.' | b',' | b'_' | b'-' | b'+' | b'u') {
            break;
        }
        let digits = bytes.get(end + 1).map_or(0, |_| digits_from(end + 1));
        if digits == 0 {
            break;
        }
        dashes += usize::from(*separator == b'-');
        parts += 1;
        end += 1 + digits;
    }
    let is_open = body[end..] == *".x";
    let is_date = dashes == 2 && parts == 3;
    (is_open || parts > 2 || (parts == 2 && dashes == 0) || is_date).then_some((end, parts))
}

/// Nothing, or words such as `beta1`, `-rc.2`, `.stable`.
fn is_suffix(suffix: &str) -> bool {
    suffix
        .split(['.', '-', '_', '+'])
        .map(|it| {
            let word = it.trim_matches(|c: char| c.is_ascii_digit());
            (word, word.len() < it.len())
        })
        // `7.0.0h`, `2.4.9-I601-Win10`
        .all(|(word, has_digits)| {
            let letters = word.chars().count();
            letters <= 1 || (has_digits && letters <= 3) || SUFFIXES.split(' ').any(|it| it == word)
        })
}

/// `2015-2022`.
pub(crate) fn is_year_range(text: &str) -> bool {
    text.split_once('-')
        .is_some_and(|(from, to)| is_year(from) && is_year(to) && from < to)
}

fn is_year(text: &str) -> bool {
    text.len() == 4
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.starts_with("19") || text.starts_with("20"))
}

/// `XI` is 11: up to 39, as versions have it.
pub(super) fn roman(text: &str) -> Option<u32> {
    let value = |c: char| match c {
        'i' => Some(1),
        'v' => Some(5),
        'x' => Some(10),
        _ => None,
    };
    let values: Vec<u32> = text.chars().map(value).collect::<Option<_>>()?;
    if values.len() < 2 || values.len() > 6 {
        return None;
    }
    let mut sum = 0;
    for (at, &it) in values.iter().enumerate() {
        if values.get(at + 1).is_some_and(|&next| next > it) {
            sum -= it as i32;
        } else {
            sum += it as i32;
        }
    }
    u32::try_from(sum).ok()
}

/// The numbers of a version without leading zeros: `3.09.1` as 3, 9, 1.
pub(crate) fn number_parts(version: &str) -> Vec<&str> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let short = part.trim_start_matches('0');
            if short.is_empty() { "0" } else { short }
        })
        .collect()
}
