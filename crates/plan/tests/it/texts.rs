//! Every reason, in its words and in its rank.

use fleetmend_model::DeployJobId;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;
use fleetmend_plan::{Hold, Readiness};
use insta::assert_snapshot;

use crate::asked::{Device, device, plan};

#[test]
fn every_device_has_its_line_and_its_reason() {
    let devices = vec![
        device(1, "zeta"),
        device(3, "alpha"),
        device(2, "alpha"),
        Device {
            approval: Approval::NotApproved,
            ..device(4, "b-not-approved")
        },
        Device {
            approval: Approval::Disapproved,
            system_type: SystemType::Critical,
            ..device(5, "c-disapproved")
        },
        Device {
            is_missing: false,
            ..device(6, "d-not-missing")
        },
        Device {
            open_job: Some(DeployJobId(77)),
            ..device(7, "e-job-open")
        },
        Device {
            cannot_deploy: Some("the agent does not run as root".to_owned()),
            ..device(8, "f-no-root")
        },
        Device {
            is_removed: true,
            ..device(9, "g-removed")
        },
        device(10, "h\nodd\u{1b}[31m name"),
        Device {
            hold: Some(Hold::Unconfirmed {
                job: DeployJobId(78),
            }),
            ..device(11, "i-just-installed")
        },
        Device {
            hold: Some(Hold::Device {
                cause: "deploy job 79 installed it; version 23 is still there".to_owned(),
            }),
            ..device(12, "j-held")
        },
        Device {
            hold: Some(Hold::Everywhere {
                cause: "it was in vain on 3 machines".to_owned(),
            }),
            ..device(13, "k-held-everywhere")
        },
    ];
    assert_snapshot!(plan(Readiness::Ready, &devices).to_text(), @r#"
    7-Zip 24.9.0: 4 of 13 machines
    + alpha (device 2): deploy
    + alpha (device 3): deploy
    - b-not-approved (device 4): not approved for Normal Systems: approve the patch first
    - c-disapproved (device 5): disapproved for Critical Systems
    - d-not-missing (device 6): the machine does not lack this patch
    - e-job-open (device 7): deploy job 77 for this patch is not over
    - f-no-root (device 8): the machine's agent cannot deploy: the agent does not run as root
    - g-removed (device 9): its agent was removed: enrol the machine again to patch it
    + h\nodd\u{1b}[31m name (device 10): deploy
    - i-just-installed (device 11): deploy job 78 installed it: the machine's next inventory tells whether the version changed
    - j-held (device 12): held on this machine: deploy job 79 installed it; version 23 is still there. Release, on the page Held Updates, has it offered again
    - k-held-everywhere (device 13): this version is held everywhere: it was in vain on 3 machines. Release, on the page Held Updates, has it offered again
    + zeta (device 1): deploy
    "#);
}

#[test]
fn a_release_that_is_not_ready_runs_nowhere_and_says_why() {
    let cases = [
        Readiness::NeedsReview {
            findings: "line 4: an unknown command, Stop-Thing".to_owned(),
        },
        Readiness::CannotVerify {
            cause: "it does not say under which name its software is installed".to_owned(),
        },
        Readiness::NeedsChocolatey,
        Readiness::NoInstaller,
        Readiness::Quarantined {
            cause: "setup.exe is not what the package says".to_owned(),
        },
        Readiness::Withdrawn,
        Readiness::CannotFetch {
            cause: "https://feed.example/tool.nupkg answered 404".to_owned(),
        },
        Readiness::NotAnalysed,
        Readiness::DownloadFailed {
            cause: "cannot reach it".to_owned(),
        },
    ];
    let text: String = cases
        .into_iter()
        .map(|readiness| plan(readiness, &[device(1, "alpha")]).to_text())
        .collect();
    assert_snapshot!(text, @r#"
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its install script needs a review: line 4: an unknown command, Stop-Thing
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): it does not say under which name its software is installed, so an install could not be verified
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its install script can only be run by Chocolatey, and that is not supported yet
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): the package has no installer that could be run on the machine
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): this version is in quarantine: setup.exe is not what the package says
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its source does not offer this version any more
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its package cannot be fetched: https://feed.example/tool.nupkg answered 404
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its package was not fetched and analysed yet: that happens by itself, try later
    7-Zip 24.9.0: 0 of 1 machines
    - alpha (device 1): its files could not be downloaded: cannot reach it. Reset Download Count, on the page Downloads, has it tried again
    "#);
}

#[test]
fn what_needs_no_action_is_named_before_what_does() {
    // Everything is in the way at once; each line takes away the first thing.
    let mut all = Device {
        is_removed: true,
        is_missing: false,
        open_job: Some(DeployJobId(77)),
        hold: Some(Hold::Device {
            cause: "no change".to_owned(),
        }),
        approval: Approval::NotApproved,
        cannot_deploy: Some("no root".to_owned()),
        ..device(1, "alpha")
    };
    let mut text = String::new();
    let mut look = |device: &Device, readiness: Readiness| {
        text += plan(readiness, std::slice::from_ref(device))
            .to_text()
            .lines()
            .nth(1)
            .unwrap();
        text += "\n";
    };
    look(&all, Readiness::NeedsChocolatey);
    all.is_removed = false;
    look(&all, Readiness::NeedsChocolatey);
    all.is_missing = true;
    look(&all, Readiness::NeedsChocolatey);
    all.open_job = None;
    look(&all, Readiness::NeedsChocolatey);
    all.hold = None;
    look(&all, Readiness::NeedsChocolatey);
    all.approval = Approval::Approved;
    look(&all, Readiness::NeedsChocolatey);
    look(&all, Readiness::Ready);
    all.cannot_deploy = None;
    look(&all, Readiness::Ready);
    assert_snapshot!(text, @r#"
    - alpha (device 1): its agent was removed: enrol the machine again to patch it
    - alpha (device 1): the machine does not lack this patch
    - alpha (device 1): deploy job 77 for this patch is not over
    - alpha (device 1): held on this machine: no change. Release, on the page Held Updates, has it offered again
    - alpha (device 1): not approved for Normal Systems: approve the patch first
    - alpha (device 1): its install script can only be run by Chocolatey, and that is not supported yet
    - alpha (device 1): the machine's agent cannot deploy: no root
    + alpha (device 1): deploy
    "#);
}
