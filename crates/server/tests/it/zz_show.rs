use crate::{seed, site::Site};
use fleetmend_model::{device::SystemType, patch::*, Millis, status::{Party, deploy::*, scan::ScanStatus}};
use fleetmend_store::{approvals, devices, scan_jobs, deploy_jobs, deployments, patches};
#[tokio::test]
async fn show() {
    let (site, person) = Site::signed_in().await;
    let db = site.db().await;
    let now = Millis(jiff::Timestamp::now().as_millisecond());
    seed::everything(&db, "evil \"><script>alert(1)</script> & 'name'").await;
    let mut tx = db.begin().await.unwrap();
    let mut ids = vec![];
    for (i, (name, os)) in [("srv-db-01.example.org", "Debian GNU/Linux 12 (bookworm)"), ("srv-web-01.example.org", "Debian GNU/Linux 12 (bookworm)"), ("DESKTOP-7F3K2", "Windows 11 Pro"), ("DESKTOP-9A1QX", "Windows 10 Enterprise LTSC")].iter().enumerate() {
        let id = devices::insert(&mut tx, &devices::NewDevice { host: fleetmend_model::device::Host { hostname: (*name).into(), os_family: if i < 2 { fleetmend_model::device::OsFamily::Linux } else { fleetmend_model::device::OsFamily::Windows }, os_name: (*os).into(), os_version: "12".into(), architecture: "x86_64".into() }, system_type: if i == 0 { SystemType::Critical } else { SystemType::Normal }, agent_version: "0.1.0".into(), protocol: 1, certificate_sha256: fleetmend_trust::digest_hex(name.as_bytes()) }, now).await.unwrap();
        if i != 3 {
            if let scan_jobs::PostedScan::Created(job) = scan_jobs::post(&mut tx, id, "enrolment", now, now).await.unwrap() {
                for (from, to) in [(ScanStatus::Posted, ScanStatus::Started), (ScanStatus::Started, ScanStatus::Completed)] {
                    scan_jobs::transition(&mut tx, job, &scan_jobs::ScanMove { from, to, by: Party::Agent, cause: String::new(), at: now, run_at: None }).await.unwrap();
                }
            }
        }
        ids.push(id);
    }
    let mk = |t: PatchType, name: &str, title: &str, version: &str, security| patches::NewPatch { patch_type: t, name: name.into(), architecture: String::new(), version: version.into(), title: title.into(), security, origin: if t == PatchType::Os { "Debian-Security:12/stable-security".into() } else { "Chocolatey community".into() }, package: None };
    let all = patches::upsert_many(&mut tx, &[mk(PatchType::Os, "openssl", "openssl", "3.0.17-1~deb12u3", true), mk(PatchType::Os, "libc6", "libc6", "2.36-9+deb12u13", false), mk(PatchType::ThirdParty, "7zip.install", "7-Zip", "24.9.0", false), mk(PatchType::ThirdParty, "notepadplusplus.install", "Notepad++", "8.8.5", true)], now).await.unwrap();
    seed::lack(&mut tx, &ids[..2], all[0], "3.0.16-1~deb12u1").await;
    seed::lack(&mut tx, &ids[..2], all[1], "2.36-9+deb12u10").await;
    seed::lack(&mut tx, &ids[2..], all[2], "19.0").await;
    seed::lack(&mut tx, &ids[2..3], all[3], "8.6").await;
    approvals::set_many(&mut tx, &[(all[0], SystemType::Normal), (all[2], SystemType::Normal)], Approval::Approved, "administrator", "", now).await.unwrap();
    let dep = deployments::insert(&mut tx, all[2], "administrator", "", now).await.unwrap();
    let new = |d, p| deploy_jobs::NewJob { device: d, patch: p, release: None, cause: "asked for by administrator".into(), next_step: "the server gets the patch's files".into(), deadline_at: now + std::time::Duration::from_secs(3*86400), redeploy_of: None };
    let jobs = deploy_jobs::create_many(&mut tx, dep, &[new(ids[2], all[2]), new(ids[1], all[0]), new(ids[3], all[2])], now).await.unwrap();
    let deploy_jobs::Posted::Created(j) = jobs[1] else { panic!() };
    let mut at = DeployState::NEW;
    for (n, by) in [(2, Party::Server), (3, Party::Server), (4, Party::Agent), (5, Party::Agent), (6, Party::Server), (8, Party::Agent), (11, Party::Agent)] {
        let to = DeployState { status: DeployStatus::try_from(n).unwrap(), ending: None };
        let mut m = deploy_jobs::JobMove::new(at, to, by, now);
        if n == 11 { m.cause = "the installer ended with exit code 1603 (fatal error) on attempt 3 of 3".into(); m.attempt = Some(3); m.output = Some("Unpacking openssl (3.0.17-1~deb12u3) over (3.0.16-1~deb12u1) ...\ndpkg: error processing archive\n".into()); }
        deploy_jobs::transition(&mut tx, j, &m).await.unwrap();
        at = to;
    }
    tx.commit().await.unwrap();
    std::fs::write("/tmp/h6-show.json", serde_json::json!({"url": site.url(), "cookie": person.cookie, "csrf": person.csrf}).to_string()).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1500)).await;
}
