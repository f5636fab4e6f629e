//! The answer for every application that a device has, with how many devices have it, stored where it
//! is another one than before.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use fleetmend_reconcile::{Fleet, Group};
use fleetmend_store::applications::{self, Application};

use super::turned;
use crate::app::App;
use crate::console::counted;
use crate::journal;
use crate::people::Actor;

/// Stores the answers as they are now.
pub async fn store(app: &Arc<App>) -> anyhow::Result<()> {
    let began = Instant::now();
    let fleet = Arc::clone(app);
    let all = tokio::task::spawn_blocking(move || all(&fleet.fleet())).await?;
    let mut tx = app.db.begin().await?;
    let replaced = applications::replace_all(&mut tx, &all).await?;
    let says = {
        let fleet = app.fleet();
        let devices = |software: &[u32]| fleet.devices_with(software.iter().copied());
        turned::in_words(&replaced.turned, devices)
    };
    if let Some(says) = says {
        let actor = Actor {
            name: "answers".to_owned(),
            address: String::new(),
        };
        let subject = counted(replaced.turned.len() as u64, "application", "applications");
        journal::record(
            &mut tx,
            &actor,
            "answers_changed",
            &subject,
            &says,
            app.now(),
        )
        .await?;
    }
    tx.commit().await?;
    app.costs.applications.took(began.elapsed());
    if replaced.rows > 0 {
        app.touch();
    }
    Ok(())
}

/// One row for each application that any device has. Of the versions of one application with the same
/// state and package that which most devices have stands for all of them.
fn all(fleet: &Fleet) -> Vec<Application> {
    let mut rows: Vec<Application> = Vec::new();
    let mut groups: HashMap<Group, Vec<usize>> = HashMap::new();
    for (id, software, found, devices) in fleet.applications() {
        if devices == 0 {
            continue;
        }
        let group = groups.entry(Group::of(&software, found));
        group.or_default().push(rows.len());
        rows.push(Application {
            software: id,
            state: found.state().key().to_owned(),
            package: found.package().unwrap_or_default().to_owned(),
            why: found.why().to_owned(),
            name_key: software.name.to_lowercase(),
            devices,
            group_devices: 0,
            group_text: String::new(),
        });
    }
    for (group, members) in groups {
        let devices = fleet.devices_with(members.iter().map(|it| rows[*it].software));
        let names: BTreeSet<&str> = members
            .iter()
            .map(|it| rows[*it].name_key.as_str())
            .collect();
        let text: Vec<&str> = names.into_iter().chain(group.packages()).collect();
        let text = text.join("\n");
        let shown = members
            .into_iter()
            .max_by_key(|it| (rows[*it].devices, Reverse(rows[*it].software)));
        if let Some(shown) = shown {
            rows[shown].group_devices = devices;
            rows[shown].group_text = text;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use fleetmend_model::inventory::{Place, Software};
    use fleetmend_model::{DeviceId, PackageId};
    use fleetmend_reconcile::{CatalogPackage, Overrides};

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
    #[test]
    fn lines_that_are_packages_of_their_own_stand_in_rows_of_their_own() {
        let package = |id, name: &str, version: &str| CatalogPackage {
            id: PackageId(id),
            name: name.to_owned(),
            title: name.to_owned(),
            version: version.to_owned(),
            listed: true,
            authors: String::new(),
            project_url: String::new(),
            tags: String::new(),
            dependencies: Vec::new(),
            software_names: vec![format!("Tool {}*", &version[..2])],
            observed: Vec::new(),
            programs: Vec::new(),
            products: Vec::new(),
            deployable: Ok(()),
        };
        let packages = [package(1, "tool1", "1.9"), package(2, "tool2", "2.9")];
        let packages = packages.map(|it| (it.name.clone(), vec![it]));
        let mut fleet = Fleet::new(packages.into(), Overrides::default());
        for (id, version) in (1..).zip(["1.0", "1.1", "2.0"]) {
            let name = format!("Tool {version}");
            fleet.learn(id, &row(Place::Machine64, &name, version));
            fleet.put(DeviceId(id.into()), &[id], &[]);
        }
        let found = all(&fleet).into_iter().filter(|it| it.group_devices > 0);
        let mut found: Vec<_> = found
            .map(|it| (it.package, it.group_devices, it.group_text))
            .collect();
        found.sort();
        let row =
            |package: &str, devices, text: &str| (package.to_owned(), devices, text.to_owned());
        let expected = [
            row("tool1", 2, "tool 1.0\ntool 1.1\ntool1"),
            row("tool2", 1, "tool 2.0\ntool2"),
        ];
        assert_eq!(found, expected);
    }
}
