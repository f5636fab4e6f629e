//! The index of what all devices have, and what is stored of it: in step after a restart and whatever
//! changed before.

use std::time::Duration;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::{PackageId, PatchId};
use fleetmend_reconcile::{CatalogPackage, Overrides};
use fleetmend_server::Given;
use fleetmend_server::catalog::known::Known;
use fleetmend_server::inventory::ingest::Incoming;
use fleetmend_store::overrides::{self, NewOverride};
use fleetmend_store::{devices, observations, packages, patches, queue};

use crate::agent::inventory;
use crate::clocked::{Clocked, both, until};
use crate::offer::{NOBODY, NOTHING, missing};
use crate::taught::{device, offer, software};

const NAME: &str = "Some runtime";

/// Waits until devices were matched against what is known.
async fn matched(site: &Clocked) {
    until("devices are matched", async || {
        let work = queue::get(site.db(), "rematch", 0).await.unwrap();
        work.is_none_or(|it| it.run_at > site.now()).then_some(())
    })
    .await;
}

fn package(name: String) -> CatalogPackage {
    CatalogPackage {
        id: PackageId(1),
        title: name.clone(),
        name,
        version: "1.0.0".to_owned(),
        listed: true,
        authors: String::new(),
        project_url: String::new(),
        tags: String::new(),
        dependencies: Vec::new(),
        software_names: Vec::new(),
        observed: Vec::new(),
        programs: Vec::new(),
        products: Vec::new(),
        deployable: Ok(()),
    }
}

/// More packages than are stored in one go.
fn many_packages() -> Known {
    let all = (0..1_000).map(|it| format!("package-{it}"));
    Known {
        packages: all.map(|it| (it.clone(), vec![package(it)])).collect(),
        overrides: Overrides::default(),
    }
}

both! {
    async fn an_inventory_is_stored_while_all_devices_are_matched_anew(site) {
        let id = device(&site, "a", &[], &[]).await;
        let registered = site.app().registry.by_id(id).unwrap();
        let new = Incoming::new(registered, inventory("a"), "2".to_owned(), Vec::new(), None);
        let ingest = &site.app().ingest;
        let mut renewed = std::pin::pin!(ingest.renew(many_packages()));
        tokio::select! {
            biased;
            _ = &mut renewed => panic!("the inventory has to wait for all devices"),
            stored = ingest.store(new) => stored.unwrap(),
        }
        renewed.await.unwrap();
    }

    async fn what_one_device_records_changes_no_count_of_another(site) {
        let folder = tempfile::tempdir().unwrap();
        let has = [software(NAME, "1.0.0")];
        let a = device(&site, "a", &has, &[("some-runtime", "1.0.0")]).await;
        offer(&site, folder.path(), &[("some-runtime", "2.0.0", NAME)]).await;
        let person = site.administrator().await;
        missing(&site, &person, "2.0.0").await;
        device(&site, "hostile", &[], &[("some-runtime.install.install", "1.0.0")]).await;
        let mut site = site;
        for _ in 0..2 {
            site = site.restart(Duration::from_secs(60)).await;
            matched(&site).await;
            let row = devices::get(site.db(), a).await.unwrap().unwrap();
            assert_eq!(row.missing_third_party, 1);
        }
    }

    async fn what_was_taught_of_a_match_that_an_administrator_forbade_goes_also_over_a_crash(site) {
        let folder = tempfile::tempdir().unwrap();
        for host in ["a", "b"] {
            let has = [software(NAME, "1.0.7150")];
            device(&site, host, &has, &[("some-runtime", "1.0.0")]).await;
        }
        offer(&site, folder.path(), &[("some-runtime", "2.0.0", NAME)]).await;
        until("devices teach", async || {
            (!observations::load_all(site.db()).await.unwrap().is_empty()).then_some(())
        })
        .await;
        let what = NewOverride {
            name: NAME.to_owned(),
            publisher: String::new(),
            decision: "is_not".to_owned(),
            package: "some-runtime".to_owned(),
            highest: String::new(),
            registered: String::new(),
            version: String::new(),
            reason: "so".to_owned(),
        };
        // The server ends before it matches devices under it.
        let mut tx = site.db().begin().await.unwrap();
        overrides::insert(&mut tx, &what, "ann", site.now()).await.unwrap();
        tx.commit().await.unwrap();
        let site = site.restart(Duration::from_secs(60)).await;
        until("devices teach nothing", async || {
            observations::load_all(site.db()).await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    async fn a_patch_is_of_the_source_that_is_taken_now_also_after_there_and_back(site) {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let has = [software(NAME, "1.0.0")];
        device(&site, "a", &has, &[("some-runtime", "1.0.0")]).await;
        offer(&site, one.path(), &[("some-runtime", "2.0.0", NAME)]).await;
        let person = site.administrator().await;
        let patch = PatchId(missing(&site, &person, "2.0.0").await);
        Nupkg::new("some-runtime", "2.0.0")
            .title("Some runtime of two")
            .downloading_exe(NOBODY, NOTHING, "Some runtime*")
            .build_into(two.path())
            .unwrap();
        let handle = site.site.running().handle();
        let given = Given::at(two.path().to_str().unwrap());
        let second = handle.add_source(&given).await.unwrap();
        until("both sources are read", async || {
            let all = packages::offers(site.db(), false, None).await.unwrap();
            (all.len() > 1).then_some(())
        })
        .await;
        let stored = async || patches::get_many(site.db(), &[patch]).await.unwrap().remove(0);
        let first = stored().await;
        for (priority, title) in [(1, "Some runtime of two"), (0, first.title.as_str())] {
            let given = Given { priority: Some(priority), ..Given::default() };
            handle.set_source(&second.to_string(), &given).await.unwrap();
            until(&format!("the patch is '{title}'"), async || {
                let offered = site.app().fleet().catalog().offered("some-runtime");
                let now = stored().await;
                (now.title == title && now.package == offered).then_some(())
            })
            .await;
        }
    }
}
