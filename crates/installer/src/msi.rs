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
        if let Some(at) = names.iter().position(|it| Some(it.as_bytes()) == known) {
            found[at] = Some(strings.text(value));
        }
    }
    let mut value = |at: usize| match found[at].take() {
        None => Ok(None),
        Some(Some(text)) if text.chars().count() <= LONGEST_VALUE => Ok(Some(text)),
        Some(_) => Err(lacks(&format!("has a {} that cannot be read", names[at]))),
    };
    let missing = |at: usize| lacks(&format!("has no {} in its Property table", names[at]));
    Ok(Properties {
        product_code: value(0)?.ok_or_else(|| missing(0))?.to_uppercase(),
        upgrade_code: value(1)?.map(|code| code.to_uppercase()),
        product_name: value(2)?.ok_or_else(|| missing(2))?,
        product_version: value(3)?.ok_or_else(|| missing(3))?,
        manufacturer: value(4)?.unwrap_or_default(),
    })
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
    use super::*;

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
