//! What is in the way of a start: one clear line, an exit code, and nothing lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use fleetmend_e2e::postgres::Postgres;
use fleetmend_e2e::process::{self, Output, Running};
use fleetmend_e2e::work_dir::WorkDir;

use crate::server_process::{console_url, program};
use crate::up::{User, machine, stop, up};

/// How long a start that cannot go on may take to say so.
const COMPLAINT: Duration = Duration::from_secs(30);

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
