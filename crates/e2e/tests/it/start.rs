//! What is in the way of a start: one clear line, an exit code, and nothing lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fleetmend_e2e::postgres::Postgres;
use fleetmend_e2e::process::{self, Output, Running};
use fleetmend_e2e::work_dir::WorkDir;
use serde_json::json;

use crate::console_client::{Console, PATIENCE};
use crate::server_process::{change_database, console_url, program};
use crate::small_disk::SmallDisk;
use crate::up::{User, machine, setup_link, stop, up};

/// How long a start that cannot go on may take to say so.
const COMPLAINT: Duration = Duration::from_secs(30);

/// A server on a data folder and a free port.
fn serve(data: &Path) -> Command {
    let mut command = Command::new(program("FLEETMEND_BIN"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data);
    command
}

/// Starts a server and stops it.
fn serve_once(data: &Path) {
    let mut running = Running::spawn(&mut serve(data)).unwrap();
    console_url(&mut running).unwrap();
    assert_eq!(stop(running).code, Some(0));
}

/// It ends with an error, and what it says is one line with these words.
fn assert_complains(command: &mut Command, words: &[&str]) {
    let output = process::run(command, COMPLAINT).unwrap();
    assert!(matches!(output.code, Some(code) if code != 0), "{output:?}");
    assert_eq!(output.stderr.trim().lines().count(), 1, "{output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "'{word}': {output:?}");
    }
}

#[test]
fn what_is_in_the_way_of_a_start_is_one_clear_line_and_an_exit_code() {
    let machine = machine();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let listen = format!("127.0.0.1:{port}");
    assert_complains(
        &mut up(&machine, User::Root, &["--listen", &listen]),
        &[&port, "is taken", "--listen"],
    );
    assert_complains(
        &mut up(&machine, User::Root, &["--listen", "192.0.2.1:8443"]),
        &["192.0.2.1", "does not have", "--listen"],
    );
    // Made by root, for root.
    fs::create_dir(machine.root.outside("/srv/data")).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--data", "/srv/data"];
    assert_complains(
        &mut up(&machine, User::Nobody, &arguments),
        &["/srv/data", "cannot be written", "--data"],
    );
    let arguments = ["--listen", "127.0.0.1:0", "--data", "/etc/hostname"];
    assert_complains(
        &mut up(&machine, User::Root, &arguments),
        &["/etc/hostname", "not a folder", "--data"],
    );
    let mut homeless = up(&machine, User::Root, &["--listen", "127.0.0.1:0"]);
    assert_complains(homeless.env_remove("HOME"), &["home folder", "--data"]);
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--url",
        "http://patch.example.org",
    ];
    assert_complains(&mut up(&machine, User::Root, &arguments), &["https://"]);
}

#[test]
fn what_is_wrong_with_the_data_is_one_clear_line_and_an_exit_code() {
    let own = WorkDir::new("data").unwrap();
    let data = own.path().join("data");
    serve_once(&data);
    let keys = data.join("keys");
    for (path, open, wanted) in [
        (data.clone(), 0o755, 0o700),
        (data.join("fleetmend.db"), 0o644, 0o600),
        (keys.clone(), 0o755, 0o700),
        (keys.join("ca.key.pem"), 0o644, 0o600),
        (keys.join("order.key"), 0o640, 0o600),
        (keys.join("release.key"), 0o604, 0o600),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let remedy = format!("chmod {wanted:o} {}", path.display());
        assert_complains(&mut serve(&data), &["may be read by others", &remedy]);
        fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
    }
    let key = keys.join("order.key");
    fs::rename(&key, own.path().join("away")).unwrap();
    let words = ["order.key is missing", "backup", "fleetmend new-keys"];
    assert_complains(&mut serve(&data), &words);
    fs::rename(own.path().join("away"), &key).unwrap();

    let mut running = Running::spawn(&mut serve(&data)).unwrap();
    console_url(&mut running).unwrap();
    assert_complains(&mut serve(&data), &["another server runs", "data"]);
    stop(running);

    change_database(
        &data,
        "INSERT INTO schema_migrations SELECT 999999, description, installed_on, success, \
         checksum, execution_time FROM schema_migrations LIMIT 1",
    );
    let words = ["999999", "start the newer program", "backup"];
    assert_complains(&mut serve(&data), &words);
    change_database(
        &data,
        "DELETE FROM schema_migrations WHERE version = 999999",
    );
    serve_once(&data);
}

#[test]
fn new_keys_are_made_only_on_the_word_of_a_person() {
    let own = WorkDir::new("data").unwrap();
    let data = own.path().join("data");
    serve_once(&data);
    let ca = fs::read(data.join("keys/ca.cert.pem")).unwrap();
    let new_keys = |arguments: &[&str]| {
        let mut command = Command::new(program("FLEETMEND_BIN"));
        command
            .args(["new-keys", "--data"])
            .arg(&data)
            .args(arguments);
        command
    };
    assert_complains(&mut new_keys(&[]), &["enrolled again", "--yes"]);
    assert_eq!(fs::read(data.join("keys/ca.cert.pem")).unwrap(), ca);
    fs::remove_dir_all(data.join("keys")).unwrap();
    let output = process::run(&mut new_keys(&["--yes"]), COMPLAINT).unwrap();
    assert!(output.success().unwrap().contains("new keys"));
    serve_once(&data);
    assert_ne!(fs::read(data.join("keys/ca.cert.pem")).unwrap(), ca);
}

#[test]
fn servers_on_one_database_elsewhere_must_have_the_same_keys() {
    let postgres = Postgres::start().unwrap();
    let own = WorkDir::new("data").unwrap();
    let (one, other) = (own.path().join("one"), own.path().join("other"));
    let serve = |data: &Path| {
        let mut command = serve(data);
        command.env("FLEETMEND_DATABASE", postgres.url());
        command
    };
    let mut running = Running::spawn(&mut serve(&one)).unwrap();
    console_url(&mut running).unwrap();
    assert_complains(&mut serve(&other), &["keys is missing", "new-keys"]);
    assert!(!other.join("keys").exists());
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(one.join("keys")).arg(other.join("keys"));
    process::run(&mut copy, COMPLAINT)
        .unwrap()
        .success()
        .unwrap();
    let mut second = Running::spawn(&mut serve(&other)).unwrap();
    console_url(&mut second).unwrap();
    stop(second);
    fs::copy(other.join("keys/order.key"), other.join("keys/release.key")).unwrap();
    assert_complains(
        &mut serve(&other),
        &["release.key is not the one", "new-keys"],
    );
    stop(running);
}

#[test]
fn a_stop_by_the_terminal_or_by_the_system_is_clean() {
    let machine = machine();
    let arguments = ["--listen", "127.0.0.1:0"];
    for signal in ["INT", "TERM"] {
        let mut running = Running::spawn(&mut up(&machine, User::Root, &arguments)).unwrap();
        running
            .wait_until("the agent is at work", PATIENCE, |it| {
                Ok(it.stdout()?.contains("this machine: ").then_some(()))
            })
            .unwrap();
        // To the whole group, as a terminal does.
        running.signal_group(signal).unwrap();
        let Output {
            code,
            stdout,
            stderr,
        } = running.wait(COMPLAINT).unwrap();
        assert_eq!(code, Some(0), "{signal}: {stdout}{stderr}");
        assert_eq!(stdout.lines().last(), Some("Stopping."), "{signal}");
        assert!(!stderr.contains("agent ended"), "{signal}: {stderr}");
    }
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let disk = SmallDisk::new(512);
    let data = disk.folder.path().join("data");
    let serve = || {
        let mut command = disk.command(&program("FLEETMEND_BIN"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(&data);
        command
    };
    let words = ["no room", "No space left", "--data"];
    assert_complains(&mut serve(), &words);
    disk.shell("mount -o remount,size=32m \"$1\"");
    let mut running = Running::spawn(&mut serve()).unwrap();
    let url = console_url(&mut running).unwrap();
    let mut link = disk.command(&program("FLEETMEND_BIN"));
    link.args(["setup-link", "--data"]).arg(&data);
    let link = process::run(&mut link, COMPLAINT)
        .unwrap()
        .success()
        .unwrap();
    let console = Console::set_up(&url, &link).unwrap();
    let make_token = |label: &str| {
        let body = json!({"label": label});
        console.try_post("/api/v1/enrol-tokens", &body).unwrap()
    };
    assert_eq!(make_token("before").status, 200);

    disk.shell("dd if=/dev/zero of=\"$1/fill\" bs=64k 2>/dev/null; true");
    // Until the log of the database has used up what it had.
    process::wait_until("the disk is full for it", PATIENCE, || {
        Ok((make_token("while").status == 500).then_some(()))
    })
    .unwrap();
    let log = running.stderr().unwrap();
    assert!(log.contains("disk is full"), "{log}");
    console.devices().unwrap();
    disk.shell("rm \"$1/fill\"");
    assert_eq!(make_token("after").status, 200);
    assert_eq!(stop(running).code, Some(0));

    let mut running = Running::spawn(&mut serve()).unwrap();
    let console = console.at(&console_url(&mut running).unwrap());
    let audit = console.items("/api/v1/audit").unwrap();
    for label in ["before", "after"] {
        let is_kept = audit.iter().any(|it| it.to_string().contains(label));
        assert!(is_kept, "{label}: {audit:?}");
    }
    stop(running);
}

#[test]
fn a_machine_with_ipv6_alone_is_enough() {
    let machine = machine();
    let arguments = ["--listen", "[::1]:0"];
    let mut running = Running::spawn(&mut up(&machine, User::Root, &arguments)).unwrap();
    let url = console_url(&mut running).unwrap();
    assert!(url.starts_with("https://[::1]:"), "{url}");
    let console = Console::set_up(&url, &setup_link(&mut running)).unwrap();
    console.wait_missing("tool").unwrap();
    stop(running);
}

#[test]
fn without_a_network_the_sources_are_named_and_the_rest_goes_on() {
    let machine = machine();
    let source = "deb [trusted=yes] http://archive.example.org/debian stable main\n";
    let list = "/etc/apt/sources.list.d/elsewhere.list";
    fs::write(machine.root.outside(list), source).unwrap();
    let up = up(&machine, User::Root, &["--listen", "0.0.0.0:0"]);
    let mut alone = Command::new("unshare");
    alone.args([
        "--net",
        "--",
        "sh",
        "-c",
        "ip link set lo up && exec \"$@\"",
        "sh",
    ]);
    alone.arg(up.get_program()).args(up.get_args());
    alone.env_clear();
    for (name, value) in up.get_envs() {
        alone.env(name, value.unwrap_or_default());
    }
    let mut running = Running::spawn(&mut alone).unwrap();
    for told in [
        "http://archive.example.org/debian stable cannot be reached",
        "1 device, 1 OS patch and",
        "Job completed successfully (http://archive.example.org/debian stable",
    ] {
        running
            .wait_until(told, PATIENCE, |it| {
                Ok(it.stdout()?.contains(told).then_some(()))
            })
            .unwrap();
    }
    assert_eq!(stop(running).code, Some(0));
}
