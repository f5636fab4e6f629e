//! What a version resource holds: blocks in blocks, each with a length, a name and a value.
//!
//! Source: Microsoft's documentation of `VS_VERSIONINFO`, `VS_FIXEDFILEINFO`, `StringFileInfo`,
//! `StringTable` and `String`.

use std::fmt;

/// The first word of a `VS_FIXEDFILEINFO`.
const SIGNATURE: u32 = 0xfeef_04bd;
/// The longest text, in characters; what is longer is cut.
const LONGEST_TEXT: usize = 500;

/// A version of four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u16; 4]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// What a program says of itself. Texts are trimmed; those that are not there are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionInfo {
    /// The file's version in numbers.
    pub fixed_file_version: Option<Version>,
    /// The product's version in numbers.
    pub fixed_product_version: Option<Version>,
    /// `ProductName`.
    pub product_name: String,
    /// `CompanyName`.
    pub company_name: String,
    /// `FileVersion`: whatever its maker wrote.
    pub file_version: String,
    /// `ProductVersion`: whatever its maker wrote.
    pub product_version: String,
}

/// Reads a version resource; nothing where it is none.
pub fn parse(resource: &[u8]) -> Option<VersionInfo> {
    let (root, _) = Block::first(resource)?;
    if root.name != "VS_VERSION_INFO" {
        return None;
    }
    let mut info = VersionInfo::default();
    let fixed = root.value(root.value_length);
    if word(fixed, 0) == Some(SIGNATURE) {
        info.fixed_file_version = version(fixed, 8);
        info.fixed_product_version = version(fixed, 16);
    }
    let infos = Blocks(root.behind_value(root.value_length));
    for strings in infos.filter(|it| it.name == "StringFileInfo") {
        // One table a language; the first that has a text counts.
        for table in Blocks(strings.behind_value(0)) {
            for string in Blocks(table.behind_value(0)) {
                info.take(&string);
            }
        }
    }
    Some(info)
}

impl VersionInfo {
    fn take(&mut self, string: &Block<'_>) {
        let text = match string.name.as_str() {
            "ProductName" => &mut self.product_name,
            "CompanyName" => &mut self.company_name,
            "FileVersion" => &mut self.file_version,
            "ProductVersion" => &mut self.product_version,
            _ => return,
        };
        if text.is_empty() {
            // The value's own length is in words or in bytes, by the compiler that wrote it: the text
            // ends with its zero, or with the block.
            let found = utf16(string.rest);
            let plain = found.chars().filter(|c| !c.is_control());
            let plain: String = plain.take(LONGEST_TEXT).collect();
            plain.trim().clone_into(text);
        }
    }
}

/// A block: its value and its inner blocks are behind its name.
struct Block<'a> {
    name: String,
    value_length: usize,
    rest: &'a [u8],
}

impl<'a> Block<'a> {
    /// The first block of some bytes, and its length.
    fn first(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let two = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let length = usize::from(two(0)?);
        let block = bytes.get(..length)?;
        let name = utf16(block.get(6..)?);
        let behind_name = aligned(6 + 2 * (name.encode_utf16().count() + 1));
        let it = Self {
            value_length: usize::from(two(2)?),
            rest: block.get(behind_name..).unwrap_or_default(),
            name,
        };
        Some((it, length))
    }

    fn value(&self, length: usize) -> &'a [u8] {
        self.rest.get(..length).unwrap_or_default()
    }

    /// The inner blocks.
    fn behind_value(&self, length: usize) -> &'a [u8] {
        self.rest.get(aligned(length)..).unwrap_or_default()
    }
}

/// Blocks, one behind the other.
struct Blocks<'a>(&'a [u8]);

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (block, length) = Block::first(self.0)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some(block)
    }
}

/// Blocks, names and values begin at multiples of four.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// A text up to its zero or its end.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|two| u16::from_le_bytes([two[0], two[1]]))
        .take_while(|unit| *unit != 0);
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

/// Two words, the more important one first.
fn version(bytes: &[u8], at: usize) -> Option<Version> {
    let (high, low) = (word(bytes, at)?, word(bytes, at + 4)?);
    Some(Version([
        (high >> 16) as u16,
        high as u16,
        (low >> 16) as u16,
        low as u16,
    ]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block as resource compilers write it.
    fn block(name: &str, value: &[u8], value_length: u16, inner: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; 6];
        bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        bytes.resize(aligned(bytes.len()), 0);
        bytes.extend(value);
        for it in inner {
            bytes.resize(aligned(bytes.len()), 0);
            bytes.extend(it);
        }
        let length = bytes.len() as u16;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes[2..4].copy_from_slice(&value_length.to_le_bytes());
        bytes
    }

    fn text(name: &str, value: &str) -> Vec<u8> {
        let units: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        block(name, &units, value.len() as u16, &[])
    }

    fn fixed() -> Vec<u8> {
        let mut fixed = SIGNATURE.to_le_bytes().to_vec();
        for word in [
            0x1_0000,
            0x0001_0002,
            0x0003_0004,
            0x0005_0006,
            0x0007_ffff_u32,
        ] {
            fixed.extend(word.to_le_bytes());
        }
        fixed.resize(52, 0);
        fixed
    }

    fn resource(tables: &[Vec<u8>]) -> Vec<u8> {
        let inner = [
            block("VarFileInfo", &[], 0, &[]),
            block("StringFileInfo", &[], 0, tables),
        ];
        block("VS_VERSION_INFO", &fixed(), 52, &inner)
    }

    #[test]
    fn the_first_text_of_a_name_counts_and_the_numbers_are_read() {
        let first = [
            text("ProductName", " Größe\u{7} \0"),
            text("FileVersion", "1.2 beta"),
        ];
        let second = [text("ProductName", "other"), text("CompanyName", "Acme")];
        let tables = [
            block("040704b0", &[], 0, &first),
            block("040904b0", &[], 0, &second),
        ];
        let info = parse(&resource(&tables)).unwrap();
        assert_eq!(info.fixed_file_version, Some(Version([1, 2, 3, 4])));
        assert_eq!(
            info.fixed_product_version.unwrap().to_string(),
            "5.6.7.65535"
        );
        assert_eq!(
            (info.product_name.as_str(), info.company_name.as_str()),
            ("Größe", "Acme")
        );
        assert_eq!(
            (info.file_version.as_str(), info.product_version.as_str()),
            ("1.2 beta", "")
        );
        let long = [block(
            "040704b0",
            &[],
            0,
            &[text("ProductName", &"x".repeat(9_000))],
        )];
        assert_eq!(
            parse(&resource(&long)).unwrap().product_name.len(),
            LONGEST_TEXT
        );
    }

    #[test]
    fn what_is_no_version_resource_is_none() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(&block("OTHER", &[], 0, &[])), None);
        // A length of its own that is more than there is.
        let mut cut = resource(&[]);
        cut.pop();
        assert_eq!(parse(&cut), None);
        let without_numbers = block("VS_VERSION_INFO", &[], 0, &[]);
        assert_eq!(parse(&without_numbers), Some(VersionInfo::default()));
    }

    #[test]
    fn a_resource_of_which_any_byte_is_any_other_is_read_or_none() {
        let tables = [block("040904b0", &[], 0, &[text("ProductName", "Acme")])];
        let right = resource(&tables);
        for at in 0..right.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = right.clone();
                bytes[at] = byte;
                let _ = parse(&bytes);
            }
            let _ = parse(&right[..at]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_none(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
