use std::fs;
use std::time::Duration;

use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process::wait_until;

use super::device::{Device, TIMEOUT, Task, Upgrade, read, told, upgrade};

/// A `postinst` that waits for a file, and ends when it is asked to.
const WAITS_FOR_FILE: &str = "#!/bin/sh\necho waiting > /waiting\n\
                              until test -e /go; do sleep 0.1; done\n";

#[test]
fn an_upgrade_asks_nobody_and_keeps_the_administrators_configuration() {
    let device = Device::new(
        "Tests",
        &[
            Deb::new("asks", "1").conffile("etc/asks.conf", "one\n"),
            Deb::new("other", "1"),
        ],
    );
    fs::write(device.root.outside("/etc/asks.conf"), "mine\n").unwrap();
    device.offer(&[
        Deb::new("asks", "2")
            .asking_by_debconf("default")
            .conffile("etc/asks.conf", "two\n"),
        Deb::new("asks", "3"),
        Deb::new("other", "2"),
    ]);
    let prepared = device.tell(&Task::Prepare(upgrade("asks", "2")));
    assert!(prepared.success, "{prepared:?}");
    assert_eq!(device.version("asks"), "1");

    let ran = device.run(&upgrade("asks", "2"));
    assert!(ran.success && ran.cause.is_empty(), "{ran:?}");
    assert_eq!(ran.code, Some(0));
    assert!(ran.output.contains("Setting up asks (2)"), "{ran:?}");
    // Exactly the version of the order, and nothing else.
    assert_eq!(device.version("asks"), "2");
    assert_eq!(device.version("other"), "1");
    assert_eq!(
        fs::read_to_string(device.root.outside("/etc/asks.conf")).unwrap(),
        "mine\n"
    );
    let answer = device.root.outside("/var/lib/asks-answer");
    assert_eq!(fs::read_to_string(answer).unwrap(), "default");
}

#[test]
fn what_cannot_be_upgraded_says_why_and_changes_nothing() {
    let device = Device::new(
        "Tests",
        &[
            Deb::new("held-tool", "1"),
            Deb::new("in-the-way", "1"),
            Deb::new("removes", "1"),
        ],
    );
    device
        .root
        .run("apt-mark", &["hold", "held-tool"], TIMEOUT)
        .unwrap();
    device.offer(&[
        Deb::new("held-tool", "2"),
        Deb::new("removes", "2").field("Conflicts", "in-the-way"),
        Deb::new("removes", "3").depends("nowhere"),
    ]);
    for (package, version, cause) in [
        ("held-tool", "2", "held-tool is held on this machine"),
        (
            "held-tool",
            "7",
            "version 7 of held-tool is no longer in the archives",
        ),
        ("removes", "2", "would remove in-the-way"),
        (
            "removes",
            "3",
            "removes : Depends: nowhere but it is not installable",
        ),
        (
            "no-such-tool",
            "1",
            "no-such-tool is in none of the archives",
        ),
        ("--purge", "1", "is no package and version"),
    ] {
        let ran = device.run(&upgrade(package, version));
        assert!(
            !ran.success && ran.cause.contains(cause),
            "{package} {version}: {ran:?}"
        );
        assert_eq!(ran.code, None, "{ran:?}");
    }
    let prepared = device.tell(&Task::Prepare(upgrade("held-tool", "7")));
    assert!(
        prepared.cause.contains("no longer in the archives"),
        "{prepared:?}"
    );
    for package in ["held-tool", "in-the-way", "removes"] {
        let file = device
            .root
            .outside(&format!("/usr/share/{package}/version"));
        assert_eq!(fs::read_to_string(file).unwrap(), "1");
    }
}

#[test]
fn a_failing_script_gives_its_output_and_the_next_run_ends_what_it_left() {
    let device = Device::new("Tests", &[Deb::new("fails", "1"), Deb::new("other", "1")]);
    let script = "#!/bin/sh\ntest -e /repaired || { echo \"the disk isn't there\" >&2; exit 3; }\n";
    device.offer(&[
        Deb::new("fails", "2").control_file("postinst", script),
        Deb::new("other", "2"),
    ]);
    let ran = device.run(&upgrade("fails", "2"));
    assert!(!ran.success, "{ran:?}");
    assert_eq!(ran.code, Some(100));
    assert!(ran.output.contains("the disk isn't there"), "{ran:?}");
    assert!(
        ran.cause
            .contains("post-installation script subprocess returned error exit status 3")
    );

    fs::write(device.root.outside("/repaired"), "").unwrap();
    let ran = device.run(&upgrade("other", "2"));
    assert!(ran.success, "{ran:?}");
    assert_eq!(
        ran.progress,
        ["dpkg has not ended its work on fails: ends that first"]
    );
    assert_eq!(device.version("fails"), "2");
    assert_eq!(device.version("other"), "2");
}

#[test]
fn the_package_managers_lock_is_waited_for() {
    // Nothing is half done while a hook runs.
    let hook = "DPkg::Pre-Invoke::=touch /waiting; until test -e /go; do sleep 0.1; done";
    waits_for_the_lock(&["install", "--yes", "-o", hook, "quick"]);
}

#[test]
fn packages_that_another_program_is_at_just_now_are_left_to_it() {
    waits_for_the_lock(&["install", "--yes", "slow"]);
}

/// Upgrades while `apt-get` with these arguments has the lock.
fn waits_for_the_lock(arguments: &[&str]) {
    let device = Device::new("Tests", &[Deb::new("tool", "1")]);
    device.offer(&[
        Deb::new("tool", "2"),
        Deb::new("quick", "1"),
        Deb::new("slow", "1").control_file("postinst", WAITS_FOR_FILE),
    ]);
    let mut holder = device.root.spawn("apt-get", arguments).unwrap();
    let waiting = device.root.outside("/waiting");
    holder
        .wait_until("it has the lock", TIMEOUT, |_| {
            Ok(waiting.exists().then_some(()))
        })
        .unwrap();

    let short = Upgrade {
        limit: Duration::from_secs(10),
        ..upgrade("tool", "2")
    };
    let ran = device.run(&short);
    assert!(
        !ran.success && ran.cause.contains("lock was held by"),
        "{ran:?}"
    );
    assert!(ran.cause.contains(&holder.pid().to_string()), "{ran:?}");

    let mut run = device.start(&Task::Run(upgrade("tool", "2")));
    run.wait_until("it waits for the lock", TIMEOUT, |run| {
        Ok(told(&run.stdout()?)
            .contains(&"waits for the package manager's lock")
            .then_some(()))
    })
    .unwrap();
    fs::write(device.root.outside("/go"), "").unwrap();
    let ran = read(&run.wait(TIMEOUT).unwrap().success().unwrap());
    assert!(ran.success, "{ran:?}");
    assert_eq!(device.version("tool"), "2");
}

#[test]
fn an_upgrade_that_takes_too_long_is_asked_to_end_and_the_next_try_repairs() {
    let device = Device::new("Tests", &[Deb::new("slow", "1")]);
    device.offer(&[Deb::new("slow", "2").control_file("postinst", WAITS_FOR_FILE)]);
    let short = Upgrade {
        limit: Duration::from_secs(15),
        ..upgrade("slow", "2")
    };
    let ran = device.run(&short);
    assert!(
        ran.cause
            .starts_with("it took longer than 15 s and was stopped"),
        "{ran:?}"
    );
    assert_eq!((ran.code, ran.success), (None, false));
    assert_eq!(device.version("slow"), "");

    fs::write(device.root.outside("/go"), "").unwrap();
    let ran = device.run(&upgrade("slow", "2"));
    assert!(ran.success, "{ran:?}");
    assert_eq!(device.version("slow"), "2");
}

#[test]
fn what_dpkg_left_half_done_is_no_reason_to_fetch_in_vain() {
    let device = Device::new("Tests", &[Deb::new("slow", "1")]);
    device.offer(&[Deb::new("slow", "2").control_file("postinst", WAITS_FOR_FILE)]);
    let mut run = device.start(&Task::Run(upgrade("slow", "2")));
    let waiting = device.root.outside("/waiting");
    run.wait_until("it installs", TIMEOUT, |_| {
        Ok(waiting.exists().then_some(()))
    })
    .unwrap();
    device.root.kill_all();

    let prepared = device.tell(&Task::Prepare(upgrade("slow", "2")));
    assert!(prepared.success, "{prepared:?}");
    fs::write(device.root.outside("/go"), "").unwrap();
    let ran = device.run(&upgrade("slow", "2"));
    assert!(ran.success, "{ran:?}");
    assert_eq!(device.version("slow"), "2");
}

#[test]
fn an_upgrade_outlives_the_agent_and_is_found_by_its_mark() {
    let device = Device::new("Tests", &[Deb::new("slow", "1")]);
    // It writes much after the agent is gone: a broken pipe would end it.
    let script = format!("{WAITS_FOR_FILE}seq 100000 || exit 1\n");
    device.offer(&[Deb::new("slow", "2").control_file("postinst", &script)]);
    let mut agent = device.start(&Task::Run(upgrade("slow", "2")));
    let waiting = device.root.outside("/waiting");
    agent
        .wait_until("it installs", TIMEOUT, |_| {
            Ok(waiting.exists().then_some(()))
        })
        .unwrap();
    agent.crash();

    let is_running = |upgrade: Upgrade| device.tell(&Task::IsStillRunning(upgrade)).success;
    assert!(is_running(upgrade("slow", "2")));
    assert!(!is_running(Upgrade {
        job: 2,
        ..upgrade("slow", "2")
    }));
    fs::write(device.root.outside("/go"), "").unwrap();
    wait_until("the upgrade has ended", TIMEOUT, || {
        Ok((!is_running(upgrade("slow", "2"))).then_some(()))
    })
    .unwrap();
    assert_eq!(device.version("slow"), "2");
}
