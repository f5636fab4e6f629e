//! Updates that were installed and whose version did not change: they are held, on the device and, where
//! that repeats on others, everywhere, until a newer version is there, the device has this one, another
//! or none, or a person releases them.

pub mod found;
pub mod look;
pub mod release;

use fleetmend_model::status::deploy::{DeployState, DeployStatus};
use fleetmend_model::{DeviceId, Millis, PatchId};
use fleetmend_plan::Hold;
use fleetmend_plan::hold::{self, Outcome};
use fleetmend_store::deploy_jobs::DeployJob;
use fleetmend_store::holds::{self, NewHold};
use fleetmend_store::{Tx, missing};

/// The longest cause that is kept, in characters: a part of it is a device's word.
const LONGEST_CAUSE: usize = 600;

/// How a deployment ended on the device.
pub struct End<'a> {
    /// The job.
    pub job: &'a DeployJob,
    /// Where it came to, by the device's word or by what was found after its restart.
    pub state: DeployState,
    /// Why, in words.
    pub cause: &'a str,
    /// Whether it was looked for in an inventory made after the restart.
    pub has_restarted: bool,
}

/// Keeps what the end of a job says of its patch on the device. `true`: the device's inventory is
/// needed to know more.
pub async fn job_ended(tx: &mut Tx, end: &End<'_>, now: Millis) -> anyhow::Result<bool> {
    let may_be_in_vain = hold::after_job(end.state, true, end.has_restarted) != Outcome::Open;
    if !may_be_in_vain {
        return Ok(false);
    }
    let (device, patch) = (end.job.device, end.job.patch);
    let is_missing = missing::get(&mut *tx, device, patch).await?.is_some();
    let outcome = hold::after_job(end.state, is_missing, end.has_restarted);
    if outcome == Outcome::Open {
        return Ok(false);
    }
    let detected = match outcome {
        Outcome::InVain => found::of(tx, device, end.job.release).await?.detected,
        _ => None,
    };
    let new = NewHold {
        device,
        patch,
        job: end.job.id,
        cause: cause(end, outcome),
        since: now,
        is_confirmed: outcome == Outcome::InVain,
        installed: found::older(detected.as_ref()).map(str::to_owned),
    };
    holds::put(tx, &new, now).await?;
    weigh(tx, patch, now).await?;
    Ok(outcome == Outcome::Unconfirmed)
}

fn cause(end: &End<'_>, outcome: Outcome) -> String {
    let job = end.job.id;
    let what = match (outcome, end.state.status) {
        (Outcome::Unconfirmed, _) => {
            "the machine's next inventory tells whether the version changed"
        }
        (_, DeployStatus::UnknownError) => "there was no failure, and the version did not change",
        _ => "after the restart it is still missing",
    };
    let mut cause = format!("deploy job {job} installed it; {what}");
    if outcome == Outcome::InVain && !end.cause.is_empty() {
        cause = format!("{cause}: {}", end.cause);
    }
    shortened(&cause)
}

fn shortened(cause: &str) -> String {
    cause.chars().take(LONGEST_CAUSE).collect()
}

/// Holds a version everywhere once it was in vain on so many devices that it is not theirs to blame.
pub async fn weigh(tx: &mut Tx, patch: PatchId, now: Millis) -> anyhow::Result<()> {
    let tally = holds::tally(&mut *tx, patch).await?;
    if !hold::is_held_everywhere(tally.in_vain, tally.well) {
        return Ok(());
    }
    let cause = format!(
        "it was installed on {} machines and the version did not change; on {} it did",
        tally.in_vain, tally.well
    );
    if holds::put_everywhere(tx, patch, &cause, now).await? {
        tracing::warn!("patch {patch} is held everywhere: {cause}");
    }
    Ok(())
}

/// What keeps a patch from being offered again to a device. Whoever asks for the open job as well asks
/// for that first: what ends meanwhile is then here.
pub async fn of(
    tx: &mut Tx,
    device: DeviceId,
    patch: PatchId,
) -> fleetmend_store::Result<Option<Hold>> {
    let own = holds::of_device(&mut *tx, device, patch).await?;
    if let Some(held) = own.as_ref().filter(|it| it.confirmed_at.is_some()) {
        let cause = held.cause.clone();
        return Ok(Some(Hold::Device { cause }));
    }
    if let Some(held) = holds::everywhere(&mut *tx, patch).await? {
        return Ok(Some(Hold::Everywhere { cause: held.cause }));
    }
    let job = own.and_then(|it| it.job);
    Ok(job.map(|job| Hold::Unconfirmed { job }))
}
