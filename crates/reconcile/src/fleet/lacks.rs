//! What all devices lack of one package, by operations on sets of devices. The same as the decision for
//! one device, which stands at [`crate::device`].

use fleetmend_model::patch::Evidence;
use roaring::{MultiOps as _, RoaringBitmap};

use super::Lacking;
use crate::device::{Older, Says, better};

type Rows<'d> = Vec<(Older<'d>, &'d RoaringBitmap)>;

/// From what each application and each record of the package says, and the devices that have it.
pub(super) fn lacking<'d>(
    applications: impl Iterator<Item = (Says<'d>, &'d RoaringBitmap)>,
    records: impl Iterator<Item = (Says<'d>, &'d RoaringBitmap)>,
) -> Vec<Lacking<'d>> {
    let (mut registered, mut recorded) = (Rows::new(), Rows::new());
    let (mut no_more, mut denied, mut current) = (Vec::new(), Vec::new(), Vec::new());
    for (says, devices) in applications {
        match says {
            Says::Nothing => {}
            Says::LacksNothing => no_more.push(devices),
            Says::Denied => denied.push(devices),
            Says::Lacks(older) => registered.push((older, devices)),
        }
    }
    for (says, devices) in records {
        match says {
            Says::Nothing | Says::Denied => {}
            Says::LacksNothing => current.push(devices),
            Says::Lacks(older) => recorded.push((older, devices)),
        }
    }
    if registered.is_empty() && recorded.is_empty() {
        return Vec::new();
    }
    for older in [&mut registered, &mut recorded] {
        older.sort_by(|a, b| better(&b.0, &a.0));
    }
    let current = current.union();
    let mut nothing = no_more.union();
    nothing |= denied.union() - registered.iter().map(|it| it.1).union();
    let mut found = Vec::new();
    // Chocolatey's own record comes first.
    let mut done = &nothing | &current;
    let mut by_record = RoaringBitmap::new();
    for (older, devices) in recorded {
        let devices = devices - &done;
        done |= &devices;
        by_record |= &devices;
        found.push(Lacking { older, devices });
    }
    let mut done = nothing | by_record;
    for (older, devices) in registered {
        let mut devices = devices - &done;
        done |= &devices;
        // Chocolatey installed the version on offer: only proof that an older one is there now,
        // put there by something else, says otherwise.
        if older.evidence != Evidence::ProductCode {
            devices -= &current;
        }
        found.push(Lacking { older, devices });
    }
    found.retain(|it| !it.devices.is_empty());
    found
}
