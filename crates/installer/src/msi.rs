//! An MSI's Property table.
//!
//! An MSI is a compound file; each table is a stream of it, column by column, and texts stand in a pool
//! of strings to which tables refer by number. Of all that only the pool and the one table are read.
//!
//! Source: Microsoft's documentation of Windows Installer databases, 'Property Table'; the layout of
//! streams as Wine's msi.dll and msitools have it.

use std::io::{Read, Seek};

use cfb::CompoundFile;

use crate::ReadError;
use crate::bounded::Bounded;
use crate::msi_strings::{Strings, stream_name};

/// The most bytes read of an MSI: its allocation table (16 MiB for the 2 GiB that an MSI can have), its
/// directory, its strings and the table. In memory a directory takes more than twice its bytes.
const MOST_READ: u64 = 24 * 1024 * 1024;
/// The longest streams taken into memory, in bytes: a million strings, their texts, and 65,536 rows,
/// which is what Windows Installer takes of a table.
const LONGEST_POOL: u64 = 4 * 1024 * 1024;
const LONGEST_DATA: u64 = 16 * 1024 * 1024;
const LONGEST_TABLE: u64 = 65_536 * 6;
/// The longest value, in characters.
const LONGEST_VALUE: usize = 1000;

const KIND: &str = "an MSI";

/// What identifies the product that an MSI installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// `{GUID}`, upper case: this version.
    pub product_code: String,
    /// `{GUID}`, upper case: all versions.
    pub upgrade_code: Option<String>,
    /// What becomes `DisplayName`.
    pub product_name: String,
    /// What becomes `DisplayVersion`.
    pub product_version: String,
    /// What becomes `Publisher`.
    pub manufacturer: String,
}

/// Reads the properties, or says why the file is not an MSI that can be used.
pub fn properties<F: Read + Seek>(file: F) -> Result<Properties, ReadError> {
    let not = |why: std::io::Error| ReadError::Not {
        kind: KIND,
        why: why.to_string(),
    };
    let mut msi = CompoundFile::open(Bounded::new(file, MOST_READ)).map_err(not)?;
    let strings = Strings::new(
        stream(&mut msi, "_StringPool", LONGEST_POOL)?,
        stream(&mut msi, "_StringData", LONGEST_DATA)?,
    )
    .ok_or_else(|| lacks("has a pool of strings that is broken"))?;
    let table = stream(&mut msi, "Property", LONGEST_TABLE)?;
    let mut found = [const { None }; 5];
    let names = [
        "ProductCode",
        "UpgradeCode",
        "ProductName",
        "ProductVersion",
        "Manufacturer",
    ];
    for (name, value) in rows(&table, strings.width()) {
        let known = strings.plain(name);
        if let Some(at) = names.iter().position(|it| Some(it.as_bytes()) == known)
            && found[at].replace(strings.text_or_empty(value)).is_some()
        {
            return Err(lacks(&format!(
                "has a broken Property table: {} stands in it twice",
                names[at]
            )));
        }
    }
    let mut value = |at: usize| match found[at].take() {
        None => Ok(None),
        Some(Some(text)) if text.trim().is_empty() => Ok(None),
        Some(Some(text)) if text.chars().count() <= LONGEST_VALUE => Ok(Some(text)),
        Some(_) => Err(lacks(&format!("has a {} that cannot be read", names[at]))),
    };
    let missing = |at: usize| lacks(&format!("has no {} in its Property table", names[at]));
    let code = |at: usize, text: String| {
        let no_guid = || lacks(&format!("whose {} is no GUID", names[at]));
        is_guid(&text)
            .then(|| text.to_uppercase())
            .ok_or_else(no_guid)
    };
    Ok(Properties {
        product_code: code(0, value(0)?.ok_or_else(|| missing(0))?)?,
        upgrade_code: value(1)?.map(|it| code(1, it)).transpose()?,
        product_name: value(2)?.ok_or_else(|| missing(2))?,
        product_version: value(3)?.ok_or_else(|| missing(3))?,
        manufacturer: value(4)?.unwrap_or_default(),
    })
}

/// Whether a text is a GUID in braces: another one is in no registry of Windows Installer's.
fn is_guid(text: &str) -> bool {
    let inside = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let groups = inside.unwrap_or_default().split('-');
    let is_hex = |it: &str| it.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = groups.clone().map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && groups.into_iter().all(is_hex)
}

fn lacks(lack: &str) -> ReadError {
    ReadError::Lacks {
        kind: KIND,
        lack: lack.to_owned(),
    }
}

fn stream<F: Read + Seek>(
    msi: &mut CompoundFile<Bounded<F>>,
    name: &str,
    longest: u64,
) -> Result<Vec<u8>, ReadError> {
    let broken =
        |why: std::io::Error| lacks(&format!("has no table {name} that can be read: {why}"));
    let mut bytes = Vec::new();
    msi.open_stream(stream_name(name))
        .map_err(broken)?
        .take(longest + 1)
        .read_to_end(&mut bytes)
        .map_err(broken)?;
    if bytes.len() as u64 > longest {
        return Err(lacks(&format!("has more than {longest} bytes of {name}")));
    }
    Ok(bytes)
}

/// The rows of a table of two columns, both of them strings: first all of the one, then all of the
/// other.
fn rows(table: &[u8], width: usize) -> impl Iterator<Item = (u32, u32)> {
    let (names, values) = table.split_at(table.len() / (2 * width) * width);
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter().rev();
        bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
    };
    let numbers = move |column: &[u8]| column.chunks_exact(width).map(number).collect::<Vec<_>>();
    numbers(names).into_iter().zip(numbers(values))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    const CODE: &str = "{12345678-90ab-CDEF-1234-567890abcdef}";

    /// An MSI whose Property table has these rows.
    fn msi(rows: &[(&str, &str)]) -> Cursor<Vec<u8>> {
        let mut strings = Vec::new();
        let mut number = |text: &str| {
            // Of an empty text the number is 0.
            if text.is_empty() {
                return 0;
            }
            strings.push(text.to_owned());
            strings.len() as u16
        };
        let names: Vec<_> = rows.iter().map(|(name, _)| number(name)).collect();
        let values: Vec<_> = rows.iter().map(|(_, value)| number(value)).collect();
        let mut pool = 65001_u32.to_le_bytes().to_vec();
        for text in &strings {
            pool.extend((text.len() as u16).to_le_bytes());
            pool.extend(1_u16.to_le_bytes());
        }
        let table = [names, values].concat();
        let table: Vec<u8> = table.into_iter().flat_map(u16::to_le_bytes).collect();
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        let data = strings.concat().into_bytes();
        for (name, bytes) in [
            ("_StringPool", pool),
            ("_StringData", data),
            ("Property", table),
        ] {
            let mut stream = file.create_stream(stream_name(name)).unwrap();
            stream.write_all(&bytes).unwrap();
        }
        file.into_inner()
    }

    fn plain<'a>(code: &'a str, upgrade: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("ProductCode", code),
            ("UpgradeCode", upgrade),
            ("ProductName", "Acme"),
            ("ProductVersion", version),
        ]
    }

    #[test]
    fn an_empty_value_is_a_missing_one_and_a_code_is_a_guid() {
        let read = properties(msi(&plain(CODE, CODE, "1.0"))).unwrap();
        assert_eq!(read.product_code, CODE.to_uppercase());
        assert_eq!(read.upgrade_code, Some(CODE.to_uppercase()));
        assert_eq!((&*read.product_version, &*read.manufacturer), ("1.0", ""));
        let read = properties(msi(&plain(CODE, "", "1.0"))).unwrap();
        assert_eq!(read.upgrade_code, None);
        let cut = CODE.trim_matches(['{', '}']);
        let short = &CODE.replace("5678-", "678-");
        let no_hex = &CODE.replace('a', "g");
        for (code, upgrade, version, why) in [
            ("", CODE, "1.0", "has no ProductCode in its Property table"),
            (
                CODE,
                CODE,
                "",
                "has no ProductVersion in its Property table",
            ),
            (
                CODE,
                CODE,
                " ",
                "has no ProductVersion in its Property table",
            ),
            ("{A}", CODE, "1.0", "whose ProductCode is no GUID"),
            (cut, CODE, "1.0", "whose ProductCode is no GUID"),
            (short, CODE, "1.0", "whose ProductCode is no GUID"),
            (no_hex, CODE, "1.0", "whose ProductCode is no GUID"),
            (CODE, "none", "1.0", "whose UpgradeCode is no GUID"),
        ] {
            let error = properties(msi(&plain(code, upgrade, version))).unwrap_err();
            assert_eq!(error.to_string(), format!("an MSI {why}"));
        }
    }

    #[test]
    fn of_two_values_of_a_property_none_is_believed() {
        let mut rows = plain(CODE, CODE, "1.0");
        rows.push(("ProductVersion", "2.0"));
        let error = properties(msi(&rows)).unwrap_err().to_string();
        let why = "has a broken Property table: ProductVersion stands in it twice";
        assert_eq!(error, format!("an MSI {why}"));
        // Others are nobody's business.
        rows[4].0 = "ALLUSERS";
        rows.push(("ALLUSERS", "1"));
        properties(msi(&rows)).unwrap();
    }

    #[test]
    fn a_table_is_stored_column_by_column() {
        let two: Vec<_> = rows(&[1, 0, 2, 0, 3, 0, 4, 1], 2).collect();
        assert_eq!(two, [(1, 3), (2, 0x104)]);
        let three: Vec<_> = rows(&[1, 0, 1, 2, 0, 0], 3).collect();
        assert_eq!(three, [(0x1_0001, 2)]);
        assert_eq!(rows(&[1, 0], 2).count(), 0);
        assert_eq!(rows(&[], 2).count(), 0);
    }
}
