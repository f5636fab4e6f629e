//! A Debian root with an APT source, in which the platform runs as the agent does: this test
//! program is copied into it and started there with [`inside`] as its only test.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use fleetmend_e2e::apt_repository::AptRepository;
use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::debian_root::DebianRoot;
use fleetmend_e2e::process::Running;
use fleetmend_model::inventory::Inventory;
use fleetmend_model::release::{Action, AptUpgrade, Release};
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{
    Order, OrderPolicy, SignedOrder, SigningKey, TrustRoot, Verified, digest_hex, sign_order,
    sign_release, verify_again,
};
use serde::{Deserialize, Serialize};

use crate::linux::Linux;
use crate::platform::Platform as _;

pub(super) const TIMEOUT: Duration = Duration::from_mins(2);
const PROGRAM: &str = "/usr/local/bin/platform";
const DATA: &str = "/var/lib/fleetmend-agent";
/// Holds what stands for the digest of the device certificate.
const CERTIFICATE: &str = "/etc/device-certificate";
/// The environment variable that tells [`inside`] what to do.
const TASK: &str = "FLEETMEND_TEST_TASK";
/// What stands before a line that [`inside`] tells the test.
const MARK: &str = "@@";

/// What is done inside.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    Scan,
    Prepare(Upgrade),
    Run(Upgrade),
    IsStillRunning(Upgrade),
}

/// One upgrade, of job `job`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upgrade {
    pub(super) job: i64,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) limit: Duration,
}

/// An upgrade with time enough.
pub(super) fn upgrade(package: &str, version: &str) -> Upgrade {
    Upgrade {
        job: 1,
        package: package.to_owned(),
        version: version.to_owned(),
        limit: Duration::from_mins(1),
    }
}

/// [`crate::platform::RunResult`] with the progress on the way, or only `progress` for a task that
/// is no run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) code: Option<i64>,
    pub(super) success: bool,
    pub(super) cause: String,
    pub(super) output: String,
    #[serde(default)]
    pub(super) progress: Vec<String>,
}

/// A machine of the test's own.
pub(super) struct Device {
    pub(super) root: DebianRoot,
    pub(super) repository: AptRepository,
}

impl Device {
    /// With these packages installed from a source of this origin.
    pub(super) fn new(origin: &str, installed: &[Deb]) -> Self {
        let root = DebianRoot::new().unwrap();
        let repository = root.add_repository(origin).unwrap();
        root.copy_in(&std::env::current_exe().unwrap(), PROGRAM)
            .unwrap();
        std::fs::create_dir_all(root.outside(DATA)).unwrap();
        let certificate = root.path().display().to_string();
        std::fs::write(root.outside(CERTIFICATE), certificate).unwrap();
        let device = Self { root, repository };
        device.offer(installed);
        let names: Vec<&str> = installed.iter().map(|it| it.name.as_str()).collect();
        device
            .root
            .apt_get(&[&["install"], names.as_slice()].concat())
            .unwrap();
        device
    }

    /// Puts packages into the source, and lets the machine know.
    pub(super) fn offer(&self, packages: &[Deb]) {
        self.repository.publish(packages).unwrap();
        self.root.apt_get(&["update"]).unwrap();
    }

    pub(super) fn version(&self, package: &str) -> String {
        self.root
            .installed_version(package)
            .unwrap()
            .unwrap_or_default()
    }

    pub(super) fn scan(&self) -> Inventory {
        let output = self
            .start(&Task::Scan)
            .wait(TIMEOUT)
            .unwrap()
            .success()
            .unwrap();
        serde_json::from_str(told(&output).pop().expect("it tells the inventory")).unwrap()
    }

    pub(super) fn run(&self, upgrade: &Upgrade) -> Told {
        self.tell(&Task::Run(upgrade.clone()))
    }

    /// Carries out a task to its end.
    pub(super) fn tell(&self, task: &Task) -> Told {
        read(&self.start(task).wait(TIMEOUT).unwrap().success().unwrap())
    }

    /// Starts a task in the background.
    pub(super) fn start(&self, task: &Task) -> Running {
        let mut command = self.root.command(PROGRAM);
        command
            .args([
                "--exact",
                "linux::tests::device::inside",
                "--ignored",
                "--nocapture",
            ])
            .env(TASK, serde_json::to_string(task).unwrap());
        Running::spawn(&mut command).unwrap()
    }
}

/// The result in what [`inside`] printed, with the progress before it.
pub(super) fn read(output: &str) -> Told {
    let mut lines = told(output);
    let mut result: Told = serde_json::from_str(lines.pop().expect("it tells a result")).unwrap();
    result.progress = lines.into_iter().map(str::to_owned).collect();
    result
}

/// The lines that [`inside`] told so far.
pub(super) fn told(output: &str) -> Vec<&str> {
    output
        .lines()
        .filter_map(|line| line.split_once(MARK).map(|(_, told)| told))
        .collect()
}

/// Not a test: what runs inside the Debian root for the tests.
#[test]
#[ignore = "started inside a Debian root by the other tests"]
fn inside() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let platform = Linux::new(Path::new(DATA), None);
    let say = |text: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{MARK}{text}").unwrap();
        out.flush().unwrap();
    };
    let result = match serde_json::from_str(&task).unwrap() {
        Task::Scan => {
            let inventory = platform.scan(&|_| ()).unwrap();
            return say(&serde_json::to_string(&inventory).unwrap());
        }
        Task::Prepare(upgrade) => match platform.prepare(&order(&upgrade), &say) {
            Ok(()) => Told {
                success: true,
                ..Told::default()
            },
            Err(error) => Told {
                cause: error.to_string(),
                ..Told::default()
            },
        },
        Task::IsStillRunning(upgrade) => Told {
            success: platform.is_still_running(&order(&upgrade), None),
            ..Told::default()
        },
        Task::Run(upgrade) => {
            let result = platform.run(&order(&upgrade), None, upgrade.limit, &say);
            Told {
                code: result.exit_code,
                success: result.success,
                cause: result.cause,
                output: result.output,
                progress: Vec::new(),
            }
        }
    };
    say(&serde_json::to_string(&result).unwrap());
}

fn order(upgrade: &Upgrade) -> Verified<Order> {
    let (key, _) = SigningKey::generate().unwrap();
    let release = Release {
        package: upgrade.package.clone(),
        version: upgrade.version.clone(),
        title: upgrade.package.clone(),
        action: Action::AptUpgrade(AptUpgrade {
            package: upgrade.package.clone(),
            architecture: "all".to_owned(),
            version: upgrade.version.clone(),
        }),
    };
    let order = Order {
        job: DeployJobId(upgrade.job),
        // Roots of other tests share this machine's process list.
        device_certificate: std::fs::read_to_string(CERTIFICATE).unwrap_or_default(),
        release_digest: digest_hex(&serde_json::to_vec(&release).unwrap()),
        counter: 1,
        issued: Millis(0),
        expires: Millis(i64::MAX),
        policy: OrderPolicy {
            retries: 0,
            retry_seconds: 0,
            limit_seconds: 60,
        },
        rules: RunRules::default(),
    };
    let signed = SignedOrder {
        job: order.job,
        order: sign_order(&order, &key).unwrap(),
        release: sign_release(&release, &key).unwrap(),
    };
    let trust = TrustRoot {
        level: 0,
        release_keys: vec![key.public()],
        order_keys: vec![key.public()],
    };
    verify_again(&signed, &trust, &order.device_certificate).unwrap()
}
