//! A moment in the words that a person reads.

use std::fmt;

use fleetmend_model::Millis;
use serde::{Deserialize, Serialize};

use crate::schedule::Zone;
use crate::window;

/// A moment, and how clocks where it matters show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Millis,
    /// 'Sat 28 Nov 02:00 (Europe/Berlin)', with its year where that is not near.
    pub said: String,
}

impl Moment {
    /// As it is said at `now` of what happens in `zone`.
    pub fn new(at: Millis, zone: &Zone, now: Millis) -> Self {
        let said = match zone.civil(at) {
            Some(civil) => window::moment(civil, zone.civil(now)),
            None => "at a time that cannot be told".to_owned(),
        };
        Self {
            at,
            said: format!("{said} ({})", zone.name()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}
