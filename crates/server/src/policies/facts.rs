//! What is known of all devices, as conditions ask for it.

use std::collections::HashMap;

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, GroupId};
use fleetmend_plan::select::{DeviceFacts, Place, Scope, address, groups_of};
use fleetmend_store::device_facts::{self, Facts};
use fleetmend_store::{Db, devices, units};

use super::groups;

/// Of these devices, in their order.
pub async fn of_all(db: &Db, stored: &[devices::Device]) -> anyhow::Result<Vec<DeviceFacts>> {
    let mut places: HashMap<DeviceId, Vec<Place>> = HashMap::new();
    for it in units::places(db, None).await? {
        let place = Place {
            tree: it.tree,
            path: it.path,
        };
        places.entry(it.device).or_default().push(place);
    }
    let groups = groups::load(db).await?;
    let said = device_facts::all(db).await?;
    let mut said: HashMap<DeviceId, Facts> = said.into_iter().collect();
    let facts = stored.iter().map(|device| {
        let units = places.remove(&device.id).unwrap_or_default();
        let said = said.remove(&device.id).unwrap_or_default();
        of(device, said, units, &groups)
    });
    Ok(facts.collect())
}

fn of(
    device: &devices::Device,
    said: Facts,
    units: Vec<Place>,
    groups: &[(GroupId, Scope)],
) -> DeviceFacts {
    let addresses = |texts: &[String]| texts.iter().filter_map(|it| address(it)).collect();
    let mut facts = DeviceFacts {
        id: device.id,
        hostname: device.host.hostname.clone(),
        os_family: device.host.os_family,
        os_name: device.host.os_name.clone(),
        // A policy's own word must not decide which policy a device has.
        system_type: if device.is_system_type_set {
            device.system_type
        } else {
            SystemType::Normal
        },
        addresses: addresses(&said.network.addresses),
        gateways: addresses(&said.network.gateways),
        time_zone: said.time_zone,
        units,
        groups: Vec::new(),
        master: None,
    };
    facts.groups = groups_of(groups.iter().map(|(id, scope)| (*id, scope)), &facts);
    facts
}
