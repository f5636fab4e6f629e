//! What is known of devices, as conditions and the plan ask for it.

use std::collections::HashMap;

use fleetmend_model::device::SystemType;
use fleetmend_model::{DeviceId, GroupId};
use fleetmend_plan::select::{DeviceFacts, Place, Scope, address, groups_of};
use fleetmend_store::device_facts::{self, Facts};
use fleetmend_store::{Tx, devices, units};

use super::groups;

/// What is known of a device.
#[derive(Debug, Clone)]
pub struct Known {
    /// What conditions ask for.
    pub facts: DeviceFacts,
    /// What its agent says that it can do.
    pub abilities: Vec<String>,
}

/// Of these devices, in their order.
pub async fn of(tx: &mut Tx, stored: &[devices::Device]) -> anyhow::Result<Vec<Known>> {
    let ids: Vec<_> = stored.iter().map(|it| it.id).collect();
    let mut places: HashMap<DeviceId, Vec<Place>> = HashMap::new();
    for it in units::places(&mut *tx, Some(&ids)).await? {
        let place = Place {
            tree: it.tree,
            path: it.path,
        };
        places.entry(it.device).or_default().push(place);
    }
    let groups = groups::load(&mut *tx).await?;
    let said = device_facts::of(&mut *tx, &ids).await?;
    let mut said: HashMap<DeviceId, Facts> = said.into_iter().collect();
    let known = stored.iter().map(|device| {
        let units = places.remove(&device.id).unwrap_or_default();
        let said = said.remove(&device.id).unwrap_or_default();
        one(device, said, units, &groups)
    });
    Ok(known.collect())
}

fn one(
    device: &devices::Device,
    said: Facts,
    units: Vec<Place>,
    groups: &[(GroupId, Scope)],
) -> Known {
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
    Known {
        facts,
        abilities: said.abilities,
    }
}
