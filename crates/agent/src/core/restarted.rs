//! Jobs that ended with a restart due: what is there of them is looked at as soon as the agent starts in
//! another boot, and told before any scan.

use fleetmend_model::DeployJobId;
use fleetmend_model::Millis;
use fleetmend_protocol::reports::What;
use fleetmend_trust::{SignedOrder, verify_again};
use serde::{Deserialize, Serialize};

use super::{Core, Effect, Look, REPORTS_SINCE};

/// How many such jobs are kept. Of those beyond, an inventory tells.
const KEPT: usize = 128;

/// A job that waits for the machine's restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwaitingRestart {
    /// Its order, which says what to look for.
    pub signed: SignedOrder,
    /// The boot in which the restart became due.
    pub boot: String,
}

impl Core {
    /// Keeps an open job beyond its end.
    pub(super) fn await_restart(&mut self, id: DeployJobId) {
        let Some(job) = self.job_mut(id) else { return };
        let signed = job.signed.clone();
        let boot = self.state.boot.clone();
        let awaiting = &mut self.state.awaiting_restart;
        awaiting.push(AwaitingRestart { signed, boot });
        let surplus = awaiting.len().saturating_sub(KEPT);
        awaiting.drain(..surplus);
    }

    /// Verifies their orders again; of one that fails an inventory tells.
    pub(super) fn reload_awaiting_restart(&mut self) {
        let (identity, orders) = (&self.identity, &mut self.orders);
        let certificate = &identity.certificate_sha256;
        self.state.awaiting_restart.retain(|it| {
            let order = verify_again(&it.signed, &identity.trust, certificate);
            let order = order.ok();
            let is_right = order.is_some();
            orders.extend(order.map(|order| (it.signed.job, order)));
            is_right
        });
    }

    /// Takes in what the server can read; one that could not before is told now.
    pub(super) fn set_server_protocol(&mut self, protocol: u32, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.state.server_protocol, protocol);
        if before < REPORTS_SINCE {
            self.look_after_restart(effects);
        }
    }

    /// Looks for those whose restart was made.
    pub(super) fn look_after_restart(&self, effects: &mut Vec<Effect>) {
        if self.state.server_protocol < REPORTS_SINCE {
            return;
        }
        let awaiting = self.state.awaiting_restart.iter();
        let restarted = awaiting.filter(|it| it.boot != self.state.boot);
        effects.extend(restarted.map(|it| Effect::Detect { job: it.signed.job }));
    }

    /// Tells what is there. What cannot be read now is looked at again with the next start.
    pub(super) fn looked_after_restart(
        &mut self,
        id: DeployJobId,
        result: Result<Look, String>,
        now: Millis,
    ) {
        let awaiting = &mut self.state.awaiting_restart;
        let Some(at) = awaiting.iter().position(|it| it.signed.job == id) else {
            return;
        };
        match result {
            Ok(look) => {
                awaiting.remove(at);
                self.orders.remove(&id);
                let what = What::AfterRestart {
                    job: id,
                    boot: self.state.boot.clone(),
                    found: look.found,
                };
                self.report(now, what);
            }
            Err(cause) => {
                let cause = format!("restarted; what is installed cannot be read: {cause}");
                self.progress(id, cause, now);
            }
        }
    }
}
