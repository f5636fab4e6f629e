//! Linux with APT: what is installed, what APT would upgrade, and upgrading it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::{Host, Network};
use fleetmend_model::inventory::{Boot, Inventory};
use fleetmend_trust::{Order, Verified};

use crate::platform::{Installed, Platform, PlatformError, RunResult};

mod apt;
mod apt_argument;
mod apt_error;
mod apt_install;
mod apt_lock;
mod apt_offers;
mod apt_update;
mod command;
mod dpkg;
mod earlier;
mod host;
mod network;
pub mod service;
#[cfg(test)]
mod tests;
mod time_zone;

/// What a deployment needs that a normal user does not have.
const NEEDS_ROOT: &str = "the agent runs without root: start it as root (sudo) to deploy";

/// The platform of Debian and its descendants.
#[derive(Debug)]
pub struct Linux {
    apt: apt::Apt,
    boot_id_file: Option<PathBuf>,
    is_root: bool,
}

impl Linux {
    /// Keeps what it needs below `data`. `boot_id_file` stands for the machine's boot id.
    ///
    /// As root it refreshes the system's package lists, otherwise lists of its own.
    pub fn new(data: &Path, boot_id_file: Option<PathBuf>) -> Self {
        let is_root = rustix::process::geteuid().is_root();
        Self {
            apt: apt::Apt::new(data, !is_root),
            boot_id_file,
            is_root,
        }
    }

    /// The same with package lists of its own, also as root: a scan changes nothing outside
    /// `data`.
    pub fn with_private_lists(data: &Path) -> Self {
        let is_root = rustix::process::geteuid().is_root();
        Self {
            apt: apt::Apt::new(data, true),
            boot_id_file: None,
            is_root,
        }
    }
}

impl Platform for Linux {
    fn host(&self) -> Host {
        host::host()
    }

    fn boot(&self) -> Boot {
        host::boot(self.boot_id_file.as_deref())
    }

    fn time_zone(&self) -> String {
        time_zone::time_zone(Path::new("/etc"))
    }

    fn network(&self) -> Network {
        network::network()
    }

    fn abilities(&self) -> Vec<Ability> {
        let apt = apt::require().ok().map(|_| Ability::Apt);
        apt.into_iter().collect()
    }

    fn software(&self) -> Result<Installed, PlatformError> {
        apt::require()?;
        Ok(Installed {
            software: dpkg::software(&dpkg::read(Path::new(dpkg::STATUS_FILE))?)?,
            unread: Vec::new(),
        })
    }

    fn restart_pending(&self) -> Option<String> {
        host::restart_pending(Path::new(host::RUN))
    }

    fn scan(&self, progress: &dyn Fn(&str)) -> Result<Inventory, PlatformError> {
        apt::require()?;
        let unreachable = apt_update::refresh(&self.apt, progress)?;
        progress("asks APT what it would upgrade");
        let updates = apt_offers::look(&self.apt, unreachable)?;
        Ok(Inventory {
            host: self.host(),
            software: self.software()?.software,
            chocolatey: Vec::new(),
            updates: Some(updates),
            restart_pending: self.restart_pending(),
            cannot_deploy: (!self.is_root).then(|| NEEDS_ROOT.to_owned()),
            hives: Vec::new(),
            unread: Vec::new(),
        })
    }

    fn prepare(
        &self,
        order: &Verified<Order>,
        progress: &dyn Fn(&str),
    ) -> Result<(), PlatformError> {
        apt_install::prepare(&self.apt, &order.release().action, self.is_root, progress)
    }

    fn run(
        &self,
        order: &Verified<Order>,
        _file: Option<&Path>,
        limit: Duration,
        progress: &dyn Fn(&str),
    ) -> RunResult {
        let mark = earlier::Mark::of(order.order());
        apt_install::run(
            &self.apt,
            &order.release().action,
            self.is_root,
            &mark,
            limit,
            progress,
        )
    }

    fn is_still_running(&self, order: &Verified<Order>, _file: Option<&Path>) -> bool {
        earlier::Mark::of(order.order()).is_running(Path::new("/proc"))
    }
}
