//! Rows that a fleet would have left in the database, with texts as the test wants them.

use fleetmend_model::device::{Host, OsFamily, SystemType};
use fleetmend_model::inventory::{Part, UnreachableSource, Unread, UpdateScan, WithheldUpdate};
use fleetmend_model::patch::{Confidence, Evidence, PatchType};
use fleetmend_model::recipe::Checksum;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, Ending};
use fleetmend_model::{DeployJobId, DeviceId, Millis, PatchId, SourceId};
use fleetmend_store::deploy_jobs::{self, JobMove, NewJob, Posted};
use fleetmend_store::devices::{self, InventoryFacts, NewDevice};
use fleetmend_store::holds::{self, NewHold};
use fleetmend_store::inventories::{self, Carried, HiveRows, StoredInventory};
use fleetmend_store::missing::{self, DeviceMissing, Grounds, NewMissing};
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::quarantine::{self, WrongFile};
use fleetmend_store::sources::{self, LeftOut, ReadNote, Settings, SourceKind};
use fleetmend_store::{Db, Tx, approvals, audit, deployments, downloads, enrol_tokens, scan_jobs};

/// When everything here happened.
pub const THEN: Millis = Millis(1_790_000_000_000);

/// What was put in.
pub struct Seeded {
    pub device: DeviceId,
    pub patch: PatchId,
    pub job: DeployJobId,
}

/// A device of a name, as if it had enrolled.
pub async fn device(tx: &mut Tx, hostname: &str, text: &str) -> DeviceId {
    let new = NewDevice {
        host: host(hostname, text),
        system_type: SystemType::Normal,
        agent_version: text.to_owned(),
        protocol: 1,
        certificate_sha256: fleetmend_trust::digest_hex(hostname.as_bytes()),
    };
    devices::insert(tx, &new, THEN).await.unwrap()
}

fn host(hostname: &str, text: &str) -> Host {
    Host {
        hostname: hostname.to_owned(),
        os_family: OsFamily::Linux,
        os_name: text.to_owned(),
        os_version: text.to_owned(),
        architecture: text.to_owned(),
    }
}

/// A patch of a title.
pub async fn patch(tx: &mut Tx, title: &str, text: &str) -> PatchId {
    let new = NewPatch {
        patch_type: PatchType::Os,
        name: format!("{title} {text}"),
        architecture: text.to_owned(),
        version: text.to_owned(),
        title: title.to_owned(),
        security: true,
        origin: text.to_owned(),
        package: None,
    };
    patches::upsert_many(tx, &[new], THEN).await.unwrap()[0]
}

/// Devices lack a patch.
pub async fn lack(tx: &mut Tx, devices: &[DeviceId], patch: PatchId, text: &str) {
    let grounds = Grounds {
        installed_version: text.to_owned(),
        evidence: Evidence::PackageManager,
        confidence: Confidence::Certain,
        reason: text.to_owned(),
    };
    let row = NewMissing {
        patch,
        patch_type: PatchType::Os,
        grounds: missing::intern_grounds(tx, &[([7; 16], &grounds)])
            .await
            .unwrap()[0],
    };
    let missing: Vec<_> = devices
        .iter()
        .map(|device| DeviceMissing {
            device: *device,
            rows: vec![row],
        })
        .collect();
    missing::replace_for_devices(tx, &missing, THEN)
        .await
        .unwrap();
}

/// A job of the patch on the device, called off.
pub async fn cancelled_job(
    tx: &mut Tx,
    device: DeviceId,
    patch: PatchId,
    text: &str,
) -> DeployJobId {
    let deployment = deployments::insert(tx, patch, text, text, THEN)
        .await
        .unwrap();
    let new = NewJob {
        device,
        patch,
        release: None,
        cause: text.to_owned(),
        next_step: text.to_owned(),
        deadline_at: Millis(i64::MAX),
        redeploy_of: None,
        occasion: "asked",
        by: Party::User,
    };
    let Posted::Created(job) = deploy_jobs::create_many(tx, deployment, &[new], THEN)
        .await
        .unwrap()[0]
    else {
        panic!("the device has an open job");
    };
    let cancelled = DeployState {
        ending: Some(Ending::Cancelled),
        ..DeployState::NEW
    };
    let mut change = JobMove::new(DeployState::NEW, cancelled, Party::User, THEN);
    change.cause = text.to_owned();
    change.next_step = text.to_owned();
    change.output = Some(text.to_owned());
    change.reboot_note = Some(text.to_owned());
    deploy_jobs::transition(tx, job, &change).await.unwrap();
    job
}

/// One of everything, each text of it `text`.
pub async fn everything(db: &Db, text: &str) -> Seeded {
    let mut tx = db.begin().await.unwrap();
    let device = device(&mut tx, text, text).await;
    let patch = patch(&mut tx, text, text).await;
    lack(&mut tx, &[device], patch, text).await;
    let job = cancelled_job(&mut tx, device, patch, text).await;
    let hold = NewHold {
        device,
        patch,
        job,
        cause: text.to_owned(),
        since: THEN,
        is_confirmed: true,
        installed: None,
    };
    holds::put(&mut tx, &hold, THEN).await.unwrap();
    holds::put_everywhere(&mut tx, patch, text, THEN)
        .await
        .unwrap();
    approvals::set_many(
        &mut tx,
        &[(patch, SystemType::Normal)],
        fleetmend_model::patch::Approval::Disapproved,
        text,
        text,
        THEN,
    )
    .await
    .unwrap();
    scan_jobs::post(&mut tx, device, text, THEN, Millis(i64::MAX))
        .await
        .unwrap();
    inventory(&mut tx, device, text).await;
    let failed = downloads::Failed {
        patch,
        tries: 1,
        cause: text.to_owned(),
        failed_at: THEN,
        retry_at: None,
    };
    downloads::set_failed(&mut tx, &failed).await.unwrap();
    let source = source(&mut tx, text).await;
    let note = ReadNote {
        error: Some(text.to_owned()),
        next_read_why: text.to_owned(),
        state: Some(text.to_owned()),
        left_out: vec![LeftOut {
            what: text.to_owned(),
            why: text.to_owned(),
        }],
        left_out_count: 1,
        ..ReadNote::default()
    };
    sources::note_read(&mut tx, source, &note).await.unwrap();
    held(&mut tx, source, text).await;
    enrol_tokens::create(&mut tx, &"0".repeat(64), text, THEN, THEN)
        .await
        .unwrap();
    let entry = audit::Entry {
        at: THEN,
        who: text.to_owned(),
        from_address: text.to_owned(),
        action: text.to_owned(),
        subject: text.to_owned(),
        before: serde_json::to_string(text).ok(),
        after: Some(text.to_owned()),
    };
    audit::append(&mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    Seeded { device, patch, job }
}

async fn inventory(tx: &mut Tx, device: DeviceId, text: &str) {
    let facts = InventoryFacts {
        device,
        host: host(text, text),
        digest: "0".repeat(64),
        at: THEN,
        complete: false,
        note: text.to_owned(),
        restart_pending: Some(text.to_owned()),
        cannot_deploy: Some(text.to_owned()),
    };
    devices::apply_inventories(tx, &[facts]).await.unwrap();
    let stored = StoredInventory {
        device,
        digest: "0".repeat(64),
        at: THEN,
        software: Vec::new(),
        chocolatey: Vec::new(),
        updates: Some(UpdateScan {
            provider: "apt".to_owned(),
            unreachable: vec![UnreachableSource {
                source: text.to_owned(),
                cause: text.to_owned(),
            }],
            updates: Vec::new(),
            withheld: Vec::new(),
        }),
        withheld: vec![WithheldUpdate {
            package: text.to_owned(),
            installed: text.to_owned(),
            candidate: text.to_owned(),
            why: text.to_owned(),
        }],
        hives: vec![HiveRows {
            user: text.to_owned(),
            software: Vec::new(),
        }],
        carried: vec![Carried {
            unread: Unread {
                part: Part::User,
                user: text.to_owned(),
                key: text.to_owned(),
                cause: text.to_owned(),
            },
            seen_at: Some(THEN),
            software: Vec::new(),
            chocolatey: vec![text.to_owned()],
        }],
    };
    inventories::put_many(tx, &[stored]).await.unwrap();
}

async fn source(tx: &mut Tx, text: &str) -> SourceId {
    let mut settings = Settings::new(text, text);
    settings.enabled = false;
    sources::insert(tx, SourceKind::Folder, &settings)
        .await
        .unwrap()
}

/// A package version in quarantine.
async fn held(tx: &mut Tx, source: SourceId, text: &str) {
    let new = NewPackage {
        source,
        id: text.to_owned(),
        version: text.to_owned(),
        normalized: "1.0.0".to_owned(),
        prerelease: false,
        title: text.to_owned(),
        authors: text.to_owned(),
        project_url: text.to_owned(),
        metadata: "{}".to_owned(),
        content_location: text.to_owned(),
        content_hash: None,
        listed: true,
    };
    let ids = packages::upsert_many(tx, &[new], THEN).await.unwrap();
    let file = WrongFile {
        file: text.to_owned(),
        algorithm: text.to_owned(),
        wanted: text.to_owned(),
        found: text.to_owned(),
        sha256: text.to_owned(),
        length: 1,
    };
    let named = Checksum {
        algorithm: text.to_owned(),
        hex: text.to_owned(),
    };
    quarantine::put(tx, ids[0], text, &file, &named, THEN)
        .await
        .unwrap();
}
