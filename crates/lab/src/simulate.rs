//! `lab simulate`: agents on the real agent's own core against a real server, over real TLS. Only
//! the operating system is simulated: what is installed, and what an installer does to it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use fleetmend_agent::core::{Core, Effect, Event, FetchError, Identity, Look, State};
use fleetmend_agent::moment;
use fleetmend_agent::platform::RunResult;
use fleetmend_model::detection::detect;
use fleetmend_model::device::SystemType;
use fleetmend_model::inventory::{Boot, Inventory, Place, Software};
use fleetmend_model::patch::Approval;
use fleetmend_model::release::Action;
use fleetmend_model::status::deploy::DeployStatus;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::checkin::{CheckIn, CheckInReply};
use fleetmend_protocol::paths;
use fleetmend_protocol::reports::{Reports, ReportsReply};
use fleetmend_server::deployments::Asked;
use fleetmend_server::{App, Config, Given};
use fleetmend_store::{Page, deploy_jobs, devices, missing};
use fleetmend_trust::digest_hex;
use serde_json::{Value, json};

use crate::apps;
use crate::client::{Connection, Device, fetch_ca, get, request_json};

/// How many, and which run.
#[derive(Debug, Args)]
pub struct Options {
    /// Simulated devices.
    #[arg(long, default_value_t = 200)]
    devices: usize,
    /// What decides which installers fail: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest run, in seconds.
    #[arg(long, default_value_t = 120)]
    limit: u64,
}

const NAME: &str = "Simulated Application";

/// Runs one approval through the whole fleet.
pub async fn run(options: Options) -> anyhow::Result<Value> {
    anyhow::ensure!(options.devices > 0, "there must be at least one device");
    let data = tempfile::tempdir()?;
    let source = data.path().join("source");
    std::fs::create_dir(&source)?;
    write_package(&source)?;
    let mut config = Config::new(data.path().join("server"), "127.0.0.1:0".parse()?);
    config.policy.deploy_retry_seconds = 1;
    let server = fleetmend_server::start(config).await?;
    server
        .handle()
        .add_source(&Given::at(&source.display().to_string()))
        .await?;
    let tokens = server.handle().enrol_tokens(options.devices).await?;
    let ca = fetch_ca(&tokens[0]).await?;
    let start = Instant::now();
    let mut agents = Vec::new();
    for (number, token) in tokens.into_iter().enumerate() {
        let ca = ca.clone();
        let outcome = Outcome::of(options.seed, number as u64);
        agents.push(tokio::spawn(async move {
            let device = Device::enrol(&token, &ca, &format!("sim-{number}")).await?;
            SimulatedAgent::new(&device, number, outcome)
                .await?
                .run()
                .await
        }));
    }
    let app = server.app();
    until(options.limit, || async {
        Ok(devices::totals(&app.db, &devices::DeviceFilter::default())
            .await?
            .missing_third_party
            == options.devices as u64)
    })
    .await
    .context("not all devices reported what they lack")?;
    eprintln!(
        "{} devices lack the patch after {:.1} s",
        options.devices,
        seconds(start)
    );
    until(options.limit, || async {
        let offered = fleetmend_server::catalog::offered::all(app).await?;
        Ok(offered.iter().all(|it| it.analysis.is_some()))
    })
    .await
    .context("the package was not looked at")?;
    deploy_to_all(app).await?;
    until(options.limit, || async {
        Ok(deploy_jobs::list(&app.db, &unfinished(), &Page::first(1))
            .await?
            .rows
            .is_empty())
    })
    .await
    .context("not all jobs ended")?;
    let took = seconds(start);
    for agent in &agents {
        agent.abort();
    }
    let result = tally(app, &options).await?;
    server.stop().await;
    let mut result = result;
    result["seconds"] = json!((took * 10.0).round() / 10.0);
    Ok(result)
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

fn unfinished() -> deploy_jobs::JobFilter {
    deploy_jobs::JobFilter {
        progress: Some(deploy_jobs::JobProgress::Open),
        ..deploy_jobs::JobFilter::default()
    }
}

async fn until<F>(limit: u64, mut is_so: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<bool>>,
{
    let end = Instant::now() + Duration::from_secs(limit);
    while !is_so().await? {
        anyhow::ensure!(Instant::now() < end, "{limit} s were not enough");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn deploy_to_all(app: &std::sync::Arc<App>) -> anyhow::Result<()> {
    let actor = fleetmend_server::people::Actor {
        name: "lab".to_owned(),
        address: "127.0.0.1".to_owned(),
    };
    let failed = |error: fleetmend_server::ApiError| anyhow::anyhow!(error.message());
    let filter = missing::PatchFilter::default();
    let listed = missing::list(
        &app.db,
        &filter,
        missing::PatchSort::default(),
        &Page::first(10),
    )
    .await?;
    for row in listed.rows {
        let decided = [(row.patch.id, SystemType::Normal)];
        fleetmend_server::approvals::set(app, &decided, Approval::Approved, "", &actor)
            .await
            .map_err(failed)?;
        let asked = Asked {
            patch: row.patch.id,
            devices: None,
            at_any_time: false,
        };
        fleetmend_server::deployments::deploy(app, &asked, &actor)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Counts how jobs ended, and every way in which one did not end as its device's outcome says.
async fn tally(app: &App, options: &Options) -> anyhow::Result<Value> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    let mut violations = 0;
    let mut page = Page::first(200);
    let mut jobs = 0;
    loop {
        let listed = deploy_jobs::list(&app.db, &deploy_jobs::JobFilter::default(), &page).await?;
        for row in &listed.rows {
            jobs += 1;
            *counts.entry(row.job.state.status.number()).or_default() += 1;
            let number = row
                .hostname
                .strip_prefix("sim-")
                .and_then(|text| text.parse().ok());
            let outcome = Outcome::of(options.seed, number.unwrap_or_default());
            if row.job.state.status != outcome.status() {
                eprintln!(
                    "{}: {outcome:?} ended as {} ({})",
                    row.hostname,
                    row.job.state.shown(),
                    row.job.cause
                );
                violations += 1;
            }
        }
        let Some(next) = listed.next else { break };
        page = Page::after(200, next);
    }
    let count = |status: DeployStatus| counts.get(&status.number()).copied().unwrap_or_default();
    Ok(json!({
        "devices": options.devices,
        "jobs": jobs,
        "lost": options.devices.saturating_sub(jobs),
        "completed": count(DeployStatus::Completed),
        "needs_restart": count(DeployStatus::NeedsRestart),
        "failed": count(DeployStatus::Failed),
        "unknown_error": count(DeployStatus::UnknownError),
        "not_applicable": count(DeployStatus::NotApplicable),
        "violations": violations,
        "seed": options.seed,
    }))
}

/// What the installer does on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Installs,
    InstallsAfterOneFailure,
    Fails,
    DoesNothing,
}

impl Outcome {
    /// Splitmix64 of seed and number: the same in every run.
    fn of(seed: u64, number: u64) -> Self {
        let mut x = seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(number + 1);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (x ^ (x >> 31)) % 20 {
            0 => Self::Fails,
            1 => Self::DoesNothing,
            2 | 3 => Self::InstallsAfterOneFailure,
            _ => Self::Installs,
        }
    }

    fn status(self) -> DeployStatus {
        match self {
            Self::Installs | Self::InstallsAfterOneFailure => DeployStatus::Completed,
            Self::Fails => DeployStatus::Failed,
            Self::DoesNothing => DeployStatus::UnknownError,
        }
    }
}

struct SimulatedAgent {
    core: Core,
    requests: Connection,
    waiting: Connection,
    number: usize,
    version: &'static str,
    outcome: Outcome,
    started: HashSet<(DeployJobId, u32)>,
}

impl SimulatedAgent {
    async fn new(device: &Device, number: usize, outcome: Outcome) -> anyhow::Result<Self> {
        let certificate = fleetmend_agent::certificate_sha256(&device.reply.certificate)?;
        let identity = Identity {
            certificate_sha256: certificate,
            trust: device.reply.trust.clone(),
        };
        Ok(Self {
            core: Core::new(identity, State::new(format!("sim{number}")), now()),
            requests: device.connect().await?,
            waiting: device.connect().await?,
            number,
            version: "1.0.0",
            outcome,
            started: HashSet::new(),
        })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let mut events = VecDeque::from([Event::Started {
            boot: "sim".to_owned(),
        }]);
        let wait = get(&format!("{}?seconds=60", paths::WAIT));
        let mut is_waiting = false;
        loop {
            while let Some(event) = events.pop_front() {
                for effect in self.core.handle(event, moment()) {
                    events.extend(self.carry_out(effect).await?);
                }
            }
            if let Some(event) = self.send_reports().await? {
                events.push_back(event);
                continue;
            }
            if !is_waiting {
                events.push_back(self.check_in().await?);
                self.waiting.send_only(&wait).await?;
                is_waiting = true;
                continue;
            }
            let pause = self
                .core
                .next_tick()
                .map_or(Duration::from_secs(60), |at| at.since(now()));
            tokio::select! {
                answer = self.waiting.receive() => { answer?; is_waiting = false; }
                () = tokio::time::sleep(pause) => events.push_back(Event::Tick),
            }
        }
    }

    async fn check_in(&mut self) -> anyhow::Result<Event> {
        let request = CheckIn {
            protocol: fleetmend_protocol::CURRENT,
            agent_version: "lab".to_owned(),
            boot: Boot {
                id: "sim".to_owned(),
                at: None,
            },
            inventory_digest: self.core.state().inventory_digest.clone(),
            holds: self.core.holds(),
            scans: self.core.scan_jobs(),
            epoch: self.core.state().epoch.clone(),
            held: self.core.held(),
            ..CheckIn::default()
        };
        let request = request_json(paths::CHECKIN, &request)?;
        let asked = moment();
        let reply: CheckInReply = serde_json::from_slice(self.requests.send(&request).await?)?;
        Ok(Event::Reply {
            asked,
            reply: Box::new(reply),
        })
    }

    async fn send_reports(&mut self) -> anyhow::Result<Option<Event>> {
        let reports = self.core.outbox().to_vec();
        if reports.is_empty() {
            return Ok(None);
        }
        let epoch = self.core.state().epoch.clone();
        let request = request_json(paths::REPORTS, &Reports { epoch, reports })?;
        let reply: ReportsReply = serde_json::from_slice(self.requests.send(&request).await?)?;
        Ok(Some(Event::Acknowledged(reply.acknowledged)))
    }

    async fn carry_out(&mut self, effect: Effect) -> anyhow::Result<Option<Event>> {
        Ok(match effect {
            Effect::Forget { .. } => None,
            Effect::AwaitEarlier { job } => Some(Event::EarlierEnded { job }),
            Effect::Scan { .. } => {
                let json = serde_json::to_vec(&self.inventory())?;
                self.requests.post(paths::INVENTORY, &json).await?;
                Some(Event::Scanned {
                    result: Ok(digest_hex(&json)),
                })
            }
            Effect::Detect { job } => {
                let order = self.core.order(job).context("a job without an order")?;
                let found = detect(&order.release().action, &self.inventory().software);
                Some(Event::Detected {
                    job,
                    result: Ok(Look {
                        found,
                        restart_pending: false,
                    }),
                })
            }
            Effect::Fetch { job } => Some(Event::Fetched {
                job,
                result: self.fetch(job).await?,
            }),
            Effect::Run { job, attempt } => {
                anyhow::ensure!(
                    self.started.insert((job, attempt)),
                    "started twice: job {job}"
                );
                Some(Event::Ran {
                    job,
                    attempt,
                    result: self.install(attempt),
                })
            }
        })
    }

    async fn fetch(&mut self, job: DeployJobId) -> anyhow::Result<Result<(), FetchError>> {
        let order = self.core.order(job).context("a job without an order")?;
        let Action::RunInstaller(run) = &order.release().action else {
            return Ok(Ok(()));
        };
        let file = run
            .file_for(true)
            .context("the release has no file")?
            .clone();
        let bytes = self
            .requests
            .send(&get(&format!("{}/{}", paths::FILES, file.sha256)))
            .await?;
        Ok(if digest_hex(bytes) == file.sha256 {
            Ok(())
        } else {
            Err(FetchError {
                cause: "the digest is wrong".to_owned(),
                counts: true,
            })
        })
    }

    fn install(&mut self, attempt: u32) -> RunResult {
        let installs = match self.outcome {
            Outcome::Installs => true,
            Outcome::InstallsAfterOneFailure => attempt > 1,
            Outcome::Fails | Outcome::DoesNothing => false,
        };
        if installs {
            self.version = "2.0.0";
        }
        let success = installs || self.outcome == Outcome::DoesNothing;
        RunResult {
            exit_code: Some(i64::from(!success)),
            success,
            restart_due: false,
            cause: if success {
                String::new()
            } else {
                "exit code 1".to_owned()
            },
            output: String::new(),
        }
    }

    fn inventory(&self) -> Inventory {
        Inventory {
            host: apps::host(&format!("sim-{}", self.number)),
            software: vec![Software {
                place: Place::Machine64,
                key: "simulated-application".to_owned(),
                name: NAME.to_owned(),
                version: self.version.to_owned(),
                publisher: "Example".to_owned(),
                product_code: None,
                upgrade_code: None,
            }],
            chocolatey: Vec::new(),
            updates: None,
            restart_pending: None,
            cannot_deploy: None,
            hives: Vec::new(),
            unread: Vec::new(),
        }
    }
}

/// The package that the fleet lacks: an embedded installer.
fn write_package(folder: &Path) -> anyhow::Result<()> {
    use fleetmend_e2e::nupkg::Nupkg;
    let script = format!(
        "$toolsDir = Split-Path -Parent $MyInvocation.MyCommand.Definition\n\
         $packageArgs = @{{\n  packageName = $env:ChocolateyPackageName\n  fileType = 'exe'\n  \
         file = Join-Path $toolsDir 'setup.exe'\n  silentArgs = '/S'\n  \
         softwareName = '{NAME}*'\n}}\nInstall-ChocolateyInstallPackage @packageArgs\n"
    );
    Nupkg::new("simulated-application", "2.0.0")
        .title(NAME)
        .file(
            "tools/setup.exe",
            fleetmend_e2e::pe::Pe::new(NAME, "2.0.0").build(),
        )
        .install_script(&script)
        .build_into(folder)?;
    Ok(())
}

fn now() -> Millis {
    fleetmend_server::system_clock()
}
