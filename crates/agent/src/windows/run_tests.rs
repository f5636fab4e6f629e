//! [`super::run`] with real programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetmend_model::detection::Detection;
use fleetmend_model::recipe::InstallerKind;
use fleetmend_model::release::{Action, Release, RunInstaller};
use fleetmend_model::run_rules::RunRules;
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_trust::{
    Order, OrderPolicy, SignedOrder, SigningKey, TrustRoot, Verified, sign_order, sign_release,
    verify,
};
use tempfile::TempDir;

use super::run::{is_still_running, run};
use crate::platform::{MAX_OUTPUT, RunResult};

const LIMIT: Duration = Duration::from_mins(1);
/// A command that does not end.
const FOR_EVER: &str = "for /l %i in (1,0,2) do @rem";

/// An order for an installer with these arguments. Each has a device of its own, so that the tests
/// do not see each other.
fn order(kind: InstallerKind, arguments: &str) -> Verified<Order> {
    let release = Release {
        package: "tool".to_owned(),
        version: "1".to_owned(),
        title: "Tool".to_owned(),
        action: Action::RunInstaller(RunInstaller {
            kind,
            files: Vec::new(),
            arguments: arguments.to_owned(),
            exit_codes: vec![0, -5],
            detection: Detection::default(),
        }),
    };
    let (key, document) = SigningKey::generate().unwrap();
    let release = sign_release(&release, &key).unwrap();
    let job: DeployJobId = "42".parse().unwrap();
    let device = fleetmend_trust::digest_hex(&document);
    let order = Order {
        job,
        device_certificate: device.clone(),
        release_digest: release.payload_digest().unwrap(),
        counter: 1,
        issued: Millis(0),
        expires: Millis(2),
        policy: OrderPolicy {
            retries: 0,
            retry_seconds: 0,
            limit_seconds: 60,
        },
        rules: RunRules::default(),
    };
    let order = sign_order(&order, &key).unwrap();
    let root = TrustRoot {
        level: 0,
        release_keys: vec![key.public()],
        order_keys: vec![key.public()],
    };
    verify(
        &SignedOrder {
            job,
            order,
            release,
        },
        &root,
        &device,
        0,
        Millis(1),
    )
    .unwrap()
}

/// A folder with a command interpreter in it, to be run as if it were an installer.
fn installer() -> (TempDir, PathBuf) {
    let folder = tempfile::Builder::new()
        .prefix("with blank ")
        .tempdir()
        .unwrap();
    let file = folder.path().join("Setup File.exe");
    std::fs::copy(std::env::var_os("ComSpec").unwrap(), &file).unwrap();
    (folder, file)
}

fn run_exe(file: &Path, arguments: &str, limit: Duration) -> RunResult {
    run(
        &order(InstallerKind::Exe, arguments),
        Some(file),
        limit,
        &|_| {},
    )
}

#[test]
fn an_installer_gets_its_arguments_as_they_are_and_its_end_is_told() {
    let (folder, file) = installer();
    let here = folder.path().file_name().unwrap().to_str().unwrap();
    for (arguments, code, success, restart_due) in [
        ("/c exit 0", 0, true, false),
        ("/c exit 3010", 3010, true, true),
        ("/c exit 4242", 4242, false, false),
        ("/c exit -5", -5, true, false),
        ("/c exit -6", 4_294_967_290, false, false),
    ] {
        let result = run_exe(&file, arguments, LIMIT);
        assert_eq!(
            (result.exit_code, result.success, result.restart_due),
            (Some(code), success, restart_due),
            "{arguments}: {result:?}"
        );
        assert_eq!(result.cause.is_empty(), success, "{result:?}");
    }
    let result = run_exe(
        &file,
        r#"/c "echo "job %FLEETMEND_JOB%" & echo wrong 1>&2 & cd""#,
        LIMIT,
    );
    assert!(result.output.starts_with("\"job 42\""), "{result:?}");
    assert!(result.output.contains("wrong"), "{result:?}");
    assert!(result.output.ends_with(here), "{result:?}");
}

#[test]
fn an_installer_writes_its_log_into_the_jobs_folder_even_if_the_path_has_blanks() {
    let (folder, file) = installer();
    for (place, name) in [
        (r#""<job-folder>\the log.txt""#, "the log.txt"),
        (r"<job-folder>\log.txt", "log.txt"),
    ] {
        let result = run_exe(&file, &format!("/c echo logged> {place}"), LIMIT);
        assert!(result.success, "{result:?}");
        let log = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(log.trim(), "logged");
    }
}

#[test]
fn only_the_end_of_a_long_output_is_kept() {
    let (_folder, file) = installer();
    let result = run_exe(
        &file,
        "/c (for /l %i in (1,1,4000) do @echo line %i of many)",
        LIMIT,
    );
    assert_eq!(result.exit_code, Some(0), "{result:?}");
    assert!(result.output.ends_with("line 4000 of many"), "{result:?}");
    assert!(
        result.output.len() <= MAX_OUTPUT,
        "{} bytes",
        result.output.len()
    );
}

#[test]
fn at_its_limit_an_installer_is_stopped_with_what_it_started() {
    let (folder, file) = installer();
    let (_inner_folder, inner) = installer();
    let arguments = format!(
        r#"/c "start "" /b "{}" /c "echo x> inner.txt & {FOR_EVER}" & {FOR_EVER}""#,
        inner.display()
    );
    let order = order(InstallerKind::Exe, &arguments);
    let result = run(&order, Some(&file), Duration::from_secs(2), &|_| {});
    assert_eq!(
        (result.exit_code, result.success),
        (None, false),
        "{result:?}"
    );
    assert!(
        result.cause.contains("did not end within 2 s"),
        "{result:?}"
    );
    assert!(
        folder.path().join("inner.txt").exists(),
        "the inner one did not start: {result:?}"
    );
    assert!(!is_still_running(&order, Some(&file)));
    assert!(!is_still_running(&order, Some(&inner)));
}

#[test]
fn an_installer_that_runs_is_seen_by_its_file_alone() {
    let (folder, file) = installer();
    let order = order(InstallerKind::Exe, "");
    assert!(!is_still_running(&order, Some(&file)));
    // As an earlier life of the agent would have left it.
    let mut child = std::process::Command::new(&file)
        .args(["/c", FOR_EVER])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let seen = is_still_running(&order, Some(&file));
    let other_case = folder.path().join("SETUP FILE.EXE");
    let seen_by_other_case = is_still_running(&order, Some(&other_case));
    let other = is_still_running(&order, Some(&folder.path().join("other.exe")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen && seen_by_other_case && !other);
    assert!(!is_still_running(&order, Some(&file)));
}

#[test]
fn what_cannot_be_started_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.exe");
    for content in [None, Some("no program")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let result = run_exe(&file, "/S", LIMIT);
        assert_eq!(
            (result.exit_code, result.success),
            (None, false),
            "{result:?}"
        );
        assert!(
            result.cause.contains("broken.exe could not be started"),
            "{result:?}"
        );
    }
    let result = run(&order(InstallerKind::Exe, ""), None, LIMIT, &|_| {});
    assert!(result.cause.contains("no file"), "{result:?}");
}

#[test]
fn windows_installer_is_asked_and_its_refusal_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no package.msi");
    std::fs::write(&file, "no package").unwrap();
    let result = run(&order(InstallerKind::Msi, ""), Some(&file), LIMIT, &|_| {});
    assert!(
        result.exit_code.is_some_and(|code| code > 1600),
        "{result:?}"
    );
    assert!(
        result.cause.contains("Windows Installer ended with"),
        "{result:?}"
    );
}
