//! What programs that install package versions say of themselves: from this the relation between a
//! package's version and what Windows shows can be learnt.

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    UPSERT = "INSERT INTO installer_versions (package, package_version, sha256, product_name,
                  company_name, product_version, file_version, fixed_product_version,
                  fixed_file_version)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
              ON CONFLICT (package, package_version, sha256) DO UPDATE SET
                  product_name = excluded.product_name, company_name = excluded.company_name,
                  product_version = excluded.product_version,
                  file_version = excluded.file_version,
                  fixed_product_version = excluded.fixed_product_version,
                  fixed_file_version = excluded.fixed_file_version";
    ALL = "SELECT * FROM installer_versions ORDER BY package, package_version, sha256";
    OF_PACKAGE = "SELECT * FROM installer_versions WHERE package = $1
                  ORDER BY package_version, sha256";
}

/// A program's version resource. Texts that it lacks are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallerVersion {
    /// The package's id in lower case.
    pub package: String,
    /// The version of the package that it installs.
    pub package_version: String,
    /// The program's SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// `ProductName`.
    pub product_name: String,
    /// `CompanyName`.
    pub company_name: String,
    /// `ProductVersion`, as its maker wrote it.
    pub product_version: String,
    /// `FileVersion`, as its maker wrote it.
    pub file_version: String,
    /// The product's version in numbers, `1.2.3.4`.
    pub fixed_product_version: String,
    /// The file's version in numbers, `1.2.3.4`.
    pub fixed_file_version: String,
}

fn read(row: &Row) -> Result<InstallerVersion> {
    Ok(InstallerVersion {
        package: row.text("package")?,
        package_version: row.text("package_version")?,
        sha256: row.text("sha256")?,
        product_name: row.text("product_name")?,
        company_name: row.text("company_name")?,
        product_version: row.text("product_version")?,
        file_version: row.text("file_version")?,
        fixed_product_version: row.text("fixed_product_version")?,
        fixed_file_version: row.text("fixed_file_version")?,
    })
}

/// Keeps what a program says.
pub async fn upsert(tx: &mut Tx, it: &InstallerVersion) -> Result<()> {
    let values = args![
        &it.package,
        &it.package_version,
        &it.sha256,
        &it.product_name,
        &it.company_name,
        &it.product_version,
        &it.file_version,
        &it.fixed_product_version,
        &it.fixed_file_version,
    ];
    tx.run(&UPSERT, values).await.map(drop)
}

/// What is known of all installers, by package and version.
pub async fn load_all(mut from: impl Read) -> Result<Vec<InstallerVersion>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}

/// What is known of a package's installers.
pub async fn of_package(mut from: impl Read, package: &str) -> Result<Vec<InstallerVersion>> {
    from.rows(&OF_PACKAGE, args![package])
        .await?
        .iter()
        .map(read)
        .collect()
}
