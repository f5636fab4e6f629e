//! The pool of strings of an MSI, and the names of its streams.

use crate::code_page::decoded;

/// Set in the pool's code page where references to strings have three bytes.
const LONG_REFERENCES: u32 = 0x8000_0000;

/// The strings.
pub struct Strings {
    code_page: u32,
    width: usize,
    data: Vec<u8>,
    /// Where each string ends in the data; the first one is empty and has the number 0.
    ends: Vec<u32>,
}

impl Strings {
    /// From the streams `_StringPool` (lengths) and `_StringData`; nothing where they do not fit
    /// together.
    pub fn new(pool: Vec<u8>, data: Vec<u8>) -> Option<Self> {
        let (head, lengths) = pool.split_at_checked(4)?;
        let head = u32::from_le_bytes(head.try_into().ok()?);
        let mut ends = vec![0];
        let mut end = 0_u32;
        let mut entries = lengths.chunks_exact(4);
        while let Some(entry) = entries.next() {
            let two = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
            let (mut length, references) = (u32::from(two(0)), two(2));
            if length == 0 && references > 0 {
                // A length of more than two bytes stands behind.
                length = u32::from_le_bytes(entries.next()?.try_into().ok()?);
            }
            end = end.checked_add(length)?;
            if end as usize > data.len() {
                return None;
            }
            ends.push(end);
        }
        Some(Self {
            code_page: head & !LONG_REFERENCES,
            width: if head & LONG_REFERENCES == 0 { 2 } else { 3 },
            data,
            ends,
        })
    }

    /// How many bytes a reference to a string has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The bytes of a string.
    pub fn plain(&self, number: u32) -> Option<&[u8]> {
        let number = number as usize;
        let start = *self.ends.get(number.checked_sub(1)?)?;
        let end = *self.ends.get(number)?;
        self.data.get(start as usize..end as usize)
    }

    /// A value of a column: the number 0 is an empty one. Otherwise as [`Self::text`].
    pub fn text_or_empty(&self, number: u32) -> Option<String> {
        match number {
            0 => Some(String::new()),
            _ => self.text(number),
        }
    }

    /// A string; nothing where it is not there or in a code page that is not known.
    pub fn text(&self, number: u32) -> Option<String> {
        decoded(self.plain(number)?, self.code_page)
    }
}

/// The name of a table's stream: two characters are packed into one.
pub fn stream_name(table: &str) -> String {
    let mut name = String::from('\u{4840}');
    let mut values = table.chars().map(value).peekable();
    while let Some(first) = values.next() {
        let code = match values.next() {
            Some(second) => 0x3800 + (second << 6) + first,
            None => 0x4800 + first,
        };
        name.extend(char::from_u32(code));
    }
    name
}

/// The number of a character that table names may have.
fn value(c: char) -> u32 {
    let from = |first: char| u32::from(c) - u32::from(first);
    match c {
        '0'..='9' => from('0'),
        'A'..='Z' => 10 + from('A'),
        'a'..='z' => 36 + from('a'),
        '.' => 62,
        _ => 63,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(code_page: u32, lengths: &[(u16, u16)]) -> Vec<u8> {
        let mut pool = code_page.to_le_bytes().to_vec();
        for (length, references) in lengths {
            pool.extend(length.to_le_bytes());
            pool.extend(references.to_le_bytes());
        }
        pool
    }

    #[test]
    fn strings_are_numbered_from_one() {
        let lengths = [(1, 1), (0, 0), (2, 1), (0, 1), (3, 0)];
        let strings = Strings::new(pool(1252, &lengths), b"a\xfcbcde".to_vec()).unwrap();
        assert_eq!(strings.width(), 2);
        assert_eq!(strings.text(0), None);
        assert_eq!(strings.text(1).as_deref(), Some("a"));
        assert_eq!(strings.text(2).as_deref(), Some(""));
        assert_eq!(strings.text(3).as_deref(), Some("üb"));
        // 0, 1: the length is behind, 3.
        assert_eq!(strings.text(4).as_deref(), Some("cde"));
        assert_eq!(strings.text(5), None);
        assert_eq!(
            Strings::new(pool(LONG_REFERENCES, &[]), Vec::new())
                .unwrap()
                .width(),
            3
        );
    }

    #[test]
    fn a_pool_that_does_not_fit_its_data_is_broken() {
        for (pool, data) in [
            (vec![0; 3], vec![]),
            (pool(0, &[(1, 1)]), vec![]),
            (pool(0, &[(0, 1)]), vec![0; 9]),
            (pool(0, &[(0, 1), (u16::MAX, u16::MAX)]), vec![0; 9]),
        ] {
            assert!(Strings::new(pool.clone(), data).is_none(), "{pool:?}");
        }
    }

    #[test]
    fn streams_have_the_names_that_windows_gives_them() {
        for (table, expected) in [
            ("Property", "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}"),
            (
                "_StringPool",
                "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}",
            ),
            (
                "_StringData",
                "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}",
            ),
        ] {
            assert_eq!(stream_name(table), expected, "{table}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_strings_or_broken(pool: Vec<u8>, data: Vec<u8>, number: u32) {
            if let Some(strings) = Strings::new(pool, data) {
                let _ = (strings.text(number), strings.text(number % 16));
            }
        }
    }
}
