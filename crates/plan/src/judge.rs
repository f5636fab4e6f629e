//! The one order of reasons why a patch does not run on a device.
//!
//! What is in the way is said in the order in which it is worth knowing. First that for which nothing is to
//! be done; then what a person decided or has to decide; then what must be prepared; then what the machine
//! lacks; and last what time or other devices take away ([`crate::night`] looks at that). Whoever takes the
//! first thing away sees the next.

use fleetmend_model::DeployJobId;
use fleetmend_model::abilities::Ability;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::Approval;

use crate::input::{Hold, Readiness};
use crate::reason::Reason;

/// All that bears on one patch on one device, but for time.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) is_removed: bool,
    pub(crate) is_missing: bool,
    pub(crate) open_job: Option<DeployJobId>,
    /// The newer version that is deployed instead.
    pub(crate) superseded_by: Option<&'a str>,
    /// What an administrator's pin says.
    pub(crate) pin: Option<Reason>,
    pub(crate) hold: Option<&'a Hold>,
    pub(crate) system_type: SystemType,
    pub(crate) approval: Word<'a>,
    pub(crate) readiness: &'a Readiness,
    pub(crate) cannot_deploy: Option<&'a str>,
    /// What the release asks of an agent and this one cannot do.
    pub(crate) lacks: Option<Ability>,
}

/// Whether a patch is approved for a device.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word<'a> {
    /// As it stands.
    Is(Approval),
    /// By a rule, and the device's policy takes none.
    ByRuleAlone { rule: &'a str, policy: &'a str },
}

impl Case<'_> {
    /// The first thing in the way.
    pub(crate) fn reason(self) -> Option<Reason> {
        if self.is_removed {
            return Some(Reason::AgentRemoved);
        }
        if !self.is_missing {
            return Some(Reason::NotMissing);
        }
        if let Some(job) = self.open_job {
            return Some(Reason::JobOpen { job });
        }
        if let Some(by) = self.superseded_by {
            return Some(Reason::Superseded { by: by.to_owned() });
        }
        // Whoever releases a hold or approves would wonder why nothing comes of it.
        if self.pin.is_some() {
            return self.pin;
        }
        if let Some(hold) = self.hold {
            return Some(Reason::of_hold(hold));
        }
        let system_type = self.system_type;
        match self.approval {
            Word::Is(Approval::Approved) => {}
            Word::Is(Approval::NotApproved) => return Some(Reason::NotApproved { system_type }),
            Word::Is(Approval::Disapproved) => return Some(Reason::Disapproved { system_type }),
            Word::ByRuleAlone { rule, policy } => {
                let (rule, policy) = (rule.to_owned(), policy.to_owned());
                return Some(Reason::RuleDoesNotCount { rule, policy });
            }
        }
        if let Some(reason) = Reason::of_readiness(self.readiness) {
            return Some(reason);
        }
        if let Some(cause) = self.cannot_deploy {
            let cause = cause.to_owned();
            return Some(Reason::CannotDeploy { cause });
        }
        self.lacks.map(|ability| Reason::AgentCannot { ability })
    }
}
