//! A Windows agent that dies while an installer runs, and one that runs as a service.

use std::time::Duration;

use fleetmend_e2e::nsis::Nsis;
use fleetmend_e2e::process;

use crate::console_client::PATIENCE;
use crate::windows_fleet::{AGENT_DATA, Fleet};

/// An agent that runs, and a package whose installer takes this long.
fn slow(name: &str, package: &str, takes: Duration) -> Fleet {
    let mut fleet = Fleet::new().unwrap();
    fleet.install_nsis(&Nsis::new(name, "1.0")).unwrap();
    fleet
        .offer_nsis(package, &Nsis::new(name, "2.0").taking(takes))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    fleet.start_agent().unwrap();
    fleet
}

#[test]
fn an_installer_that_outlives_the_agent_is_waited_for_and_not_started_again() {
    let mut fleet = slow("Fleet Comet", "fleet-comet", Duration::from_secs(5));
    let id = fleet.console.approve_and_deploy("fleet-comet").unwrap();
    fleet.wait_started("Fleet Comet", "2.0").unwrap();
    fleet.crash_agent().unwrap();
    fleet.start_agent().unwrap();

    let job = fleet.wait_over(id).unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    assert!(job.cause().contains("interrupted"), "{job:?}");
    assert_eq!(fleet.starts("Fleet Comet", "2.0").unwrap(), 1);
    let version = fleet.installed_version("Fleet Comet").unwrap();
    assert_eq!(version.as_deref(), Some("2.0"));
}

#[test]
fn what_was_installed_while_the_agent_was_dead_is_found_and_not_installed_again() {
    let mut fleet = slow("Fleet Meteor", "fleet-meteor", Duration::from_secs(2));
    let id = fleet.console.approve_and_deploy("fleet-meteor").unwrap();
    fleet.wait_started("Fleet Meteor", "2.0").unwrap();
    fleet.crash_agent().unwrap();
    fleet.wait_installed("Fleet Meteor", "2.0").unwrap();
    fleet.start_agent().unwrap();

    let job = fleet.wait_over(id).unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    assert_eq!(fleet.starts("Fleet Meteor", "2.0").unwrap(), 1);
}

#[test]
fn an_installer_that_the_machines_restart_ended_is_started_once_more() {
    let mut fleet = slow("Fleet Nova", "fleet-nova", Duration::from_secs(6));
    let id = fleet.console.approve_and_deploy("fleet-nova").unwrap();
    fleet.wait_started("Fleet Nova", "2.0").unwrap();
    fleet.wine.restart().unwrap();
    let version = fleet.installed_version("Fleet Nova").unwrap();
    assert_eq!(version.as_deref(), Some("1.0"));
    fleet.start_agent().unwrap();

    let job = fleet.wait_over(id).unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");
    assert_eq!(job.field("attempt"), 2);
    assert_eq!(fleet.starts("Fleet Nova", "2.0").unwrap(), 2);
}

#[test]
fn as_a_service_the_agent_deploys_starts_with_the_machine_and_is_removed() {
    let fleet = Fleet::new().unwrap();
    fleet
        .install_nsis(&Nsis::new("Fleet Anchor", "1.0"))
        .unwrap();
    fleet
        .offer_nsis("fleet-anchor", &Nsis::new("Fleet Anchor", "2.0"))
        .unwrap();
    fleet.add_source(&fleet.site.url()).unwrap();
    let token = fleet.server.token().unwrap();
    let agent = |arguments: &[&str]| {
        let mut command = fleet.agent_command(arguments);
        command.env("FLEETMEND_TOKEN", &token);
        process::run(&mut command, PATIENCE)
            .unwrap()
            .success()
            .unwrap()
    };
    let enrolled = agent(&["enrol", "--data", AGENT_DATA]);
    assert!(enrolled.contains("enrolled as device 1"), "{enrolled}");
    let installed = agent(&["install-service", "--data", AGENT_DATA]);
    assert!(installed.contains("FleetmendAgent runs"), "{installed}");
    let job = fleet.deploy("fleet-anchor").unwrap();
    assert_eq!(job.history(), [1, 2, 3, 4, 5, 6, 8, 9], "{job:?}");

    fleet.wine.restart().unwrap();
    fleet.scan().unwrap();

    assert_eq!(services(&fleet), 1);
    agent(&["uninstall-service"]);
    process::wait_until("the service's process is gone", PATIENCE, || {
        Ok((services(&fleet) == 0).then_some(()))
    })
    .unwrap();
    let log = fleet
        .wine
        .unix_path(&format!(r"{AGENT_DATA}\agent.log"))
        .unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
}

/// How many agents run as a service on the machine.
fn services(fleet: &Fleet) -> usize {
    let prefix = fleet.wine.prefix();
    let prefix = prefix.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_one = |process: &std::fs::DirEntry| {
        let read = |name: &str| {
            let bytes = std::fs::read(process.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        read("cmdline").contains("fleetmend-agent.exe service") && read("environ").contains(prefix)
    };
    processes.filter(is_one).count()
}
