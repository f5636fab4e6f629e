//! When things are asked for again: sources, packages, and hosts that asked for a pause.

use std::time::Duration;

use fleetmend_model::Millis;
use reqwest::StatusCode;

/// The wait after a source's first failed read; each further one doubles it, up to the interval
/// between two reads or [`SOURCE_LONGEST`], whichever is longer.
const SOURCE_FIRST: Duration = Duration::from_secs(30);
/// The longest wait after failed reads of a source that is read more often than that.
const SOURCE_LONGEST: Duration = Duration::from_mins(10);
/// The inverse of the part of the time in which a source is read at most.
const SHARE: u32 = 10;
/// The wait after a nupkg could not be had for the first time; each further one doubles it.
const NUPKG_FIRST: Duration = Duration::from_secs(60);
/// How often a nupkg is tried to be had in a row: for some ten days.
pub const NUPKG_TRIES: i64 = 20;
/// The longest wait for a nupkg.
const NUPKG_LONGEST: Duration = Duration::from_hours(24);
/// The wait for what another process downloads.
const BUSY: Duration = Duration::from_secs(60);
/// How long a host is left alone that refuses requests. Chocolatey's community repository bans for
/// an hour.
///
/// Source: Chocolatey's documentation, 'Community Packages: Rate Limiting'.
pub const BAN: Duration = Duration::from_hours(1);
/// The longest pause that a host gets, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// How often a source is read, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// As a person set it, or as sources of the kind are read.
    Given(Duration),
    /// So rarely because a read of it takes long.
    Slow(Duration),
}

impl Every {
    /// So often, unless reading, which took so long the last time, would go on for more than a tenth of
    /// the time.
    pub fn unless_slow(often: Duration, took: Duration) -> Self {
        let rarely = took * SHARE;
        if rarely > often {
            Self::Slow(rarely)
        } else {
            Self::Given(often)
        }
    }

    /// The time from the end of a read to the next one.
    pub fn time(self) -> Duration {
        match self {
            Self::Given(time) | Self::Slow(time) => time,
        }
    }
}

/// When a source is read after `failures` failed reads in a row, at least one. `jitter` (0 to 1)
/// keeps sources that failed together from coming back together.
pub fn after_failed_read(now: Millis, failures: i64, every: Duration, jitter: f64) -> Millis {
    let wait = doubled(SOURCE_FIRST.min(every), failures);
    now + spread(wait.min(SOURCE_LONGEST.max(every)), jitter)
}

/// When a nupkg is asked for after `tries` failed tries, at least one.
pub fn after_failed_fetch(now: Millis, tries: i64, is_refused: bool, jitter: f64) -> Millis {
    let wait = doubled(NUPKG_FIRST, tries).min(NUPKG_LONGEST);
    if is_refused {
        return now + wait.max(BAN);
    }
    now + spread(wait, jitter)
}

/// Whether the same file may be had from where a site answered with this status: it is in trouble,
/// was asked too often or too slowly, or said no. Sites that are asked too often say 403 as well as
/// 429, and those that have the file no more say 404 or 410.
///
/// Source: RFC 9110, section 15 (408), and RFC 8470, section 5.2 (425).
pub fn may_differ_later(status: u16) -> bool {
    status >= 500 || matches!(status, 403 | 408 | 425 | 429)
}

/// When is looked again for a file that another process downloads.
pub fn after_busy(now: Millis) -> Millis {
    now + BUSY
}

fn doubled(first: Duration, failures: i64) -> Duration {
    let doublings = u32::try_from((failures - 1).clamp(0, 20)).unwrap_or(0);
    first * 2_u32.pow(doublings)
}

/// Between three quarters of the wait and all of it.
fn spread(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0))
}

/// What was asked for when a host refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// How many entries a feed has: nice to know, no more.
    Count,
    /// A page of a feed.
    Page,
    /// A nupkg.
    Nupkg,
    /// An installer.
    Installer,
}

/// A host's wish to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// How long.
    pub length: Duration,
    /// Whether not even a person may end it.
    pub is_ban: bool,
}

/// The pause that an answer calls for. `refusals` counts the answers 403 of the host in a row,
/// this one included.
///
/// 403 is how hosts ban, and how they answer for a single file that is not there: a page of a feed
/// that is refused is a ban, files are one only when nothing else comes from the host. One that says
/// how long it wants to be left alone is, whatever was asked for.
pub fn pause(
    status: StatusCode,
    retry_after: Option<Duration>,
    asked: Asked,
    refusals: u32,
    is_own_network: bool,
) -> Option<Pause> {
    let at_least = |least: Duration| retry_after.unwrap_or_default().max(least);
    let (length, is_ban) = match status {
        StatusCode::TOO_MANY_REQUESTS => (at_least(BAN), true),
        StatusCode::FORBIDDEN => {
            let is_host = match asked {
                Asked::Page => true,
                Asked::Nupkg => refusals > 1,
                Asked::Count | Asked::Installer => false,
            };
            if is_host {
                (at_least(BAN), !is_own_network)
            } else {
                (retry_after?, false)
            }
        }
        StatusCode::SERVICE_UNAVAILABLE => (retry_after?, false),
        _ => return None,
    };
    Some(Pause {
        length: length.min(LONGEST_PAUSE),
        is_ban,
    })
}

/// The header `Retry-After`: seconds, or a time.
///
/// Source: RFC 9110, section 10.2.3.
pub fn retry_after(header: &str, now: Millis) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
    Some(Millis(at.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_source_that_fails_is_read_ever_later_up_to_its_interval() {
        let mut last = Duration::ZERO;
        for failures in 1..60 {
            let most = after_failed_read(NOW, failures, HOUR, 1.0).since(NOW);
            let least = after_failed_read(NOW, failures, HOUR, 0.0).since(NOW);
            assert!(most <= HOUR && most >= last, "{failures}: {most:?}");
            assert_eq!(least, most.mul_f64(0.75), "{failures}");
            last = most;
        }
        assert_eq!(last, HOUR);
        let first = after_failed_read(NOW, 1, HOUR, 1.0);
        assert_eq!(first, NOW + Duration::from_secs(30));
        // An interval shorter than the first wait: what is down is left alone all the same.
        let often = Duration::from_secs(5);
        assert_eq!(after_failed_read(NOW, 1, often, 1.0), NOW + often);
        assert_eq!(after_failed_read(NOW, 99, often, 1.0), NOW + SOURCE_LONGEST);
    }

    #[test]
    fn a_source_that_takes_long_is_read_more_rarely() {
        let secs = Duration::from_secs;
        for (took, expected) in [
            (0, Every::Given(secs(30))),
            (3, Every::Given(secs(30))),
            (4, Every::Slow(secs(40))),
            (60, Every::Slow(secs(600))),
        ] {
            assert_eq!(Every::unless_slow(secs(30), secs(took)), expected, "{took}");
        }
    }

    #[test]
    fn a_nupkg_that_cannot_be_had_is_asked_for_ever_later_up_to_a_day() {
        let wait = |tries, refused| after_failed_fetch(NOW, tries, refused, 1.0).since(NOW);
        assert_eq!(wait(1, false), Duration::from_mins(1));
        assert_eq!(wait(4, false), Duration::from_mins(8));
        assert_eq!(wait(99, false), Duration::from_hours(24));
        assert_eq!(wait(1, true), HOUR);
        assert!(after_failed_fetch(NOW, 1, true, 0.0).since(NOW) >= HOUR);
    }

    #[test]
    fn a_host_that_refuses_is_left_alone_for_an_hour_at_least() {
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        for (status, header, asked, refusals, own, expected) in [
            (429, None, Asked::Page, 0, false, Some((60, true))),
            (429, minutes(5), Asked::Nupkg, 0, false, Some((60, true))),
            (
                429,
                minutes(90),
                Asked::Installer,
                0,
                true,
                Some((90, true)),
            ),
            (
                429,
                minutes(1 << 40),
                Asked::Page,
                0,
                false,
                Some((24 * 60, true)),
            ),
            (403, None, Asked::Page, 1, false, Some((60, true))),
            (403, minutes(120), Asked::Page, 1, false, Some((120, true))),
            // One's own server with a wrong password: a person may try again.
            (403, None, Asked::Page, 1, true, Some((60, false))),
            // A single file.
            (403, None, Asked::Nupkg, 1, false, None),
            (403, None, Asked::Nupkg, 2, false, Some((60, true))),
            (403, None, Asked::Installer, 9, false, None),
            (403, None, Asked::Count, 9, false, None),
            // A host that says so is no matter of a single file.
            (
                403,
                minutes(5),
                Asked::Installer,
                1,
                false,
                Some((5, false)),
            ),
            (403, minutes(5), Asked::Nupkg, 1, false, Some((5, false))),
            (403, minutes(5), Asked::Nupkg, 2, false, Some((60, true))),
            (503, None, Asked::Page, 0, false, None),
            (503, minutes(2), Asked::Page, 0, false, Some((2, false))),
            (500, minutes(2), Asked::Page, 0, false, None),
            (404, None, Asked::Page, 0, false, None),
            (401, None, Asked::Page, 0, false, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let expected = expected.map(|(minutes, is_ban)| Pause {
                length: Duration::from_mins(minutes),
                is_ban,
            });
            assert_eq!(
                pause(status, header, asked, refusals, own),
                expected,
                "{status} {header:?} {asked:?} {refusals} {own}"
            );
        }
    }

    #[test]
    fn only_what_a_site_does_not_have_or_does_not_understand_is_final() {
        for status in [403, 408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(may_differ_later(status), "{status}");
        }
        for status in [301, 400, 401, 404, 405, 407, 410, 416, 451] {
            assert!(!may_differ_later(status), "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_time() {
        let at = Millis(1_445_412_480_000);
        for (header, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            let found = retry_after(header, at).map(|it| it.as_secs());
            assert_eq!(found, expected, "{header}");
        }
    }
}
