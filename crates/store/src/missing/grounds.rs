//! Why devices lack patches: each distinct answer once, as it is the same on many devices.

use fleetmend_model::patch::{Confidence, Evidence};

use crate::db::Tx;
use crate::error::Result;
use crate::intern;
use crate::sql::statements;
use crate::value::{Row, row};

statements! {
    INTERN = "INSERT INTO missing_grounds (digest, installed_version, evidence, confidence, reason)
              SELECT unhex(value->>0), value->>1, value->>2, value->>3, value->>4
              FROM jsonb_each($1)
              WHERE NOT EXISTS
                  (SELECT 1 FROM missing_grounds WHERE digest = unhex(value->>0))
              ON CONFLICT (digest) DO NOTHING";
    IDS = "SELECT g.id, g.digest FROM jsonb_each($1) AS j
           JOIN missing_grounds AS g ON g.digest = unhex(j.value->>0)";
}

/// The digest that grounds are known by, see [`crate::intern::Digest`].
pub type GroundsDigest = intern::Digest;

/// Stored [`Grounds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroundsId(pub(crate) i64);

/// Why a patch is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// The version that is installed.
    pub installed_version: String,
    /// What the match rests on.
    pub evidence: Evidence,
    /// How sure it is.
    pub confidence: Confidence,
    /// In words.
    pub reason: String,
}

pub(super) fn read(row: &Row) -> Result<Grounds> {
    Ok(Grounds {
        installed_version: row.text("installed_version")?,
        evidence: row.word("evidence", Evidence::from_key)?,
        confidence: row.word("confidence", Confidence::from_key)?,
        reason: row.text("reason")?,
    })
}

/// Stores the grounds that are not there yet; returns the ids of all, in the order given. Grounds
/// may repeat.
pub async fn intern_grounds(
    tx: &mut Tx,
    grounds: &[(GroundsDigest, &Grounds)],
) -> Result<Vec<GroundsId>> {
    let ids = intern::all(tx, &INTERN, &IDS, grounds, |digest, it| {
        row![
            digest.as_slice(),
            &it.installed_version,
            it.evidence.key(),
            it.confidence.key(),
            &it.reason,
        ]
    })
    .await?;
    Ok(ids.into_iter().map(GroundsId).collect())
}
