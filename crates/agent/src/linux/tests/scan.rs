use std::time::Instant;

use fleetmend_e2e::deb::Deb;
use fleetmend_model::inventory::Place;

use super::device::Device;
use crate::linux::Linux;
use crate::platform::Platform as _;

#[test]
fn what_apt_would_upgrade_is_offered_and_what_it_would_not_is_named() {
    let device = Device::new(
        "Tests-Security",
        &[
            Deb::new("fleet-tool", "1.0-1"),
            Deb::new("held-tool", "1"),
            Deb::new("grows", "1"),
            Deb::new("in-the-way", "1"),
            Deb::new("removes", "1"),
        ],
    );
    device
        .root
        .run("apt-mark", &["hold", "held-tool"], super::device::TIMEOUT)
        .unwrap();
    device.offer(&[
        Deb::new("fleet-tool", "2.0-1"),
        Deb::new("held-tool", "2"),
        Deb::new("brand-new", "1"),
        Deb::new("grows", "2").depends("brand-new"),
        Deb::new("removes", "2").field("Conflicts", "in-the-way"),
    ]);

    let inventory = device.scan();
    let scan = inventory.updates.unwrap();
    assert_eq!(scan.unreachable, []);
    let offered: Vec<_> = scan
        .updates
        .iter()
        .map(|it| {
            (
                &*it.package,
                &*it.architecture,
                &*it.installed,
                &*it.candidate,
                it.security,
            )
        })
        .collect();
    assert_eq!(
        offered,
        [
            ("fleet-tool", "all", "1.0-1", "2.0-1", true),
            ("grows", "all", "1", "2", true)
        ]
    );
    let withheld: Vec<_> = scan
        .withheld
        .iter()
        .map(|it| (&*it.package, &*it.candidate, &*it.why))
        .collect();
    assert_eq!(
        withheld,
        [("held-tool", "2", "held"), ("removes", "2", "kept back")]
    );
    assert!(inventory.software.iter().any(|it| {
        it.place == Place::Dpkg && it.key == "fleet-tool:all" && it.version == "1.0-1"
    }));
    assert_eq!(inventory.cannot_deploy, None);
}

#[test]
fn a_source_that_is_gone_is_named_and_the_others_still_count() {
    let device = Device::new("Tests", &[Deb::new("fleet-tool", "1")]);
    device
        .repository
        .publish(&[Deb::new("fleet-tool", "2")])
        .unwrap();
    let list = device.root.outside("/etc/apt/sources.list.d/gone.list");
    std::fs::write(
        list,
        "deb [trusted=yes] http://me:secret@127.0.0.1:1/debian gone main\n",
    )
    .unwrap();
    let scan = device.scan().updates.unwrap();
    assert_eq!(scan.unreachable.len(), 1, "{:?}", scan.unreachable);
    assert_eq!(scan.unreachable[0].source, "http://127.0.0.1:1/debian gone");
    assert!(!scan.unreachable[0].cause.is_empty());
    assert_eq!(scan.updates.len(), 1);
    assert_eq!(scan.updates[0].candidate, "2");
}

#[test]
fn this_machines_own_lists_are_scanned_without_changing_them() {
    let lists = || {
        let entries = std::fs::read_dir("/var/lib/apt/lists").unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|it| (it.file_name(), it.metadata().unwrap().modified().unwrap()))
            .collect();
        names.sort();
        names
    };
    let data = tempfile::tempdir().unwrap();
    let platform = Linux::with_private_lists(data.path());
    let start = Instant::now();
    let software = platform.software().unwrap().software;
    eprintln!("{} packages in {:?}", software.len(), start.elapsed());
    let before = lists();
    let start = Instant::now();
    let inventory = platform.scan(&|_| ()).unwrap();
    eprintln!("scan in {:?}", start.elapsed());
    assert_eq!(lists(), before);
    assert_eq!(inventory.software, software);
    assert!(software.iter().any(|it| it.name == "dpkg"));
    let scan = inventory.updates.unwrap();
    for update in &scan.updates {
        let key = format!("{}:{}", update.package, update.architecture);
        let row = software.iter().find(|it| it.key == key);
        assert_eq!(row.map(|it| &it.version), Some(&update.installed), "{key}");
    }
}
