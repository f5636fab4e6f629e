//! What administrators say about matches: looked at before it is done, done, and taken back.

use std::cmp::Reverse;
use std::sync::Arc;

use fleetmend_model::Millis;
use fleetmend_reconcile::fleet::{Comparison, OtherAnswer};
pub use fleetmend_reconcile::fleet::{PatchCount, Turn};
use fleetmend_reconcile::{Answer, Decision, Override, Overrides, State};
use fleetmend_store::overrides::{self, NewOverride};
use fleetmend_store::{Read, Tx};

use super::override_check::checked;
use crate::app::App;
use crate::error::ApiError;
use crate::people::Actor;
use crate::{jobs, journal};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1000;
/// Changes that are shown one by one.
const SHOWN: usize = 100;

/// An override as a person gives it.
#[derive(Debug, Clone, Default)]
pub struct Given<'a> {
    /// `DisplayName`, or a pattern with `*` and `?`, as
    /// [`said_text`](fleetmend_reconcile::said_text) has them; empty for `version`.
    pub name: &'a str,
    /// The same for the publisher; empty for any.
    pub publisher: &'a str,
    /// `is`, `is_not`, `excluded`, `pinned` or `version`.
    pub decision: &'a str,
    /// The package that it is or is not, or of whose version it is said.
    pub package: &'a str,
    /// The highest version that is still wanted of what is pinned; empty: whatever is installed stays.
    pub highest: &'a str,
    /// For `version`: the `DisplayVersion` that devices have.
    pub registered: &'a str,
    /// For `version`: the package's version that it is.
    pub version: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What an override would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Applications that it is for, each version on its own.
    pub applications: u64,
    /// Applications whose answer it changes.
    pub changed: u64,
    /// Devices that have one of them.
    pub devices: u64,
    /// How many change from which state to which.
    pub turns: Vec<Turn>,
    /// The changes that most devices have.
    pub changes: Vec<Change>,
    /// Patches that devices lack then and not now, those of most devices first.
    pub more: Vec<PatchCount>,
    /// Patches that devices lack now and not then, those of most devices first.
    pub fewer: Vec<PatchCount>,
}

impl Preview {
    /// Both lists of patches, each with what it is.
    pub fn patches(&self) -> [(&'static str, &[PatchCount]); 2] {
        [
            ("Patches that devices lack then and not now", &self.more),
            ("Patches that devices lack now and not then", &self.fewer),
        ]
    }
}

/// An application whose answer changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub version: String,
    /// The answer now, with its package or the candidates for it.
    pub before: (State, String),
    /// The answer then.
    pub after: (State, String),
    /// How many devices have it.
    pub devices: u64,
}

/// All that are in force.
pub async fn load(from: impl Read) -> Result<Overrides, fleetmend_store::Error> {
    let all = overrides::in_force(from).await?;
    let read = |it: overrides::Override| {
        Some(Override {
            id: it.id,
            decision: decision(&it.what)?,
            name: it.what.name,
            publisher: it.what.publisher,
            reason: it.what.reason,
            by: it.created_by,
        })
    };
    Ok(Overrides::new(all.into_iter().filter_map(read).collect()))
}

pub(super) fn decision(what: &NewOverride) -> Option<Decision> {
    let package = || what.package.clone();
    let highest = || Some(what.highest.clone()).filter(|it| !it.is_empty());
    match what.decision.as_str() {
        "is" => Some(Decision::Is(package())),
        "is_not" => Some(Decision::IsNot(package())),
        "excluded" => Some(Decision::Excluded),
        "pinned" => Some(Decision::Pinned(highest())),
        "version" => Some(Decision::Version {
            package: package(),
            registered: what.registered.clone(),
            version: what.version.clone(),
        }),
        _ => None,
    }
}

/// What an override would change, were it made now.
pub async fn preview(app: &Arc<App>, given: &Given<'_>) -> Result<Preview, ApiError> {
    let what = checked(&app.fleet(), given)?;
    let new = as_override(&what, i64::MAX, "")?;
    let before = load(&app.db).await.map_err(anyhow::Error::from)?;
    let after = before.with(new.clone());
    Ok(changes(app, new, before, after).await?)
}

/// What taking an override back would change.
pub async fn preview_removal(app: &Arc<App>, id: i64) -> Result<Preview, ApiError> {
    let kept = in_force(&app.db, id).await?;
    let before = load(&app.db).await.map_err(anyhow::Error::from)?;
    let after = before.without(id);
    let it = as_override(&kept.what, id, &kept.created_by)?;
    Ok(changes(app, it, before, after).await?)
}

/// Makes an override; devices are matched anew under it.
pub async fn add(app: &App, given: &Given<'_>, actor: &Actor) -> Result<i64, ApiError> {
    let what = checked(&app.fleet(), given)?;
    let reason = what.reason.chars().count();
    if reason == 0 || reason > LONGEST_REASON {
        return Err(ApiError::Bad(format!(
            "field 'reason': say why, in {LONGEST_REASON} characters at most"
        )));
    }
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let id = overrides::insert(&mut tx, &what, &actor.name, now)
        .await
        .map_err(anyhow::Error::from)?;
    journal::record(
        &mut tx,
        actor,
        "add_override",
        &subject(id),
        &says(&what),
        now,
    )
    .await?;
    apply(app, tx, now).await?;
    Ok(id)
}

/// Takes an override back; devices are matched anew without it.
pub async fn remove(app: &App, id: i64, actor: &Actor) -> Result<(), ApiError> {
    let now = app.now();
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let kept = in_force(&mut tx, id).await?;
    overrides::remove(&mut tx, id, &actor.name, now)
        .await
        .map_err(anyhow::Error::from)?;
    let says = says(&kept.what);
    journal::record(&mut tx, actor, "remove_override", &subject(id), &says, now).await?;
    Ok(apply(app, tx, now).await?)
}

async fn apply(app: &App, mut tx: Tx, now: Millis) -> anyhow::Result<()> {
    jobs::enqueue(&mut tx, jobs::Kind::Rematch, 0, now).await?;
    tx.commit().await?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(())
}

async fn in_force(from: impl Read, id: i64) -> Result<overrides::Override, ApiError> {
    let kept = overrides::get(from, id)
        .await
        .map_err(anyhow::Error::from)?;
    kept.filter(|it| it.removed.is_none())
        .ok_or_else(|| ApiError::Missing(format!("override {id} is not in force")))
}

fn subject(id: i64) -> String {
    format!("override {id}")
}

/// An override in a sentence's part.
pub fn says(what: &NewOverride) -> String {
    if what.decision == "version" {
        let NewOverride {
            package,
            registered,
            version,
            reason,
            ..
        } = what;
        return format!("{package} that registers {registered} is version {version}: {reason}");
    }
    let by = match what.publisher.as_str() {
        "" => String::new(),
        publisher => format!(" by '{publisher}'"),
    };
    let decided = match what.decision.as_str() {
        "is" => format!("is {}", what.package),
        "is_not" => format!("is not {}", what.package),
        "pinned" if what.highest.is_empty() => "stays as it is installed".to_owned(),
        "pinned" => format!("stays at {} or below", what.highest),
        _ => "is excluded".to_owned(),
    };
    format!("'{}'{by} {decided}: {}", what.name, what.reason)
}

pub(super) fn unknown_decision() -> ApiError {
    ApiError::Bad(
        "field 'decision' must be 'is', 'is_not', 'excluded', 'pinned' or 'version'".to_owned(),
    )
}

fn as_override(what: &NewOverride, id: i64, by: &str) -> Result<Override, ApiError> {
    Ok(Override {
        id,
        name: what.name.clone(),
        publisher: what.publisher.clone(),
        decision: decision(what).ok_or_else(unknown_decision)?,
        reason: what.reason.clone(),
        by: by.to_owned(),
    })
}

/// Answers under the overrides that are in force, which the index may not have yet, against those under
/// `after`, for what `it` fits.
async fn changes(
    app: &Arc<App>,
    it: Override,
    before: Overrides,
    after: Overrides,
) -> anyhow::Result<Preview> {
    let app = Arc::clone(app);
    let compare = move || preview_of(app.fleet().compare(&it, &before, &after));
    Ok(tokio::task::spawn_blocking(compare).await?)
}

fn preview_of(found: Comparison) -> Preview {
    let told = |it: &Answer| (it.state(), it.packages().join(", "));
    let change = |it: &OtherAnswer| Change {
        name: it.software.name.clone(),
        version: it.software.version.clone(),
        before: told(&it.before),
        after: told(&it.after),
        devices: it.devices,
    };
    let mut changes: Vec<Change> = found.answers.iter().map(change).collect();
    let key = |it: &Change| (Reverse(it.devices), it.name.clone(), it.version.clone());
    changes.sort_by_cached_key(key);
    changes.truncate(SHOWN);
    let shown = |mut patches: Vec<PatchCount>| {
        patches.sort_by_cached_key(|it| (Reverse(it.devices), it.package.clone()));
        patches.truncate(SHOWN);
        patches
    };
    Preview {
        applications: found.applications,
        changed: found.answers.len() as u64,
        devices: found.devices,
        turns: found.turns,
        changes,
        more: shown(found.more),
        fewer: shown(found.fewer),
    }
}
