//! A script's text and its way back to the same bytes.

use crate::text::decode;

/// How a script is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16Little,
    Utf16Big,
    /// A byte a character: the machine's code page, of which only the plain part is looked at.
    Bytes,
}

impl Encoding {
    /// The text, and how it is stored. `None`: its bytes would not come back as they were.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, String)> {
        let encoding = match bytes {
            [0xEF, 0xBB, 0xBF, ..] => Self::Utf8WithMark,
            [0xFF, 0xFE, ..] => Self::Utf16Little,
            [0xFE, 0xFF, ..] => Self::Utf16Big,
            _ if std::str::from_utf8(bytes).is_ok() => Self::Utf8,
            _ => Self::Bytes,
        };
        let text = decode(bytes).into_owned();
        let is_same = encoding.write(&text).is_some_and(|it| it == bytes);
        is_same.then_some((encoding, text))
    }

    /// The bytes of a text.
    pub(super) fn write(self, text: &str) -> Option<Vec<u8>> {
        let units = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(bytes);
            mark.into_iter().chain(units).collect()
        };
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Utf8WithMark => Some([&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat()),
            Self::Utf16Little => Some(units([0xFF, 0xFE], u16::to_le_bytes)),
            Self::Utf16Big => Some(units([0xFE, 0xFF], u16::to_be_bytes)),
            Self::Bytes => text.chars().map(|c| u8::try_from(c).ok()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_encoding_comes_back_as_it_was() {
        for (bytes, expected) in [
            (b"a".to_vec(), Some(Encoding::Utf8)),
            (
                "\u{feff}ü".as_bytes().to_vec(),
                Some(Encoding::Utf8WithMark),
            ),
            (vec![0xFF, 0xFE, 0x61, 0], Some(Encoding::Utf16Little)),
            (vec![0xFE, 0xFF, 0, 0x61], Some(Encoding::Utf16Big)),
            (vec![0xFC, 0x61], Some(Encoding::Bytes)),
            // Half a character.
            (vec![0xFF, 0xFE, 0x61], None),
            (vec![0xEF, 0xBB, 0xBF, 0xFC], None),
        ] {
            let found = Encoding::read(&bytes).map(|(encoding, _)| encoding);
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(bytes: Vec<u8>) {
            if let Some((encoding, text)) = Encoding::read(&bytes) {
                prop_assert_eq!(encoding.write(&text), Some(bytes));
            }
        }
    }
}
