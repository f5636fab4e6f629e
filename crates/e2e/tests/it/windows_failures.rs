//! What goes wrong on a Windows machine ends where it must, and says why.

use std::time::Duration;

use fleetmend_e2e::msi::{Msi, MsiEnd};
use fleetmend_e2e::nsis::Nsis;
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::wait_until;
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::console_client::PATIENCE;
use crate::windows_fleet::{AGENT_DATA, Fleet, Job, bytes_of};

/// How often an installer is started in all, by the server's default.
const STARTS: usize = 4;

/// Deploys a package again whose job did not succeed, and waits for the end of the new job.
fn redeploy(fleet: &Fleet, job: &Job) -> Job {
    let (id, patch) = (job.field("id"), job.field("patch").as_i64().unwrap());
    let answer = fleet
        .console
        .post("/api/v1/deploy-jobs/redeploy", &json!({ "jobs": [id] }));
    assert_eq!(answer.unwrap()["count"], 1);
    let newest = fleet.console.jobs_of(patch).unwrap()[0].clone();
    assert_eq!(newest["redeploy_of"], *id);
    fleet.wait_over(newest["id"].as_i64().unwrap()).unwrap()
}

#[test]
fn an_installer_that_fails_is_started_again_then_the_job_failed_says_why_and_can_be_redeployed() {
    let mut fleet = Fleet::new().unwrap();
    let old = Msi::new("Fleet Vault", "1.0.0");
    fleet.install_msi(&old).unwrap();
    fleet.install_nsis(&Nsis::new("Fleet Lamp", "1.0")).unwrap();
    let refuses = Msi::new("Fleet Vault", "2.0.0").ending(MsiEnd::Refuses);
    fleet.offer_msi("fleet-vault", &refuses).unwrap();
    fleet
        .offer_nsis("fleet-lamp", &Nsis::new("Fleet Lamp", "2.0").failing(1))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let exe = fleet.deploy("fleet-lamp").unwrap();
    assert_eq!(exe.cause(), "the installer ended with exit code 1");
    assert_eq!(fleet.starts("Fleet Lamp", "2.0").unwrap(), STARTS);
    let msi = fleet.deploy("fleet-vault").unwrap();
    assert!(
        msi.cause()
            .contains("exit code 1603: the installation failed"),
        "{msi:?}"
    );
    for job in [&exe, &msi] {
        assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 11], "{job:?}");
        assert_eq!(job.status("label"), "Patch deploy failed");
        assert_eq!(job.status("can_redeploy"), true);
        assert_eq!(job.field("attempt"), STARTS);
    }
    let (lamp, vault) = (
        fleet.installed_version("Fleet Lamp").unwrap(),
        fleet.installed_version(&old.product_code).unwrap(),
    );
    assert_eq!(
        (lamp.as_deref(), vault.as_deref()),
        (Some("1.0"), Some("1.0.0"))
    );

    // The files are on the server already.
    let again = redeploy(&fleet, &exe);
    assert_eq!(again.history(), [1, 3, 4, 5, 6, 8, 11], "{again:?}");
    assert_eq!(fleet.starts("Fleet Lamp", "2.0").unwrap(), 2 * STARTS);
}

#[test]
fn an_installer_that_fails_after_it_removed_the_old_version_is_started_again() {
    let mut fleet = Fleet::new().unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Broom", "1.0"))
        .unwrap();
    let new = Nsis::new("Fleet Broom", "2.0")
        .failing(1)
        .taking(Duration::from_secs(2));
    fleet.offer_nsis("fleet-broom", &new).unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let id = fleet.console.approve_and_deploy("fleet-broom").unwrap();
    fleet.wait_started("Fleet Broom", "2.0").unwrap();
    fleet.remove_entry("Fleet Broom").unwrap();
    let job = fleet.wait_over(id).unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 11], "{job:?}");
    assert!(
        job.cause().contains("the installer ended with exit code 1"),
        "{job:?}"
    );
    assert_eq!(fleet.starts("Fleet Broom", "2.0").unwrap(), STARTS);
}

#[test]
fn an_installer_that_claims_success_and_installs_nothing_is_an_unknown_error() {
    let mut fleet = Fleet::new().unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Mirage", "1.0"))
        .unwrap();
    let new = Nsis::new("Fleet Mirage", "2.0").doing_nothing();
    fleet.offer_nsis("fleet-mirage", &new).unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let job = fleet.deploy("fleet-mirage").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 12], "{job:?}");
    assert_eq!(job.status("label"), "Unknown error");
    assert_eq!(job.status("can_redeploy"), true);
    assert!(
        job.cause().contains("success; version 1.0 is still there"),
        "{job:?}"
    );
    assert_eq!(fleet.starts("Fleet Mirage", "2.0").unwrap(), 1);
    fleet.scan().unwrap();
    fleet.console.wait_missing("fleet-mirage").unwrap();
}

#[test]
fn what_was_removed_after_the_scan_is_not_installed_anew() {
    let mut fleet = Fleet::new().unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Ghost", "1.0"))
        .unwrap();
    fleet
        .offer_nsis("fleet-ghost", &Nsis::new("Fleet Ghost", "2.0"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();
    fleet.console.wait_missing("fleet-ghost").unwrap();

    let uninstaller = r"C:\Program Files\Fleet Ghost\uninstall.exe";
    fleet.wine.run(uninstaller, &["/S"], PATIENCE).unwrap();
    // It goes on in a copy of itself after its end.
    wait_until("it is uninstalled", PATIENCE, || {
        Ok(fleet
            .installed_version("Fleet Ghost")?
            .is_none()
            .then_some(()))
    })
    .unwrap();

    let job = fleet.deploy("fleet-ghost").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 13], "{job:?}");
    let label = job.status("label").as_str().unwrap();
    assert!(
        label.starts_with("Patch is not applicable due to"),
        "{label}"
    );
    assert_eq!(job.status("can_redeploy"), false);
    assert!(
        job.cause().contains("not on the machine any more"),
        "{job:?}"
    );
    assert_eq!(fleet.starts("Fleet Ghost", "2.0").unwrap(), 0);
    fleet.console.wait_not_missing("fleet-ghost").unwrap();
}

#[test]
fn an_installer_with_a_wrong_checksum_never_runs_and_the_last_good_version_is_offered_instead() {
    let mut fleet = Fleet::new().unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Forge", "1.0"))
        .unwrap();
    fleet
        .offer_nsis("fleet-forge", &Nsis::new("Fleet Forge", "1.5"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();
    wait_offered(&fleet, "1.5");

    let named = bytes_of(|file| Nsis::new("Fleet Forge", "2.0").build(file)).unwrap();
    let other = Nsis::new("Fleet Forge", "2.0").exiting_with(7);
    let served = bytes_of(|file| other.build(file)).unwrap();
    fleet.site.add_file("forge.exe", served);
    let digest = digest_hex(&named);
    let newer = Nupkg::new("fleet-forge", "2.0")
        .title("Fleet Forge")
        .downloading_exe(&fleet.site.file_url("forge.exe"), &digest, "Fleet Forge");
    fleet.site.add_package(&newer).unwrap();
    let read = fleet
        .console
        .try_post("/api/v1/sources/1/read", &json!({}))
        .unwrap();
    assert_eq!(read.status, 204, "{read:?}");
    wait_offered(&fleet, "2.0");

    let job = fleet.deploy("fleet-forge").unwrap();
    assert_eq!(job.status("ending"), "download_failed", "{job:?}");
    let shown = job.status("shown").as_str().unwrap();
    assert!(shown.contains("Download failed"), "{shown}");
    for words in ["forge.exe", "sha256", &digest, "it was not run"] {
        assert!(job.cause().contains(words), "{words} in {job:?}");
    }
    // It never came as far as the device.
    assert!(job.history().iter().all(|status| *status <= 2), "{job:?}");
    assert_eq!(fleet.starts("Fleet Forge", "2.0").unwrap(), 0);

    let patch = json!({ "patch": job.field("patch"), "devices": [job.field("device")] });
    let plan = fleet.console.post("/api/v1/deployments", &patch).unwrap();
    assert!(plan["deployment"].is_null(), "{plan}");
    wait_offered(&fleet, "1.5");
    let job = fleet.deploy("fleet-forge").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    let version = fleet.installed_version("Fleet Forge").unwrap();
    assert_eq!(version.as_deref(), Some("1.5"));
}

/// Waits until the machine lacks this version of the package `fleet-forge`, and no other.
fn wait_offered(fleet: &Fleet, version: &str) {
    wait_until(&format!("{version} is missing"), PATIENCE, || {
        let missing = fleet.console.missing()?;
        let is_it = missing.len() == 1 && missing[0]["patch"]["version"] == version;
        Ok(is_it.then_some(()))
    })
    .unwrap();
}

#[test]
fn an_installer_that_was_changed_on_the_device_after_its_download_never_runs() {
    let mut fleet = Fleet::new().unwrap();
    for name in ["Fleet Hare", "Fleet Snail"] {
        fleet.install_nsis(&Nsis::new(name, "1.0")).unwrap();
    }
    let slow = Nsis::new("Fleet Snail", "2.0").taking(Duration::from_secs(6));
    fleet.offer_nsis("fleet-snail", &slow).unwrap();
    fleet
        .offer_nsis("fleet-hare", &Nsis::new("Fleet Hare", "2.0"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();

    let snail = fleet.console.approve_and_deploy("fleet-snail").unwrap();
    fleet.wait_started("Fleet Snail", "2.0").unwrap();
    let hare = fleet.console.approve_and_deploy("fleet-hare").unwrap();
    fleet.console.wait_status(hare, 7).unwrap();
    let file = format!(r"{AGENT_DATA}\files\{hare}\fleet-hare-2.0.exe");
    let file = fleet.wine.unix_path(&file).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let job = fleet.wait_over(hare).unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 7, 8, 11], "{job:?}");
    assert!(
        job.cause().contains("fleet-hare-2.0.exe has the digest"),
        "{job:?}"
    );
    assert!(job.cause().ends_with("it was not run"), "{job:?}");
    assert_eq!(fleet.starts("Fleet Hare", "2.0").unwrap(), 0);
    let other = fleet.wait_over(snail).unwrap();
    assert_eq!(other.history().last(), Some(&9), "{other:?}");
}
