//! The lab's commands as they are used: progress on standard error, one JSON object as the last
//! line of standard output, an exit code.

use std::process::{Command, Output};

use serde_json::Value;

fn lab(arguments: &[&str]) -> Output {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.args(arguments).output().unwrap()
}

/// What a command measured.
fn measured(arguments: &[&str]) -> Value {
    let output = lab(arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(!output.stderr.is_empty(), "it tells its progress");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

fn assert_has_numbers(measured: &Value, keys: &[&str]) {
    for key in keys {
        assert!(measured[key].is_number(), "'{key}': {measured}");
    }
}

#[test]
fn ingest_prints_its_figures() {
    let small = [
        "--connections",
        "2",
        "--packages",
        "3",
        "--apps",
        "5",
        "--seconds",
        "1",
    ];
    let figures = measured(&[&["ingest"], &small[..]].concat());
    assert_has_numbers(&figures, &["reports_per_s", "p99_ms"]);
}

#[test]
fn checkin_prints_its_figures() {
    let figures = measured(&["checkin", "--connections", "2", "--seconds", "1"]);
    assert_has_numbers(&figures, &["per_s", "p99_ms"]);
}

#[test]
fn idle_prints_its_figures() {
    let figures = measured(&["idle", "--devices", "40"]);
    assert_has_numbers(&figures, &["kb_per_device"]);
}

#[test]
fn simulate_prints_its_figures() {
    let figures = measured(&["simulate", "--devices", "5"]);
    assert_has_numbers(&figures, &["seconds", "jobs"]);
    assert_eq!(figures["violations"], 0, "{figures}");
}

#[test]
fn every_command_says_what_it_takes() {
    for command in ["ingest", "checkin", "idle", "agent", "simulate"] {
        let output = lab(&[command, "--help"]);
        assert!(output.status.success(), "{output:?}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn what_cannot_be_measured_is_one_line_and_an_exit_code() {
    for (arguments, word) in [
        (
            &["agent", "--agent", "/no/such/agent"][..],
            "/no/such/agent",
        ),
        (
            &["agent", "--agent", "/bin/false"],
            "cannot read this machine",
        ),
        (&["agent", "--runs", "0", "--agent", "/bin/true"], "--runs"),
        (&["checkin", "--connections", "0"], "at least one device"),
        (&["ingest", "--connections", "0"], "at least one device"),
        (&["idle", "--devices", "0"], "at least one device"),
        (&["idle", "--devices", "900000000"], "ulimit"),
        (&["simulate", "--devices", "0"], "at least one device"),
    ] {
        let output = lab(arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.trim().lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}
