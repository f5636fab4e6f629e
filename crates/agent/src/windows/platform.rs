//! [`Platform`] for Windows.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::{Host, Network};
use fleetmend_model::inventory::{Boot, Inventory};
use fleetmend_trust::{Order, Verified};
use windows_registry::LOCAL_MACHINE;

use super::registry::{open, text};
use super::{boot, chocolatey, host, network, restart, run, security, uninstall, unread};
use crate::platform::{Installed, Platform, PlatformError, RunResult};

/// The machine's own environment variables, as services see them after a restart.
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";

/// A Windows machine.
#[derive(Debug, Default)]
pub struct Windows {
    boot: OnceLock<Boot>,
}

impl Windows {
    /// This machine.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Platform for Windows {
    fn host(&self) -> Host {
        host::host()
    }

    fn boot(&self) -> Boot {
        self.boot.get_or_init(boot::boot).clone()
    }

    fn time_zone(&self) -> String {
        host::time_zone().unwrap_or_default()
    }

    fn network(&self) -> Network {
        network::network()
    }

    fn abilities(&self) -> Vec<Ability> {
        Vec::new()
    }

    fn software(&self) -> Result<Installed, PlatformError> {
        let found = uninstall::found()?;
        Ok(Installed {
            software: found.software,
            unread: found.unread,
        })
    }

    fn restart_pending(&self) -> Option<String> {
        restart::pending()
    }

    fn scan(&self, progress: &dyn Fn(&str)) -> Result<Inventory, PlatformError> {
        progress("reading the installed applications");
        let mut found = uninstall::found()?;
        let (chocolatey, unread) = chocolatey::records(&chocolatey_folder());
        found.unread.extend(unread);
        Ok(Inventory {
            host: self.host(),
            software: found.software,
            chocolatey,
            updates: None,
            restart_pending: self.restart_pending(),
            cannot_deploy: (!security::is_elevated()).then(|| {
                "installing needs an administrator's rights: run the agent as a service \
                 ('install-service') or from an elevated command prompt"
                    .to_owned()
            }),
            hives: found.hives,
            unread: unread::capped(found.unread),
        })
    }

    fn prepare(
        &self,
        _order: &Verified<Order>,
        _progress: &dyn Fn(&str),
    ) -> Result<(), PlatformError> {
        Ok(())
    }

    fn run(
        &self,
        order: &Verified<Order>,
        file: Option<&Path>,
        limit: Duration,
        progress: &dyn Fn(&str),
    ) -> RunResult {
        run::run(order, file, limit, progress)
    }

    fn is_still_running(&self, order: &Verified<Order>, file: Option<&Path>) -> bool {
        run::is_still_running(order, file)
    }
}

/// Where Chocolatey is, or would be.
fn chocolatey_folder() -> PathBuf {
    let configured = open(LOCAL_MACHINE, ENVIRONMENT)
        .and_then(|key| text(&key, "ChocolateyInstall"))
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    configured.unwrap_or_else(|| {
        let data = std::env::var_os("ProgramData").map(PathBuf::from);
        data.unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
            .join("chocolatey")
    })
}
