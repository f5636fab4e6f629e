//! Which orders the agent has: taking them in, calling them off, dropping them.

use fleetmend_model::status::deploy::{DeployStatus, Ending};
use fleetmend_model::{DeployJobId, Millis};
use fleetmend_protocol::checkin::Resumed;
use fleetmend_trust::{Order, Refusal, SignedOrder, Verified, verify, verify_again};

use super::{Core, ENDED_KEPT, Effect, Identity, Job};

impl Core {
    /// Takes an order in, if it verifies; otherwise reports why not. `resumed` is what the server
    /// knows of one that it handed out before.
    pub(super) fn accept(
        &mut self,
        signed: SignedOrder,
        resumed: Option<Resumed>,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let id = signed.job;
        if self.orders.contains_key(&id) || self.state.ended.contains(&id) {
            return;
        }
        let was_started = resumed.is_some_and(|it| it.status >= DeployStatus::Started);
        match self.verify(&signed, was_started, now) {
            Ok(order) => {
                self.state.last_counter = order.order().counter;
                self.orders.insert(id, order);
                self.state.jobs.push(Job::new(signed, resumed));
            }
            Err(refusal) => {
                self.remember_ended(id);
                if was_started {
                    self.tell(id, now, DeployStatus::Failed, refusal.to_string());
                    self.scan_after_deploy(effects);
                } else if refusal == Refusal::Expired {
                    let cause = self.with_clock("the order expired before the machine had it");
                    self.tell_end(id, now, self.expired(), cause);
                } else {
                    self.tell_end(id, now, Ending::Refused, refusal.to_string());
                }
            }
        }
    }

    /// One that was started and is over meanwhile is taken all the same, so that what it did is
    /// looked at; so is one that may be over, where the time is not known. It does not start (again):
    /// before each start its time is looked at.
    fn verify(
        &self,
        signed: &SignedOrder,
        was_started: bool,
        now: Millis,
    ) -> Result<Verified<Order>, Refusal> {
        let Identity {
            trust,
            certificate_sha256: device,
        } = &self.identity;
        let now = if was_started || !self.knows_time() {
            Millis(i64::MIN) // Nothing is over then.
        } else {
            self.server_time(now)
        };
        verify(signed, trust, device, self.state.last_counter, now)
    }

    /// Drops a job that has not started and confirms that; one that has goes on to its end, and
    /// its reports say so. One that never came is confirmed too, and not taken if it comes late.
    pub(super) fn cancel(&mut self, id: DeployJobId, now: Millis, effects: &mut Vec<Effect>) {
        if self.state.ended.contains(&id) {
            return;
        }
        let held = self.state.jobs.iter().find(|job| job.id() == id);
        let is_held = held.is_some();
        if held.is_some_and(|job| job.told_started) {
            return;
        }
        self.tell_end(id, now, Ending::Cancelled, String::new());
        self.drop_job(id);
        if is_held {
            effects.push(Effect::Forget { job: id });
        }
    }

    pub(super) fn reload_orders(&mut self, now: Millis) {
        let mut dropped = Vec::new();
        for job in &self.state.jobs {
            let identity = &self.identity;
            match verify_again(&job.signed, &identity.trust, &identity.certificate_sha256) {
                Ok(order) => {
                    self.orders.insert(job.id(), order);
                }
                Err(refusal) => dropped.push((job.id(), job.told_started, refusal.to_string())),
            }
        }
        for (id, told_started, cause) in dropped {
            if told_started {
                self.tell(id, now, DeployStatus::Failed, cause);
                self.state.scan_due = true;
            } else {
                self.tell_end(id, now, Ending::Refused, cause);
            }
            self.drop_job(id);
        }
    }

    pub(super) fn job_mut(&mut self, id: DeployJobId) -> Option<&mut Job> {
        self.state.jobs.iter_mut().find(|job| job.id() == id)
    }

    pub(super) fn drop_job(&mut self, id: DeployJobId) {
        self.state.jobs.retain(|job| job.id() != id);
        self.orders.remove(&id);
        self.remember_ended(id);
    }

    pub(super) fn remember_ended(&mut self, id: DeployJobId) {
        self.state.ended.push(id);
        let surplus = self.state.ended.len().saturating_sub(ENDED_KEPT);
        self.state.ended.drain(..surplus);
    }
}
