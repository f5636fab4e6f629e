//! Which extension packages the analysis of each package was made with: when others would be used, it
//! is out of date.

use fleetmend_model::PackageId;

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    CLEAR = "DELETE FROM package_extensions WHERE package = $1";
    INSERT = "INSERT INTO package_extensions (package, extension, wanted, version, sha256)
              SELECT CAST($1 AS BIGINT), value->>0, value->>1, value->>2, value->>3
              FROM jsonb_each($2) WHERE true";
    ALL = "SELECT * FROM package_extensions ORDER BY package, extension";
}

/// An extension package with which another one was analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedExtension {
    /// Its id in lower case.
    pub extension: String,
    /// The versions that are taken, as the manifest writes them; empty is any.
    pub wanted: String,
    /// Its version, normalised; `None`: no source had one.
    pub version: Option<String>,
    /// SHA-256 of its nupkg, lower-case hexadecimal; `None`: it could not be had.
    pub sha256: Option<String>,
}

fn read(row: &Row) -> Result<(PackageId, UsedExtension)> {
    let used = UsedExtension {
        extension: row.text("extension")?,
        wanted: row.text("wanted")?,
        version: row.text_opt("version")?,
        sha256: row.text_opt("sha256")?,
    };
    Ok((PackageId(row.int("package")?), used))
}

/// Keeps what an analysis was made with, in place of what was kept.
pub async fn replace(tx: &mut Tx, package: PackageId, used: &[UsedExtension]) -> Result<()> {
    tx.run(&CLEAR, args![package]).await?;
    let mut rows = Rows::new();
    for it in used {
        rows.push(&row![&it.extension, &it.wanted, &it.version, &it.sha256]);
    }
    if !rows.is_empty() {
        tx.run(&INSERT, args![package, rows]).await?;
    }
    Ok(())
}

/// What all analyses were made with, by package.
pub async fn all(mut from: impl Read) -> Result<Vec<(PackageId, UsedExtension)>> {
    from.rows(&ALL, args![]).await?.iter().map(read).collect()
}
