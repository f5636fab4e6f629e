//! A server, a Windows machine with the agent on it, the site that offers packages, and the person
//! at the console: what the end-to-end tests on Windows are told with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::feed::FeedSite;
use fleetmend_e2e::msi::Msi;
use fleetmend_e2e::nsis::{Nsis, RUNS_LOG};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_e2e::process::{Running, wait_until};
use fleetmend_e2e::wine::Wine;
use fleetmend_e2e::work_dir::WorkDir;
use fleetmend_trust::digest_hex;
use serde_json::{Value, json};

use crate::console_client::{Console, PATIENCE, numbers};
use crate::server_process::{Server, program};

/// The agent's data folder. The blank in it finds what is not quoted.
pub const AGENT_DATA: &str = r"C:\ProgramData\Fleetmend Test\agent";
const AGENT: &str = r"C:\fleetmend-test\fleetmend-agent.exe";
const UNINSTALL: &str = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall";

/// One machine and all around it.
pub struct Fleet {
    /// The site that packages and installers come from.
    pub site: FeedSite,
    /// The server.
    pub server: Server,
    /// The person.
    pub console: Console,
    /// The machine.
    pub wine: Wine,
    agent: Option<Running>,
}

impl Fleet {
    /// A server without sources and devices, and a fresh machine with nothing installed.
    pub fn new() -> Result<Self> {
        let server = Server::start()?;
        let wine = Wine::new()?;
        std::fs::copy(program("FLEETMEND_AGENT_EXE"), wine.unix_path(AGENT)?)?;
        Ok(Self {
            site: FeedSite::start()?,
            console: server.console()?,
            server,
            wine,
            agent: None,
        })
    }

    /// Adds a source, whose packages' installers may be on this machine.
    pub fn add_source(&self, location: &str) -> Result<()> {
        let source = json!({ "location": location, "private_hosts": ["127.0.0.1"] });
        self.console.post("/api/v1/sources", &source)?;
        Ok(())
    }

    /// Starts the agent in the foreground; it enrols first where it is not enrolled.
    pub fn start_agent(&mut self) -> Result<()> {
        let mut command = self.agent_command(&["run", "--data", AGENT_DATA]);
        if self.agent.is_none() {
            command.env("FLEETMEND_TOKEN", self.server.token()?);
        }
        self.agent = Some(Running::spawn(&mut command)?);
        Ok(())
    }

    /// The agent's program with these arguments.
    pub fn agent_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.wine.command(AGENT);
        command.args(arguments);
        command
    }

    /// Kills the agent as a crash would; what it started lives on.
    pub fn crash_agent(&mut self) -> Result<()> {
        let agent = self.agent.as_mut().context("no agent was started")?;
        ensure!(
            agent.is_running()?,
            "the agent ended by itself: {}",
            agent.stderr()?
        );
        agent.crash();
        Ok(())
    }

    /// The only device, once it has enrolled and `is_it`.
    pub fn wait_device(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        wait_until(what, PATIENCE, || {
            let mut devices = self.console.devices()?;
            ensure!(
                devices.len() < 2,
                "one machine is several devices: {devices:?}"
            );
            Ok(devices.pop().filter(|device| is_it(device)))
        })
    }

    /// Has the device scanned, and waits until that is done.
    pub fn scan(&self) -> Result<()> {
        let before = self.wait_device("it is there", |_| true)?;
        let asked = json!({ "devices": [before["id"]] });
        self.console.post("/api/v1/scans", &asked)?;
        self.wait_device("it is scanned", |device| {
            let scan = &device["scan"];
            scan["status"]["number"] == 3 && scan["at"] != before["scan"]["at"]
        })?;
        Ok(())
    }

    /// Deploys a package's patch and waits for the end of its job.
    pub fn deploy(&self, package: &str) -> Result<Job> {
        self.wait_over(self.console.approve_and_deploy(package)?)
    }

    /// A job with its history.
    pub fn job(&self, id: i64) -> Result<Job> {
        Ok(Job(self.console.job(id)?))
    }

    /// Waits until a job is over.
    pub fn wait_over(&self, job: i64) -> Result<Job> {
        Ok(Job(self.console.wait_over(job)?))
    }

    /// Installs a program on the machine, without Fleetmend.
    pub fn install_msi(&self, msi: &Msi) -> Result<()> {
        let folder = WorkDir::new("installer")?;
        let file = folder.path().join("package.msi");
        msi.build(&file)?;
        let file = self.wine.windows_path(&file)?;
        let ended = self.wine.run("msiexec", &["/i", &file, "/qn"], PATIENCE)?;
        ensure!(ended.code == 0, "{ended:?}");
        Ok(())
    }

    /// Installs a program on the machine, without Fleetmend.
    pub fn install_nsis(&self, nsis: &Nsis) -> Result<()> {
        let folder = WorkDir::new("installer")?;
        let file = folder.path().join("setup.exe");
        nsis.build(&file)?;
        let ended = self
            .wine
            .run(&self.wine.windows_path(&file)?, &["/S"], PATIENCE)?;
        ensure!(ended.code == 0, "{ended:?}");
        Ok(())
    }

    /// Offers, on the feed, a package that downloads this installer from the site.
    pub fn offer_nsis(&self, id: &str, nsis: &Nsis) -> Result<()> {
        let setup = bytes_of(|file| nsis.build(file))?;
        let file = format!("{id}-{}.exe", nsis.version);
        let package = Nupkg::new(id, &nsis.version)
            .title(&nsis.name)
            .downloading_exe(&self.site.file_url(&file), &digest_hex(&setup), &nsis.name);
        self.site.add_file(&file, setup);
        self.site.add_package(&package)
    }

    /// Offers, on the feed, a package with this MSI in it.
    pub fn offer_msi(&self, id: &str, msi: &Msi) -> Result<()> {
        let bytes = bytes_of(|file| msi.build(file))?;
        let package = Nupkg::new(id, &msi.version).title(&msi.name);
        self.site
            .add_package(&package.embedding_msi("app.msi", bytes, &msi.name))
    }

    /// `DisplayVersion` of an entry in the machine's Uninstall hive.
    pub fn installed_version(&self, key: &str) -> Result<Option<String>> {
        self.wine
            .registry_value(&format!(r"{UNINSTALL}\{key}"), "DisplayVersion")
    }

    /// Takes an entry out of the machine's Uninstall hive.
    pub fn remove_entry(&self, key: &str) -> Result<()> {
        self.wine
            .delete_registry_key(&format!(r"{UNINSTALL}\{key}"))
    }

    /// Waits until an installer of this name and version has started.
    pub fn wait_started(&self, name: &str, version: &str) -> Result<()> {
        wait_until(&format!("{name} {version} starts"), PATIENCE, || {
            Ok((self.starts(name, version)? > 0).then_some(()))
        })
    }

    /// Waits until an installer of [`Nsis`] has installed this version.
    pub fn wait_installed(&self, name: &str, version: &str) -> Result<()> {
        wait_until(&format!("{name} {version} is installed"), PATIENCE, || {
            Ok((self.installed_version(name)?.as_deref() == Some(version)).then_some(()))
        })
    }

    /// How often an installer of this name and version was started.
    pub fn starts(&self, name: &str, version: &str) -> Result<usize> {
        self.wine
            .installer_starts(RUNS_LOG, &format!("{name} {version}"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.as_ref().filter(|_| std::thread::panicking()) {
            eprintln!("--- agent\n{}", agent.stderr().unwrap_or_default());
        }
    }
}

/// A deploy job as the API tells it.
#[derive(Debug)]
pub struct Job(pub Value);

impl Job {
    /// The numbers of all statuses that it was in.
    pub fn history(&self) -> Vec<i64> {
        numbers(&self.0)
    }

    /// A field of the job.
    pub fn field(&self, name: &str) -> &Value {
        &self.0["job"][name]
    }

    /// A field of where it stands.
    pub fn status(&self, name: &str) -> &Value {
        &self.field("status")[name]
    }

    /// Why it is where it is.
    pub fn cause(&self) -> &str {
        self.field("cause").as_str().unwrap_or_default()
    }

    /// When it came to a status: RFC 3339 without the `Z`, which sorts as text.
    pub fn since(&self, status: i64) -> &str {
        let transitions = self.0["transitions"].as_array();
        let mut reached = transitions.into_iter().flatten();
        let reached = reached.find(|it| it["status"]["number"] == status);
        let at = reached.and_then(|it| it["at"].as_str()).unwrap_or_default();
        at.trim_end_matches('Z')
    }
}

/// What is written to a file.
pub fn bytes_of(write: impl FnOnce(&Path) -> Result<()>) -> Result<Vec<u8>> {
    let folder = WorkDir::new("build")?;
    let file = folder.path().join("file");
    write(&file)?;
    Ok(std::fs::read(file)?)
}
