//! Bytes to text, as Windows PowerShell and .NET read files.

use std::borrow::Cow;

/// What the bytes from 0x80 on are in Windows-1252, to where they are what they are in Latin-1. Bytes that it
/// does not define become the control characters of their number.
const WINDOWS_1252: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2C6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2DC}', '\u{2122}', '\u{161}', '\u{203A}', '\u{153}', '\u{9D}', '\u{17E}', '\u{178}',
];

/// Decodes a script as Windows PowerShell does: by its byte order mark, and without one in the machine's
/// code page, which is taken for that of Western Europe and America.
pub fn decode_script(bytes: &[u8]) -> Cow<'_, str> {
    if is_marked(bytes) || bytes.is_ascii() {
        return decode(bytes);
    }
    let ansi = |byte: &u8| match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    };
    Cow::Owned(bytes.iter().map(ansi).collect())
}

/// Whether bytes begin with a byte order mark.
pub fn is_marked(bytes: &[u8]) -> bool {
    let marks = [&[0xEF, 0xBB, 0xBF][..], &[0xFF, 0xFE], &[0xFE, 0xFF]];
    marks.iter().any(|mark| bytes.starts_with(mark))
}

/// Decodes a text file: UTF-8 or UTF-16 by its byte order mark, else UTF-8, else Latin-1.
///
/// Never fails: what is no text of the encoding that its mark names becomes U+FFFD.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        return String::from_utf8_lossy(rest);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return Cow::Owned(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return Cow::Owned(utf16(rest, u16::from_be_bytes));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Windows PowerShell reads such files in the machine's code page; the ASCII part of all of
        // them is the same, and the rest matters only in texts for people.
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text: String = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}
