use std::time::Duration;

use fleetmend_e2e::msi::{Msi, MsiEnd};
use fleetmend_e2e::nsis::{Nsis, RUNS_LOG};
use fleetmend_e2e::wine::Wine;
use fleetmend_e2e::work_dir::WorkDir;

const TIMEOUT: Duration = Duration::from_mins(2);
const UNINSTALL: &str = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall";

/// Builds an MSI and installs it silently; gives msiexec's exit code.
fn install(wine: &Wine, msi: &Msi) -> u32 {
    let folder = WorkDir::new("test").unwrap();
    let file = folder.path().join("package.msi");
    msi.build(&file).unwrap();
    let file = wine.windows_path(&file).unwrap();
    wine.run("msiexec", &["/i", &file, "/qn", "/norestart"], TIMEOUT)
        .unwrap()
        .code
}

fn display_version(wine: &Wine, key: &str) -> Option<String> {
    wine.registry_value(&format!(r"{UNINSTALL}\{key}"), "DisplayVersion")
        .unwrap()
}

fn installed_file(wine: &Wine, name: &str) -> Option<String> {
    let path = wine
        .unix_path(&format!(r"C:\Program Files\{name}\app.txt"))
        .unwrap();
    std::fs::read_to_string(path).ok()
}

#[test]
fn an_msi_installs_is_replaced_by_its_next_version_and_is_uninstalled() {
    let wine = Wine::new().unwrap();
    let (one, two) = (Msi::new("Test App", "1.0.0"), Msi::new("Test App", "2.0.0"));
    assert_eq!(install(&wine, &one), 0);
    assert_eq!(
        display_version(&wine, &one.product_code).as_deref(),
        Some("1.0.0")
    );
    assert_eq!(installed_file(&wine, "Test App").as_deref(), Some("1.0.0"));

    assert_eq!(install(&wine, &two), 0);
    assert_eq!(display_version(&wine, &one.product_code), None);
    assert_eq!(
        display_version(&wine, &two.product_code).as_deref(),
        Some("2.0.0")
    );
    assert_eq!(installed_file(&wine, "Test App").as_deref(), Some("2.0.0"));
    assert_eq!(
        wine.registry_subkeys(UNINSTALL).unwrap(),
        [two.product_code.as_str()]
    );

    assert_ne!(install(&wine, &one), 0, "an older version must be refused");
    let code = wine
        .run("msiexec", &["/x", &two.product_code, "/qn"], TIMEOUT)
        .unwrap()
        .code;
    assert_eq!(code, 0);
    assert_eq!(display_version(&wine, &two.product_code), None);
    assert_eq!(installed_file(&wine, "Test App"), None);
}

#[test]
fn msiexec_ends_as_the_package_was_built_to_end() {
    let wine = Wine::new().unwrap();
    assert_eq!(install(&wine, &Msi::new("Test App", "1.0.0")), 0);
    let reboots = Msi::new("Test App", "2.0.0").ending(MsiEnd::RebootRequired);
    assert_eq!(install(&wine, &reboots), 3010);
    assert_eq!(
        display_version(&wine, &reboots.product_code).as_deref(),
        Some("2.0.0")
    );
    assert_eq!(installed_file(&wine, "Test App").as_deref(), Some("2.0.0"));
    let refuses = Msi::new("Test App", "3.0.0").ending(MsiEnd::Refuses);
    assert_eq!(install(&wine, &refuses), 1603);
    assert_eq!(display_version(&wine, &refuses.product_code), None);
    assert_eq!(
        display_version(&wine, &reboots.product_code).as_deref(),
        Some("2.0.0")
    );
}

#[test]
fn nsis_installers_install_fail_do_nothing_or_take_their_time_and_note_each_start() {
    let wine = Wine::new().unwrap();
    let folder = WorkDir::new("test").unwrap();
    let run = |nsis: &Nsis| {
        let file = folder.path().join("setup.exe");
        nsis.build(&file).unwrap();
        let file = wine.windows_path(&file).unwrap();
        wine.run(&file, &["/S"], TIMEOUT).unwrap().code
    };
    let starts = |version: &str| {
        wine.installer_starts(RUNS_LOG, &format!("Tool & Co {version}"))
            .unwrap()
    };
    let tool = |version: &str| Nsis::new("Tool & Co", version);
    let version = || display_version(&wine, "Tool & Co");

    assert_eq!(run(&tool("1.0").failing(4242)), 4242);
    assert_eq!((version(), starts("1.0")), (None, 1));
    assert_eq!(run(&tool("1.0").doing_nothing()), 0);
    assert_eq!((version(), starts("1.0")), (None, 2));
    assert_eq!(run(&tool("1.0")), 0);
    assert_eq!((version().as_deref(), starts("1.0")), (Some("1.0"), 3));
    assert_eq!(run(&tool("2.0").exiting_with(3010)), 3010);
    assert_eq!((version().as_deref(), starts("2.0")), (Some("2.0"), 1));
    let publisher = wine
        .registry_value(&format!(r"{UNINSTALL}\Tool & Co"), "Publisher")
        .unwrap();
    assert_eq!(publisher.as_deref(), Some("Fleetmend Test Publisher"));

    // One that takes its time: started, noted, and killed before it installs.
    let file = folder.path().join("slow.exe");
    tool("3.0")
        .taking(Duration::from_mins(10))
        .build(&file)
        .unwrap();
    let running = wine
        .spawn(&wine.windows_path(&file).unwrap(), &["/S"])
        .unwrap();
    fleetmend_e2e::process::wait_until("it notes its start", TIMEOUT, || {
        Ok((starts("3.0") == 1).then_some(()))
    })
    .unwrap();
    drop(running);
    assert_eq!(version().as_deref(), Some("2.0"));
}

#[test]
fn a_restart_forgets_volatile_registry_keys_and_keeps_the_others() {
    let wine = Wine::new().unwrap();
    let kept = r"HKCU\Software\Kept";
    wine.set_registry_value(kept, "some value", "REG_SZ", "stays here")
        .unwrap();
    // The description of the hardware is volatile: it is made anew at each start.
    let hardware = r"HKLM\Hardware\Description\System";
    wine.set_registry_value(hardware, "boot", "REG_DWORD", "7")
        .unwrap();
    assert_eq!(
        wine.registry_value(hardware, "boot").unwrap().as_deref(),
        Some("0x7")
    );

    wine.restart().unwrap();
    assert_eq!(wine.registry_value(hardware, "boot").unwrap(), None);
    assert_eq!(
        wine.registry_value(kept, "some value").unwrap().as_deref(),
        Some("stays here")
    );
    wine.delete_registry_key(kept).unwrap();
    assert_eq!(wine.registry_value(kept, "some value").unwrap(), None);
}

#[test]
fn machines_do_not_see_each_other_and_paths_go_both_ways() {
    let (one, other) = (Wine::new().unwrap(), Wine::new().unwrap());
    one.set_registry_value(r"HKLM\Software\Only", "here", "REG_SZ", "one")
        .unwrap();
    assert_eq!(
        other.registry_value(r"HKLM\Software\Only", "here").unwrap(),
        None
    );
    let inside = one.unix_path(r"c:\WINDOWS\System32\kernel32.dll").unwrap();
    assert!(inside.is_file(), "{inside:?}");
    assert_eq!(
        one.windows_path(&inside).unwrap(),
        r"C:\windows\system32\kernel32.dll"
    );
    assert_eq!(
        one.windows_path("/usr/share/x".as_ref()).unwrap(),
        r"Z:\usr\share\x"
    );
    assert_eq!(
        one.unix_path(r"Z:\usr\share\x").unwrap().to_str(),
        Some("/usr/share/x")
    );
    drop(one);
    assert_eq!(
        other
            .run("cmd", &["/c", "exit 3010"], TIMEOUT)
            .unwrap()
            .code,
        3010
    );
}
