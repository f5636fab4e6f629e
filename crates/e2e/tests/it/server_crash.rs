//! The server killed at any moment of the flow and started again: the flow completes, nothing is
//! lost, nothing happens twice.

use anyhow::{Result, ensure};
use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::postgres::Postgres;
use fleetmend_e2e::process::wait_until;
use serde_json::Value;

use crate::console_client::{Console, PATIENCE, numbers};
use crate::linux_machine::{ARCHIVES_LOCK, Machine, counting, waiting};
use crate::server_process::Server;

/// When the server is killed. Each has a package of its own, by this name.
const MOMENTS: [&str; 7] = [
    "approved",
    "while-asking",
    "asked-for",
    "device-downloads",
    "device-installs",
    "installed-unheard",
    "every-change",
];
/// How often the server is killed at most while one job goes its way.
const MAX_CRASHES: usize = 12;

#[test]
fn a_server_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    all(Server::start().unwrap(), &MOMENTS);
}

#[test]
fn a_server_on_postgres_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let postgres = Postgres::start().unwrap();
    let server = Server::start_on(Some(postgres.url())).unwrap();
    // The moments that the agent has a part in; what the server does alone is tested without one.
    all(server, &["device-installs", "every-change"]);
}

fn all(mut server: Server, moments: &[&str]) {
    let console = server.console().unwrap();
    let installed: Vec<_> = moments.iter().map(|name| Deb::new(name, "1")).collect();
    let offered = moments.iter().map(|name| {
        // Those that are killed while it installs wait there to be let go.
        let then = if name.contains("install") {
            waiting(name)
        } else {
            String::new()
        };
        Deb::new(name, "2").control_file("postinst", &counting(name, &then))
    });
    let offered: Vec<_> = offered.collect();
    let machine = Machine::new(&installed, &offered).unwrap();
    let _agent = machine.start_agent(&server.token().unwrap()).unwrap();
    for name in moments {
        let row = console.wait_missing(name).unwrap();
        let patch = row["patch"]["id"].as_i64().unwrap();
        let job = kill_at(name, patch, &mut server, &console, &machine).unwrap();
        let over = console.wait_over(job).unwrap();
        assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 9], "{name}: {over}");
        assert_eq!(machine.version(name).unwrap(), "2", "{name}");
        assert_eq!(machine.runs(name), 1, "{name}");
        console.wait_not_missing(name).unwrap();
        assert_eq!(console.jobs_of(patch).unwrap().len(), 1, "{name}");
    }
    let devices = console.devices().unwrap();
    assert_eq!(devices.len(), 1, "nothing enrolled twice");
    assert_eq!(devices[0]["scan"]["status"]["number"], 3);
}

/// Takes a patch on its way and kills the server at the moment; gives the job.
fn kill_at(
    moment: &str,
    patch: i64,
    server: &mut Server,
    console: &Console,
    machine: &Machine,
) -> Result<i64> {
    console.approve(patch)?;
    if moment == "approved" {
        server.crash_and_run()?;
    }
    // While APT's cache of packages is locked, the agent stays at its download.
    let lock = match moment {
        "device-downloads" => Some(machine.hold_lock(ARCHIVES_LOCK)?),
        _ => None,
    };
    if moment == "while-asking" {
        kill_while_asking(patch, server, console)?;
    } else {
        console.deploy(patch)?;
    }
    let job = console.only_job_of(patch)?;
    match moment {
        "asked-for" => server.crash_and_run()?,
        "device-downloads" => {
            console.wait_status(job, 4)?;
            server.crash();
            drop(lock);
            server.run()?;
        }
        "device-installs" => {
            console.wait_status(job, 8)?;
            machine.wait_runs(moment, 1)?;
            server.crash_and_run()?;
            machine.let_go(moment)?;
        }
        "installed-unheard" => {
            console.wait_status(job, 8)?;
            machine.wait_runs(moment, 1)?;
            server.crash();
            machine.let_go(moment)?;
            // All that comes now waits in the agent's outbox.
            machine.wait_version(moment, "2")?;
            server.run()?;
        }
        "every-change" => kill_at_every_change(job, server, console)?,
        _ => {}
    }
    Ok(job)
}

/// Kills the server while it is asked to deploy. What it answered for is there afterwards; what it
/// did not is there or not, and can be asked for again.
fn kill_while_asking(patch: i64, server: &mut Server, console: &Console) -> Result<()> {
    let answer = std::thread::scope(|scope| {
        let asked = scope.spawn(|| console.deploy(patch));
        server.crash();
        asked.join()
    });
    server.run()?;
    let is_there = !console.jobs_of(patch)?.is_empty();
    if matches!(answer, Ok(Ok(_))) {
        ensure!(is_there, "a deployment that was answered for is lost");
    }
    // The plan refuses a second job while there is one.
    let plan = console.deploy(patch)?;
    ensure!(plan["deployment"].is_null() == is_there, "{plan}");
    Ok(())
}

/// Kills the server each time that the job moved on.
fn kill_at_every_change(job: i64, server: &mut Server, console: &Console) -> Result<()> {
    let mut seen = 0;
    for _ in 0..MAX_CRASHES {
        let now = wait_until("the job moves on", PATIENCE, || {
            let now: Value = console.job(job)?;
            Ok((numbers(&now).len() > seen).then_some(now))
        })?;
        seen = numbers(&now).len();
        server.crash_and_run()?;
        if now["job"]["status"]["is_final"] == true {
            break;
        }
    }
    Ok(())
}
