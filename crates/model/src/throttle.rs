//! How fast a site may download, by the time of day.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

const MINUTES_OF_DAY: u16 = 24 * 60;

/// A rate for a part of each day, in the civil time of whoever keeps to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Throttle {
    from_minute: u16,
    to_minute: u16,
    bytes_s: u64,
}

#[derive(Deserialize)]
struct Raw {
    from_minute: u16,
    to_minute: u16,
    bytes_s: u64,
}

impl TryFrom<Raw> for Throttle {
    type Error = ThrottleError;

    fn try_from(raw: Raw) -> Result<Self, ThrottleError> {
        Self::new(raw.from_minute, raw.to_minute, raw.bytes_s)
    }
}

/// Why something is no throttle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("minute {0} of the day: a day has the minutes 0 to 1439")]
pub struct ThrottleError(u16);

/// How fast something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As fast as it can.
    Unlimited,
    /// So many bytes a second.
    BytesPerSecond(NonZeroU64),
    /// Not at all.
    Paused,
}

impl Throttle {
    /// From a minute of the day up to another that is not in it, over midnight where that is the earlier
    /// one, and all day where both are the same. No bytes a second stop everything.
    pub fn new(from_minute: u16, to_minute: u16, bytes_s: u64) -> Result<Self, ThrottleError> {
        match [from_minute, to_minute]
            .into_iter()
            .find(|minute| *minute >= MINUTES_OF_DAY)
        {
            Some(minute) => Err(ThrottleError(minute)),
            None => Ok(Self {
                from_minute,
                to_minute,
                bytes_s,
            }),
        }
    }

    fn covers(&self, minute: u16) -> bool {
        let (from, to) = (self.from_minute, self.to_minute);
        if from < to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }

    fn rate(&self) -> Rate {
        NonZeroU64::new(self.bytes_s).map_or(Rate::Paused, Rate::BytesPerSecond)
    }
}

/// The rate at a minute of the day: the first rule that covers it counts.
pub fn at(rules: &[Throttle], minute_of_day: u16) -> Rate {
    let minute = minute_of_day % MINUTES_OF_DAY;
    rules
        .iter()
        .find(|rule| rule.covers(minute))
        .map_or(Rate::Unlimited, Throttle::rate)
}

/// In how many minutes the rate is another one; `None` where it is the same all day.
pub fn changes_in(rules: &[Throttle], minute_of_day: u16) -> Option<u16> {
    let now = at(rules, minute_of_day);
    let minute = minute_of_day % MINUTES_OF_DAY;
    (1..MINUTES_OF_DAY).find(|passed| at(rules, minute + passed) != now)
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_minute == self.to_minute {
            write!(f, "all day: {}", self.rate())
        } else {
            let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            let (from, to) = (clock(self.from_minute), clock(self.to_minute));
            write!(f, "{from}–{to}: {}", self.rate())
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("as fast as it goes"),
            Self::Paused => f.write_str("nothing"),
            Self::BytesPerSecond(bytes) => f.write_str(&bytes_a_second(bytes.get())),
        }
    }
}

/// In the largest unit in which it has no more than three digits.
fn bytes_a_second(bytes: u64) -> String {
    let units = [
        (1_000_000_000, "GB/s"),
        (1_000_000, "MB/s"),
        (1_000, "kB/s"),
    ];
    match units.into_iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} B/s"),
        Some((size, unit)) => {
            let tenths = bytes / (size / 10);
            match tenths % 10 {
                0 => format!("{} {unit}", tenths / 10),
                tenth => format!("{}.{tenth} {unit}", tenths / 10),
            }
        }
    }
}
