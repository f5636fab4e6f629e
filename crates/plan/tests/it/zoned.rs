//! Times as tests write and read them.

use fleetmend_model::Millis;
use fleetmend_plan::schedule::{Schedule, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

pub(crate) fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

pub(crate) fn schedule(text: &str) -> Schedule {
    text.parse().unwrap()
}

/// An instant by its civil time and offset: '2026-03-29T01:59+01:00'.
pub(crate) fn instant(text: &str) -> Millis {
    let at: Timestamp = text.parse().unwrap();
    Millis(at.as_millisecond())
}

/// What clocks in `zone` show at `at`, with the offset: 'Sun 2026-03-29 03:00 +02:00'.
pub(crate) fn shown(zone: &Zone, at: Millis) -> String {
    let rules = TimeZoneDatabase::bundled().get(zone.name()).unwrap();
    let at = Timestamp::from_millisecond(at.0).unwrap();
    let at = at.to_zoned(rules);
    at.strftime("%a %F %H:%M %:z").to_string()
}

/// The first times of a schedule after `after`, a line each.
pub(crate) fn first(text: &str, zone_name: &str, after: &str, count: usize) -> String {
    let zone = zone(zone_name);
    schedule(text)
        .occurrences(&zone, instant(after))
        .take(count)
        .map(|at| shown(&zone, at) + "\n")
        .collect()
}
