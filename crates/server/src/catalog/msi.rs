//! Reads an MSI's Property table.

use std::io::{Read, Seek};

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
pub fn properties<F: Read + Seek>(file: F) -> Result<Properties, String> {
    let mut package = msi::Package::open(file).map_err(|error| format!("not an MSI: {error}"))?;
    let rows = package
        .select_rows(msi::Select::table("Property"))
        .map_err(|error| format!("its Property table cannot be read: {error}"))?;
    let mut found = [const { None }; 5];
    let names = [
        "ProductCode",
        "UpgradeCode",
        "ProductName",
        "ProductVersion",
        "Manufacturer",
    ];
    for row in rows {
        let (Some(name), Some(value)) = (row[0].as_str(), row[1].as_str()) else {
            continue;
        };
        if let Some(at) = names.iter().position(|it| *it == name) {
            found[at] = Some(value.to_owned());
        }
    }
    let [
        product_code,
        upgrade_code,
        product_name,
        product_version,
        manufacturer,
    ] = found;
    let missing = |name| format!("its Property table has no {name}");
    Ok(Properties {
        product_code: product_code
            .ok_or_else(|| missing("ProductCode"))?
            .to_uppercase(),
        upgrade_code: upgrade_code.map(|code| code.to_uppercase()),
        product_name: product_name.ok_or_else(|| missing("ProductName"))?,
        product_version: product_version.ok_or_else(|| missing("ProductVersion"))?,
        manufacturer: manufacturer.unwrap_or_default(),
    })
}
