//! Whether Windows waits for a restart.

use windows_registry::LOCAL_MACHINE;

use super::registry::{has_texts, open};

/// Keys that are there while a restart is due. Source: Component Based Servicing and the Windows
/// Update agent, as the Configuration Manager client reads them.
const KEYS: [(&str, &str); 2] = [
    (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
        "Windows has a component to finish installing",
    ),
    (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
        "Windows Update has an update to finish installing",
    ),
];
const SESSION_MANAGER: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager";

/// Why a restart is due, in words.
pub(super) fn pending() -> Option<String> {
    let mut causes: Vec<&str> = KEYS
        .iter()
        .filter(|(path, _)| open(LOCAL_MACHINE, path).is_some())
        .map(|(_, cause)| *cause)
        .collect();
    let renames = [
        "PendingFileRenameOperations",
        "PendingFileRenameOperations2",
    ];
    if let Some(key) = open(LOCAL_MACHINE, SESSION_MANAGER)
        && renames.iter().any(|name| has_texts(&key, name))
    {
        causes.push("files in use are to be replaced at the next start");
    }
    (!causes.is_empty()).then(|| causes.join("; "))
}
