//! `fleetmend up`: everything on one machine with one command, as root and not, twice, and where
//! something is in the way.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process::{self, Output, Running, wait_until};
use fleetmend_e2e::work_dir::WorkDir;
use serde_json::Value;

use crate::console_client::{Console, PATIENCE};
use crate::linux_machine::Machine;
use crate::server_process::{console_url, program};

const FLEETMEND: &str = "/usr/local/bin/fleetmend";
/// From the server's start until the device is on the console.
const FIRST_DEVICE: Duration = Duration::from_secs(10);
/// From the server's start until its missing patches are.
const FIRST_MISSING: Duration = Duration::from_mins(2);
/// How long a start that cannot go on may take to say so.
const COMPLAINT: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(30);

/// The number of Debian's user of that name.
const NOBODY: u32 = 65534;

/// The users that start it.
#[derive(Debug, Clone, Copy)]
enum User {
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
    fn data(self) -> String {
        format!("{}/.local/state/fleetmend", self.home())
    }
}

/// A machine with one patch missing, and the product on it.
fn machine() -> Machine {
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
fn up(machine: &Machine, user: User, arguments: &[&str]) -> Command {
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
fn setup_link(running: &mut Running) -> String {
    running
        .wait_until("it prints a setup link", PATIENCE, |it| {
            let output = it.stdout()?;
            let link = output.split_whitespace().find(|it| it.contains("/setup#"));
            Ok(link.map(str::to_owned))
        })
        .unwrap()
}

/// Stops it as an administrator does.
fn stop(mut running: Running) -> Output {
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
                Ok(it.stdout()?.contains("1 OS patches").then_some(()))
            })
            .unwrap();
        // Nothing installs by itself; without root nothing installs at all, and that is said.
        assert_eq!(row["approval"], "not_approved");
        assert_eq!(machine.version("tool").unwrap(), "1");
        let patch = row["patch"]["id"].as_i64().unwrap();
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

#[test]
fn what_is_in_the_way_of_a_start_is_one_clear_line_and_an_exit_code() {
    let machine = machine();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let listen = format!("127.0.0.1:{port}");
    let output = process::run(
        &mut up(&machine, User::Root, &["--listen", &listen]),
        COMPLAINT,
    );
    assert_complains(&output.unwrap(), &[&port, "is taken", "--listen"]);

    // Made by root, for root.
    let theirs = machine.root.outside("/srv/data");
    fs::create_dir(&theirs).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--data", "/srv/data"];
    let output = process::run(&mut up(&machine, User::Nobody, &arguments), COMPLAINT);
    assert_complains(
        &output.unwrap(),
        &["/srv/data", "cannot be written", "--data"],
    );

    let own = WorkDir::new("keys").unwrap();
    let start = || {
        let mut command = Command::new(program("FLEETMEND_BIN"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(own.path());
        command
    };
    let mut running = Running::spawn(&mut start()).unwrap();
    console_url(&mut running).unwrap();
    stop(running);
    let keys = own.path().join("keys");
    for (path, open, wanted) in [
        (keys.clone(), 0o755, 0o700),
        (keys.join("ca.key.pem"), 0o644, 0o600),
        (keys.join("order.key"), 0o640, 0o600),
        (keys.join("release.key"), 0o604, 0o600),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let output = process::run(&mut start(), COMPLAINT).unwrap();
        let remedy = format!("chmod {wanted:o} {}", path.display());
        assert_complains(&output, &["may be read by others", &remedy]);
        fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
    }
    let mut running = Running::spawn(&mut start()).unwrap();
    console_url(&mut running).unwrap();
}

/// It ended with an error, and what it said is one line with these words.
fn assert_complains(output: &Output, words: &[&str]) {
    assert!(matches!(output.code, Some(code) if code != 0), "{output:?}");
    assert_eq!(output.stderr.trim().lines().count(), 1, "{output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "'{word}': {output:?}");
    }
}
