//! The thread that sends reports until the server has stored them.

use std::sync::{Arc, PoisonError};

use fleetmend_protocol::reports::Reports;

use crate::core::Event;
use crate::link::LinkError;
use crate::listener::Backoff;
use crate::runner::Shared;
use crate::spawn;

/// The most reports in one request.
const BATCH: usize = 100;

/// Starts the thread. It ends with the process.
pub(crate) fn spawn(shared: Arc<Shared>) {
    let body = move || {
        let mut backoff = Backoff::new();
        let mut acknowledged = 0;
        loop {
            let reports = next_batch(&shared, acknowledged);
            let epoch = shared.epoch.clone();
            match shared.link.report(&Reports { epoch, reports }) {
                Ok(reply) => {
                    backoff.reset();
                    acknowledged = acknowledged.max(reply.acknowledged);
                    shared.tell(Event::Acknowledged(reply.acknowledged));
                }
                Err(error) => {
                    let level_is_error = matches!(error, LinkError::Refused { .. });
                    if level_is_error {
                        tracing::error!("reports were not taken: {error}");
                    } else {
                        tracing::warn!("{error}");
                    }
                    backoff.wait();
                }
            }
        }
    };
    spawn::spawn("courier", body);
}

/// Waits for reports that the server has not acknowledged.
fn next_batch(shared: &Shared, acknowledged: i64) -> Vec<fleetmend_protocol::reports::Report> {
    let mut outbox = shared.outbox.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let batch: Vec<_> = outbox
            .iter()
            .filter(|report| report.sequence > acknowledged)
            .take(BATCH)
            .cloned()
            .collect();
        if !batch.is_empty() {
            return batch;
        }
        outbox = shared
            .outbox_changed
            .wait(outbox)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
