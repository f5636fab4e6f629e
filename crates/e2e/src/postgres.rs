//! A throw-away PostgreSQL server.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Running};
use crate::work_dir::WorkDir;

/// Where Debian puts the server's programs, one folder a version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
/// Who runs the server when root starts it: it refuses to run as root.
const SERVICE_USER: &str = "postgres";
/// The role that the URL names.
const SUPERUSER: &str = "fleetmend";
const TOOL_TIMEOUT: Duration = Duration::from_mins(1);
/// How often a port that somebody else took in between is tried again.
const PORT_ATTEMPTS: u32 = 5;

/// A server on the loopback address with one superuser and no password. Stopped and thrown away on
/// drop. Nothing is forced to disk: it is for tests only.
#[derive(Debug)]
pub struct Postgres {
    // Before the folder, so that the server is stopped before its files go.
    server: Running,
    port: u16,
    _folder: WorkDir,
}

impl Postgres {
    /// Makes and starts a server, and waits until it answers.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = WorkDir::new_short("postgres")?;
        let as_root = fs::metadata("/proc/self")?.uid() == 0;
        if as_root {
            let mut chown = Command::new("chown");
            process::run(chown.arg(SERVICE_USER).arg(folder.path()), TOOL_TIMEOUT)?
                .success()
                .context("cannot hand the folder to PostgreSQL's user")?;
        }
        let data = folder.path().join("data");
        let mut initdb = as_service_user(&programs.join("initdb"), as_root);
        initdb.current_dir(folder.path()).arg("--pgdata").arg(&data);
        initdb.args([
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        initdb.arg("--no-sync");
        process::run(&mut initdb, TOOL_TIMEOUT)?
            .success()
            .context("initdb failed")?;

        let mut last = None;
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            let mut server = as_service_user(&programs.join("postgres"), as_root);
            server
                .current_dir(folder.path())
                .arg("-D")
                .arg(&data)
                .arg("-k")
                .arg(folder.path());
            server.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
            for setting in [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "max_connections=300",
            ] {
                server.args(["-c", setting]);
            }
            let mut server = Running::spawn(&mut server)?;
            match server.wait_until("it accepts connections", TOOL_TIMEOUT, |_| {
                let mut ready = Command::new(programs.join("pg_isready"));
                ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
                Ok((process::run(&mut ready, TOOL_TIMEOUT)?.code == Some(0)).then_some(()))
            }) {
                Ok(()) => {
                    return Ok(Self {
                        server,
                        port,
                        _folder: folder,
                    });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt to start PostgreSQL was made")?)
    }

    /// The URL of the server's first database with the superuser's rights.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Runs one SQL statement by `psql` and gives its rows, fields separated by `|`.
    pub fn query(&self, sql: &str) -> Result<String> {
        psql(&self.url(), sql)
    }
}

/// An empty database of a test's own on a server that runs. Dropped with the value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one on the server at the address of a superuser.
    pub fn create(server: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fm_test_{}_{count}", std::process::id());
        psql(server, &format!("CREATE DATABASE {name}"))?;
        Ok(Self {
            server: server.to_owned(),
            name,
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        let (base, _) = self.server.rsplit_once('/').unwrap_or((&self.server, ""));
        format!("{base}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = psql(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
    }
}

/// Runs one SQL statement by `psql` and gives its rows, fields separated by `|`.
fn psql(url: &str, sql: &str) -> Result<String> {
    let mut psql = Command::new(programs()?.join("psql"));
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--command",
        sql,
    ]);
    Ok(process::run(psql.arg(url), TOOL_TIMEOUT)?
        .success()?
        .trim_end()
        .to_owned())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // 'Immediate shutdown': without a checkpoint, and with shared memory given back, which a
        // kill would leave behind.
        let _ = self.server.signal("QUIT");
        let stopped = process::wait_until("PostgreSQL stopped", Duration::from_secs(10), || {
            Ok((!self.server.is_running()?).then_some(()))
        });
        if stopped.is_err() {
            self.server.kill();
        }
    }
}

/// The folder with the newest server's programs.
fn programs() -> Result<PathBuf> {
    let newest = fs::read_dir(DEBIAN_FOLDER)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| bin_folder(*version).join("initdb").is_file())
        .max();
    match newest {
        Some(version) => Ok(bin_folder(version)),
        None => bail!("no PostgreSQL server below {DEBIAN_FOLDER}: install the package postgresql"),
    }
}

fn bin_folder(version: u32) -> PathBuf {
    Path::new(DEBIAN_FOLDER)
        .join(version.to_string())
        .join("bin")
}

fn as_service_user(program: &Path, as_root: bool) -> Command {
    if !as_root {
        return Command::new(program);
    }
    // setpriv becomes the program, so signals reach the server itself.
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        SERVICE_USER,
        "--regid",
        SERVICE_USER,
        "--init-groups",
    ]);
    command.arg("--reset-env").arg("--").arg(program);
    command
}

/// A port that is free at this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
