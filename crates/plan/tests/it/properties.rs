//! What holds for every plan.

use std::collections::{BTreeMap, BTreeSet};

use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_model::{DeployJobId, DeviceId};
use fleetmend_plan::{Decision, Hold, Readiness};
use proptest::collection::btree_map;
use proptest::prelude::*;

use crate::asked::{Device, plan};

fn hold() -> impl Strategy<Value = Hold> {
    prop_oneof![
        Just(Hold::Unconfirmed {
            job: DeployJobId(6)
        }),
        ".{0,6}".prop_map(|cause| Hold::Device { cause }),
        ".{0,6}".prop_map(|cause| Hold::Everywhere { cause }),
    ]
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    let one = (
        "\\PC{0,6}",
        prop::sample::select(SystemType::ALL.to_vec()),
        prop::sample::select(Approval::ALL.to_vec()),
        prop::bool::weighted(0.8),
        prop::option::weighted(0.2, Just(DeployJobId(5))),
        prop::option::weighted(0.2, hold()),
        prop::option::weighted(0.2, ".{0,6}"),
        prop::bool::weighted(0.1),
    );
    btree_map(any::<i64>(), one, 0..20).prop_map(|rows| {
        rows.into_iter()
            .map(
                |(
                    id,
                    (hostname, system_type, approval, is_missing, open_job, hold, cannot, removed),
                )| {
                    Device {
                        id: DeviceId(id),
                        hostname,
                        system_type,
                        approval,
                        is_missing,
                        open_job,
                        hold,
                        cannot_deploy: cannot,
                        is_removed: removed,
                    }
                },
            )
            .collect()
    })
}

fn readiness() -> impl Strategy<Value = Readiness> {
    prop_oneof![
        4 => Just(Readiness::Ready),
        1 => ".{0,6}".prop_map(|findings| Readiness::NeedsReview { findings }),
        1 => ".{0,6}".prop_map(|cause| Readiness::CannotVerify { cause }),
        1 => ".{0,6}".prop_map(|cause| Readiness::DownloadFailed { cause }),
        1 => ".{0,6}".prop_map(|cause| Readiness::CannotFetch { cause }),
        1 => Just(Readiness::NeedsChocolatey),
        1 => Just(Readiness::NoInstaller),
        1 => Just(Readiness::Withdrawn),
        1 => ".{0,6}".prop_map(|cause| Readiness::Quarantined { cause }),
        1 => Just(Readiness::NotAnalysed),
    ]
}

proptest! {
    #[test]
    fn every_device_appears_exactly_once_and_the_order_given_does_not_count(
        readiness in readiness(),
        devices in devices(),
    ) {
        let made = plan(readiness.clone(), &devices);
        let ids: BTreeSet<DeviceId> = made.entries.iter().map(|entry| entry.device).collect();
        prop_assert_eq!(made.entries.len(), devices.len());
        prop_assert_eq!(ids, devices.iter().map(|device| device.id).collect::<BTreeSet<_>>());
        prop_assert_eq!(made.to_text().lines().count(), 1 + devices.len());

        let reversed: Vec<_> = devices.into_iter().rev().collect();
        prop_assert_eq!(made, plan(readiness, &reversed));
    }

    #[test]
    fn a_patch_is_deployed_exactly_where_nothing_is_in_the_way(
        readiness in readiness(),
        devices in devices(),
    ) {
        let is_ready = readiness == Readiness::Ready;
        let by_id: BTreeMap<DeviceId, Device> =
            devices.iter().map(|device| (device.id, device.clone())).collect();
        for entry in plan(readiness, &devices).entries {
            let device = &by_id[&entry.device];
            let may = is_ready
                && device.approval == Approval::Approved
                && device.is_missing
                && device.open_job.is_none()
                && device.hold.is_none()
                && device.cannot_deploy.is_none()
                && !device.is_removed;
            prop_assert_eq!(entry.decision.start().is_some(), may);
            if let Decision::Not(reason) = entry.decision {
                prop_assert!(!reason.to_string().is_empty());
            }
        }
    }
}
