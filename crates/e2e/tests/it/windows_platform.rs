//! The agent's Windows part against real installers, registry and service manager.

use std::path::PathBuf;
use std::time::Duration;

use fleetmend_e2e::msi::Msi;
use fleetmend_e2e::nsis::Nsis;
use fleetmend_e2e::wine::{WindowsOutput, Wine};
use fleetmend_e2e::work_dir::WorkDir;

const TIMEOUT: Duration = Duration::from_mins(2);
const UNINSTALL: &str = r"Software\Microsoft\Windows\CurrentVersion\Uninstall";
const DATA: &str = r"C:\ProgramData\Fleetmend Test\agent";

/// The agent's program, which xtask built and names.
fn agent_exe() -> PathBuf {
    std::env::var_os("FLEETMEND_AGENT_EXE")
        .expect("FLEETMEND_AGENT_EXE names no program: run the tests by `cargo xtask test`")
        .into()
}

/// Puts the agent on the machine, and gives its Windows path.
fn place_agent(wine: &Wine) -> String {
    let path = r"C:\fleetmend-test\fleetmend-agent.exe";
    std::fs::copy(agent_exe(), wine.unix_path(path).unwrap()).unwrap();
    path.to_owned()
}

fn run_agent(wine: &Wine, arguments: &[&str]) -> WindowsOutput {
    wine.run(&place_agent(wine), arguments, TIMEOUT).unwrap()
}

/// The rows of an inventory, each as `place key name version publisher product upgrade`.
fn inventory(wine: &Wine) -> Vec<String> {
    let output = run_agent(wine, &["inventory", "--installed-only", "--data", DATA]);
    assert_eq!(output.code, 0, "{output:?}");
    let rows: Vec<serde_json::Value> = serde_json::from_str(output.stdout.trim()).unwrap();
    let fields = [
        "place",
        "key",
        "name",
        "version",
        "publisher",
        "product_code",
        "upgrade_code",
    ];
    rows.iter()
        .map(|row| {
            fields
                .map(|name| row[name].as_str().unwrap_or("-"))
                .join("|")
        })
        .collect()
}

#[test]
fn the_inventory_lists_what_is_installed_and_nothing_hidden() {
    let wine = Wine::new().unwrap();
    assert_eq!(inventory(&wine), [""; 0]);

    let folder = WorkDir::new("test").unwrap();
    let msi = Msi::new("Test App", "1.0.0");
    let (package, setup) = (
        folder.path().join("package.msi"),
        folder.path().join("setup.exe"),
    );
    msi.build(&package).unwrap();
    Nsis::new("Tool & Co", "2.5").build(&setup).unwrap();
    let package = wine.windows_path(&package).unwrap();
    let installed = wine
        .run("msiexec", &["/i", &package, "/qn"], TIMEOUT)
        .unwrap();
    assert_eq!(installed.code, 0);
    let setup = wine.windows_path(&setup).unwrap();
    assert_eq!(wine.run(&setup, &["/S"], TIMEOUT).unwrap().code, 0);

    let entry = |hive: &str, key: &str, values: &[(&str, &str, &str)]| {
        for (name, kind, data) in values {
            wine.set_registry_value(&format!(r"{hive}\{key}"), name, kind, data)
                .unwrap();
        }
    };
    let machine = format!(r"HKLM\{UNINSTALL}");
    let machine_32 = format!(
        r"HKLM\{}",
        UNINSTALL.replacen(r"Software\", r"Software\WOW6432Node\", 1)
    );
    let user = format!(r"HKCU\{UNINSTALL}");
    let named = ("DisplayName", "REG_SZ", "Hidden");
    entry(&machine, "no name", &[("DisplayVersion", "REG_SZ", "1")]);
    entry(
        &machine,
        "component",
        &[named, ("SystemComponent", "REG_DWORD", "1")],
    );
    entry(
        &machine,
        "child",
        &[named, ("ParentKeyName", "REG_SZ", "Office")],
    );
    entry(
        &machine,
        "update",
        &[named, ("ReleaseType", "REG_SZ", "Security Update")],
    );
    entry(
        &machine,
        "number as name",
        &[("DisplayName", "REG_DWORD", "7")],
    );
    entry(
        &machine_32,
        "Old",
        &[
            ("DisplayName", "REG_SZ", "  Old App "),
            ("SystemComponent", "REG_DWORD", "0"),
        ],
    );
    entry(
        &user,
        "Mine_is1",
        &[
            ("DisplayName", "REG_SZ", "Größe"),
            ("DisplayVersion", "REG_SZ", "3"),
        ],
    );

    assert_eq!(
        inventory(&wine),
        [
            "machine64|Tool & Co|Tool & Co|2.5|Fleetmend Test Publisher|-|-".to_owned(),
            format!(
                "machine64|{0}|Test App|1.0.0|{1}|{0}|{2}",
                msi.product_code, msi.manufacturer, msi.upgrade_code
            ),
            "machine32|Old|Old App|||-|-".to_owned(),
            "user|Mine_is1|Größe|3||-|-".to_owned(),
        ]
    );
}

#[test]
fn a_scan_tells_whose_applications_are_and_which_users_are_not_logged_on() {
    let wine = Wine::new().unwrap();
    let set = |key: &str, name: &str, data: &str| {
        wine.set_registry_value(key, name, "REG_SZ", data).unwrap();
    };
    set(&format!(r"HKCU\{UNINSTALL}\Mine"), "DisplayName", "Mine");
    let anna = "S-1-5-21-1-2-3-1001";
    let profiles = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    set(
        &format!(r"{profiles}\{anna}"),
        "ProfileImagePath",
        r"C:\Users\anna",
    );
    let chocolatey = wine.unix_path(r"C:\ProgramData\chocolatey").unwrap();
    std::fs::create_dir_all(&chocolatey).unwrap();
    std::fs::write(chocolatey.join("choco.exe"), "").unwrap();

    let output = run_agent(&wine, &["inventory", "--data", DATA]);
    assert_eq!(output.code, 0, "{output:?}");
    let found: serde_json::Value = serde_json::from_str(output.stdout.trim()).unwrap();
    let hives = found["hives"].as_array().unwrap();
    let mine = hives
        .iter()
        .find(|it| it["software"] == serde_json::json!([0]));
    let mine = mine.unwrap()["user"].as_str().unwrap();
    assert!(mine.starts_with("S-1-5-21-"), "{mine}");
    assert!(hives.iter().all(|it| it["user"] != anna), "{hives:?}");
    let unread: Vec<_> = found["unread"].as_array().unwrap().iter().collect();
    let [user, lib] = unread[..] else {
        panic!("{unread:?}")
    };
    assert_eq!(
        (&user["part"], &user["user"]),
        (&"user".into(), &anna.into())
    );
    let cause = "user anna is not logged on, and the hive is not loaded";
    assert_eq!(user["cause"], cause);
    assert_eq!(lib["part"], "chocolatey");
}

#[test]
fn a_scan_knows_the_system_chocolateys_records_and_a_pending_restart() {
    let wine = Wine::new().unwrap();
    let scan = || {
        let output = run_agent(&wine, &["inventory", "--data", DATA]);
        assert_eq!(output.code, 0, "{output:?}");
        serde_json::from_str::<serde_json::Value>(output.stdout.trim()).unwrap()
    };
    let fresh = scan();
    assert_eq!(fresh["host"]["os_family"], "windows");
    assert_eq!(fresh["host"]["architecture"], "x86_64");
    assert!(
        fresh["host"]["os_name"]
            .as_str()
            .unwrap()
            .starts_with("Windows "),
        "{fresh}"
    );
    assert!(
        fresh["host"]["os_version"]
            .as_str()
            .unwrap()
            .split('.')
            .count()
            >= 3,
        "{fresh}"
    );
    assert_eq!(fresh["chocolatey"], serde_json::json!([]));
    for absent in ["restart_pending", "cannot_deploy", "updates"] {
        assert!(fresh[absent].is_null(), "{absent} in {fresh}");
    }

    let package = wine
        .unix_path(r"C:\ProgramData\chocolatey\lib\tool.install")
        .unwrap();
    std::fs::create_dir_all(&package).unwrap();
    let nuspec =
        "<package><metadata><id>tool.install</id><version>2.5</version></metadata></package>";
    std::fs::write(package.join("tool.install.nuspec"), nuspec).unwrap();
    let windows_update =
        r"HKLM\Software\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired";
    wine.set_registry_value(windows_update, "x", "REG_DWORD", "1")
        .unwrap();
    let later = scan();
    assert_eq!(
        later["chocolatey"],
        serde_json::json!([{ "id": "tool.install", "version": "2.5" }])
    );
    let cause = later["restart_pending"].as_str().unwrap();
    assert!(cause.contains("Windows Update"), "{cause}");
}

#[test]
fn a_service_that_cannot_run_says_why_and_is_removed_again() {
    let wine = Wine::new().unwrap();
    let service = r"HKLM\System\CurrentControlSet\Services\FleetmendAgent";
    let installed = run_agent(&wine, &["install-service", "--data", DATA]);
    assert_ne!(installed.code, 0, "it is not enrolled: {installed:?}");
    assert!(installed.stderr.contains("agent.log"), "{installed:?}");
    let log = wine.unix_path(&format!(r"{DATA}\agent.log")).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("not enrolled"), "{log}");
    let command = wine.registry_value(service, "ImagePath").unwrap().unwrap();
    // Of the program that was started, which lies where its user may write, a copy is the service's.
    let place = r"C:\Program Files\Fleetmend\fleetmend-agent.exe";
    assert_eq!(command, format!("\"{place}\" service --data \"{DATA}\""));
    let copy = wine.unix_path(place).unwrap();
    assert_eq!(
        std::fs::read(&copy).unwrap(),
        std::fs::read(agent_exe()).unwrap()
    );
    assert_eq!(
        wine.registry_value(service, "Start").unwrap().as_deref(),
        Some("0x2")
    );

    let removed = run_agent(&wine, &["uninstall-service"]);
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(wine.registry_value(service, "ImagePath").unwrap(), None);
    assert!(!copy.exists());
    let again = run_agent(&wine, &["uninstall-service"]);
    assert_eq!(again.code, 0, "{again:?}");
}
