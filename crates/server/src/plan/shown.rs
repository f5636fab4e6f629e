//! The plan as people read it: what runs until a time to come, and why not elsewhere. It is made anew with each
//! look, and changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::Reason;
use fleetmend_plan::night::{By, Night, Occasion, What, night};
use fleetmend_store::devices;

use super::{Devices, Loaded, load, wanted};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::missing::published;

/// What is planned where nobody says until when.
const NIGHT: Duration = Duration::from_hours(24);
/// The furthest time that is planned.
const FURTHEST: Duration = Duration::from_hours(24 * 40);

/// Which plan is wanted.
#[derive(Debug, Clone, Default)]
pub struct PlanQuery {
    /// Up to when: a day (`2026-11-26`) or a time (RFC 3339); by default for a day from now.
    pub until: Option<String>,
    /// Of one device, by its number or host name: of all that it lacks. Of all devices what is approved for
    /// some is planned.
    pub device: Option<String>,
}

/// A plan.
#[derive(Debug)]
pub struct Shown {
    /// What was planned.
    pub night: Night,
    /// One line an entry, in its order.
    pub lines: Vec<Line>,
    loaded: Loaded,
}

/// What is done about a patch on a device.
#[derive(Debug, Clone)]
pub struct Line {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub hostname: String,
    /// The patch.
    pub patch: PatchId,
    /// What a person calls it.
    pub title: String,
    /// The version to install.
    pub version: String,
    /// When it may start, where it does.
    pub at: Option<Millis>,
    /// From when to when by the device's clock, or why it does not run.
    pub says: String,
    /// Its turn among what starts on the device then; 0 where it does not run.
    pub position: usize,
    /// What is to be known beside.
    pub notes: Vec<String>,
    /// Why not, as data.
    pub reason: Option<Reason>,
}

impl Shown {
    /// For a person to read: device by device.
    pub fn to_text(&self) -> String {
        let world = self.loaded.world(self.night.until, Occasion::Foreseen);
        self.night.to_text(&world, By::Device)
    }
}

/// Makes the plan.
pub async fn plan(app: &App, query: &PlanQuery) -> Result<Shown, ApiError> {
    let now = app.now();
    let until = until(query.until.as_deref(), now)?;
    let mut tx = app.db.read().await.map_err(stored)?;
    let loaded = match query.device.as_deref().map(str::trim) {
        Some(named) if !named.is_empty() => {
            let id = if let Ok(id) = named.parse() {
                Some(id)
            } else {
                let found = devices::named(&mut tx, named, 1).await.map_err(stored)?;
                found.first().copied()
            };
            let named = || ApiError::Missing(format!("there is no device '{named}'"));
            let id = id.ok_or_else(named)?;
            let loaded = load(app, &mut tx, Devices::These(&[id]), None, now).await?;
            if !loaded.devices.iter().any(|it| it.facts.id == id) {
                return Err(named());
            }
            loaded
        }
        _ => {
            let wanted = wanted(&mut tx).await?;
            load(app, &mut tx, Devices::All, wanted.as_deref(), now).await?
        }
    };
    drop(tx);
    let shown = tokio::task::spawn_blocking(move || shown(loaded, until)).await;
    Ok(shown.map_err(anyhow::Error::from)?)
}

fn until(given: Option<&str>, now: Millis) -> Result<Millis, ApiError> {
    let Some(given) = published::of("until", given)? else {
        return Ok(now + NIGHT);
    };
    let until = published::at(&given).unwrap_or_default();
    if until <= now || until > now + FURTHEST {
        return Err(ApiError::Bad(
            "field 'until': give a time to come, in 40 days at most".to_owned(),
        ));
    }
    Ok(until)
}

fn shown(loaded: Loaded, until: Millis) -> Shown {
    let night = night(&loaded.world(until, Occasion::Foreseen));
    let hosts = loaded.devices.iter();
    let hosts: HashMap<_, _> = hosts.map(|it| (it.facts.id, &it.facts.hostname)).collect();
    let patches: HashMap<_, _> = loaded.patches.iter().map(|it| (it.id, it)).collect();
    let lines = night.entries.iter().filter_map(|entry| {
        let patch = patches.get(&entry.patch)?;
        let mut line = Line {
            device: entry.device,
            hostname: (*hosts.get(&entry.device)?).clone(),
            patch: entry.patch,
            title: patch.title.clone(),
            version: patch.version.clone(),
            at: None,
            says: String::new(),
            position: 0,
            notes: Vec::new(),
            reason: None,
        };
        match &entry.what {
            What::Runs(run) => {
                line.at = Some(run.at());
                line.says.clone_from(&run.start.slot.said);
                line.position = run.position;
                let ring = run.start.ring.iter().map(|ring| format!("ring {ring}"));
                let notes = run.start.notes.iter().map(ToString::to_string);
                line.notes = ring.chain(notes).collect();
            }
            What::Not(reason) => {
                line.says = reason.to_string();
                line.reason = Some(reason.clone());
            }
        }
        Some(line)
    });
    Shown {
        lines: lines.collect(),
        night,
        loaded,
    }
}
