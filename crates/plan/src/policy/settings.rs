//! What a policy sets. A setting that is not given has the default of the products that administrators
//! come from; as JSON a policy says only what differs.

use fleetmend_model::GroupId;
use fleetmend_model::device::SystemType;
use fleetmend_model::restart::RestartRule;
use fleetmend_model::run_rules::{OpenRule, PerUser};
use fleetmend_model::unit::UnitPath;
use serde::{Deserialize, Serialize};

use super::SettingsError;
use crate::schedule::Schedule;
use crate::select::{DeviceFacts, MOST_SELECTORS, Scope, Selector};
use crate::window::{Blackout, Window};

/// The most windows or blackouts of one kind.
pub const MOST_TIMES: usize = 100;
/// The most rings.
pub const MOST_RINGS: usize = 10;
/// What detection and the report may take once an installer has ended, in seconds.
pub const AFTER_INSTALLER: u64 = 300;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Everything that a policy sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Scans.
    pub scan: Scan,
    /// Deployments.
    pub deploy: Deploy,
    /// When finished jobs are put away.
    pub keep: Keep,
    /// Which of its devices are critical systems: nothing is ever approved for them but by a person.
    pub critical: Vec<Selector>,
    /// Whether rules may approve for its devices.
    pub auto_approval: bool,
    /// How long a version is left to others first.
    pub cool_down: CoolDown,
    /// Who gets a version before whom; all at once where there are none.
    pub rings: Vec<Ring>,
    /// When installers may start; at any time where there are none.
    pub install_windows: Vec<Window>,
    /// When machines may be restarted; at any time where there are none.
    pub restart_windows: Vec<Window>,
    /// Days on which neither begins.
    pub blackouts: Vec<Blackout>,
    /// How much goes on at once.
    pub caps: Caps,
    /// What is done while an application is open that is to be upgraded.
    pub open_applications: OpenRule,
    /// What is done about a restart that an installation makes due. Its windows are
    /// [`Self::restart_windows`].
    pub restart: RestartRule,
    /// What is done about installations that are a user's own.
    pub per_user: PerUser,
}

/// How devices are scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// When.
    pub schedule: Schedule,
    /// How often a scan that failed is made again.
    pub retries: u32,
    /// Between two tries, in seconds.
    pub retry_seconds: u64,
    /// How long a device that is heard from may take, in seconds.
    pub limit_seconds: u64,
    /// After how many days without an answer it is given up.
    pub purge_days: u32,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            schedule: Schedule::Off,
            retries: 1,
            retry_seconds: HOUR,
            limit_seconds: HOUR,
            purge_days: 3,
        }
    }
}

/// How approved patches are deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deploy {
    /// When by itself.
    pub schedule: Schedule,
    /// How often an installer that failed is started again.
    pub retries: u32,
    /// Between two starts, in seconds.
    pub retry_seconds: u64,
    /// How long one start may take, in seconds.
    pub limit_seconds: u64,
    /// After how many days a job ends, wherever it is.
    pub deadline_days: u32,
    /// How often files that cannot be had are tried, until a person resets the count.
    pub download_tries: u32,
}

impl Default for Deploy {
    fn default() -> Self {
        Self {
            schedule: Schedule::Off,
            retries: 3,
            retry_seconds: 180,
            limit_seconds: HOUR,
            deadline_days: 3,
            download_tries: 5,
        }
    }
}

/// When finished jobs are put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// After so many days they are archived.
    pub archive_days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { archive_days: 180 }
    }
}

/// How long a version is left to others first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoolDown {
    /// Days from when it was published, or else seen first.
    pub days: u32,
    /// Not for versions that fix what is known to be exploited.
    pub exploited_at_once: bool,
}

impl Default for CoolDown {
    fn default() -> Self {
        Self {
            days: 0,
            exploited_at_once: true,
        }
    }
}

/// Devices that get a version together, and what must be so before the next ring gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Its name; each once in a policy.
    pub name: String,
    /// Who is in it. The last ring has all that are in none before it, whatever it says.
    #[serde(default)]
    pub scope: Scope,
    /// How many hours it lasts at least.
    #[serde(default)]
    pub soak_hours: u32,
    /// How many percent of the jobs that ended must be complete.
    #[serde(default = "all")]
    pub min_share_percent: u32,
    /// How many jobs must be complete at least.
    #[serde(default = "one")]
    pub min_done: u32,
    /// With more failed jobs than this nobody else gets the version.
    #[serde(default)]
    pub max_failures: u32,
}

fn all() -> u32 {
    100
}

fn one() -> u32 {
    1
}

/// How much goes on at once; `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Devices that install at one time.
    pub devices_at_once: Option<u32>,
    /// The same behind one master.
    pub devices_per_site: Option<u32>,
    /// Bytes a second that one device fetches at.
    pub device_bytes_s: Option<u64>,
    /// Bytes a second that the server gives its devices together.
    pub server_bytes_s: Option<u64>,
}

impl Settings {
    /// Whether the settings go together and each is one that can be kept to.
    pub fn check(&self) -> Result<(), SettingsError> {
        let (scan, deploy) = (&self.scan, &self.deploy);
        within("scan.retries", scan.retries.into(), 0, 20)?;
        within("scan.retry_seconds", scan.retry_seconds, 60, 7 * DAY)?;
        within("scan.limit_seconds", scan.limit_seconds, 60, DAY)?;
        within("scan.purge_days", scan.purge_days.into(), 1, 90)?;
        within("deploy.retries", deploy.retries.into(), 0, 20)?;
        within("deploy.retry_seconds", deploy.retry_seconds, 10, DAY)?;
        within("deploy.limit_seconds", deploy.limit_seconds, 60, DAY)?;
        within("deploy.deadline_days", deploy.deadline_days.into(), 1, 90)?;
        within("deploy.download_tries", deploy.download_tries.into(), 1, 20)?;
        within("keep.archive_days", self.keep.archive_days.into(), 1, 3650)?;
        within("cool_down.days", self.cool_down.days.into(), 0, 365)?;
        let (deadline, start) = (
            u64::from(deploy.deadline_days) * DAY,
            deploy.limit_seconds + AFTER_INSTALLER,
        );
        if deadline <= start {
            return Err(SettingsError::NothingCouldStart { deadline, start });
        }
        counted("critical", self.critical.len(), MOST_SELECTORS)?;
        counted("install_windows", self.install_windows.len(), MOST_TIMES)?;
        counted("restart_windows", self.restart_windows.len(), MOST_TIMES)?;
        counted("blackouts", self.blackouts.len(), MOST_TIMES)?;
        if !self.restart.windows.is_empty() {
            return Err(SettingsError::RestartWindows);
        }
        self.check_rings()?;
        self.caps.check()
    }

    /// How careful approvals are with a device, unless a person has said it.
    pub fn system_type_of(&self, device: &DeviceFacts) -> SystemType {
        if self.critical.iter().any(|it| it.fits(device)) {
            SystemType::Critical
        } else {
            SystemType::Normal
        }
    }

    /// The groups that they name.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.selectors().filter_map(Selector::group)
    }

    /// The organizational units that they name, each with its tree's name.
    pub fn units(&self) -> impl Iterator<Item = (&str, &UnitPath)> {
        self.selectors().filter_map(Selector::unit)
    }

    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let rings = self.rings.iter().flat_map(|ring| ring.scope.selectors());
        self.critical.iter().chain(rings)
    }

    fn check_rings(&self) -> Result<(), SettingsError> {
        counted("rings", self.rings.len(), MOST_RINGS)?;
        for (place, ring) in self.rings.iter().enumerate() {
            let name = ring.name.trim();
            if name.is_empty() || name.chars().count() > 100 {
                return Err(SettingsError::RingName);
            }
            let before = &self.rings[..place];
            if before
                .iter()
                .any(|it| it.name.trim().to_lowercase() == name.to_lowercase())
            {
                return Err(SettingsError::RingTwice(name.to_owned()));
            }
            within("rings.soak_hours", ring.soak_hours.into(), 0, 90 * 24)?;
            within(
                "rings.min_share_percent",
                ring.min_share_percent.into(),
                0,
                100,
            )?;
        }
        Ok(())
    }
}

impl Caps {
    /// Whether they say how many devices install at one time.
    pub fn limit_devices(&self) -> bool {
        self.devices_at_once.is_some() || self.devices_per_site.is_some()
    }

    fn check(&self) -> Result<(), SettingsError> {
        for (name, cap) in [
            ("caps.devices_at_once", self.devices_at_once.map(u64::from)),
            (
                "caps.devices_per_site",
                self.devices_per_site.map(u64::from),
            ),
            ("caps.device_bytes_s", self.device_bytes_s),
            ("caps.server_bytes_s", self.server_bytes_s),
        ] {
            if cap == Some(0) {
                return Err(SettingsError::NoCap(name));
            }
        }
        Ok(())
    }
}

fn within(name: &'static str, value: u64, least: u64, most: u64) -> Result<(), SettingsError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SettingsError::Within {
        name,
        value,
        least,
        most,
    })
}

fn counted(name: &'static str, count: usize, most: usize) -> Result<(), SettingsError> {
    if count <= most {
        return Ok(());
    }
    Err(SettingsError::TooMany { name, most })
}
