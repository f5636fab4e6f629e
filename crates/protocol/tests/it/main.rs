//! The messages as they travel.

mod messages;
mod protocol2;
mod reading;

use fleetmend_model::abilities::Ability;
use fleetmend_model::detection::Detected;
use fleetmend_model::device::{Host, Network, OsFamily};
use fleetmend_model::inventory::{
    AvailableUpdate, Boot, ChocolateyRecord, Hive, Inventory, Part, Place, Software,
    UnreachableSource, Unread, UpdateScan, WithheldUpdate,
};
use fleetmend_model::restart::RestartState;
use fleetmend_model::status::deploy::{Change, DeployStatus, Ending};
use fleetmend_model::throttle::Throttle;
use fleetmend_model::{DeployJobId, DeviceId, Millis, ScanJobId};
use fleetmend_protocol::checkin::{
    CheckIn, CheckInReply, Held, InventoryReply, Resumed, ScanFailure, WaitReply,
};
use fleetmend_protocol::enrol::{EnrolReply, EnrolRequest};
use fleetmend_protocol::reports::{Report, Reports, ReportsReply, What};
use fleetmend_protocol::site::{
    FetchedFrom, MasterAddress, MasterState, Serve, Site, SiteFileState, WantedFile,
};
use fleetmend_protocol::{ErrorBody, ErrorDetail};
use fleetmend_trust::{Envelope, PublicKey, Signature, SignedOrder, TrustRoot};

fn text(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn host() -> Host {
    Host {
        hostname: text("alpha"),
        os_family: OsFamily::Windows,
        os_name: text("Windows 11 Pro"),
        os_version: text("10.0.22631"),
        architecture: text("x86_64"),
    }
}

pub(crate) fn enrol_request() -> EnrolRequest {
    EnrolRequest {
        protocol: 1,
        agent_version: text("0.1.0"),
        secret: text("00112233445566778899aabbccddeeff"),
        signing_request: text("-----BEGIN CERTIFICATE REQUEST-----\n"),
        host: host(),
    }
}

pub(crate) fn enrol_reply() -> EnrolReply {
    EnrolReply {
        device: DeviceId(3),
        certificate: text("-----BEGIN CERTIFICATE-----\n"),
        ca: text("-----BEGIN CERTIFICATE-----\n"),
        trust: TrustRoot {
            level: 0,
            release_keys: vec![PublicKey(text("cmVsZWFzZQ=="))],
            order_keys: vec![PublicKey(text("b3JkZXI="))],
        },
    }
}

pub(crate) fn check_in() -> CheckIn {
    CheckIn {
        protocol: 1,
        agent_version: text("0.1.0"),
        boot: Boot {
            id: text("boot-1"),
            at: Some(Millis(1_700_000_000_000)),
        },
        inventory_digest: Some(text("ab12")),
        scanned_at: Some(Millis(1_700_000_001_000)),
        scan_failure: Some(ScanFailure {
            at: Millis(1_700_000_002_000),
            cause: text("the registry cannot be read"),
        }),
        holds: vec![DeployJobId(7)],
        scans: vec![ScanJobId(4)],
        epoch: text("00ff"),
        held: vec![Held {
            job: DeployJobId(7),
            counter: 5,
        }],
        time_zone: text("Europe/Berlin"),
        network: Network {
            addresses: vec![text("10.1.0.7"), text("2001:db8::7")],
            gateways: vec![text("10.1.0.1")],
        },
        abilities: vec![text(Ability::Apt.key()), text("fly")],
        site: 2,
        master: Some(MasterState {
            generation: 3,
            port: 8444,
            apt_port: Some(8445),
            used: 1000,
            cap: 2000,
            free: 3000,
        }),
    }
}

fn envelope(kind: &str) -> Envelope {
    Envelope {
        payload_type: text(kind),
        payload: text("e30="),
        signatures: vec![Signature {
            keyid: text("0123456789abcdef"),
            sig: text("c2ln"),
        }],
    }
}

pub(crate) fn check_in_reply() -> CheckInReply {
    CheckInReply {
        protocol: 3,
        now: Millis(1_700_000_000_000),
        checkin_seconds: 180,
        want_inventory: true,
        scans: vec![ScanJobId(4)],
        orders: vec![SignedOrder {
            job: DeployJobId(7),
            order: envelope("application/vnd.fleetmend.order+json"),
            release: envelope("application/vnd.fleetmend.release+json"),
        }],
        cancelled: vec![DeployJobId(6)],
        resumed: vec![Resumed {
            job: DeployJobId(7),
            status: DeployStatus::Started,
            attempt: 1,
        }],
        site: Some(Site {
            generation: 2,
            master: Some(MasterAddress {
                device: DeviceId(9),
                addresses: vec![text("10.1.0.9")],
                port: 8444,
                apt_port: Some(8445),
                name: text("m9.masters.fleetmend.invalid"),
            }),
            spread_seconds: 40,
        }),
        serve: Some(Serve {
            generation: 3,
            members: vec![text("c0ffee")],
            cap: 2000,
            throttle: vec![Throttle::new(480, 1080, 1_000_000).expect("a rate")],
            apt: true,
        }),
        prefetch: vec![WantedFile {
            sha256: text("ab12"),
            length: 1,
        }],
        rules: Some(envelope("application/vnd.fleetmend.rules+json")),
    }
}

pub(crate) fn inventory() -> Inventory {
    Inventory {
        host: host(),
        software: vec![Software {
            place: Place::Machine64,
            key: text("{11111111-0000-0000-0000-000000000001}"),
            name: text("Example"),
            version: text("1.0"),
            publisher: text("Example Ltd"),
            product_code: Some(text("{11111111-0000-0000-0000-000000000001}")),
            upgrade_code: None,
        }],
        chocolatey: vec![ChocolateyRecord {
            id: text("example"),
            version: text("1.0.0"),
            pinned: true,
        }],
        updates: Some(UpdateScan {
            provider: text("apt"),
            unreachable: vec![UnreachableSource {
                source: text("http://deb.example/debian"),
                cause: text("no answer"),
            }],
            updates: vec![AvailableUpdate {
                package: text("libc6"),
                architecture: text("amd64"),
                installed: text("2.36-8"),
                candidate: text("2.36-9"),
                security: true,
                origin: text("Debian-Security:12/stable-security"),
            }],
            withheld: vec![WithheldUpdate {
                package: text("curl"),
                installed: text("7"),
                candidate: text("8"),
                why: text("held"),
            }],
        }),
        restart_pending: Some(text("a new kernel is installed")),
        cannot_deploy: Some(text("the agent does not run as root")),
        hives: vec![Hive {
            user: text("S-1-5-21-1-2-3-1001"),
            software: vec![0],
        }],
        unread: vec![Unread {
            part: Part::User,
            user: text("S-1-5-21-1-2-3-1002"),
            key: String::new(),
            cause: text("user anna is not logged on"),
        }],
    }
}

fn deploy(change: Change, cause: &str, output: &str, boot: Option<&str>) -> What {
    What::Deploy {
        job: DeployJobId(7),
        attempt: 1,
        change,
        cause: text(cause),
        output: text(output),
        boot: boot.map(text),
    }
}

pub(crate) fn reports() -> Reports {
    let (job, cause) = (ScanJobId(4), text("no package manager"));
    let whats = [
        What::ScanStarted { job },
        What::ScanCompleted {
            job,
            digest: text("ab12"),
        },
        What::ScanFailed { job, cause },
        deploy(
            Change::Status {
                status: DeployStatus::Started,
            },
            "",
            "",
            None,
        ),
        deploy(
            Change::Status {
                status: DeployStatus::Failed,
            },
            "exit code 1603",
            "fatal error",
            Some("boot-1"),
        ),
        deploy(
            Change::End {
                ending: Ending::Refused,
            },
            "it expired",
            "",
            Some("boot-1"),
        ),
        What::Progress {
            job: DeployJobId(7),
            cause: text("waits for the dpkg lock"),
        },
        What::AfterRestart {
            job: DeployJobId(7),
            boot: text("boot-2"),
            found: Detected::Installed {
                version: text("2.0"),
            },
        },
        What::AfterRestart {
            job: DeployJobId(8),
            boot: text("boot-2"),
            found: Detected::Absent,
        },
        What::Restart {
            state: RestartState::Snoozed,
            boot: text("boot-2"),
            cause: text("anna puts it off"),
            snoozes: 1,
            at: Some(Millis(1_700_000_060_000)),
        },
        What::SiteFile {
            sha256: text("ab12"),
            state: SiteFileState::Failed,
            cause: text("no room"),
        },
        What::Fetched {
            job: DeployJobId(7),
            from: FetchedFrom::Master,
            bytes: 17,
            bad_chunks: 1,
        },
    ];
    let reports = whats
        .into_iter()
        .zip(1..)
        .map(|(what, sequence)| Report {
            sequence,
            at: Millis(1_700_000_000_000),
            what,
        })
        .collect();
    Reports {
        epoch: text("00ff"),
        reports,
    }
}

pub(crate) fn small_replies() -> (WaitReply, InventoryReply, ReportsReply, ErrorBody) {
    (
        WaitReply { wake: true },
        InventoryReply {
            digest: text("ab12"),
        },
        ReportsReply { acknowledged: 7 },
        ErrorBody {
            error: ErrorDetail {
                code: text("token_used"),
                message: text("the token was used"),
            },
        },
    )
}
