//! A Debian machine with a repository of its own and an enrolled agent.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::apt_repository::AptRepository;
use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::debian_root::DebianRoot;
use fleetmend_e2e::process::{Running, wait_until};

use crate::console_client::PATIENCE;
use crate::server_process::program;

const AGENT: &str = "/usr/local/bin/fleetmend-agent";
const COMMAND_LIMIT: Duration = Duration::from_mins(1);
/// The lock that downloading packages takes.
pub const ARCHIVES_LOCK: &str = "/var/cache/apt/archives/lock";

/// A `postinst` that tells of each of its starts in `/<name>-runs`.
pub fn counting(name: &str, then: &str) -> String {
    format!("#!/bin/sh\nset -e\necho start >> /{name}-runs\n{then}\n")
}

/// What makes a `postinst` wait until [`Machine::let_go`].
pub fn waiting(name: &str) -> String {
    format!("until test -e /{name}-go; do sleep 0.05; done")
}

/// The machine. What runs on it ends with it.
pub struct Machine {
    pub root: DebianRoot,
    pub repository: AptRepository,
}

impl Machine {
    /// With these packages installed, and then those on offer.
    pub fn new(installed: &[Deb], offered: &[Deb]) -> Result<Self> {
        let root = DebianRoot::new()?;
        let repository = root.add_repository("Tests")?;
        let machine = Self { root, repository };
        machine.offer(installed)?;
        let names: Vec<&str> = installed.iter().map(|it| it.name.as_str()).collect();
        machine
            .root
            .apt_get(&[&["install"], names.as_slice()].concat())?;
        // The agent refreshes the lists itself.
        machine.repository.publish(offered)?;
        Ok(machine)
    }

    /// Puts packages into the source, and lets APT know.
    fn offer(&self, packages: &[Deb]) -> Result<()> {
        self.repository.publish(packages)?;
        self.root.apt_get(&["update"]).map(drop)
    }

    /// Starts the agent, which enrols with the token if it is not.
    pub fn start_agent(&self, token: &str) -> Result<Running> {
        if !self.root.outside(AGENT).exists() {
            self.root.copy_in(&program("FLEETMEND_AGENT_BIN"), AGENT)?;
        }
        let mut command = self.root.command(AGENT);
        command.arg("run").env("FLEETMEND_TOKEN", token);
        Running::spawn(&mut command)
    }

    /// Moves the agent's state away, as the error of a damaged one says.
    pub fn move_state_away(&self) -> Result<()> {
        let state = self.root.outside("/var/lib/fleetmend-agent/state.json");
        Ok(fs::rename(&state, state.with_extension("damaged"))?)
    }

    /// Runs a program on the machine to its end.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Result<String> {
        self.root.run(program, arguments, COMMAND_LIMIT)?.success()
    }

    /// A package's installed version; empty when it is not (wholly) installed.
    pub fn version(&self, package: &str) -> Result<String> {
        let format = "--showformat=${db:Status-Status} ${Version}";
        let arguments = ["--show", format, package];
        let output = self.root.run("dpkg-query", &arguments, COMMAND_LIMIT)?;
        let version = output.stdout.trim().strip_prefix("installed ");
        Ok(version.unwrap_or_default().to_owned())
    }

    /// How often a package's `postinst` of [`counting`] was started.
    pub fn runs(&self, name: &str) -> usize {
        let told = fs::read_to_string(self.root.outside(&format!("/{name}-runs")));
        told.unwrap_or_default().lines().count()
    }

    /// Waits until that is so often.
    pub fn wait_runs(&self, name: &str, runs: usize) -> Result<()> {
        wait_until(&format!("{name}'s postinst runs"), PATIENCE, || {
            Ok((self.runs(name) >= runs).then_some(()))
        })
    }

    /// Lets a `postinst` of [`waiting`] go on.
    pub fn let_go(&self, name: &str) -> Result<()> {
        Ok(fs::write(self.root.outside(&format!("/{name}-go")), "")?)
    }

    /// Waits until a package has a version.
    pub fn wait_version(&self, package: &str, version: &str) -> Result<()> {
        wait_until(&format!("{package} is {version}"), PATIENCE, || {
            Ok((self.version(package)? == version).then_some(()))
        })
    }

    /// Holds a lock of the package manager until the answer is dropped.
    pub fn hold_lock(&self, path: &str) -> Result<Running> {
        // Perl is in every Debian; its F_SETLK takes the record lock that APT takes.
        let script = "use Fcntl; open(my $f, '+>>', $ARGV[0]) or die; \
                      my $l = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0); \
                      fcntl($f, F_SETLK, $l) or die; \
                      $| = 1; print \"held\\n\"; sleep 1 while 1";
        let mut holder = self.root.spawn("perl", &["-e", script, path])?;
        holder
            .wait_until("it has the lock", COMMAND_LIMIT, |it| {
                Ok(it.stdout()?.contains("held").then_some(()))
            })
            .context("cannot take a lock")?;
        ensure!(holder.is_running()?, "the lock is lost");
        Ok(holder)
    }
}
