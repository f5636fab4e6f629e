//! Which policy each device has.

use std::collections::{BTreeMap, HashMap};

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, PolicyId};

use super::lock;
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::missing::Counted;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Value, args, row};

statements! {
    SET_BY_NOBODY = "SELECT id, system_type FROM devices WHERE system_type_set = 0 AND id IN
                         (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    SET = "UPDATE devices SET policy = t.policy, policy_why = t.why,
               system_type = CASE WHEN devices.system_type_set = 1 THEN devices.system_type
                                  ELSE t.system_type END
           FROM (SELECT CAST(value->>0 AS BIGINT) AS device, CAST(value->>1 AS BIGINT) AS policy,
                        value->>2 AS why, value->>3 AS system_type
                 FROM jsonb_each($1)) AS t
           WHERE devices.id = t.device";
    ALL = "SELECT id, policy, policy_why, system_type FROM devices WHERE removed_at IS NULL ORDER BY id";
}

/// The policy that a device has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HasPolicy {
    /// Which device.
    pub device: DeviceId,
    /// Its policy; `None` where it was not looked at yet.
    pub policy: Option<PolicyId>,
    /// Why that one.
    pub why: String,
    /// How careful approvals are with the device: a policy's word, unless a person has said it.
    pub system_type: SystemType,
}

/// Devices by the policies that they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Having {
    /// All devices.
    Any,
    /// Those that have one of these; `None` is none yet.
    OneOf(Vec<Option<PolicyId>>),
}

impl Having {
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Any => Value::Text(None),
            Self::OneOf(all) => Rows::of(all.iter().map(|it| it.map_or(0, |it| it.0))).into_value(),
        }
    }
}

/// Writes down which policies devices have, in one statement. A system type that a person set stays.
pub async fn set_policies(tx: &mut Tx, all: &[HasPolicy]) -> Result<()> {
    let mut rows = Rows::new();
    for it in all {
        rows.push(&row![
            it.device,
            it.policy.map(|it| it.0),
            &it.why,
            it.system_type.key()
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    retype(tx, all).await?;
    tx.run(&SET, args![rows]).await.map(drop)
}

/// Locks the devices, and counts what they lack for the types that policies give them.
async fn retype(tx: &mut Tx, all: &[HasPolicy]) -> Result<()> {
    let ids = Rows::of(lock(tx, all.iter().map(|it| it.device)).await?);
    let mut known = HashMap::new();
    for row in tx.rows(&SET_BY_NOBODY, args![ids]).await? {
        let system_type = row.word("system_type", SystemType::from_key)?;
        known.insert(DeviceId(row.int("id")?), system_type);
    }
    let mut moved: BTreeMap<SystemType, Vec<DeviceId>> = BTreeMap::new();
    for it in all {
        if known
            .get(&it.device)
            .is_some_and(|was| *was != it.system_type)
        {
            moved.entry(it.system_type).or_default().push(it.device);
        }
    }
    for (system_type, devices) in moved {
        Counted::retype(tx, &devices, system_type).await?;
    }
    Ok(())
}

/// The policy of every device that was not removed, by device.
pub async fn policies(mut from: impl Read) -> Result<Vec<HasPolicy>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(HasPolicy {
                device: DeviceId(row.int("id")?),
                policy: row.int_opt("policy")?.map(PolicyId),
                why: row.text("policy_why")?,
                system_type: row.word("system_type", SystemType::from_key)?,
            })
        })
        .collect()
}
