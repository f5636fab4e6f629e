//! What stays missing when a scan did not reach all of its sources.

use fleetmend_model::inventory::{
    AvailableUpdate, Inventory, Place, Software, UnreachableSource, UpdateScan,
};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};
use fleetmend_store::missing::{self, DeviceMissing, Grounds, NewMissing};
use fleetmend_store::patches::{self, NewPatch};

use crate::agent::{Agent, inventory};
use crate::seed::THEN;
use crate::site::Site;

fn package(name: &str, version: &str) -> Software {
    Software {
        place: Place::Dpkg,
        key: format!("{name}:amd64"),
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: "Debian".to_owned(),
        product_code: None,
        upgrade_code: None,
    }
}

fn update(name: &str, candidate: &str) -> AvailableUpdate {
    AvailableUpdate {
        package: name.to_owned(),
        architecture: "amd64".to_owned(),
        installed: "1".to_owned(),
        candidate: candidate.to_owned(),
        security: false,
        origin: String::new(),
    }
}

pub fn scan(software: &[(&str, &str)], updates: &[(&str, &str)], is_complete: bool) -> Inventory {
    let unreachable = UnreachableSource {
        source: "http://deb.example".to_owned(),
        cause: "no answer".to_owned(),
    };
    Inventory {
        software: software.iter().map(|it| package(it.0, it.1)).collect(),
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: if is_complete {
                Vec::new()
            } else {
                vec![unreachable]
            },
            updates: updates.iter().map(|it| update(it.0, it.1)).collect(),
            withheld: Vec::new(),
        }),
        ..inventory("host")
    }
}

async fn lacking(site: &Site, agent: &Agent) -> Vec<String> {
    let db = site.db().await;
    let stored = missing::stored(&db, &[agent.device]).await.unwrap();
    let ids: Vec<_> = stored.values().flatten().map(|row| row.0).collect();
    let patches = patches::get_many(&db, &ids).await.unwrap();
    let mut shown: Vec<_> = patches
        .iter()
        .map(|it| format!("{} {}", it.name, it.version))
        .collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn a_partial_scan_clears_only_what_the_device_has_by_its_own_software() {
    let site = Site::start().await;
    let mut agent = Agent::enrol(&site, "host").await;
    let before = [("bar", "1"), ("baz", "1"), ("foo", "1"), ("qux", "1")];
    let offers = [
        ("bar", "2"),
        ("baz", "2"),
        ("foo", "1:0~rc1-2"),
        ("qux", "2"),
    ];
    agent.send_inventory(&scan(&before, &offers, true)).await;
    assert_eq!(
        lacking(&site, &agent).await,
        ["bar 2", "baz 2", "foo 1:0~rc1-2", "qux 2"]
    );

    // Between the scans foo was upgraded past the patch, baz to it, and bar was not; of qux an
    // even newer version is on offer from a source that answered.
    let now = [("bar", "1.9"), ("baz", "2"), ("foo", "1:0-1"), ("qux", "1")];
    agent
        .send_inventory(&scan(&now, &[("qux", "3")], false))
        .await;
    assert_eq!(lacking(&site, &agent).await, ["bar 2", "qux 3"]);

    agent.send_inventory(&scan(&now, &[], false)).await;
    assert_eq!(lacking(&site, &agent).await, ["bar 2", "qux 3"]);
    agent.send_inventory(&scan(&now, &[], true)).await;
    assert!(lacking(&site, &agent).await.is_empty());
}

#[tokio::test]
async fn third_party_patches_are_recomputed_by_a_partial_scan() {
    let site = Site::start().await;
    let mut agent = Agent::enrol(&site, "host").await;
    let db = site.db().await;
    let mut tx = db.begin().await.unwrap();
    let new = NewPatch {
        patch_type: PatchType::ThirdParty,
        name: "7zip.install".to_owned(),
        architecture: String::new(),
        version: "24.9.0".to_owned(),
        title: "7-Zip".to_owned(),
        security: false,
        origin: String::new(),
        package: None,
    };
    let patch = patches::upsert_many(&mut tx, &[new], THEN).await.unwrap()[0];
    let grounds = Grounds {
        installed_version: "23.0".to_owned(),
        evidence: Evidence::ProductCode,
        confidence: Confidence::Certain,
        reason: "it is older".to_owned(),
    };
    let row = NewMissing {
        patch,
        patch_type: PatchType::ThirdParty,
        grounds: missing::intern_grounds(&mut tx, &[([7; 16], &grounds)])
            .await
            .unwrap()[0],
    };
    let lacking_it = DeviceMissing {
        device: agent.device,
        rows: vec![row],
    };
    missing::replace_for_devices(&mut tx, &[lacking_it], THEN)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lacking(&site, &agent).await, ["7zip.install 24.9.0"]);
    agent
        .send_inventory(&scan(&[("bar", "1")], &[], false))
        .await;
    assert!(lacking(&site, &agent).await.is_empty());
}
