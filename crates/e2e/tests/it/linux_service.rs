//! The agent as a service of a machine that systemd runs.

use std::time::Duration;

use anyhow::Result;
use fleetmend_e2e::booted::Booted;
use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process::{Output, wait_until};

use crate::console_client::{Console, PATIENCE, numbers};
use crate::linux_machine::{Machine, counting, waiting};
use crate::server_process::{Server, program};

const AGENT: &str = "/usr/local/bin/fleetmend-agent";
const UNIT: &str = "fleetmend-agent.service";
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

fn run(machine: &Booted, program: &str, arguments: &[&str]) -> Output {
    machine.run(program, arguments, COMMAND_LIMIT).unwrap()
}

/// What must succeed.
fn must(machine: &Booted, program: &str, arguments: &[&str]) -> String {
    run(machine, program, arguments).success().unwrap()
}

/// A property of the service, as systemd tells it.
fn property(machine: &Booted, name: &str) -> Result<String> {
    let arguments = ["show", "--value", "--property", name, UNIT];
    let output = machine.run("systemctl", &arguments, COMMAND_LIMIT)?;
    Ok(output.success()?.trim().to_owned())
}

/// Enrols the agent of a machine and makes it a service.
fn install_service(machine: &Booted, server: &Server) {
    let mut enrol = machine.command(AGENT);
    enrol
        .arg("enrol")
        .env("FLEETMEND_TOKEN", server.token().unwrap());
    let enrolled = fleetmend_e2e::process::run(&mut enrol, COMMAND_LIMIT).unwrap();
    enrolled.success().unwrap();
    let said = must(machine, AGENT, &["install-service"]);
    assert!(said.contains("starts with the machine"), "{said}");
}

/// Waits until the device was heard from after a time, and gives when.
fn wait_heard(console: &Console, after: &str) -> String {
    wait_until("the agent is heard from", PATIENCE, || {
        let device = console.devices()?.pop();
        let seen = device.and_then(|it| it["last_seen"].as_str().map(str::to_owned));
        Ok(seen.filter(|seen| seen.as_str() > after))
    })
    .unwrap()
}

#[test]
fn the_service_starts_with_the_machine_and_again_after_a_kill_until_it_is_removed() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let machine = Machine::new(&[Deb::new("tool", "1")], &[Deb::new("tool", "2")]).unwrap();
    let agent = program("FLEETMEND_AGENT_BIN");
    machine.root.copy_in(&agent, AGENT).unwrap();
    let booted = machine.root.boot().unwrap();
    let early = run(&booted, AGENT, &["install-service"]);
    assert!(early.stderr.contains("not enrolled"), "{early:?}");
    install_service(&booted, &server);
    let unit = format!("/etc/systemd/system/{UNIT}");
    let complaints = run(&booted, "systemd-analyze", &["verify", &unit]);
    assert_eq!((complaints.code, complaints.stderr.as_str()), (Some(0), ""));
    console.wait_missing("tool").unwrap();

    let first = property(&booted, "MainPID").unwrap();
    must(
        &booted,
        "systemctl",
        &["kill", "--kill-whom=main", "--signal=KILL", UNIT],
    );
    let next = wait_until("it is started again", PATIENCE, || {
        let is_active = property(&booted, "ActiveState")? == "active";
        let pid = property(&booted, "MainPID")?;
        Ok((is_active && pid != first && pid != "0").then_some(pid))
    });
    next.unwrap();
    let seen = wait_heard(&console, "");

    booted.shut_down().unwrap();
    let booted = machine.root.boot().unwrap();
    assert_eq!(property(&booted, "ActiveState").unwrap(), "active");
    wait_heard(&console, &seen);
    assert_eq!(console.devices().unwrap().len(), 1);

    let said = must(&booted, AGENT, &["uninstall-service"]);
    assert!(said.contains("is removed"), "{said}");
    assert!(!machine.root.outside(&unit).exists());
    assert_eq!(property(&booted, "ActiveState").unwrap(), "inactive");
    assert_eq!(property(&booted, "LoadState").unwrap(), "not-found");
    let again = run(&booted, AGENT, &["uninstall-service"]);
    assert!(
        again.code != Some(0) && again.stderr.contains("no service"),
        "{again:?}"
    );
}

#[test]
fn an_installation_outlives_every_end_of_the_service_and_is_not_started_twice() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let ends: [(&str, &[&[&str]]); 3] = [
        ("restarted", &[&["restart"]]),
        ("killed", &[&["kill", "--kill-whom=main", "--signal=KILL"]]),
        ("stopped", &[&["stop"], &["start"]]),
    ];
    let newer = |name: &str| {
        let script = counting(name, &waiting(name));
        Deb::new(name, "2").control_file("postinst", &script)
    };
    let names = ends.map(|it| it.0);
    let machine = Machine::new(&names.map(|name| Deb::new(name, "1")), &names.map(newer)).unwrap();
    let agent = program("FLEETMEND_AGENT_BIN");
    machine.root.copy_in(&agent, AGENT).unwrap();
    let booted = machine.root.boot().unwrap();
    install_service(&booted, &server);
    for (name, commands) in ends {
        let job = console.approve_and_deploy(name).unwrap();
        machine.wait_runs(name, 1).unwrap();
        for command in commands {
            must(&booted, "systemctl", &[command, &[UNIT][..]].concat());
            let look = "grep --quiet --line-regexp dpkg /proc/[0-9]*/comm";
            must(&booted, "sh", &["-c", look]);
        }
        wait_until("the service runs", PATIENCE, || {
            Ok((property(&booted, "ActiveState")? == "active").then_some(()))
        })
        .unwrap();
        machine.let_go(name).unwrap();
        let over = console.wait_over(job).unwrap();
        assert_eq!(numbers(&over).last(), Some(&9), "{name}: {over}");
        assert_eq!(machine.version(name).unwrap(), "2");
        assert_eq!(machine.runs(name), 1, "{name}");
    }
}
