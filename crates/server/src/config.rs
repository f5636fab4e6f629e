//! How a server is set up: by who starts it, for all its devices alike.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use fleetmend_plan::policy::{AFTER_INSTALLER, Settings};

use crate::catalog::sources::EVERY_SECONDS;
use crate::clock::Clock;

/// Where a server keeps its things and how it is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder: keys, files, and the embedded database.
    pub data: PathBuf,
    /// Where to listen. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where the feed is served without TLS as well.
    pub feed_listen: Option<SocketAddr>,
    /// The address by which it is reached; by default this machine's name and the port.
    pub url: Option<String>,
    /// A PostgreSQL address instead of the embedded database. Carries a password: never logged.
    pub database: Option<String>,
    /// Intervals and counts.
    pub policy: Policy,
    /// How long clients are waited for.
    pub patience: Patience,
    /// The clock.
    pub clock: Clock,
}

impl Config {
    /// With all defaults.
    pub fn new(data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            data,
            listen,
            feed_listen: None,
            url: None,
            database: None,
            policy: Policy::default(),
            patience: Patience::default(),
            clock: Clock::default(),
        }
    }

    /// The database's address.
    pub(crate) fn database(&self) -> String {
        match &self.database {
            Some(address) => address.clone(),
            None => format!("sqlite:{}", self.data.join("fleetmend.db").display()),
        }
    }

    /// The embedded database's file; `None` for a database elsewhere.
    pub(crate) fn database_file(&self) -> Option<PathBuf> {
        let address = self.database();
        let path = address.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }
}

/// How long a client may take for what it sends. What the server sends (files, pages that watch)
/// and the wait for an agent's order have no limit here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the first word of a TLS handshake, and again for the rest of it.
    pub handshake: Duration,
    /// For the head of a request, from the end of the one before.
    pub head: Duration,
    /// For the body of a request, beside what the slowest link that is put up with needs.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(20),
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
        }
    }
}

const DAY: u64 = 24 * 3600;
/// The shortest time between two reads of a source, in seconds.
const MOST_OFTEN: u64 = *EVERY_SECONDS.start() as u64;
/// What of a package the catalog reads at most, in megabytes: no larger one is worth pushing.
const LARGEST_PUSH: u64 = crate::catalog::folder::MAX_NUPKG / 1_000_000;

/// Intervals in seconds, and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Between two check-ins.
    pub checkin_seconds: u64,
    /// How often a failed installer is started again.
    pub deploy_retries: u32,
    /// Between two starts.
    pub deploy_retry_seconds: u64,
    /// How long one start may take.
    pub deploy_limit_seconds: u64,
    /// How often the files of a patch are tried to be had, until a person resets the count.
    pub download_tries: u32,
    /// Between the first two of these tries; each further wait is longer.
    pub download_retry_seconds: u64,
    /// From a deploy job's posting until it must have ended.
    pub deadline_seconds: u64,
    /// How long a device that is heard from may take for a scan.
    pub scan_limit_seconds: u64,
    /// How often a scan that failed or took too long is made again.
    pub scan_retries: u32,
    /// Between two tries of a scan.
    pub scan_retry_seconds: u64,
    /// After which a scan without an answer is given up.
    pub purge_seconds: u64,
    /// Between two scans of a device.
    pub scan_every_seconds: u64,
    /// Between two reads of a source, where nobody set another time for it.
    pub sync_seconds: u64,
    /// The same of a feed in one's own network that gives all that it counts; and of a folder, where it is
    /// longer than five minutes.
    pub private_sync_seconds: u64,
    /// The largest package that can be pushed into the feed, in megabytes.
    pub push_limit_megabytes: u64,
    /// The largest export of a catalog that is taken over the network, in gigabytes.
    pub import_limit_gigabytes: u64,
}

impl Default for Policy {
    fn default() -> Self {
        // What a policy sets is told there alone.
        let Settings { scan, deploy, .. } = Settings::default();
        Self {
            checkin_seconds: 180,
            deploy_retries: deploy.retries,
            deploy_retry_seconds: deploy.retry_seconds,
            deploy_limit_seconds: deploy.limit_seconds,
            download_tries: deploy.download_tries,
            download_retry_seconds: 60,
            deadline_seconds: u64::from(deploy.deadline_days) * DAY,
            scan_limit_seconds: scan.limit_seconds,
            scan_retries: scan.retries,
            scan_retry_seconds: scan.retry_seconds,
            purge_seconds: u64::from(scan.purge_days) * DAY,
            scan_every_seconds: 24 * 3600,
            sync_seconds: 3600,
            private_sync_seconds: 30,
            push_limit_megabytes: LARGEST_PUSH,
            import_limit_gigabytes: 200,
        }
    }
}

impl Policy {
    /// With what a device's policy sets otherwise than by default.
    #[must_use]
    pub fn with(mut self, settings: &Settings) -> Self {
        fn set<T: PartialEq>(standard: &mut T, default: &T, own: T) {
            if own != *default {
                *standard = own;
            }
        }
        let (default, deploy, scan) = (Self::default(), &settings.deploy, &settings.scan);
        let days = |days: u32| u64::from(days) * DAY;
        set(
            &mut self.deploy_retries,
            &default.deploy_retries,
            deploy.retries,
        );
        set(
            &mut self.deploy_retry_seconds,
            &default.deploy_retry_seconds,
            deploy.retry_seconds,
        );
        set(
            &mut self.deploy_limit_seconds,
            &default.deploy_limit_seconds,
            deploy.limit_seconds,
        );
        set(
            &mut self.deadline_seconds,
            &default.deadline_seconds,
            days(deploy.deadline_days),
        );
        set(&mut self.scan_retries, &default.scan_retries, scan.retries);
        set(
            &mut self.scan_retry_seconds,
            &default.scan_retry_seconds,
            scan.retry_seconds,
        );
        set(
            &mut self.scan_limit_seconds,
            &default.scan_limit_seconds,
            scan.limit_seconds,
        );
        set(
            &mut self.purge_seconds,
            &default.purge_seconds,
            days(scan.purge_days),
        );
        self
    }

    /// A device that is silent for longer is down: it missed two check-ins.
    pub fn silence(&self) -> Duration {
        Duration::from_secs(2 * self.checkin_seconds)
    }

    /// How long before its deadline a deploy job must have started: what is started then has
    /// ended, was looked at, and is known here, when the deadline comes.
    pub fn start_margin(&self) -> Duration {
        Duration::from_secs(self.deploy_limit_seconds.saturating_add(AFTER_INSTALLER))
    }

    /// Whether the intervals go together.
    pub fn check(&self) -> anyhow::Result<()> {
        let (deadline, margin) = (self.deadline_seconds, self.start_margin().as_secs());
        ensure!(
            deadline > margin,
            "a deploy job must end within {deadline} seconds, and one start of an installer may \
             take {margin}: nothing could ever start. Set a longer deadline"
        );
        ensure!(
            self.private_sync_seconds >= MOST_OFTEN,
            "sources cannot be read every {} seconds: {MOST_OFTEN} is the shortest time",
            self.private_sync_seconds
        );
        ensure!(
            self.push_limit_megabytes <= LARGEST_PUSH,
            "packages of {} MB cannot be pushed: {LARGEST_PUSH} is the most",
            self.push_limit_megabytes
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_must_leave_time_for_one_start() {
        let policy = Policy::default();
        assert!(policy.check().is_ok());
        let margin = policy.start_margin().as_secs();
        for (deadline_seconds, is_right) in [(0, false), (margin, false), (margin + 1, true)] {
            let policy = Policy {
                deadline_seconds,
                ..policy
            };
            assert_eq!(policy.check().is_ok(), is_right, "{deadline_seconds}");
        }
        let policy = Policy {
            deploy_limit_seconds: u64::MAX,
            ..policy
        };
        let error = policy.check().unwrap_err().to_string();
        assert!(error.contains("Set a longer deadline"), "{error}");
    }
}
