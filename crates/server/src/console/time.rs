//! Times as people read them: the point in UTC, and how long ago.

use std::fmt;

use fleetmend_model::Millis;
use jiff::Timestamp;

/// A time as HTML. It writes nothing but digits and fixed words, so it needs no escaping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    at: Option<Millis>,
    now: Millis,
}

impl When {
    /// A time, or never, seen from `now`.
    pub fn new(at: Option<Millis>, now: Millis) -> Self {
        Self { at, now }
    }
}

impl askama::filters::HtmlSafe for When {}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self
            .at
            .and_then(|at| Some((at, Timestamp::from_millisecond(at.0).ok()?)));
        let Some((at, time)) = time else {
            return f.write_str("never");
        };
        let iso = time.strftime("%Y-%m-%dT%H:%M:%SZ");
        let shown = time.strftime("%Y-%m-%d %H:%M:%SZ");
        write!(f, "<time datetime=\"{iso}\">{shown}</time> ")?;
        write!(f, "<span class=\"ago\">{}</span>", relative(at, self.now))
    }
}

/// E.g. `3 min ago`, `in 2 h`.
fn relative(at: Millis, now: Millis) -> String {
    let is_future = at > now;
    let seconds = if is_future {
        at.since(now)
    } else {
        now.since(at)
    }
    .as_secs();
    let amount = match seconds {
        0..5 => return "now".to_owned(),
        5..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    if is_future {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc_with_how_long_ago() {
        let now = Millis(1_795_000_000_000);
        for (seconds, shown) in [
            (0, "now"),
            (-30, "30 s ago"),
            (-90, "1 min ago"),
            (7_300, "in 2 h"),
            (-47 * 3600, "47 h ago"),
            (-49 * 3600, "2 days ago"),
        ] {
            assert_eq!(relative(Millis(now.0 + seconds * 1000), now), shown);
        }
        let html = When::new(Some(now), now).to_string();
        assert!(html.contains("datetime=\"2026-11-18T"), "{html}");
        assert_eq!(When::new(None, now).to_string(), "never");
        assert_eq!(When::new(Some(Millis(i64::MAX)), now).to_string(), "never");
    }
}
