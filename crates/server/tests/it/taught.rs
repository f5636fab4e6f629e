//! How applications register their packages' versions is learnt from devices where a version is known.

use std::path::Path;
use std::time::Duration;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::device::OsFamily;
use fleetmend_model::inventory::{ChocolateyRecord, Inventory, Place, Software};
use fleetmend_reconcile::{Answer, answer};
use fleetmend_server::Given;

use crate::agent::{Agent, inventory};
use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, missing};

const LEARN: Duration = Duration::from_secs(61);

fn software(name: &str, version: &str) -> Software {
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
async fn device(site: &Clocked, host: &str, software: &[Software], records: &[(&str, &str)]) {
    let record = |it: &(&str, &str)| ChocolateyRecord {
        id: it.0.to_owned(),
        version: it.1.to_owned(),
    };
    let mut found = Inventory {
        software: software.to_vec(),
        chocolatey: records.iter().map(record).collect(),
        ..inventory(host)
    };
    found.host.os_family = OsFamily::Windows;
    Agent::enrol(&site.site, host)
        .await
        .send_inventory(&found)
        .await;
}

/// A source with packages.
async fn offer(site: &Clocked, folder: &Path, packages: &[(&str, &str, &str)]) {
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
    until("the packages are known", async || {
        let catalog = site.app().catalog();
        let mut all = packages.iter();
        all.all(|it| catalog.offered(it.0).is_some()).then_some(())
    })
    .await;
}

fn told(site: &Clocked, name: &str, version: &str) -> Answer {
    answer(&site.app().catalog(), &software(name, version))
}

both! {
    async fn what_two_devices_with_a_recorded_version_register_tells_it_of_all_others(site) {
        let folder = tempfile::tempdir().unwrap();
        let name = "Some runtime";
        let (old, new) = (software(name, "3.11.7150.0"), software(name, "3.11.8150.0"));
        let other = software("Other runtime", "1.2.30045");
        for (host, row, record) in [
            ("a", &old, "3.11.7"),
            ("b", &old, "3.11.7"),
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

        device(&site, "d", std::slice::from_ref(&new), &[("some-runtime", "3.11.8")]).await;
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
