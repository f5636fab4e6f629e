//! Answers that brought another file than the one that a package names, before the version is in
//! quarantine.

use fleetmend_model::{Millis, PackageId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::quarantine::WrongFile;
use crate::sql::statements;
use crate::value::args;

statements! {
    PUT = "INSERT INTO wrong_answers (package, file, wanted, sha256, found_at)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (package, file) DO UPDATE SET
               wanted = excluded.wanted, sha256 = excluded.sha256, found_at = excluded.found_at";
    GET = "SELECT * FROM wrong_answers WHERE package = $1 AND file = $2";
    CLEAR = "DELETE FROM wrong_answers WHERE package = $1";
}

/// The answer that was noted for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongAnswer {
    /// What was wanted, as [`wanted`] writes it.
    pub wanted: String,
    /// The SHA-256 of what came, lower-case hexadecimal.
    pub sha256: String,
    /// When.
    pub at: Millis,
}

/// What was wanted: `sha256:…`.
pub fn wanted(file: &WrongFile) -> String {
    format!("{}:{}", file.algorithm, file.wanted)
}

/// Notes an answer, in place of what was noted for the same file of the package.
pub async fn put(tx: &mut Tx, package: PackageId, file: &WrongFile, now: Millis) -> Result<()> {
    let values = args![package, &file.file, wanted(file), &file.sha256, now];
    tx.run(&PUT, values).await.map(drop)
}

/// What was noted for a file of a package.
pub async fn get(
    mut from: impl Read,
    package: PackageId,
    file: &str,
) -> Result<Option<WrongAnswer>> {
    let row = from.row(&GET, args![package, file]).await?;
    row.map(|row| {
        Ok(WrongAnswer {
            wanted: row.text("wanted")?,
            sha256: row.text("sha256")?,
            at: row.millis("found_at")?,
        })
    })
    .transpose()
}

/// Forgets what was noted for a package.
pub async fn clear(tx: &mut Tx, package: PackageId) -> Result<()> {
    tx.run(&CLEAR, args![package]).await.map(drop)
}
