//! How applications register their packages' versions is learnt from devices where a version is known.

use std::path::Path;
use std::time::Duration;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::DeviceId;
use fleetmend_model::device::OsFamily;
use fleetmend_model::inventory::{ChocolateyRecord, Inventory, Place, Software};
use fleetmend_model::patch::Evidence;
use fleetmend_reconcile::{Answer, answer, candidates};
use fleetmend_server::Given;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, missing};

const LEARN: Duration = Duration::from_secs(61);

pub fn software(name: &str, version: &str) -> Software {
    Software {
        place: Place::Machine64,
        key: name.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: String::new(),
        product_code: None,
        upgrade_code: None,
    }
}

/// A Windows device with applications, and what Chocolatey says that it installed there.
pub async fn device(
    site: &Clocked,
    host: &str,
    software: &[Software],
    records: &[(&str, &str)],
) -> DeviceId {
    let record = |it: &(&str, &str)| ChocolateyRecord {
        id: it.0.to_owned(),
        version: it.1.to_owned(),
        pinned: false,
    };
    device_with(site, host, software, records.iter().map(record).collect()).await
}

/// [`device`] with what Chocolatey says in full.
pub async fn device_with(
    site: &Clocked,
    host: &str,
    software: &[Software],
    records: Vec<ChocolateyRecord>,
) -> DeviceId {
    let mut found = Inventory {
        software: software.to_vec(),
        chocolatey: records,
        ..inventory(host)
    };
    found.host.os_family = OsFamily::Windows;
    let mut agent = Agent::enrol(&site.site, host).await;
    agent.send_inventory(&found).await;
    agent.device
}

/// A source with packages that devices have, until they are looked at.
pub async fn offer(site: &Clocked, folder: &Path, packages: &[(&str, &str, &str)]) {
    for (id, version, name) in packages {
        Nupkg::new(id, version)
            .title(name)
            .downloading_exe(NOBODY, NOTHING, &format!("{name}*"))
            .build_into(folder)
            .unwrap();
    }
    let given = Given::at(folder.to_str().unwrap());
    let handle = site.site.running().handle();
    handle.add_source(&given).await.unwrap();
    until("the packages are known and looked at", async || {
        let fleet = site.app().fleet();
        let catalog = fleet.catalog();
        let is_known = |(id, _, name): &(&str, &str, &str)| {
            let found = candidates(catalog, &software(name, "1.0")).into_iter();
            let mut by_pattern = found.filter(|it| it.evidence == Evidence::SoftwareName);
            by_pattern.any(|it| it.package == *id)
        };
        packages.iter().all(is_known).then_some(())
    })
    .await;
}

fn told(site: &Clocked, name: &str, version: &str) -> Answer {
    answer(site.app().fleet().catalog(), &software(name, version))
}

both! {
    async fn what_two_devices_with_a_recorded_version_register_tells_it_of_all_others(site) {
        let folder = tempfile::tempdir().unwrap();
        let name = "Some runtime";
        let (old, new) = (software(name, "3.11.7150.0"), software(name, "3.11.8150.0"));
        let other = software("Other runtime", "1.2.30045");
        for (host, row, record) in [
            ("a", &old, "3.11.7"),
            ("c", &new, "3.11.8"),
        ] {
            device(&site, host, std::slice::from_ref(row), &[("Some-Runtime", record)]).await;
        }
        device(&site, "bystander", &[old.clone(), other.clone()], &[]).await;
        let packages = [("some-runtime", "3.11.8", name), ("other-runtime", "1.2.3", "Other runtime")];
        offer(&site, folder.path(), &packages).await;
        let Answer::CannotTell { why, .. } = told(&site, name, &old.version) else {
            panic!("{:?}", told(&site, name, &old.version));
        };
        assert!(why.contains("it is not known how its version '3.11.7150.0' stands to"), "{why}");

        for (host, row, record) in [("b", &old, "3.11.7"), ("d", &new, "3.11.8")] {
            device(&site, host, std::slice::from_ref(row), &[("some-runtime", record)]).await;
        }
        site.live(LEARN).await;
        until("what the devices teach is learnt", async || {
            matches!(told(&site, name, &new.version), Answer::Current { .. }).then_some(())
        })
        .await;
        let person = site.administrator().await;
        let patch = missing(&site, &person, "3.11.8").await;
        let systems = until("the bystander lacks it", async || {
            let path = format!("/api/v1/missing/{patch}/systems");
            let systems = person.get(&site.site, &path).await.text;
            systems.contains("bystander").then_some(systems)
        })
        .await;
        let says = "3.11.7150.0 is known to be the package's 3.11.7";
        assert!(systems.contains(says), "{systems}");
        assert!(!systems.contains("\"d\"") && !systems.contains("\"c\""), "{systems}");
        let untaught = told(&site, "Other runtime", &other.version);
        assert!(matches!(untaught, Answer::CannotTell { .. }), "{untaught:?}");
    }
}
