//! The answer for every application that a device has, with how many devices have it: made from
//! scratch, and stored where it is another one than before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::Place;
use fleetmend_reconcile::normal::{Name, Publisher};
use fleetmend_reconcile::{Catalog, State, answer};
use fleetmend_store::applications::{self, Application};
use fleetmend_store::software::SoftwareRow;
use fleetmend_store::{inventories, software};

use crate::app::App;

/// Stores the answers as they are now.
pub async fn store(app: &Arc<App>) -> anyhow::Result<()> {
    let began = Instant::now();
    let catalog = app.catalog();
    let mut from = app.db.read().await?;
    let software = software::load_all(&mut from).await?;
    let inventories = inventories::load_all(&mut from).await?;
    drop(from);
    let make = move || all(&catalog, &software, &inventories);
    let all = tokio::task::spawn_blocking(make).await?;
    let mut tx = app.db.begin().await?;
    let changed = applications::replace_all(&mut tx, &all).await?;
    tx.commit().await?;
    app.costs.applications.took(began.elapsed());
    if changed > 0 {
        app.touch();
    }
    Ok(())
}

/// Versions of one application with the same state.
struct Group {
    devices: u64,
    /// The last device that was counted: one with two versions counts once.
    last: Option<DeviceId>,
    /// The row that stands for it: the one that most devices have.
    shown: usize,
}

/// One row for each application that any of these devices has.
fn all(
    catalog: &Catalog,
    software: &[SoftwareRow],
    inventories: &[(DeviceId, Vec<u32>)],
) -> Vec<Application> {
    let mut rows: Vec<Application> = Vec::new();
    let mut group_of: Vec<usize> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut group_places: HashMap<(State, String), usize> = HashMap::new();
    let installed = software
        .iter()
        .filter(|it| it.software.place != Place::Dpkg);
    for SoftwareRow { id, software, .. } in installed {
        let found = answer(catalog, software);
        let name = Name::of(&software.name, &software.version).key();
        let maker = Publisher::of(&software.publisher).key();
        let group = group_places
            .entry((found.state(), format!("{maker}\n{name}")))
            .or_insert(groups.len());
        if *group == groups.len() {
            groups.push(Group {
                devices: 0,
                last: None,
                shown: rows.len(),
            });
        }
        group_of.push(*group);
        places.insert(*id, rows.len());
        rows.push(Application {
            software: *id,
            state: found.state().key().to_owned(),
            package: found.package().unwrap_or_default().to_owned(),
            why: found.why().to_owned(),
            name_key: software.name.to_lowercase(),
            devices: 0,
            group_devices: 0,
        });
    }
    for (device, ids) in inventories {
        for place in ids.iter().filter_map(|id| places.get(id)) {
            rows[*place].devices += 1;
            let group = &mut groups[group_of[*place]];
            if group.last != Some(*device) {
                group.last = Some(*device);
                group.devices += 1;
            }
        }
    }
    for (place, group) in group_of.iter().enumerate() {
        let group = &mut groups[*group];
        if rows[place].devices > rows[group.shown].devices {
            group.shown = place;
        }
    }
    for group in groups {
        rows[group.shown].group_devices = group.devices;
    }
    rows.retain(|it| it.devices > 0);
    rows
}

#[cfg(test)]
mod tests {
    use fleetmend_model::inventory::Software;

    use super::*;

    fn row(id: u32, place: Place, name: &str, version: &str) -> SoftwareRow {
        SoftwareRow {
            id,
            digest: [0; 16],
            software: Software {
                place,
                key: name.to_owned(),
                name: name.to_owned(),
                version: version.to_owned(),
                publisher: "Maker".to_owned(),
                product_code: None,
                upgrade_code: None,
            },
        }
    }

    #[test]
    fn versions_of_an_application_are_counted_together_and_a_device_once() {
        let software = [
            row(1, Place::Machine64, "Tool 1.0", "1.0"),
            row(2, Place::Machine64, "Tool 2.0", "2.0"),
            row(3, Place::Machine64, "Other", "1"),
            row(4, Place::Dpkg, "tool", "1"),
            row(5, Place::Machine64, "Nobody has it", "1"),
        ];
        let inventories = [
            (DeviceId(1), vec![1, 2, 4]),
            (DeviceId(2), vec![2, 3]),
            (DeviceId(3), vec![2]),
        ];
        let found: Vec<_> = all(&Catalog::default(), &software, &inventories)
            .into_iter()
            .map(|it| (it.software, it.state, it.devices, it.group_devices))
            .collect();
        let unmatched = || "unmatched".to_owned();
        let expected = [
            (1, unmatched(), 1, 0),
            (2, unmatched(), 3, 3),
            (3, unmatched(), 1, 1),
        ];
        assert_eq!(found, expected);
    }
}
