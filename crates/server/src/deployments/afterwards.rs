//! What a device reports of a job that the server closed meanwhile: it stays as it ended, and its
//! cause says what happened on the device all the same.

use fleetmend_model::Millis;
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{Change, Ending};
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::{self, DeployJob};

/// What a device says of a job.
pub struct Word<'a> {
    /// Where the job went.
    pub change: Change,
    /// Why.
    pub cause: &'a str,
    /// Which start of the installer; 0 before the first.
    pub attempt: u32,
    /// The installer's output.
    pub output: &'a str,
}

/// Notes the word. `false`: the job was not closed over the device's head, so that the word must
/// fit.
pub async fn note(
    tx: &mut Tx,
    job: &DeployJob,
    word: &Word<'_>,
    now: Millis,
) -> fleetmend_store::Result<bool> {
    if job.state.ending.is_none() {
        return Ok(false);
    }
    let transitions = deploy_jobs::transitions(&mut *tx, job.id).await?;
    let Some(end) = transitions.last().filter(|end| end.by != Party::Agent) else {
        return Ok(false);
    };
    let Some(said) = said(job.state.ending, word.change, word.cause) else {
        return Ok(true);
    };
    let cause = match end.cause.as_str() {
        "" => said,
        why => format!("{why}; {said}"),
    };
    let attempt = (word.attempt > 0).then_some(word.attempt);
    let output = (!word.output.is_empty()).then(|| word.output.to_owned());
    deploy_jobs::set_afterwards(tx, job.id, &cause, attempt, output, now).await?;
    Ok(true)
}

/// The word for people; `None` where it adds nothing to how the job ended.
fn said(ended: Option<Ending>, change: Change, cause: &str) -> Option<String> {
    let dropped = Change::End {
        ending: Ending::Cancelled,
    };
    if change == dropped {
        let is_news = ended == Some(Ending::Expired);
        return is_news.then(|| "the device had not started it, and dropped it".to_owned());
    }
    let label = match change {
        Change::Status { status } => status.label(),
        Change::End { ending } => ending.label(),
    };
    Some(match cause {
        "" => format!("afterwards the device reported '{label}'"),
        cause => format!("afterwards the device reported '{label}': {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use fleetmend_model::status::deploy::DeployStatus::{Completed, Failed};

    use super::*;

    #[test]
    fn what_happened_after_the_end_is_told_where_it_is_news() {
        let status = |status| Change::Status { status };
        let end = |ending| Change::End { ending };
        let completed = "afterwards the device reported 'Patch deploy completed successfully'";
        let failed = "afterwards the device reported 'Patch deploy failed': exit code 1603";
        let refused = "afterwards the device reported 'Refused by the agent': it expired";
        let dropped = "the device had not started it, and dropped it";
        for (ended, change, cause, told) in [
            (Ending::Expired, status(Completed), "", Some(completed)),
            (
                Ending::Expired,
                status(Failed),
                "exit code 1603",
                Some(failed),
            ),
            (
                Ending::Expired,
                end(Ending::Refused),
                "it expired",
                Some(refused),
            ),
            (Ending::Expired, end(Ending::Cancelled), "", Some(dropped)),
            (Ending::Cancelled, end(Ending::Cancelled), "", None),
            (Ending::Cancelled, status(Completed), "", Some(completed)),
        ] {
            assert_eq!(said(Some(ended), change, cause).as_deref(), told);
        }
    }
}
