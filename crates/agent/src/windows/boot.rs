//! Which start of Windows this is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleetmend_model::Millis;
use fleetmend_model::inventory::Boot;
use ring::rand::{SecureRandom as _, SystemRandom};
use windows_registry::LOCAL_MACHINE;

use super::registry::{create, open, text};

const KEY: &str = r"SOFTWARE\Fleetmend";
/// The volatile key: Windows keeps it in memory only, so a restart takes it away. (A shutdown with
/// 'fast startup' is none: Windows itself counts it as a hibernation, and pending work stays.)
const BOOT: &str = "Boot";
const ID: &str = "Id";

/// The id of this start and when it was. Fixed for the life of a process: call once.
pub(super) fn boot() -> Boot {
    let up = Duration::from_millis(super::processes::milliseconds_since_start());
    let at = SystemTime::now().checked_sub(up);
    let at = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let at = at
        .and_then(|at| i64::try_from(at.as_millis()).ok())
        .map(Millis);
    let id = noted().or_else(|| match note() {
        Ok(id) => Some(id),
        Err(error) => {
            tracing::debug!("the boot id cannot be noted in the registry: {error}");
            None
        }
    });
    // An ordinary user may not write there. The time of the start in minutes is stable enough for
    // an agent that cannot deploy.
    let id = id.unwrap_or_else(|| format!("since-{}", at.map_or(0, |at| at.0 / 60_000)));
    Boot { id, at }
}

fn noted() -> Option<String> {
    text(&open(LOCAL_MACHINE, &format!(r"{KEY}\{BOOT}"))?, ID)
}

fn note() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    let id = format!("{:032x}", u128::from_le_bytes(bytes));
    let parent = create(LOCAL_MACHINE, KEY, false)?;
    create(&parent, BOOT, true)?.set_string(ID, &id)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_id_stays_while_the_machine_runs() {
        let (first, second) = (boot(), boot());
        assert_eq!(first.id, second.id);
        assert_eq!(
            noted().as_deref(),
            Some(first.id.as_str()),
            "this test needs an administrator"
        );
        assert_eq!(first.id.len(), 32);
        let (first, second) = (first.at.unwrap(), second.at.unwrap());
        assert!(second.0.abs_diff(first.0) < 5000, "{first} and {second}");
    }
}
