//! Texts in the code pages of Windows.
//!
//! Source: Microsoft's list of code page identifiers.

use encoding_rs as encodings;

/// A text of this code page; nothing where the page is not known and the text is not plain.
pub fn decoded(bytes: &[u8], code_page: u32) -> Option<String> {
    if bytes.is_ascii() {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    let encoding = match code_page {
        // None is named, and Windows takes the machine's own: western Windows' mostly. Some tools write
        // UTF-8 all the same.
        0 if is_utf8 => encodings::UTF_8,
        0 => encodings::WINDOWS_1252,
        874 => encodings::WINDOWS_874,
        932 => encodings::SHIFT_JIS,
        936 => encodings::GBK,
        949 => encodings::EUC_KR,
        950 => encodings::BIG5,
        1250 => encodings::WINDOWS_1250,
        1251 => encodings::WINDOWS_1251,
        // ISO 8859-1 is the same but for control characters.
        1252 | 28591 => encodings::WINDOWS_1252,
        1253 => encodings::WINDOWS_1253,
        1254 => encodings::WINDOWS_1254,
        1255 => encodings::WINDOWS_1255,
        1256 => encodings::WINDOWS_1256,
        1257 => encodings::WINDOWS_1257,
        1258 => encodings::WINDOWS_1258,
        28592 => encodings::ISO_8859_2,
        65001 => encodings::UTF_8,
        _ => return None,
    };
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_known_pages_and_plain_ones_of_any_are_read() {
        for (bytes, code_page, expected) in [
            (&b"Acme"[..], 4711, Some("Acme")),
            (b"\xfcber", 1252, Some("über")),
            (b"\xfcber", 4711, None),
            (b"\xfcber", 0, Some("über")),
            (b"\xc3\xbcber", 0, Some("über")),
            (b"\xc3\xbcber", 65001, Some("über")),
            (b"\x83A\x83v\x83\x8a", 932, Some("アプリ")),
            (b"\xcf\xf0\xee", 1251, Some("Про")),
            (b"\xff", 65001, Some("\u{fffd}")),
        ] {
            assert_eq!(
                decoded(bytes, code_page).as_deref(),
                expected,
                "{code_page}"
            );
        }
    }
}
