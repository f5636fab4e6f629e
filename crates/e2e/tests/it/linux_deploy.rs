//! The main job on Linux: real packages, a real APT, a real server, from the scan to the verified
//! status.

use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process::wait_until;

use crate::console_client::{PATIENCE, numbers};
use crate::linux_machine::{Machine, counting, waiting};
use crate::server_process::Server;

#[test]
fn a_package_goes_from_the_scan_to_a_verified_status() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let machine = Machine::new(
        &[Deb::new("fleet-tool", "1.0-1"), Deb::new("held-tool", "1")],
        &[Deb::new("fleet-tool", "2.0-1"), Deb::new("held-tool", "2")],
    )
    .unwrap();
    machine.command("apt-mark", &["hold", "held-tool"]).unwrap();
    let _agent = machine.start_agent(&server.token().unwrap()).unwrap();

    // Found, and only that.
    let row = console.wait_missing("fleet-tool").unwrap();
    assert_eq!(console.missing().unwrap().len(), 1);
    assert_eq!(row["patch"]["patch_type"], "os");
    assert_eq!(row["patch"]["version"], "2.0-1");
    assert_eq!(row["system_type"], "normal");
    assert_eq!(row["approval"], "not_approved");
    assert_eq!(row["affected"], 1);
    let patch = row["patch"]["id"].as_i64().unwrap();
    let device = &console.devices().unwrap()[0];
    assert_eq!(device["os_family"], "linux");
    assert_eq!(device["missing_os"], 1);
    let page = console.page(&format!("/devices/{}", device["id"])).unwrap();
    assert!(
        page.contains("held-tool"),
        "the page tells what is withheld"
    );

    // Refused before the approval.
    let plan = console.deploy(patch).unwrap();
    assert!(plan["deployment"].is_null(), "{plan}");
    assert_eq!(
        plan["devices"][0]["why_not"],
        "not approved for Normal Systems: approve the patch first"
    );
    assert_eq!(console.jobs_of(patch).unwrap().len(), 0);
    assert_eq!(machine.version("fleet-tool").unwrap(), "1.0-1");

    console.approve(patch).unwrap();
    let plan = console.deploy(patch).unwrap();
    assert!(plan["deployment"].is_i64(), "{plan}");
    let job = console.only_job_of(patch).unwrap();
    let over = console.wait_over(job).unwrap();
    assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 9], "{over}");
    assert_eq!(
        over["job"]["status"]["shown"],
        "Patch deploy completed successfully"
    );
    assert_eq!(over["job"]["attempt"], 1);
    assert_eq!(machine.version("fleet-tool").unwrap(), "2.0-1");
    assert_eq!(machine.version("held-tool").unwrap(), "1");
    console.wait_not_missing("fleet-tool").unwrap();
    let again = console.deploy(patch).unwrap();
    assert_eq!(
        again["devices"].as_array().map(Vec::len),
        Some(0),
        "{again}"
    );
}

#[test]
fn packages_that_fail_or_ask_or_find_a_lock_end_with_the_right_status() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let fails = counting("fails", "echo \"the disk isn't there\" >&2; exit 3");
    let machine = Machine::new(
        &[
            Deb::new("fails", "1"),
            Deb::new("asks", "1").conffile("etc/asks.conf", "one\n"),
            Deb::new("locked", "1"),
        ],
        &[
            Deb::new("fails", "2").control_file("postinst", &fails),
            Deb::new("asks", "2")
                .asking_by_debconf("the default")
                .conffile("etc/asks.conf", "two\n"),
            Deb::new("locked", "2"),
        ],
    )
    .unwrap();
    std::fs::write(machine.root.outside("/etc/asks.conf"), "mine\n").unwrap();
    let _agent = machine.start_agent(&server.token().unwrap()).unwrap();

    // Asks by debconf and, because of the changed file, by dpkg; nobody is there to answer.
    let job = console.approve_and_deploy("asks").unwrap();
    let over = console.wait_over(job).unwrap();
    assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 9], "{over}");
    let answer = std::fs::read_to_string(machine.root.outside("/var/lib/asks-answer")).unwrap();
    assert_eq!(answer, "the default");
    let kept = std::fs::read_to_string(machine.root.outside("/etc/asks.conf")).unwrap();
    assert_eq!(kept, "mine\n");

    // The lock is waited for, and the console says so meanwhile.
    let mut holder = machine.hold_lock("/var/lib/dpkg/lock-frontend").unwrap();
    let job = console.approve_and_deploy("locked").unwrap();
    wait_until("it says that it waits", PATIENCE, || {
        let job = console.job(job)?;
        let cause = job["job"]["cause"].as_str().unwrap_or_default();
        Ok(cause.contains("lock").then_some(()))
    })
    .unwrap();
    assert_eq!(machine.version("locked").unwrap(), "1");
    holder.kill();
    let over = console.wait_over(job).unwrap();
    assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 9], "{over}");
    assert_eq!(machine.version("locked").unwrap(), "2");

    // Fails, is tried again three times, and stays missing.
    let job = console.approve_and_deploy("fails").unwrap();
    let over = console.wait_over(job).unwrap();
    assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 11], "{over}");
    assert_eq!(over["job"]["attempt"], 4, "{over}");
    assert!(machine.runs("fails") >= 4);
    let output = over["output"].as_str().unwrap();
    assert!(output.contains("the disk isn't there"), "{output}");
    let cause = over["job"]["cause"].as_str().unwrap();
    assert!(cause.contains("exit status 3"), "{cause}");
    assert_eq!(over["job"]["status"]["can_redeploy"], true);
    console.wait_missing("fails").unwrap();
}

/// What is killed in the middle of an installation.
#[derive(Debug, Clone, Copy)]
enum Killed {
    /// The agent alone: what it started goes on.
    Agent,
    /// The agent, and its state is moved away.
    AgentAndState,
    /// All that runs on the machine, as by a power cut.
    Everything,
}

#[test]
fn an_agent_killed_in_the_middle_of_an_installation_ends_it_once_and_tells_the_truth() {
    let server = Server::start().unwrap();
    let console = server.console().unwrap();
    let cases = [
        ("outlives", Killed::Agent),
        ("forgotten", Killed::AgentAndState),
        ("torn", Killed::Everything),
    ];
    let offered = cases.map(|(name, _)| {
        Deb::new(name, "2").control_file("postinst", &counting(name, &waiting(name)))
    });
    let installed = cases.map(|(name, _)| Deb::new(name, "1"));
    let machine = Machine::new(&installed, &offered).unwrap();
    let mut agent = machine.start_agent(&server.token().unwrap()).unwrap();
    for (name, killed) in cases {
        let job = console.approve_and_deploy(name).unwrap();
        machine.wait_runs(name, 1).unwrap();
        match killed {
            Killed::Agent => agent.crash(),
            Killed::AgentAndState => {
                console.wait_status(job, 8).unwrap();
                agent.crash();
                machine.move_state_away().unwrap();
            }
            Killed::Everything => machine.root.kill_all(),
        }
        drop(agent);
        agent = machine.start_agent("").unwrap();
        if matches!(killed, Killed::Everything) {
            machine.wait_runs(name, 2).unwrap();
        }
        machine.let_go(name).unwrap();
        let over = console.wait_over(job).unwrap();
        assert_eq!(numbers(&over), [1, 3, 4, 5, 6, 8, 9], "{killed:?}: {over}");
        assert_eq!(machine.version(name).unwrap(), "2", "{killed:?}");
        // A torn installation is ended by a second start; one that went on is left alone.
        let runs = match killed {
            Killed::Agent | Killed::AgentAndState => 1,
            Killed::Everything => 2,
        };
        assert_eq!(machine.runs(name), runs, "{killed:?}");
        console.wait_not_missing(name).unwrap();
        assert_eq!(
            console
                .items("/api/v1/deploy-jobs?open=true")
                .unwrap()
                .len(),
            0
        );
    }
}
