//! The answer for every application that a device has, with how many devices have it, stored where it
//! is another one than before.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use fleetmend_reconcile::normal::{Name, Publisher};
use fleetmend_reconcile::{Fleet, State};
use fleetmend_store::applications::{self, Application};

use crate::app::App;

/// Stores the answers as they are now.
pub async fn store(app: &Arc<App>) -> anyhow::Result<()> {
    let began = Instant::now();
    let fleet = Arc::clone(app);
    let all = tokio::task::spawn_blocking(move || all(&fleet.fleet())).await?;
    let mut tx = app.db.begin().await?;
    let changed = applications::replace_all(&mut tx, &all).await?;
    tx.commit().await?;
    app.costs.applications.took(began.elapsed());
    if changed > 0 {
        app.touch();
    }
    Ok(())
}

/// One row for each application that any device has. Of the versions of one application with the same
/// state that which most devices have stands for all of them.
fn all(fleet: &Fleet) -> Vec<Application> {
    let mut rows: Vec<Application> = Vec::new();
    let mut groups: HashMap<(State, String), Vec<usize>> = HashMap::new();
    for (id, software, found, devices) in fleet.applications() {
        if devices == 0 {
            continue;
        }
        let name = Name::of(&software.name, &software.version).key();
        let maker = Publisher::of(&software.publisher).key();
        let group = groups.entry((found.state(), format!("{maker}\n{name}")));
        group.or_default().push(rows.len());
        rows.push(Application {
            software: id,
            state: found.state().key().to_owned(),
            package: found.package().unwrap_or_default().to_owned(),
            why: found.why().to_owned(),
            name_key: software.name.to_lowercase(),
            devices,
            group_devices: 0,
        });
    }
    for group in groups.into_values() {
        let devices = fleet.devices_with(group.iter().map(|it| rows[*it].software));
        let shown = group
            .into_iter()
            .max_by_key(|it| (rows[*it].devices, Reverse(rows[*it].software)));
        if let Some(shown) = shown {
            rows[shown].group_devices = devices;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use fleetmend_model::DeviceId;
    use fleetmend_model::inventory::{Place, Software};

    use super::*;

    fn row(place: Place, name: &str, version: &str) -> Software {
        Software {
            place,
            key: name.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            publisher: "Maker".to_owned(),
            product_code: None,
            upgrade_code: None,
        }
    }

    #[test]
    fn versions_of_an_application_are_counted_together_and_a_device_once() {
        let mut fleet = Fleet::default();
        fleet.learn(1, &row(Place::Machine64, "Tool 1.0", "1.0"));
        fleet.learn(2, &row(Place::Machine64, "Tool 2.0", "2.0"));
        fleet.learn(3, &row(Place::Machine64, "Other", "1"));
        fleet.learn(4, &row(Place::Dpkg, "tool", "1"));
        fleet.learn(5, &row(Place::Machine64, "Nobody has it", "1"));
        fleet.put(DeviceId(1), &[1, 2, 4], &[]);
        fleet.put(DeviceId(2), &[2, 3], &[]);
        fleet.put(DeviceId(3), &[2], &[]);
        let found = all(&fleet).into_iter();
        let mut found: Vec<_> = found
            .map(|it| (it.software, it.state, it.devices, it.group_devices))
            .collect();
        found.sort();
        let unmatched = || "unmatched".to_owned();
        let expected = [
            (1, unmatched(), 1, 0),
            (2, unmatched(), 3, 3),
            (3, unmatched(), 1, 1),
        ];
        assert_eq!(found, expected);
    }
}
