//! `fleetmend up`: everything on one machine with one command, as root and not, twice, and where
//! something is in the way.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process::{Output, Running, wait_until};
use serde_json::Value;

use crate::console_client::{Console, PATIENCE};
use crate::linux_machine::Machine;
use crate::server_process::{change_database, console_url, program};

const FLEETMEND: &str = "/usr/local/bin/fleetmend";
/// From the server's start until the device is on the console.
const FIRST_DEVICE: Duration = Duration::from_secs(10);
/// From the server's start until its missing patches are.
const FIRST_MISSING: Duration = Duration::from_mins(2);
const STOP: Duration = Duration::from_secs(30);

/// The number of Debian's user of that name.
const NOBODY: u32 = 65534;

/// The users that start it.
#[derive(Debug, Clone, Copy)]
pub enum User {
    Root,
    Nobody,
}

impl User {
    /// The home folder, on the machine.
    fn home(self) -> &'static str {
        match self {
            Self::Root => "/srv/of-root",
            Self::Nobody => "/srv/of-nobody",
        }
    }

    /// Where the data goes by default.
    pub fn data(self) -> String {
        format!("{}/.local/state/fleetmend", self.home())
    }
}

/// A machine with one patch missing, and the product on it.
pub fn machine() -> Machine {
    let machine = Machine::new(&[Deb::new("tool", "1")], &[Deb::new("tool", "2")]).unwrap();
    machine
        .root
        .copy_in(&program("FLEETMEND_BIN"), FLEETMEND)
        .unwrap();
    for (user, id) in [(User::Root, 0), (User::Nobody, NOBODY)] {
        let home = machine.root.outside(user.home());
        fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(id), Some(id)).unwrap();
    }
    machine
}

/// `fleetmend up` as a user of the machine, its data in the user's state folder.
pub fn up(machine: &Machine, user: User, arguments: &[&str]) -> Command {
    let mut command = match user {
        User::Root => machine.root.command(FLEETMEND),
        User::Nobody => {
            let mut command = machine.root.command("setpriv");
            command.args(["--clear-groups", "--regid", &NOBODY.to_string()]);
            command.args(["--reuid", &NOBODY.to_string(), FLEETMEND]);
            command
        }
    };
    command.env("HOME", user.home()).arg("up").args(arguments);
    command
}

/// The link for the first password, from the terminal.
pub fn setup_link(running: &mut Running) -> String {
    running
        .wait_until("it prints a setup link", PATIENCE, |it| {
            let output = it.stdout()?;
            let link = output.split_whitespace().find(|it| it.contains("/setup#"));
            Ok(link.map(str::to_owned))
        })
        .unwrap()
}

/// Stops it as an administrator does.
pub fn stop(mut running: Running) -> Output {
    running.signal("TERM").unwrap();
    running.wait(STOP).unwrap()
}

fn wait_for_device(console: &Console, started: Instant) -> Value {
    let left = FIRST_DEVICE.saturating_sub(started.elapsed());
    wait_until("the device is on the console", left, || {
        Ok(console.devices()?.pop())
    })
    .unwrap()
}

#[test]
fn one_command_gives_a_console_with_the_device_and_its_missing_patches_and_a_second_finds_them() {
    for user in [User::Root, User::Nobody] {
        let machine = machine();
        let mut running =
            Running::spawn(&mut up(&machine, user, &["--listen", "127.0.0.1:0"])).unwrap();
        let url = console_url(&mut running).unwrap();
        let started = Instant::now();
        let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
        let device = wait_for_device(&console, started);
        let left = FIRST_MISSING.saturating_sub(started.elapsed());
        wait_until("its patch is missing", left, || {
            Ok(console.missing()?.pop())
        })
        .unwrap();
        let row = console.wait_missing("tool").unwrap();
        running
            .wait_until("the terminal shows it", PATIENCE, |it| {
                Ok(it.stdout()?.contains("1 OS patch and").then_some(()))
            })
            .unwrap();
        // Nothing installs by itself; without root nothing installs at all, and that is said.
        assert_eq!(row["approval"], "not_approved");
        assert_eq!(machine.version("tool").unwrap(), "1");
        let patch = row["patch"]["id"].as_i64().unwrap();
        let told = running.stdout().unwrap();
        let remedy = format!("sudo {FLEETMEND} up --data {}", user.data());
        assert_eq!(
            told.contains(&remedy),
            matches!(user, User::Nobody),
            "{told}"
        );
        if matches!(user, User::Nobody) {
            console.approve(patch).unwrap();
            let plan = console.deploy(patch).unwrap();
            let why = plan["devices"][0]["why_not"].as_str().unwrap_or_default();
            assert!(
                why.contains("without root") && why.contains("sudo"),
                "{plan}"
            );
            assert_eq!(console.jobs_of(patch).unwrap().len(), 0);
        }
        let data = machine.root.outside(&user.data());
        let ca = fs::read(data.join("keys/ca.cert.pem")).unwrap();
        let stopped = stop(running);
        assert_eq!(stopped.code, Some(0), "{stopped:?}");

        // Everything is where it was; only its own port is asked for again.
        let listen = url.trim_start_matches("https://");
        let mut running = Running::spawn(&mut up(&machine, user, &["--listen", listen])).unwrap();
        console_url(&mut running).unwrap();
        let started = Instant::now();
        let seen_before = device["last_seen"].as_str().unwrap().to_owned();
        let again = wait_for_device(&console, started);
        wait_until("the agent is back", PATIENCE, || {
            let device = console.devices()?.pop();
            Ok(device.filter(|it| it["last_seen"].as_str() > Some(&seen_before)))
        })
        .unwrap();
        assert_eq!(console.devices().unwrap().len(), 1);
        assert_eq!(again["id"], device["id"]);
        assert_eq!(again["enrolled_at"], device["enrolled_at"]);
        assert_eq!(again["missing_os"], 1);
        assert_eq!(fs::read(data.join("keys/ca.cert.pem")).unwrap(), ca);
        assert!(
            !running.stdout().unwrap().contains("/setup#"),
            "there is an administrator"
        );
        if matches!(user, User::Root) {
            let job = console.approve_and_deploy("tool").unwrap();
            let over = console.wait_over(job).unwrap();
            assert_eq!(over["job"]["status"]["number"], 9, "{over}");
            assert_eq!(machine.version("tool").unwrap(), "2");
        }
        stop(running);
    }
}

#[test]
fn a_source_that_cannot_be_reached_is_named_and_the_rest_goes_on() {
    let machine = machine();
    let gone = machine.root.outside("/etc/apt/sources.list.d/gone.list");
    fs::write(
        gone,
        "deb [trusted=yes] http://127.0.0.1:1/debian gone main\n",
    )
    .unwrap();
    let mut running =
        Running::spawn(&mut up(&machine, User::Root, &["--listen", "127.0.0.1:0"])).unwrap();
    let url = console_url(&mut running).unwrap();
    let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
    console.wait_missing("tool").unwrap();
    running
        .wait_until("the terminal names the source", PATIENCE, |it| {
            Ok(it
                .stdout()?
                .contains("http://127.0.0.1:1/debian gone")
                .then_some(()))
        })
        .unwrap();
    let device = &console.devices().unwrap()[0];
    assert_eq!(device["inventory_complete"], false);
    let note = device["inventory_note"].as_str().unwrap();
    assert!(
        note.contains("http://127.0.0.1:1/debian gone cannot be reached"),
        "{note}"
    );
    // This machine has no certificates of public authorities: only https sources need them.
    let log = running.stderr().unwrap();
    assert!(log.contains("package ca-certificates"), "{log}");
    assert!(running.is_running().unwrap());
}

#[test]
fn a_machine_without_a_known_package_manager_says_so_in_one_line() {
    let machine = machine();
    fs::remove_file(machine.root.outside("/usr/bin/apt-get")).unwrap();
    let mut running =
        Running::spawn(&mut up(&machine, User::Root, &["--listen", "127.0.0.1:0"])).unwrap();
    let url = console_url(&mut running).unwrap();
    let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
    wait_for_device(&console, Instant::now());
    running
        .wait_until("it says what it misses", PATIENCE, |it| {
            let output = it.stdout()?;
            let line = output
                .lines()
                .find(|line| line.contains("package manager") && line.contains("apt-get"));
            Ok(line.map(drop))
        })
        .unwrap();
    wait_until("the console says it", PATIENCE, || {
        let device = console.devices()?.pop();
        let cause = device.map(|it| it["scan"]["cause"].to_string());
        Ok(cause.filter(|it| it.contains("apt-get")).map(drop))
    })
    .unwrap();
    assert!(running.is_running().unwrap(), "the server goes on");
}

/// A server on its free port, its administrator, and the one device.
fn started(machine: &Machine) -> (Running, Console, Value) {
    let mut command = up(machine, User::Root, &["--listen", "127.0.0.1:0"]);
    let mut running = Running::spawn(&mut command).unwrap();
    let url = console_url(&mut running).unwrap();
    let started = Instant::now();
    let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
    let device = wait_for_device(&console, started);
    (running, console, device)
}

/// Starts it again on any free port; gives its address too.
fn start_again(machine: &Machine) -> (Running, String) {
    let mut command = up(machine, User::Root, &["--listen", "127.0.0.1:0"]);
    let mut running = Running::spawn(&mut command).unwrap();
    let url = console_url(&mut running).unwrap();
    (running, url)
}

#[test]
fn this_machines_agent_follows_a_server_that_starts_at_another_address() {
    let machine = machine();
    let (running, console, device) = started(&machine);
    stop(running);
    let (mut running, url) = start_again(&machine);
    let console = console.at(&url);
    let seen_before = device["last_seen"].as_str().unwrap().to_owned();
    wait_until("the agent is there too", PATIENCE, || {
        let device = console.devices()?.pop();
        Ok(device.filter(|it| it["last_seen"].as_str() > Some(&seen_before)))
    })
    .unwrap();
    assert_eq!(console.devices().unwrap().len(), 1);
    let identity = machine
        .root
        .outside(&format!("{}/agent/identity.json", User::Root.data()));
    wait_until("the agent keeps the address", PATIENCE, || {
        Ok(fs::read_to_string(&identity)?.contains(&url).then_some(()))
    })
    .unwrap();

    // Killed, it leaves no agent behind that would be in the way of the next.
    running.crash();
    let (running, url) = start_again(&machine);
    let console = console.at(&url);
    let seen_before = console.devices().unwrap()[0]["last_seen"]
        .as_str()
        .unwrap()
        .to_owned();
    wait_until("the agent is there once more", PATIENCE, || {
        let device = console.devices()?.pop();
        Ok(device.filter(|it| it["last_seen"].as_str() > Some(&seen_before)))
    })
    .unwrap();
    let output = running.stdout().unwrap();
    assert!(!output.contains("another agent runs"), "{output}");
    stop(running);
}

#[test]
fn an_agent_of_a_database_that_is_gone_is_enrolled_anew() {
    let machine = machine();
    let (running, _, _) = started(&machine);
    stop(running);
    let data = machine.root.outside(&User::Root.data());
    for file in ["fleetmend.db", "fleetmend.db-wal", "fleetmend.db-shm"] {
        let _ = fs::remove_file(data.join(file));
    }
    let (mut running, url) = start_again(&machine);
    let started = Instant::now();
    let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
    wait_for_device(&console, started);
    console.wait_missing("tool").unwrap();
    assert_eq!(console.devices().unwrap().len(), 1);
    let output = running.stdout().unwrap();
    let told: Vec<_> = output
        .lines()
        .filter(|it| it.contains("enrolled anew"))
        .collect();
    assert_eq!(told.len(), 1, "{output}");
    assert!(data.join("agent/identity.old-1/identity.json").exists());

    // A job of the new device is not taken for one of the old.
    let job = console.approve_and_deploy("tool").unwrap();
    let over = console.wait_over(job).unwrap();
    assert_eq!(over["job"]["status"]["number"], 9, "{over}");
    stop(running);
}

#[test]
fn an_agent_that_trusts_the_keys_of_before_is_enrolled_anew() {
    let machine = machine();
    let (running, console, device) = started(&machine);
    stop(running);
    let new_keys = ["new-keys", "--yes", "--data", &User::Root.data()];
    let said = machine.command(FLEETMEND, &new_keys).unwrap();
    assert!(said.contains("must be enrolled again: 1"), "{said}");
    let (running, url) = start_again(&machine);
    let console = console.trusting(&url).unwrap();
    wait_until("the device is enrolled anew", PATIENCE, || {
        let devices = console.devices()?;
        Ok(devices.into_iter().find(|it| it["id"] != device["id"]))
    })
    .unwrap();
    stop(running);
}

#[test]
fn a_removed_device_comes_back_only_by_the_command_that_is_told() {
    let machine = machine();
    let (running, console, device) = started(&machine);
    stop(running);
    let data = machine.root.outside(&User::Root.data());
    change_database(&data, "UPDATE devices SET removed_at = 1");
    let (mut running, url) = start_again(&machine);
    let console = console.at(&url);
    let command = running
        .wait_until("it says how to bring it back", PATIENCE, |it| {
            let output = it.stdout()?;
            let line = output.lines().find(|line| line.contains("was removed"));
            Ok(line
                .and_then(|line| line.split_once(" run: "))
                .map(|it| it.1.to_owned()))
        })
        .unwrap();
    assert_eq!(console.devices().unwrap().len(), 0);
    machine.command("sh", &["-c", &command]).unwrap();
    let back = wait_until("it is back", PATIENCE, || Ok(console.devices()?.pop())).unwrap();
    assert_ne!(back["id"], device["id"]);
    console.wait_missing("tool").unwrap();
    let output = running.stdout().unwrap();
    assert_eq!(output.matches("was removed").count(), 1, "{output}");
    stop(running);
}
