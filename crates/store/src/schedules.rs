//! Up to when the due times of policies' schedules were seen to. Schedules are the plan's; here they are texts.

use fleetmend_model::{DeviceId, Millis, PolicyId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    ALL = "SELECT * FROM schedule_marks ORDER BY kind, policy, zone, schedule";
    BEGIN = "INSERT INTO schedule_marks (kind, policy, zone, schedule, seen_to)
             SELECT value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3, $2
             FROM jsonb_each($1) WHERE true ON CONFLICT DO NOTHING";
    FORGET = "DELETE FROM schedule_marks WHERE (kind, policy, zone, schedule) IN
                  (SELECT value->>0, CAST(value->>1 AS BIGINT), value->>2, value->>3
                   FROM jsonb_each($1))";
    SEE_TO = "UPDATE schedule_marks SET seen_to = $5
              WHERE kind = $1 AND policy = $2 AND zone = $3 AND schedule = $4 AND seen_to < $5";
    ZONES = "SELECT DISTINCT policy, time_zone FROM devices
             WHERE removed_at IS NULL AND policy IS NOT NULL ORDER BY policy, time_zone";
    DEVICES = "SELECT id FROM devices
               WHERE removed_at IS NULL AND policy = $1 AND time_zone = $2 ORDER BY id";
}

/// A schedule of a policy, in one of the time zones that its devices are in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is due by it.
    pub kind: &'static str,
    /// Whose.
    pub policy: PolicyId,
    /// The zone, as devices name it.
    pub zone: String,
    /// The schedule. One that changes begins anew.
    pub schedule: String,
}

/// A key as it is kept, and up to when its due times were seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What is due by it.
    pub kind: String,
    /// Whose.
    pub policy: PolicyId,
    /// The zone, as devices name it.
    pub zone: String,
    /// The schedule.
    pub schedule: String,
    /// Up to when.
    pub seen_to: Millis,
}

impl Mark {
    /// Whether it is of a key.
    pub fn is_of(&self, key: &Key) -> bool {
        self.kind == key.kind
            && self.policy == key.policy
            && self.zone == key.zone
            && self.schedule == key.schedule
    }
}

fn read(row: &Row) -> Result<Mark> {
    Ok(Mark {
        kind: row.text("kind")?,
        policy: PolicyId(row.int("policy")?),
        zone: row.text("zone")?,
        schedule: row.text("schedule")?,
        seen_to: row.millis("seen_to")?,
    })
}

/// All marks.
pub async fn marks(mut from: impl Read) -> Result<Vec<Mark>> {
    let rows = from.rows(&ALL, args![]).await?;
    rows.iter().map(read).collect()
}

/// Begins with schedules that are new: what was due before is not.
pub async fn begin(tx: &mut Tx, new: &[Key], now: Millis) -> Result<()> {
    let mut rows = Rows::new();
    for it in new {
        rows.push(&row![it.kind, it.policy.0, &it.zone, &it.schedule]);
    }
    tx.run(&BEGIN, args![rows, now]).await.map(drop)
}

/// Forgets schedules that are none any more.
pub async fn forget(tx: &mut Tx, old: &[Mark]) -> Result<()> {
    let mut rows = Rows::new();
    for it in old {
        rows.push(&row![&it.kind, it.policy.0, &it.zone, &it.schedule]);
    }
    tx.run(&FORGET, args![rows]).await.map(drop)
}

/// Notes that what was due at a time is seen to. `false`: it was before, or the schedule is none any more.
pub async fn see_to(tx: &mut Tx, key: &Key, due: Millis) -> Result<bool> {
    let values = args![key.kind, key.policy.0, &key.zone, &key.schedule, due];
    Ok(tx.run(&SEE_TO, values).await? > 0)
}

/// The policies that devices have, with the zones that those are in.
pub async fn zones(mut from: impl Read) -> Result<Vec<(PolicyId, String)>> {
    let rows = from.rows(&ZONES, args![]).await?;
    rows.iter()
        .map(|row| Ok((PolicyId(row.int("policy")?), row.text("time_zone")?)))
        .collect()
}

/// The devices that have a policy and are in a zone.
pub async fn devices(mut from: impl Read, policy: PolicyId, zone: &str) -> Result<Vec<DeviceId>> {
    let rows = from.rows(&DEVICES, args![policy.0, zone]).await?;
    rows.iter().map(|row| row.int("id").map(DeviceId)).collect()
}
