//! Detection on this machine.

use fleetmend_model::detection::{Detected, detect};
use fleetmend_model::inventory::{Part, Unread};
use fleetmend_model::release::Action;
use fleetmend_trust::{Order, Verified};

use crate::core::Look;
use crate::platform::{Installed, Platform};

/// Looks what is there of a release.
pub(crate) fn look(platform: &dyn Platform, order: &Verified<Order>) -> Result<Look, String> {
    let installed = platform.software().map_err(|error| error.to_string())?;
    Ok(Look {
        found: found(&order.release().action, &installed)?,
        restart_pending: platform.restart_pending().is_some(),
    })
}

/// What is there of a release. What was not found where the machine's applications were not all read may be
/// there all the same: that is an error. Users' hives are never all read.
fn found(action: &Action, installed: &Installed) -> Result<Detected, String> {
    let found = detect(action, &installed.software);
    let is_machines = |it: &&Unread| matches!(it.part, Part::Machine64 | Part::Machine32);
    let Some(unread) = installed.unread.iter().find(is_machines) else {
        return Ok(found);
    };
    if found != Detected::Absent {
        return Ok(found);
    }
    let (what, key) = (unread.part.label(), &unread.key);
    let which = if key.is_empty() { "all" } else { key };
    Err(format!(
        "the software was not found, but of the {what} the agent could not read {which}: {}",
        unread.cause
    ))
}

#[cfg(test)]
mod tests {
    use fleetmend_model::detection::Detection;
    use fleetmend_model::inventory::{Place, Software};
    use fleetmend_model::recipe::InstallerKind;
    use fleetmend_model::release::RunInstaller;

    use super::*;

    fn app(version: &str) -> Software {
        Software {
            place: Place::Machine64,
            key: "app".to_owned(),
            name: "App".to_owned(),
            version: version.to_owned(),
            publisher: String::new(),
            product_code: None,
            upgrade_code: None,
        }
    }

    /// What detection says of App 2 where these were found and this part was not all read.
    fn found_of(software: &[Software], unread: Option<(Part, &str)>) -> Result<Detected, String> {
        let action = Action::RunInstaller(RunInstaller {
            kind: InstallerKind::Exe,
            files: Vec::new(),
            arguments: String::new(),
            exit_codes: vec![0],
            detection: Detection {
                names: vec!["App".to_owned()],
                display_version: "2".to_owned(),
                ..Detection::default()
            },
        });
        let unread = unread.map(|(part, key)| Unread {
            part,
            user: String::new(),
            key: key.to_owned(),
            cause: "access denied".to_owned(),
        });
        let installed = Installed {
            software: software.to_vec(),
            unread: unread.into_iter().collect(),
        };
        found(&action, &installed)
    }

    #[test]
    fn software_is_absent_only_where_the_machines_applications_were_all_read() {
        assert_eq!(found_of(&[], None), Ok(Detected::Absent));
        let of_user = Some((Part::User, ""));
        assert_eq!(found_of(&[], of_user), Ok(Detected::Absent));
        let cause = found_of(&[], Some((Part::Machine32, "App_is1"))).unwrap_err();
        let expected = "the software was not found, but of the 32-bit applications of the machine the \
                        agent could not read App_is1: access denied";
        assert_eq!(cause, expected);
        let cause = found_of(&[], Some((Part::Machine64, ""))).unwrap_err();
        assert!(
            cause.ends_with("could not read all: access denied"),
            "{cause}"
        );
    }

    #[test]
    fn software_that_was_found_counts_whatever_was_not_read() {
        let unread = Some((Part::Machine64, ""));
        for (version, is_installed) in [("1", false), ("2", true)] {
            let found = found_of(&[app(version)], unread).unwrap();
            let version = version.to_owned();
            let expected = if is_installed {
                Detected::Installed { version }
            } else {
                Detected::Older { version }
            };
            assert_eq!(found, expected);
        }
    }
}
