//! Deploying what was ticked: first who would get it and who not, then the deed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fleetmend_model::device::SystemType;
use fleetmend_model::{DeploymentId, DeviceId, PatchId};
use fleetmend_plan::night::Start;
use fleetmend_plan::{Decision, Entry, Plan};
use fleetmend_store::missing;

use super::form::Change;
use super::notice::Done;
use super::view::{self, Layout, PageError, stored};
use crate::app::App;
use crate::deployments::{self, Asked};

/// A ticked row: a patch on one device (`12:7`), or on all devices of a system type that lack it
/// (`12:normal`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// What.
    pub patch: PatchId,
    /// Where.
    pub devices: Where,
}

/// Where a ticked patch is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// To all devices of the system type that lack it.
    SystemType(SystemType),
    /// To this device.
    Device(DeviceId),
}

impl FromStr for Target {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (patch, place) = text.split_once(':').ok_or(())?;
        let devices = match SystemType::from_key(place) {
            Some(system_type) => Where::SystemType(system_type),
            None => Where::Device(place.parse().map_err(|_| ())?),
        };
        Ok(Self {
            patch: patch.parse().map_err(|_| ())?,
            devices,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.devices {
            Where::SystemType(system_type) => write!(f, "{}:{}", self.patch, system_type.key()),
            Where::Device(device) => write!(f, "{}:{device}", self.patch),
        }
    }
}

/// The devices of each patch.
async fn devices_of(
    app: &App,
    targets: &[Target],
) -> Result<BTreeMap<PatchId, Vec<DeviceId>>, PageError> {
    let mut wanted: BTreeMap<PatchId, BTreeSet<DeviceId>> = BTreeMap::new();
    for target in targets {
        let devices = wanted.entry(target.patch).or_default();
        match target.devices {
            Where::Device(device) => {
                devices.insert(device);
            }
            Where::SystemType(system_type) => {
                let lacking = missing::devices_of(&app.db, target.patch, Some(system_type));
                devices.extend(lacking.await.map_err(stored)?);
            }
        }
    }
    Ok(wanted
        .into_iter()
        .map(|(patch, ids)| (patch, ids.into_iter().collect()))
        .collect())
}

struct Shown {
    plan: Plan,
    deployment: Option<DeploymentId>,
}

impl Shown {
    fn count(&self) -> usize {
        self.plan.starts().count()
    }

    /// On how many devices it waits for a window.
    fn waiting(&self) -> usize {
        let later = |start: &Start| start.slot.later(self.plan.now).is_some();
        self.plan.starts().filter(|(_, start)| later(start)).count()
    }

    /// What is done on a device, or why nothing is.
    fn says(&self, entry: &Entry) -> String {
        match &entry.decision {
            Decision::Deploy(start) => match start.slot.later(self.plan.now) {
                Some(window) => format!("waits for the window on {window}"),
                None => "at once".to_owned(),
            },
            Decision::Not(reason) => reason.to_string(),
        }
    }
}

#[derive(Template)]
#[template(path = "plans.html")]
struct Plans {
    layout: Layout,
    items: Vec<Shown>,
    targets: Vec<Target>,
    is_preview: bool,
    at_any_time: bool,
    waiting: usize,
    jobs: usize,
    back: String,
}

/// Who would get the ticked patches. Changes nothing.
pub async fn preview(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    draw(&app, &change, true).await
}

/// Deploys the ticked patches, and says who did not get them and why.
pub async fn deploy(State(app): State<Arc<App>>, change: Change) -> Result<Response, PageError> {
    draw(&app, &change, false).await
}

async fn draw(app: &Arc<App>, change: &Change, is_preview: bool) -> Result<Response, PageError> {
    let targets: Vec<Target> = change.fields.ids("target")?;
    if targets.is_empty() {
        return Ok(change.done("/missing", Done::NothingChosen, 0));
    }
    let at_any_time = change.fields.text("at_any_time") == "yes";
    let mut plans = Vec::new();
    for (patch, devices) in devices_of(app, &targets).await? {
        let asked = Asked {
            patch,
            devices: Some(&devices),
            at_any_time,
        };
        let (deployment, plan) = if is_preview {
            (None, deployments::preview(app, &asked).await?)
        } else {
            deployments::deploy(app, &asked, change.actor()).await?
        };
        plans.push(Shown { plan, deployment });
    }
    let title = if is_preview {
        "Deploy: who gets it"
    } else {
        "Deploy: what was posted"
    };
    view::page(&Plans {
        layout: change.viewer.layout(app, title, "missing"),
        at_any_time,
        waiting: plans.iter().map(Shown::waiting).sum(),
        jobs: plans.iter().map(Shown::count).sum(),
        items: plans,
        targets,
        is_preview,
        back: crate::people::local_path::or(change.fields.text("back"), "/missing").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticked_row_reads_as_it_is_written() {
        for text in ["12:normal", "12:critical", "12:7"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "12", "12:", ":7", "a:normal", "12:every"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
