use std::process::Command;
use std::time::Duration;

use fleetmend_e2e::process::{Running, run};

#[test]
fn a_program_that_takes_too_long_is_killed_with_what_it_started() {
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 987 & echo $!; wait"]);
    let error = run(&mut command, Duration::from_millis(300)).expect_err("it must be killed");
    let text = format!("{error:?}");
    let grandchild = text
        .lines()
        .find(|line| line.parse::<u32>().is_ok())
        .expect("the pid");
    fleetmend_e2e::process::wait_until("the grandchild is gone", Duration::from_secs(5), || {
        let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        Ok((state.is_empty() || state.contains(") Z ")).then_some(()))
    })
    .unwrap();
}

#[test]
fn output_is_readable_while_the_program_runs_and_its_early_end_is_noticed() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo ready; read -r line < /dev/null; exit 7"]);
    let mut running = Running::spawn(&mut command).unwrap();
    running
        .wait_until("it says ready", Duration::from_secs(5), |running| {
            Ok(running.stdout()?.contains("ready").then_some(()))
        })
        .unwrap();
    let error = running
        .wait_until(
            "it says something else",
            Duration::from_secs(5),
            |running| Ok(running.stdout()?.contains("never").then_some(())),
        )
        .expect_err("it ended");
    assert!(format!("{error:?}").contains("ended"), "{error:?}");
    assert_eq!(running.wait(Duration::from_secs(5)).unwrap().code, Some(7));
}
