//! A server in a process of its own that can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fleetmend_e2e::process::{self, Output, Running};
use fleetmend_e2e::work_dir::WorkDir;

use crate::console_client::Console;

/// How long a server may take to start.
pub const START_LIMIT: Duration = Duration::from_mins(1);
/// How long an administrator's command may take.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

/// A program that the tests start, by the variable that names it.
pub fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| {
        panic!("{variable} must name a program that was built: run the tests by 'cargo xtask test'")
    })
    .into()
}

/// `fleetmend serve` with short intervals.
pub struct Server {
    running: Option<Running>,
    listen: String,
    url: String,
    data: WorkDir,
    /// Instead of the embedded database.
    database: Option<String>,
    /// Where the feed is served without TLS as well.
    feed_listen: Option<String>,
    /// The environment's proxy for addresses without TLS.
    proxy: Option<String>,
}

impl Server {
    /// Starts one on a port that is free.
    pub fn start() -> Result<Self> {
        Self::start_on(None)
    }

    /// Starts one that serves its feed without TLS as well; gives the feed's address.
    pub fn start_with_feed() -> Result<(Self, String)> {
        let mut server = Self::new(None)?;
        server.feed_listen = Some("127.0.0.1:0".to_owned());
        server.run()?;
        let running = server.running.as_mut().context("it runs")?;
        let feed = address(running, "Feed without TLS:")?;
        Ok((server, feed))
    }

    /// Starts one with its database at an address.
    pub fn start_on(database: Option<String>) -> Result<Self> {
        let mut server = Self::new(database)?;
        server.run()?;
        server.listen = server.url.trim_start_matches("https://").to_owned();
        Ok(server)
    }

    /// Starts one that reaches the outside through a proxy.
    pub fn start_behind(proxy: &str) -> Result<Self> {
        let mut server = Self::new(None)?;
        server.proxy = Some(proxy.to_owned());
        server.run()?;
        Ok(server)
    }

    fn new(database: Option<String>) -> Result<Self> {
        Ok(Self {
            running: None,
            listen: "127.0.0.1:0".to_owned(),
            url: String::new(),
            data: WorkDir::new("server")?,
            database,
            feed_listen: None,
            proxy: None,
        })
    }

    /// Starts it where it was.
    pub fn run(&mut self) -> Result<()> {
        let mut command = self.fleetmend();
        command.args(["serve", "--listen", &self.listen]);
        if let Some(address) = &self.feed_listen {
            command.args(["--feed-listen", address]);
        }
        let mut running = Running::spawn(&mut command)?;
        self.url = console_url(&mut running)?;
        self.running = Some(running);
        Ok(())
    }

    /// Kills it as a power cut would.
    pub fn crash(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.crash();
        }
    }

    /// Kills it and starts it again.
    pub fn crash_and_run(&mut self) -> Result<()> {
        self.crash();
        self.run()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has printed since it was started last.
    pub fn log(&self) -> Result<String> {
        let running = self.running.as_ref().context("the server does not run")?;
        Ok(running.stdout()? + &running.stderr()?)
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// An administrator's command on its data folder.
    pub fn admin(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.fleetmend();
        command.args(arguments).env("FLEETMEND_URL", &self.url);
        process::run(&mut command, COMMAND_LIMIT)
    }

    /// A one-time enrolment token.
    pub fn token(&self) -> Result<String> {
        Ok(self.admin(&["enrol-token"])?.success()?.trim().to_owned())
    }

    /// Signs the first administrator in.
    pub fn console(&self) -> Result<Console> {
        let link = self.admin(&["setup-link"])?.success()?;
        Console::set_up(&self.url, &link)
    }

    fn fleetmend(&self) -> Command {
        let mut command = Command::new(program("FLEETMEND_BIN"));
        command
            .env("FLEETMEND_DATA", self.data())
            .env("FLEETMEND_CHECKIN_SECONDS", "5")
            .env("FLEETMEND_DOWNLOAD_RETRY_SECONDS", "5")
            .env("FLEETMEND_RETRY_SECONDS", "1");
        if let Some(database) = &self.database {
            command.env("FLEETMEND_DATABASE", database);
        }
        if let Some(proxy) = &self.proxy {
            command.env("http_proxy", proxy);
        }
        command
    }
}

/// Changes the database of a server that does not run.
pub fn change_database(data: &Path, sql: &str) {
    let script = "import sqlite3, sys; it = sqlite3.connect(sys.argv[1]); \
                  it.execute(sys.argv[2]); it.commit()";
    let mut python = Command::new("python3");
    python
        .args(["-c", script])
        .arg(data.join("fleetmend.db"))
        .arg(sql);
    let done = process::run(&mut python, COMMAND_LIMIT).unwrap();
    done.success().unwrap();
}

/// Waits until a server tells its address.
pub fn console_url(running: &mut Running) -> Result<String> {
    address(running, "Console:")
}

/// Waits until a server tells one of its addresses.
fn address(running: &mut Running, name: &str) -> Result<String> {
    running
        .wait_until("it tells its address", START_LIMIT, |it| {
            let output = it.stdout()?;
            let line = output.lines().find_map(|line| line.strip_prefix(name));
            // The line's end was written as well.
            Ok(line
                .filter(|_| output.ends_with('\n'))
                .map(|url| url.trim().to_owned()))
        })
        .context("the server did not start")
}
