//! The states of a deploy job.

use serde::{Deserialize, Serialize};

use super::{IllegalEdge, Party};

/// The status of a deploy job. The number is what the wire, the API and the database carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
#[repr(u8)]
pub enum DeployStatus {
    /// Exists; nothing was done.
    Posted = 1,
    /// The server fetches the release's files.
    Downloading = 2,
    /// The server has them.
    Downloaded = 3,
    /// The master or standalone agent fetches them.
    AgentDownloading = 4,
    /// It has them, and their digests are right.
    AgentDownloaded = 5,
    /// Waits on the device.
    DeployPosted = 6,
    /// Waits for another deploy on the same device.
    WaitingForAnother = 7,
    /// The installer is started.
    Started = 8,
    /// Installed, and re-detected.
    Completed = 9,
    /// Installed, and a restart is due.
    NeedsRestart = 10,
    /// The installer failed.
    Failed = 11,
    /// No failure, and still missing.
    UnknownError = 12,
    /// Neither missing nor installed any more.
    NotApplicable = 13,
}

use DeployStatus::{
    AgentDownloaded, AgentDownloading, Completed, DeployPosted, Downloaded, Downloading, Failed,
    NeedsRestart, NotApplicable, Posted, Started, UnknownError, WaitingForAnother,
};

impl DeployStatus {
    /// All, by number.
    pub const ALL: [Self; 13] = [
        Posted,
        Downloading,
        Downloaded,
        AgentDownloading,
        AgentDownloaded,
        DeployPosted,
        WaitingForAnother,
        Started,
        Completed,
        NeedsRestart,
        Failed,
        UnknownError,
        NotApplicable,
    ];

    /// The label that administrators see.
    pub fn label(self) -> &'static str {
        match self {
            Posted => "Patch deployment job is posted",
            Downloading => "Patch download in progress",
            Downloaded => "Patch download is completed",
            AgentDownloading => "Master Agent started download",
            AgentDownloaded => "Master Agent download success",
            DeployPosted => "Patch deploy job is posted",
            WaitingForAnother => "Another deploy is in progress. Please wait",
            Started => "Patch deploy started",
            Completed => "Patch deploy completed successfully",
            NeedsRestart => "Patch deploy completed. System needs restart",
            Failed => "Patch deploy failed",
            UnknownError => "Unknown error",
            NotApplicable => {
                "Patch is not applicable due to previous service pack installation or update \
                 roll-up installation or corresponding software is removed from the machine"
            }
        }
    }

    /// 1 to 13.
    pub fn number(self) -> i64 {
        self as i64
    }
}

impl From<DeployStatus> for i64 {
    fn from(status: DeployStatus) -> Self {
        status.number()
    }
}

impl TryFrom<i64> for DeployStatus {
    type Error = String;
    fn try_from(number: i64) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
            .ok_or_else(|| format!("{number} is not the number of a deploy status (1 to 13)"))
    }
}

/// How a job ended without one of the thirteen statuses saying so. The status that it had stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A person called it off.
    Cancelled,
    /// It did not end by its deadline.
    Expired,
    /// The files could not be had, or were not what was released.
    DownloadFailed,
    /// The agent did not accept the order.
    Refused,
}

impl Ending {
    /// All.
    pub const ALL: [Self; 4] = [
        Self::Cancelled,
        Self::Expired,
        Self::DownloadFailed,
        Self::Refused,
    ];

    /// The word that administrators see beside the status.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cancelled => "Cancelled",
            Self::Expired => "Expired",
            Self::DownloadFailed => "Download failed",
            Self::Refused => "Refused by the agent",
        }
    }

    /// The value in the API and the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::DownloadFailed => "download_failed",
            Self::Refused => "refused",
        }
    }

    /// Reads [`Self::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeployState {
    /// One of the thirteen.
    pub status: DeployStatus,
    /// Set when the job ended outside them.
    pub ending: Option<Ending>,
}

impl DeployState {
    /// A job that was just made.
    pub const NEW: Self = Self {
        status: Posted,
        ending: None,
    };

    /// Whether nothing more happens by itself. A job that needs a restart is not over.
    pub fn is_final(self) -> bool {
        self.ending.is_some()
            || matches!(
                self.status,
                Completed | Failed | UnknownError | NotApplicable
            )
    }

    /// Whether the agent may have the order and has not said that it started: a person's cancel is
    /// a request then, which the agent grants or is too late for.
    pub fn is_with_agent(self) -> bool {
        self.ending.is_none() && (Downloaded..=WaitingForAnother).contains(&self.status)
    }

    /// Whether a person may call the job off, at once or as a request.
    pub fn can_cancel(self) -> bool {
        self.is_with_agent() || (self.ending.is_none() && self.status < Downloaded)
    }

    /// Whether Redeploy is offered.
    pub fn can_redeploy(self) -> bool {
        self.ending.is_some() || matches!(self.status, Failed | UnknownError)
    }
}

/// What is asked of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Go to a status.
    Status {
        /// The status.
        status: DeployStatus,
    },
    /// End where it stands.
    End {
        /// Why.
        ending: Ending,
    },
}

/// Every legal edge between statuses; `None` is before the job exists.
pub const EDGES: &[(Option<DeployStatus>, DeployStatus, Party)] = &[
    (None, Posted, Party::User),
    // A schedule, or what is done again by itself.
    (None, Posted, Party::Server),
    (Some(Posted), Downloading, Party::Server),
    (Some(Posted), Downloaded, Party::Server),
    (Some(Downloading), Downloaded, Party::Server),
    (Some(Downloaded), AgentDownloading, Party::Agent),
    (Some(AgentDownloading), AgentDownloaded, Party::Agent),
    (Some(AgentDownloaded), DeployPosted, Party::Server),
    (Some(DeployPosted), WaitingForAnother, Party::Agent),
    (Some(WaitingForAnother), Started, Party::Agent),
    (Some(DeployPosted), Started, Party::Agent),
    (Some(Started), Completed, Party::Agent),
    (Some(Started), NeedsRestart, Party::Agent),
    (Some(Started), Failed, Party::Agent),
    (Some(Started), UnknownError, Party::Agent),
    (Some(NeedsRestart), Completed, Party::Server),
    (Some(Posted), NotApplicable, Party::Server),
    (Some(Downloading), NotApplicable, Party::Server),
    (Some(Downloaded), NotApplicable, Party::Server),
    (Some(AgentDownloading), NotApplicable, Party::Server),
    (Some(AgentDownloaded), NotApplicable, Party::Server),
    (Some(DeployPosted), NotApplicable, Party::Server),
    (Some(WaitingForAnother), NotApplicable, Party::Server),
    (Some(Started), NotApplicable, Party::Server),
    (Some(Posted), NotApplicable, Party::Agent),
    (Some(Downloading), NotApplicable, Party::Agent),
    (Some(Downloaded), NotApplicable, Party::Agent),
    (Some(AgentDownloading), NotApplicable, Party::Agent),
    (Some(AgentDownloaded), NotApplicable, Party::Agent),
    (Some(DeployPosted), NotApplicable, Party::Agent),
    (Some(WaitingForAnother), NotApplicable, Party::Agent),
    (Some(Started), NotApplicable, Party::Agent),
];

/// From which statuses a job may end outside the thirteen, and by whom.
pub const ENDINGS: &[(Ending, &[DeployStatus], Party)] = &[
    // A person's word ends what the server alone has. What was handed out may have started
    // meanwhile: only the agent can say that it has not ([`DeployState::is_with_agent`]).
    (Ending::Cancelled, &[Posted, Downloading], Party::User),
    // An order that no reply ever carried.
    (Ending::Cancelled, &[Downloaded], Party::Server),
    (
        Ending::Cancelled,
        &[
            Downloaded,
            AgentDownloading,
            AgentDownloaded,
            DeployPosted,
            WaitingForAnother,
        ],
        Party::Agent,
    ),
    (
        Ending::Expired,
        &[
            Posted,
            Downloading,
            Downloaded,
            AgentDownloading,
            AgentDownloaded,
            DeployPosted,
            WaitingForAnother,
            Started,
            NeedsRestart,
        ],
        Party::Server,
    ),
    // The order's time is over before the device starts it.
    (
        Ending::Expired,
        &[
            Downloaded,
            AgentDownloading,
            AgentDownloaded,
            DeployPosted,
            WaitingForAnother,
        ],
        Party::Agent,
    ),
    (
        Ending::DownloadFailed,
        &[Posted, Downloading],
        Party::Server,
    ),
    // An agent that lost its state fetches the files again, wherever the job was.
    (
        Ending::DownloadFailed,
        &[
            AgentDownloading,
            AgentDownloaded,
            DeployPosted,
            WaitingForAnother,
        ],
        Party::Agent,
    ),
    (
        Ending::Refused,
        &[
            Downloaded,
            AgentDownloading,
            AgentDownloaded,
            DeployPosted,
            WaitingForAnother,
        ],
        Party::Agent,
    ),
];

/// The state after the change, or why there is no such edge.
pub fn step(
    from: Option<DeployState>,
    change: Change,
    by: Party,
) -> Result<DeployState, IllegalEdge> {
    let open = from.is_none_or(|state| state.ending.is_none());
    let status = from.map(|state| state.status);
    match change {
        Change::Status { status: to } if open && EDGES.contains(&(status, to, by)) => {
            return Ok(DeployState {
                status: to,
                ending: None,
            });
        }
        Change::End { ending } if open => {
            let legal = |at: DeployStatus| {
                ENDINGS
                    .iter()
                    .any(|(end, from, party)| *end == ending && *party == by && from.contains(&at))
            };
            if let Some(at) = status.filter(|at| legal(*at)) {
                return Ok(DeployState {
                    status: at,
                    ending: Some(ending),
                });
            }
        }
        Change::Status { .. } | Change::End { .. } => {}
    }
    Err(IllegalEdge {
        from: from.map_or_else(|| "no job".to_owned(), DeployState::shown),
        to: match change {
            Change::Status { status } => status.label().to_owned(),
            Change::End { ending } => ending.label().to_owned(),
        },
        by,
    })
}

impl DeployState {
    /// The text of the Status column: the label, with the ending behind it.
    pub fn shown(self) -> String {
        match self.ending {
            None => self.status.label().to_owned(),
            Some(ending) => format!("{} ({})", self.status.label(), ending.label()),
        }
    }
}

/// The edges that an agent's word takes a job through: the one it names, with the server's own
/// `5 → 6` put in where the agent is already past it. Empty when the job is there already.
pub fn follow_agent(
    from: DeployState,
    change: Change,
) -> Result<Vec<(DeployState, Party)>, IllegalEdge> {
    if change
        == (Change::Status {
            status: from.status,
        })
        && from.ending.is_none()
    {
        return Ok(Vec::new());
    }
    match step(Some(from), change, Party::Agent) {
        Ok(state) => {
            let mut edges = vec![(state, Party::Agent)];
            if state.status == AgentDownloaded && state.ending.is_none() {
                let posted = Change::Status {
                    status: DeployPosted,
                };
                edges.push((step(Some(state), posted, Party::Server)?, Party::Server));
            }
            Ok(edges)
        }
        Err(illegal) => Err(illegal),
    }
}
