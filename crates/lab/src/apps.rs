//! Inventories of Windows machines as they are in size and shape: a common core, the rest spread
//! over a few thousand titles.

use std::path::Path;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::device::{Host, OsFamily};
use fleetmend_model::inventory::{Hive, Inventory, Part, Place, Software, Unread};

/// Titles in the simulated world.
const TITLES: usize = 3_000;
/// Packages for every sixth title.
pub const PACKAGES: usize = TITLES.div_ceil(6);

/// Applications of a partial inventory that are users' own.
const USERS_OWN: usize = 3;

/// The inventory of device `number` with `count` applications.
pub fn inventory(number: usize, count: usize) -> Inventory {
    let software = (0..count).map(|slot| application(number, slot)).collect();
    Inventory {
        host: host(&format!("lab-{number}")),
        software,
        chocolatey: Vec::new(),
        updates: None,
        restart_pending: None,
        cannot_deploy: None,
        hives: Vec::new(),
        unread: Vec::new(),
    }
}

/// The same of a scan that did not read the hives of the users who are not logged on.
pub fn partial_inventory(number: usize, count: usize) -> Inventory {
    let unread = |user: usize| Unread {
        part: Part::User,
        user: format!("S-1-5-21-1-2-3-{user}"),
        key: String::new(),
        cause: "the user is not logged on".to_owned(),
    };
    let mut inventory = inventory(number, count);
    for (index, row) in inventory.software.iter_mut().enumerate().take(USERS_OWN) {
        row.place = Place::User;
        inventory.hives.push(Hive {
            user: format!("S-1-5-21-1-2-3-{}", 1_000 + (number + index) % 5),
            software: vec![index as u32],
        });
    }
    let read: Vec<_> = inventory.hives.iter().map(|it| it.user.clone()).collect();
    let users = (1_000..1_005).map(unread);
    inventory.unread = users.filter(|it| !read.contains(&it.user)).collect();
    inventory
}

/// The machine of a device.
pub fn host(hostname: &str) -> Host {
    Host {
        hostname: hostname.to_owned(),
        os_family: OsFamily::Windows,
        os_name: "Windows 11 Pro".to_owned(),
        os_version: "10.0.22631".to_owned(),
        architecture: "x86_64".to_owned(),
    }
}

/// An inventory that has every sixth title, so that all packages are ones that a device may have.
pub fn all_titles(number: usize) -> Inventory {
    let mut inventory = inventory(number, 0);
    inventory.software = (0..TITLES)
        .step_by(6)
        .map(|title| software(title, number % 5))
        .collect();
    inventory
}

/// Packages for every sixth title, in a version that no device has.
pub fn write_packages(folder: &Path, count: usize) -> anyhow::Result<()> {
    for number in 0..count.min(PACKAGES) {
        package(number, "99.0.0").build_into(folder)?;
    }
    Ok(())
}

/// The id of a package.
pub fn package_id(number: usize) -> String {
    format!("example-{}", number * 6)
}

/// A package for the title whose turn it is among every sixth.
pub fn package(number: usize, version: &str) -> Nupkg {
    let title = number * 6;
    let script = format!(
        "$packageArgs = @{{\n  packageName = 'example-{title}'\n  fileType = 'exe'\n  \
         url = 'https://example.invalid/{title}.exe'\n  checksum = '{title:064x}'\n  \
         checksumType = 'sha256'\n  silentArgs = '/S'\n  \
         softwareName = 'Example Application {title} (*'\n}}\n\
         Install-ChocolateyPackage @packageArgs\n"
    );
    Nupkg::new(&package_id(number), version)
        .title(&format!("Example Application {title}"))
        .install_script(&script)
}

/// A third of a machine's applications are those that all have; the others are picked by its
/// number. Each title is installed in five versions across the fleet.
fn application(number: usize, slot: usize) -> Software {
    let title = if slot.is_multiple_of(3) {
        slot
    } else {
        (number * 31 + slot * 17) % TITLES
    };
    software(title, (number + slot) % 5)
}

fn software(title: usize, version: usize) -> Software {
    let code = format!("{{8A5C1F00-0000-4000-8000-{title:08X}{version:04X}}}");
    Software {
        place: if title.is_multiple_of(4) {
            Place::Machine32
        } else {
            Place::Machine64
        },
        key: code.clone(),
        name: format!("Example Application {title} (x64 edition)"),
        version: format!("{}.{version}.{title}.0", title % 20),
        publisher: format!("Example Publisher {} Incorporated", title % 400),
        product_code: title.is_multiple_of(2).then_some(code),
        upgrade_code: None,
    }
}
