//! Patches of Windows applications on their whole way: from a package that a source offers to the
//! version that is found on the machine.

use std::time::Duration;

use fleetmend_e2e::msi::{Msi, MsiEnd};
use fleetmend_e2e::nsis::Nsis;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_trust::digest_hex;

use crate::windows_fleet::{Fleet, bytes_of};

/// The labels of a deployment without a hitch, word for word.
const WAY: [(i64, &str); 8] = [
    (1, "Patch deployment job is posted"),
    (2, "Patch download in progress"),
    (3, "Patch download is completed"),
    (4, "Master Agent started download"),
    (5, "Master Agent download success"),
    (6, "Patch deploy job is posted"),
    (8, "Patch deploy started"),
    (9, "Patch deploy completed successfully"),
];

#[test]
fn an_embedded_msi_and_a_downloaded_exe_are_found_missing_approved_deployed_and_verified() {
    let mut fleet = Fleet::new().unwrap();
    let (old, new) = (
        Msi::new("Fleet Notes", "1.0.0"),
        Msi::new("Fleet Notes", "2.0.0"),
    );
    fleet.install_msi(&old).unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Painter", "1.0"))
        .unwrap();
    fleet.offer_msi("fleet-notes", &new).unwrap();
    fleet
        .offer_nsis("fleet-painter", &Nsis::new("Fleet Painter", "2.0"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let device = fleet
        .wait_device("its missing patches are counted", |device| {
            device["missing_third_party"] == 2
        })
        .unwrap();
    assert_eq!(device["os_family"], "windows");
    assert_eq!(device["missing_os"], 0);
    for row in fleet.console.missing().unwrap() {
        assert_eq!(row["patch"]["patch_type"], "third_party", "{row}");
        assert_eq!(row["approval"], "not_approved", "{row}");
        assert_eq!(row["affected"], 1, "{row}");
    }
    for package in ["fleet-notes", "fleet-painter"] {
        let job = fleet.deploy(package).unwrap();
        let way: Vec<_> = job.0["transitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["status"])
            .map(|it| {
                (
                    it["number"].as_i64().unwrap(),
                    it["label"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(way, WAY, "{:?}", job.0);
        assert_eq!(job.field("attempt"), 1);
        assert_eq!(job.field("reboot"), "");
    }

    assert_eq!(fleet.installed_version(&old.product_code).unwrap(), None);
    let notes = fleet.installed_version(&new.product_code).unwrap();
    assert_eq!(notes.as_deref(), Some("2.0.0"));
    let painter = fleet.installed_version("Fleet Painter").unwrap();
    assert_eq!(painter.as_deref(), Some("2.0"));
    assert_eq!(fleet.starts("Fleet Painter", "2.0").unwrap(), 1);
    for package in ["fleet-notes", "fleet-painter"] {
        fleet.console.wait_not_missing(package).unwrap();
    }
}

#[test]
fn a_patch_that_needs_a_restart_is_complete_after_the_restart_and_not_before() {
    let mut fleet = Fleet::new().unwrap();
    let old = Msi::new("Fleet Driver", "1.0.0");
    let msi = Msi::new("Fleet Driver", "2.0.0").ending(MsiEnd::RebootRequired);
    fleet.install_msi(&old).unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Filter", "1.0"))
        .unwrap();
    fleet.offer_msi("fleet-driver", &msi).unwrap();
    let exe = Nsis::new("Fleet Filter", "2.0").exiting_with(3010);
    fleet.offer_nsis("fleet-filter", &exe).unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let ids = ["fleet-driver", "fleet-filter"].map(|package| {
        let id = fleet.console.approve_and_deploy(package).unwrap();
        fleet.console.wait_status(id, 10).unwrap();
        let job = fleet.job(id).unwrap();
        assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 10], "{job:?}");
        assert_eq!(
            job.status("label"),
            "Patch deploy completed. System needs restart"
        );
        assert_eq!(job.field("reboot"), "Restart due");
        id
    });
    let version = fleet.installed_version(&msi.product_code).unwrap();
    assert_eq!(version.as_deref(), Some("2.0.0"));

    // The agent's own start is no restart of the machine.
    fleet.crash_agent().unwrap();
    fleet.start_agent().unwrap();
    fleet.scan().unwrap();
    for id in ids {
        assert_eq!(fleet.job(id).unwrap().history().last(), Some(&10));
    }

    fleet.wine.restart().unwrap();
    fleet.start_agent().unwrap();
    for id in ids {
        let job = fleet.wait_over(id).unwrap();
        assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 10, 9], "{job:?}");
        assert_eq!(job.field("reboot"), "Machine rebooted");
    }
}

#[test]
fn of_two_deployments_on_a_device_one_waits_for_the_end_of_the_other() {
    let mut fleet = Fleet::new().unwrap();
    for name in ["Fleet Tuner", "Fleet Piano"] {
        fleet.install_nsis(&Nsis::new(name, "1.0")).unwrap();
    }
    let new = |name| Nsis::new(name, "2.0").taking(Duration::from_secs(4));
    fleet
        .offer_nsis("fleet-tuner", &new("Fleet Tuner"))
        .unwrap();
    fleet
        .offer_nsis("fleet-piano", &new("Fleet Piano"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();
    for package in ["fleet-tuner", "fleet-piano"] {
        fleet.console.wait_missing(package).unwrap();
    }

    // Both orders wait for the device when it comes back.
    fleet.crash_agent().unwrap();
    let ids = ["fleet-tuner", "fleet-piano"].map(|package| {
        let id = fleet.console.approve_and_deploy(package).unwrap();
        fleet.console.wait_status(id, 3).unwrap();
        id
    });
    fleet.start_agent().unwrap();
    let mut jobs = ids.map(|id| fleet.wait_over(id).unwrap());
    jobs.sort_by(|left, right| left.since(8).cmp(right.since(8)));
    let [first, second] = jobs;
    assert_eq!(first.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{first:?}");
    assert_eq!(second.history(), [1, 2, 3, 4, 5, 6, 7, 8, 9], "{second:?}");
    assert!(second.since(8) >= first.since(9), "{first:?} {second:?}");
    for name in ["Fleet Tuner", "Fleet Piano"] {
        let version = fleet.installed_version(name).unwrap();
        assert_eq!(version.as_deref(), Some("2.0"));
        assert_eq!(fleet.starts(name, "2.0").unwrap(), 1);
    }
}

#[test]
fn a_folder_of_packages_on_the_server_is_a_source_as_well() {
    let mut fleet = Fleet::new().unwrap();
    let (old, new) = (
        Msi::new("Fleet Atlas", "1.0.0"),
        Msi::new("Fleet Atlas", "1.0.10"),
    );
    fleet.install_msi(&old).unwrap();
    let folder = WorkDir::new("source").unwrap();
    let bytes = bytes_of(|file| new.build(file)).unwrap();
    for (version, bytes) in [("1.0.9", vec![0]), ("1.0.10", bytes)] {
        Nupkg::new("fleet-atlas", version)
            .embedding_msi("atlas.msi", bytes, "Fleet Atlas*")
            .build_into(folder.path())
            .unwrap();
    }
    fleet.add_source(folder.path().to_str().unwrap()).unwrap();
    fleet.start_agent().unwrap();

    let job = fleet.deploy("fleet-atlas").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    assert_eq!(job.field("version"), "1.0.10");
    let version = fleet.installed_version(&new.product_code).unwrap();
    assert_eq!(version.as_deref(), Some("1.0.10"));
}

#[test]
fn a_newer_application_whose_name_fits_the_same_pattern_is_not_taken_for_the_patched_one() {
    let mut fleet = Fleet::new().unwrap();
    for (name, version) in [("Fleet Git", "1.0"), ("Fleet GitHub", "3.0")] {
        fleet.install_nsis(&Nsis::new(name, version)).unwrap();
    }
    for (id, name, version) in [
        ("fleet-git", "Fleet Git", "2.0"),
        ("fleet-github", "Fleet GitHub", "3.0"),
    ] {
        let setup = bytes_of(|file| Nsis::new(name, version).build(file)).unwrap();
        let file = format!("{id}.exe");
        let url = fleet.site.file_url(&file);
        let package = Nupkg::new(id, version).title(name).downloading_exe(
            &url,
            &digest_hex(&setup),
            &format!("{name}*"),
        );
        fleet.site.add_file(&file, setup);
        fleet.site.add_package(&package).unwrap();
    }
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let job = fleet.deploy("fleet-git").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    assert_eq!(fleet.starts("Fleet Git", "2.0").unwrap(), 1);
    let version = fleet.installed_version("Fleet Git").unwrap();
    assert_eq!(version.as_deref(), Some("2.0"));
}
