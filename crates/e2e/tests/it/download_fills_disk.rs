//! A disk that a download fills.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::pe::Pe;
use fleetmend_e2e::process::{self, Running, wait_until};
use fleetmend_trust::digest_hex;
use serde_json::json;

use crate::agent_client::{Device, host};
use crate::console_client::{Console, PATIENCE};
use crate::server_process::{console_url, program};
use crate::small_disk::SmallDisk;
use crate::up::stop;

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(30);
const PATH: &str = "/files/setup.exe";

#[test]
fn a_download_that_fills_the_disk_waits_for_room_and_nothing_else_waits_for_it() {
    filled().unwrap();
}

fn filled() -> Result<()> {
    let disk = SmallDisk::new(64 * 1024);
    let data = disk.folder.path().join("data");
    let command = |words: &[&str]| {
        let mut command = disk.command(&program("FLEETMEND_BIN"));
        command.args(words).arg("--data").arg(&data);
        command.env("FLEETMEND_DOWNLOAD_RETRY_SECONDS", "5");
        command
    };
    let mut running = Running::spawn(&mut command(&["serve", "--listen", "127.0.0.1:0"]))?;
    let url = console_url(&mut running)?;
    let admin = |words: &[&str]| process::run(&mut command(words), LIMIT)?.success();
    let console = Console::set_up(&url, &admin(&["setup-link"])?)?;
    let token = console.post("/api/v1/enrol-tokens", &json!({ "label": "it" }))?;
    let token = token["token"].as_str().context("a token")?.to_owned();
    let device = Device::enrol(&url, &token)?;
    let mut windows = host("windows-machine");
    windows["os_family"] = json!("windows");
    let software = json!([{
        "place": "machine64", "key": "large-tool", "name": "large-tool", "version": "1.0"
    }]);
    let inventory = json!({ "host": windows, "software": software });
    ensure!(device.post("/agent/v1/inventory", &inventory)?.status == 200);

    // Larger than the disk.
    let installer = Pe::new("large-tool", "2.0")
        .carrying(vec![7; 80 << 20])
        .build();
    let site = FeedSite::start()?;
    site.add_file("setup.exe", installer.clone());
    let digest = digest_hex(&installer);
    site.add_package(
        &Nupkg::new("large-tool", "2.0")
            .title("large-tool")
            .downloading_exe(&site.file_url("setup.exe"), &digest, "large-tool*"),
    )?;
    // One that does not say how long it is fills the disk before anybody knows.
    site.set_fault(PATH, Fault::Endless);
    console.post(
        "/api/v1/sources",
        &json!({ "location": site.url(), "allow_private": true }),
    )?;
    let row = console.wait_missing("large-tool")?;
    let patch = row["patch"]["id"].as_i64().context("a patch has an id")?;
    console.approve(patch)?;
    console.deploy(patch)?;
    let job = console.only_job_of(patch)?;
    let waits = |what: &str| {
        wait_until(what, PATIENCE, || {
            let cause = console.job(job)?["job"]["cause"].to_string();
            Ok(cause.contains(what).then_some(()))
        })
    };
    waits("there is room for no more: ")?;
    // The disk is not full for the database, and what came is gone.
    ensure!(device.check_in()?.status == 200);
    let storage = console.get("/api/v1/storage")?;
    let [free, kept] = ["free_bytes", "kept_free_bytes"].map(|it| storage[it].as_u64());
    ensure!(free > kept.map(|it| it * 2), "{storage}");
    site.repair();
    // One that says it is not begun.
    waits("there is room for no 83 MB more: ")?;
    console.post("/api/v1/enrol-tokens", &json!({ "label": "meanwhile" }))?;
    disk.shell("mount -o remount,size=512m \"$1\"");
    console.wait_status(job, 3)?;
    ensure!(device.check_in()?.status == 200);
    ensure!(stop(running).code == Some(0));
    Ok(())
}
