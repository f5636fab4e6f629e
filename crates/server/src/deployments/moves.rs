//! The one way in which a deploy job changes: along an edge of the model's table, in a
//! transaction that fails when the job moved meanwhile.

use fleetmend_model::status::deploy::{Change, DeployState, DeployStatus, Ending, step};
use fleetmend_model::status::{IllegalEdge, Party};
use fleetmend_model::{Millis, ReleaseId};
use fleetmend_store::Tx;
use fleetmend_store::deploy_jobs::{self, CancelAsked, DeployJob, JobMove};

/// What comes next for an order that its device does not have yet.
pub const TAKES_ORDER: &str = "the device takes the order at its next check-in";

/// Why a job did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The table has no such edge.
    #[error(transparent)]
    Illegal(#[from] IllegalEdge),
    /// The database, or somebody else was faster.
    #[error(transparent)]
    Store(#[from] fleetmend_store::Error),
}

impl MoveError {
    /// Whether the job has moved meanwhile, so that there is nothing to do.
    pub fn is_outrun(&self) -> bool {
        matches!(
            self,
            Self::Illegal(_) | Self::Store(fleetmend_store::Error::Moved { .. })
        )
    }
}

/// What comes with a move beside the state.
#[derive(Debug, Clone, Default)]
pub struct With {
    /// Why, in plain words.
    pub cause: String,
    /// Which start of the installer.
    pub attempt: Option<u32>,
    /// The installer's output.
    pub output: Option<String>,
    /// The boot in which a restart became due.
    pub restart_boot: Option<String>,
    /// What the Reboot column says.
    pub reboot_note: Option<String>,
    /// The release.
    pub release: Option<ReleaseId>,
}

impl With {
    /// Only a cause.
    pub fn cause(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            ..Self::default()
        }
    }
}

/// Moves a job, if the table lets it; the job is brought up to date.
pub async fn advance(
    tx: &mut Tx,
    job: &mut DeployJob,
    change: Change,
    by: Party,
    with: With,
    now: Millis,
) -> Result<(), MoveError> {
    let to = step(Some(job.state), change, by)?;
    put(tx, job, to, by, with, now).await
}

/// Has a job be at 3, whose files are here. `false`: somebody else moved it meanwhile.
pub async fn downloaded(tx: &mut Tx, job: &mut DeployJob, now: Millis) -> Result<bool, MoveError> {
    if job.state.status == DeployStatus::Downloaded {
        return Ok(true);
    }
    let change = Change::Status {
        status: DeployStatus::Downloaded,
    };
    match advance(tx, job, change, Party::Server, With::default(), now).await {
        Err(error) if error.is_outrun() => Ok(false),
        moved => moved.map(|()| true),
    }
}

/// Stores a step that the model has taken.
pub async fn put(
    tx: &mut Tx,
    job: &mut DeployJob,
    to: DeployState,
    by: Party,
    with: With,
    now: Millis,
) -> Result<(), MoveError> {
    let change = JobMove {
        from: job.state,
        to,
        by,
        cause: cause(job.cancel_asked.as_ref(), to, with.cause),
        next_step: next_step(job.cancel_asked.as_ref(), to).to_owned(),
        at: now,
        attempt: with.attempt,
        output: with.output,
        restart_boot: with.restart_boot,
        reboot_note: with.reboot_note,
        release: with.release,
    };
    deploy_jobs::transition(tx, job.id, &change).await?;
    job.state = to;
    Ok(())
}

/// Says why an open job stays where it is.
pub async fn note(
    tx: &mut Tx,
    job: &DeployJob,
    why: String,
    now: Millis,
) -> fleetmend_store::Result<()> {
    let why = cause(job.cancel_asked.as_ref(), job.state, why);
    let next_step = next_step(job.cancel_asked.as_ref(), job.state);
    deploy_jobs::set_note(tx, job.id, &why, next_step, now).await
}

/// Why a job is in a state, with what came of the cancel that a person asked for.
fn cause(asked: Option<&CancelAsked>, to: DeployState, why: String) -> String {
    let Some(asked) = asked else { return why };
    let by = &asked.by;
    let late = || format!("the cancel that {by} asked for came too late: the device had started");
    let word = match to.ending {
        None if to.is_with_agent() => format!("cancel asked for by {by}"),
        None if to.status == DeployStatus::NotApplicable => return why,
        None => late(),
        Some(Ending::Cancelled) => format!("called off by {by}"),
        Some(Ending::Expired) if to.status >= DeployStatus::Started => late(),
        Some(Ending::Expired) => format!("the device did not answer the cancel asked for by {by}"),
        Some(Ending::DownloadFailed | Ending::Refused) => return why,
    };
    if why.is_empty() {
        word
    } else {
        format!("{word}; {why}")
    }
}

/// What comes next, in words.
fn next_step(asked: Option<&CancelAsked>, state: DeployState) -> &'static str {
    if state.ending.is_some() {
        return "";
    }
    if asked.is_some() && state.is_with_agent() {
        return "the device confirms, unless it has started";
    }
    match state.status {
        DeployStatus::Posted => super::NEXT_STEP,
        DeployStatus::Downloading => "the server checks the files and signs the order",
        DeployStatus::Downloaded => TAKES_ORDER,
        DeployStatus::AgentDownloading => "the device verifies the files",
        DeployStatus::AgentDownloaded | DeployStatus::DeployPosted => {
            "the device starts the installation"
        }
        DeployStatus::WaitingForAnother => "starts when the other deployment has ended",
        DeployStatus::Started => "the device looks whether the new version is there",
        DeployStatus::NeedsRestart => "the device must be restarted; then it is looked at again",
        DeployStatus::Completed
        | DeployStatus::Failed
        | DeployStatus::UnknownError
        | DeployStatus::NotApplicable => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_says_what_came_of_the_cancel_that_was_asked_for() {
        use DeployStatus::{AgentDownloading, Completed, Failed, NotApplicable, Started};
        let asked = CancelAsked {
            by: "anna".to_owned(),
            at: Millis(0),
        };
        let at = |status, ending| DeployState { status, ending };
        let late = "the cancel that anna asked for came too late: the device had started";
        for (state, why, said) in [
            (at(AgentDownloading, None), "", "cancel asked for by anna"),
            (
                at(AgentDownloading, None),
                "no answer",
                "cancel asked for by anna; no answer",
            ),
            (at(Started, None), "", late),
            (at(Completed, None), "", late),
            (at(NotApplicable, None), "not there", "not there"),
            (
                at(AgentDownloading, Some(Ending::Cancelled)),
                "",
                "called off by anna",
            ),
            (
                at(AgentDownloading, Some(Ending::Expired)),
                "its time is over",
                "the device did not answer the cancel asked for by anna; its time is over",
            ),
            (at(Started, Some(Ending::Expired)), "", late),
            (
                at(AgentDownloading, Some(Ending::Refused)),
                "forged",
                "forged",
            ),
        ] {
            assert_eq!(
                cause(Some(&asked), state, why.to_owned()),
                said,
                "{state:?}"
            );
            assert_eq!(cause(None, state, why.to_owned()), why, "{state:?}");
        }
        let failed = cause(Some(&asked), at(Failed, None), "exit code 1603".to_owned());
        assert_eq!(failed, format!("{late}; exit code 1603"));
    }
}
