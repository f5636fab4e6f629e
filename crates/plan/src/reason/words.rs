//! Reasons in the words that administrators read.

use std::fmt;

use fleetmend_model::abilities::Ability;

use super::Reason;
use crate::moment::Moment;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentRemoved => {
                f.write_str("its agent was removed: enrol the machine again to patch it")
            }
            Self::NotMissing => f.write_str("the machine does not lack this patch"),
            Self::JobOpen { job } => write!(f, "deploy job {job} for this patch is not over"),
            Self::Superseded { by } => {
                write!(f, "version {by} of the same package is deployed instead")
            }
            Self::Excluded { on, cause, until } => {
                write!(
                    f,
                    "the package is excluded on {on}{}",
                    until_when(until.as_ref())
                )?;
                because(f, cause)
            }
            Self::Pinned {
                version,
                on,
                cause,
                until,
            } => {
                let until = until_when(until.as_ref());
                write!(f, "the package is pinned at {version} on {on}{until}")?;
                because(f, cause)
            }
            Self::Unconfirmed { job } => write!(
                f,
                "deploy job {job} installed it: the machine's next inventory tells whether the \
                 version changed"
            ),
            Self::Held { cause } => write!(
                f,
                "held on this machine: {cause}. Release, on the page Held Updates, has it offered \
                 again"
            ),
            Self::HeldEverywhere { cause } => write!(
                f,
                "this version is held everywhere: {cause}. Release, on the page Held Updates, has it \
                 offered again"
            ),
            Self::NotApproved { system_type } => {
                write!(
                    f,
                    "not approved for {}: approve the patch first",
                    system_type.label()
                )
            }
            Self::RuleDoesNotCount { rule, policy } => write!(
                f,
                "rule '{rule}' approved it, and policy '{policy}' takes no approvals by rules: \
                 approve the patch, or have the policy take them"
            ),
            Self::Disapproved { system_type } => {
                write!(f, "disapproved for {}", system_type.label())
            }
            Self::NeedsReview { findings } => {
                write!(f, "its install script needs a review: {findings}")
            }
            Self::CannotVerify { cause } => {
                write!(f, "{cause}, so an install could not be verified")
            }
            Self::NeedsChocolatey => f.write_str(
                "its install script can only be run by Chocolatey, and that is not supported yet",
            ),
            Self::NoInstaller => {
                f.write_str("the package has no installer that could be run on the machine")
            }
            Self::Quarantined { cause } => {
                write!(f, "this version is in quarantine: {cause}")
            }
            Self::Withdrawn => f.write_str("its source does not offer this version any more"),
            Self::CannotFetch { cause } => {
                write!(f, "its package cannot be fetched: {cause}")
            }
            Self::NotAnalysed => f.write_str(
                "its package was not fetched and analysed yet: that happens by itself, try later",
            ),
            Self::DownloadFailed { cause } => write!(
                f,
                "its files could not be downloaded: {cause}. Reset Download Count, on the page \
                 Downloads, has it tried again"
            ),
            Self::CannotDeploy { cause } => {
                write!(f, "the machine's agent cannot deploy: {cause}")
            }
            Self::AgentCannot { ability } => f.write_str(without(*ability)),
            _ => self.say_when(f),
        }
    }
}

impl Reason {
    /// Those that time, or other devices, take away.
    fn say_when(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDeploySchedule { policy } => write!(
                f,
                "policy '{policy}' deploys nothing by itself: give it a deploy schedule, or deploy \
                 the patch by hand"
            ),
            Self::RolloutHalted { cause } => {
                write!(f, "its rollout is halted: {cause}. Resume has it go on")
            }
            Self::RuleWaits { rule, until } => {
                write!(f, "not approved yet: rule '{rule}' approves it on {until}")
            }
            Self::CoolingDown {
                days,
                until,
                counted,
            } => {
                let (days, until) = (counted_days(*days), until_when(until.as_ref()));
                write!(f, "in its cool-down of {days}{until}, {counted}")
            }
            Self::RingWaits { ring, at, what } => {
                write!(f, "ring {ring} waits for ring {at}: {what}")
            }
            Self::NotDue { policy, next } => match next {
                Some(next) => write!(f, "policy '{policy}' deploys next on {next}"),
                None => write!(
                    f,
                    "the deploy schedule of policy '{policy}' has no next time"
                ),
            },
            Self::Blackout { days, .. } => f.write_str(days),
            Self::WindowOpens { window, .. } => write!(f, "the next window is {window}"),
            Self::NoWindow { policy } => write!(
                f,
                "no window comes in which it could begin: look at the install windows and blackouts \
                 of policy '{policy}'"
            ),
            Self::CapReached {
                places,
                position,
                of_site,
            } => {
                let place = if *of_site { " behind its master" } else { "" };
                write!(
                    f,
                    "waits for a free place: {places} at once{place}, number {position} in the line"
                )
            }
            _ => Ok(()),
        }
    }
}

fn until_when(until: Option<&Moment>) -> String {
    until.map_or_else(String::new, |until| format!(" until {until}"))
}

/// Adds an administrator's words, if there are any.
fn because(f: &mut fmt::Formatter<'_>, cause: &str) -> fmt::Result {
    match cause.trim() {
        "" => Ok(()),
        cause => write!(f, ": {cause}"),
    }
}

pub(crate) fn counted_days(days: u32) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

fn without(ability: Ability) -> &'static str {
    match ability {
        Ability::Apt => "the machine has no APT, by which alone this is upgraded",
        Ability::Dnf => "the machine has no DNF, by which alone this is upgraded",
        Ability::Zypper => "the machine has no zypper, by which alone this is upgraded",
        Ability::Choco => {
            "Chocolatey is not installed on the machine, and only it can run this package"
        }
        Ability::StartTimes => "its agent is too old to keep to times: update the agent first",
        Ability::Dialogs => "its agent cannot ask whoever is logged on: update the agent first",
        Ability::Scripts => "its agent cannot run the policy's scripts: update the agent first",
        Ability::Restart => "its agent cannot restart the machine: update the agent first",
        Ability::Master => "its agent cannot serve others: update the agent first",
        Ability::Downgrade => {
            "its agent cannot go back to an older version: update the agent first"
        }
    }
}
