//! The machine's name and system.

use fleetmend_model::device::{Host, OsFamily};
use windows_registry::LOCAL_MACHINE;

use super::registry::{number, open, text};
use super::zones;

const SYSTEM: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const NAME: &str = r"SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName";
/// The machine's own environment: also under emulation it names the true processor.
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const TIME_ZONE: &str = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
/// The first build of Windows 11, whose `ProductName` goes on saying 'Windows 10'.
const FIRST_BUILD_OF_11: u32 = 22_000;

/// The machine as the registry describes it.
pub(super) fn host() -> Host {
    let value = |path: &str, name: &str| open(LOCAL_MACHINE, path).and_then(|it| text(&it, name));
    let hostname = value(NAME, "ComputerName")
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_else(|| "unknown".to_owned());
    let (os_name, os_version) = system();
    let architecture = match value(ENVIRONMENT, "PROCESSOR_ARCHITECTURE").as_deref() {
        Some("AMD64") => "x86_64",
        Some("ARM64") => "aarch64",
        Some("x86") => "x86",
        _ => std::env::consts::ARCH,
    };
    Host {
        hostname,
        os_family: OsFamily::Windows,
        os_name,
        os_version,
        architecture: architecture.to_owned(),
    }
}

/// The machine's time zone by its IANA name.
pub(super) fn time_zone() -> Option<String> {
    let key = open(LOCAL_MACHINE, TIME_ZONE)?;
    let name = text(&key, "TimeZoneKeyName")?;
    zones::iana(&name).map(str::to_owned)
}

/// Product name and version, e.g. `Windows 11 Pro` and `10.0.22631`.
fn system() -> (String, String) {
    let Some(key) = open(LOCAL_MACHINE, SYSTEM) else {
        return ("Windows".to_owned(), String::new());
    };
    let mut name = text(&key, "ProductName").unwrap_or_else(|| "Windows".to_owned());
    if name.starts_with("Microsoft ") {
        name.drain(.."Microsoft ".len());
    }
    let build = text(&key, "CurrentBuildNumber").unwrap_or_default();
    if build
        .parse::<u32>()
        .is_ok_and(|build| build >= FIRST_BUILD_OF_11)
        && let Some(edition) = name.strip_prefix("Windows 10")
    {
        name = format!("Windows 11{edition}");
    }
    let numbers = (
        number(&key, "CurrentMajorVersionNumber"),
        number(&key, "CurrentMinorVersionNumber"),
    );
    let version = match numbers {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        // Before Windows 10.
        _ => text(&key, "CurrentVersion").unwrap_or_default(),
    };
    let version = [version, build]
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>();
    (name, version.join("."))
}
