//! Moments spread over the devices, so that not all of them come at once.
//!
//! A device's place depends on its id alone: a plan and the run that it foretells agree, and a device
//! keeps its place from day to day.

use std::time::Duration;

use fleetmend_model::{DeviceId, Millis};

/// The longest time that a scheduled scan of all devices is spread over.
pub const LONGEST_SPREAD: Duration = Duration::from_secs(30 * 60);

/// The part of a schedule's period that its scans may be spread over.
const PART_OF_PERIOD: u32 = 8;

/// As many devices are asked at once; what more are asked for now is spread.
pub const AT_ONCE: usize = 200;

/// What more devices than [`AT_ONCE`] are spread over where a person waits for them.
pub const ASKED_SPREAD: Duration = Duration::from_secs(2 * 60);

/// The moment in `spread` from `due` on at which it is this device's turn.
pub fn jitter(device: DeviceId, due: Millis, spread: Duration) -> Millis {
    due + share_of(device, spread)
}

/// What a scheduled scan that is due at `due` is spread over, if it is due again at `again`: an eighth of
/// the time between, thirty minutes at most.
pub fn scheduled_spread(due: Millis, again: Option<Millis>) -> Duration {
    again.map_or(LONGEST_SPREAD, |again| {
        (again.since(due) / PART_OF_PERIOD).min(LONGEST_SPREAD)
    })
}

/// What a scan that a person asks for now is spread over, for so many devices.
pub fn asked_spread(devices: usize) -> Duration {
    if devices > AT_ONCE {
        ASKED_SPREAD
    } else {
        Duration::ZERO
    }
}

/// `interval`, give or take up to `slack`: this device's own, so that devices that began together do not
/// stay together.
pub fn about(device: DeviceId, interval: Duration, slack: Duration) -> Duration {
    let slack = slack.min(interval);
    interval.saturating_sub(slack) + share_of(device, slack * 2)
}

/// The device's place in `whole`: the ids of any fleet are spread evenly over it.
fn share_of(device: DeviceId, whole: Duration) -> Duration {
    let whole = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    let share = (u128::from(mixed(device.0)) * u128::from(whole)) >> u64::BITS;
    Duration::from_millis(u64::try_from(share).unwrap_or(whole))
}

/// The last step of `SplitMix64` (Steele, Lea and Flood, 2014): neighbouring ids come to lie anywhere.
fn mixed(id: i64) -> u64 {
    let mut mixed = id.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
