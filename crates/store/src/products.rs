//! What the mirror learned from the installers of packages: which MSI is which package.

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    UPSERT = "INSERT INTO package_products (package, product_code, upgrade_code, product_name,
                  product_version, publisher, package_version)
              SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,
                     value->>6
              FROM jsonb_each($1) WHERE true
              ON CONFLICT (package, product_code) DO UPDATE SET
                  upgrade_code = excluded.upgrade_code, product_name = excluded.product_name,
                  product_version = excluded.product_version, publisher = excluded.publisher,
                  package_version = excluded.package_version";
    ALL = "SELECT * FROM package_products ORDER BY package, product_code";
    OF = "SELECT * FROM package_products WHERE package = $1 ORDER BY product_code";
}

/// An MSI that a package installs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Product {
    /// The package's id in lower case.
    pub package: String,
    /// Product code: upper case, in braces.
    pub product_code: String,
    /// Upgrade code: upper case, in braces.
    pub upgrade_code: Option<String>,
    /// `ProductName`.
    pub product_name: String,
    /// `ProductVersion`.
    pub product_version: String,
    /// `Manufacturer`.
    pub publisher: String,
    /// The version of the package that brings it, as far as known: `ProductVersion` may be another.
    pub package_version: Option<String>,
}

fn read(row: &Row) -> Result<Product> {
    Ok(Product {
        package: row.text("package")?,
        product_code: row.text("product_code")?,
        upgrade_code: row.text_opt("upgrade_code")?,
        product_name: row.text("product_name")?,
        product_version: row.text("product_version")?,
        publisher: row.text("publisher")?,
        package_version: row.text_opt("package_version")?,
    })
}

/// Stores products, new or known.
pub async fn upsert_many(tx: &mut Tx, products: &[Product]) -> Result<()> {
    let mut distinct = std::collections::BTreeMap::new();
    for it in products {
        distinct.insert(
            (it.package.to_lowercase(), it.product_code.to_uppercase()),
            it,
        );
    }
    let mut rows = Rows::new();
    for ((package, product_code), it) in distinct {
        rows.push(&row![
            package,
            product_code,
            it.upgrade_code.as_ref().map(|code| code.to_uppercase()),
            &it.product_name,
            &it.product_version,
            &it.publisher,
            &it.package_version,
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&UPSERT, args![rows]).await.map(drop)
}

/// All products, by package: for the in-memory registry.
pub async fn load_all(mut from: impl Read) -> Result<Vec<Product>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}

/// The products of a package.
pub async fn of_package(mut from: impl Read, package: &str) -> Result<Vec<Product>> {
    from.rows(&OF, args![package.to_lowercase()])
        .await?
        .iter()
        .map(read)
        .collect()
}
