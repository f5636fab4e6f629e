//! What is to be known of something that runs.

use std::fmt;

use fleetmend_model::DeployJobId;

use crate::moment::Moment;
use crate::reason::counted_days;

/// What a person is told beside when it runs. `Display` is a part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It fixes what is known to be exploited.
    Exploited {
        /// What.
        cves: Vec<String>,
        /// How long it would be left to others otherwise, where it is not for that.
        days: Option<u32>,
    },
    /// A rule approved it, and no person.
    ByRule {
        /// Which.
        rule: String,
    },
    /// A job for another version of the package is not over.
    Beside {
        /// Which job.
        job: DeployJobId,
        /// For which version.
        version: String,
    },
    /// Whose time zone counts.
    Zone(String),
    /// The device is down: it starts when it is back, within its window.
    Down {
        /// Since when.
        since: Moment,
    },
    /// One thing at a time is deployed on a device.
    After {
        /// What comes right before it.
        title: String,
    },
    /// As many devices as may install at one time do so before it.
    Place {
        /// How many.
        places: u32,
        /// Its place in the line, counted from 1.
        position: usize,
        /// Whether it is those behind one master.
        of_site: bool,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exploited { cves, days } => {
                write!(f, "fixes what is exploited ({})", cves.join(", "))?;
                match days {
                    None => Ok(()),
                    Some(days) => {
                        let days = counted_days(*days);
                        write!(f, ", so not left to others for {days}")
                    }
                }
            }
            Self::ByRule { rule } => write!(f, "approved by rule '{rule}'"),
            Self::Beside { job, version } => {
                write!(f, "deploy job {job} for version {version} is not over")
            }
            Self::Zone(note) => f.write_str(note),
            Self::Down { since } => write!(
                f,
                "down since {since}: starts when it is back, if the window is open then"
            ),
            Self::After { title } => write!(f, "after {title}"),
            Self::Place {
                places,
                position,
                of_site,
            } => {
                let place = if *of_site { " behind its master" } else { "" };
                write!(
                    f,
                    "waits for a free place: {places} at once{place}, number {position} in the line"
                )
            }
        }
    }
}
