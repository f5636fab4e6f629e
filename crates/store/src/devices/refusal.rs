//! That the server refused what a device's agent asked for.

use fleetmend_model::{DeviceId, Millis};

use crate::db::Tx;
use crate::error::Result;
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    SET_REFUSAL = "UPDATE devices SET refused_at = $2, refused = $3, refusal = $4 WHERE id = $1";
}

/// What the server refuses of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// All of it: its certificate is of no device that is managed.
    Certificate,
    /// A check-in.
    CheckIn,
    /// An inventory.
    Inventory,
    /// What became of jobs.
    Reports,
}

impl Refused {
    const ALL: [Self; 4] = [
        Self::Certificate,
        Self::CheckIn,
        Self::Inventory,
        Self::Reports,
    ];

    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::CheckIn => "checkin",
            Self::Inventory => "inventory",
            Self::Reports => "reports",
        }
    }

    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Certificate => "its certificate",
            Self::CheckIn => "its check-in",
            Self::Inventory => "its inventory",
            Self::Reports => "its reports",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// Something that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When last, about.
    pub at: Millis,
    /// What.
    pub what: Refused,
    /// Why.
    pub cause: String,
}

pub(super) fn read(row: &Row) -> Result<Option<Refusal>> {
    let Some(at) = row.millis_opt("refused_at")? else {
        return Ok(None);
    };
    Ok(Some(Refusal {
        at,
        what: row.word("refused", Refused::from_key)?,
        cause: row.text("refusal")?,
    }))
}

/// Writes down what of a device was refused, or that nothing is any more.
pub async fn set_refusal(tx: &mut Tx, device: DeviceId, refusal: Option<&Refusal>) -> Result<()> {
    let at = refusal.map(|it| it.at);
    let what = refusal.map_or("", |it| it.what.key());
    let cause = refusal.map_or("", |it| it.cause.as_str());
    tx.run(&SET_REFUSAL, args![device, at, what, cause])
        .await
        .map(drop)
}
