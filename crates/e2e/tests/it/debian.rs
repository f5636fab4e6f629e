use std::time::Duration;

use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::debian_root::DebianRoot;

const TIMEOUT: Duration = Duration::from_mins(1);

#[test]
fn a_signed_repository_installs_and_upgrades_in_a_debian_root() {
    let root = DebianRoot::new().unwrap();
    let repository = root.add_repository("Fleetmend Tests").unwrap();
    repository
        .publish(&[Deb::new("fleet-tool", "1.0-1")])
        .unwrap();
    root.apt_get(&["update"]).unwrap();
    root.apt_get(&["install", "fleet-tool"]).unwrap();
    assert_eq!(
        root.installed_version("fleet-tool").unwrap().as_deref(),
        Some("1.0-1")
    );

    repository
        .publish(&[Deb::new("fleet-tool", "2.0-1")])
        .unwrap();
    root.apt_get(&["update"]).unwrap();
    let simulated = root.apt_get(&["--simulate", "upgrade"]).unwrap();
    assert!(
        simulated.contains("Inst fleet-tool [1.0-1] (2.0-1 "),
        "{simulated}"
    );
    root.apt_get(&["upgrade"]).unwrap();
    assert_eq!(
        root.installed_version("fleet-tool").unwrap().as_deref(),
        Some("2.0-1")
    );
    assert_eq!(root.installed_version("no-such-package").unwrap(), None);

    // The signature counts: a changed list is refused.
    let list = repository.folder().join("InRelease");
    let forged = std::fs::read_to_string(&list)
        .unwrap()
        .replace("Fleetmend", "Fleetmond");
    std::fs::write(&list, forged).unwrap();
    let output = root.run(
        "apt-get",
        &["update", "-o", "APT::Update::Error-Mode=any"],
        TIMEOUT,
    );
    let error = output
        .unwrap()
        .success()
        .expect_err("a forged list must be refused");
    assert!(error.to_string().contains("BADSIG"), "{error}");
}

#[test]
fn packages_fail_and_ask_as_they_were_built_to() {
    let root = DebianRoot::new().unwrap();
    let repository = root.add_repository("Fleetmend Tests").unwrap();
    repository
        .publish(&[
            Deb::new("fails", "1").failing_postinst("the disk isn't formatted", 3),
            Deb::new("asks", "1").asking_by_debconf("the default"),
            Deb::new("configured", "1:1").conffile("etc/configured.conf", "one\n"),
        ])
        .unwrap();
    root.apt_get(&["update"]).unwrap();
    let error = format!(
        "{:?}",
        root.apt_get(&["install", "fails"])
            .expect_err("postinst fails")
    );
    assert!(error.contains("the disk isn't formatted"), "{error}");
    assert_eq!(root.installed_version("fails").unwrap(), None);
    root.run("dpkg", &["--purge", "fails"], TIMEOUT)
        .unwrap()
        .success()
        .unwrap();

    root.apt_get(&["install", "asks", "configured"]).unwrap();
    let answer = std::fs::read_to_string(root.outside("/var/lib/asks-answer")).unwrap();
    assert_eq!(answer, "the default");

    // An administrator's change makes dpkg ask, and with nobody there to answer it gives up.
    std::fs::write(root.outside("etc/configured.conf"), "mine\n").unwrap();
    let newer = Deb::new("configured", "1:2").conffile("etc/configured.conf", "two\n");
    repository.publish(&[newer]).unwrap();
    root.apt_get(&["update"]).unwrap();
    let error = format!("{:?}", root.apt_get(&["upgrade"]).expect_err("dpkg asks"));
    assert!(error.contains("conffile"), "{error}");
}

#[test]
fn what_runs_in_a_root_ends_with_it_and_proc_is_not_left_mounted() {
    let root = DebianRoot::new().unwrap();
    let path = root.path();
    let mut running = root
        .spawn(
            "sh",
            &[
                "-c",
                "test -e /proc/self/stat && setsid sleep 876 & wait; sleep 876",
            ],
        )
        .unwrap();
    fleetmend_e2e::process::wait_until("it sleeps in the root", TIMEOUT, || {
        Ok((processes_in(&path) >= 2).then_some(()))
    })
    .unwrap();
    assert!(running.is_running().unwrap());
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(path.to_str().unwrap()), "{mounts}");
    drop(running);
    drop(root);
    assert_eq!(processes_in(&path), 0);
    assert!(!path.exists());
}

fn processes_in(root: &std::path::Path) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| {
            std::fs::read_link(entry.path().join("root")).is_ok_and(|to| to.starts_with(root))
        })
        .count()
}
