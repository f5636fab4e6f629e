//! Inventories of Windows machines as they are in size and shape: a common core, the rest spread
//! over a few thousand titles.

use fleetmend_model::device::{Host, OsFamily};
use fleetmend_model::inventory::{Inventory, Place, Software};

/// Titles in the simulated world.
const TITLES: usize = 3_000;

/// The inventory of device `number` with `count` applications.
pub fn inventory(number: usize, count: usize) -> Inventory {
    let software = (0..count).map(|slot| application(number, slot)).collect();
    Inventory {
        host: Host {
            hostname: format!("lab-{number}"),
            os_family: OsFamily::Windows,
            os_name: "Windows 11 Pro".to_owned(),
            os_version: "10.0.22631".to_owned(),
            architecture: "x86_64".to_owned(),
        },
        software,
        chocolatey: Vec::new(),
        updates: None,
        restart_pending: None,
        cannot_deploy: None,
    }
}

/// A third of a machine's applications are those that all have; the others are picked by its
/// number. Each title is installed in five versions across the fleet.
fn application(number: usize, slot: usize) -> Software {
    let title = if slot.is_multiple_of(3) { slot } else { (number * 31 + slot * 17) % TITLES };
    let version = (number + slot) % 5;
    let code = format!("{{8A5C1F00-0000-4000-8000-{title:08X}{version:04X}}}");
    Software {
        place: if title.is_multiple_of(4) { Place::Machine32 } else { Place::Machine64 },
        key: code.clone(),
        name: format!("Example Application {title} (x64 edition)"),
        version: format!("{}.{version}.{title}.0", title % 20),
        publisher: format!("Example Publisher {} Incorporated", title % 400),
        product_code: title.is_multiple_of(2).then_some(code),
        upgrade_code: None,
    }
}
