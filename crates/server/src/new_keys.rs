//! Starting over with new keys, when the old ones are lost or no longer to be trusted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fleetmend_store::{Db, Tx, devices, releases};
use fleetmend_trust::{Envelope, SigningKey};

use crate::config::Config;
use crate::net::keys::Keys;
use crate::net::known_keys;
use crate::people::command_line;
use crate::{data_folder, journal};

/// What starting over did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeys {
    /// Where the old keys are, as far as there were any.
    pub set_aside: Option<PathBuf>,
    /// How many devices must be enrolled again.
    pub devices: usize,
}

/// Makes new keys for the data of a server that does not run. No device trusts them before it is
/// enrolled again.
///
/// The database learns of them before they take their place: after a crash in between, the server
/// refuses to start and this can be done again.
pub async fn new_keys(config: &Config) -> anyhow::Result<NewKeys> {
    data_folder::require(config)?;
    let _lock = data_folder::lock(&config.data)?;
    let folder = Keys::folder(&config.data);
    let fresh = config.data.join("keys.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
    }
    let now = config.clock.now();
    let keys = Keys::make(&fresh, now)?;
    let db = Db::open(&config.database()).await?;
    let mut tx = db.begin().await?;
    known_keys::replace(&mut tx, &keys.fingerprints()).await?;
    sign_again(&mut tx, &keys.release).await?;
    journal::record(&mut tx, &command_line(), "new_keys", "server", "", now).await?;
    tx.commit().await?;
    let devices = devices::load_all(&db).await?.len();
    db.close().await;
    let set_aside = if folder.exists() {
        keep_others(&folder, &fresh)?;
        let aside = free_name(&config.data)?;
        rename(&folder, &aside)?;
        Some(aside)
    } else {
        None
    };
    rename(&fresh, &folder)?;
    File::open(&config.data)
        .and_then(|it| it.sync_all())
        .with_context(|| format!("cannot write {}", config.data.display()))?;
    Ok(NewKeys { set_aside, devices })
}

/// Signs what the server's releases say with another key.
async fn sign_again(tx: &mut Tx, key: &SigningKey) -> anyhow::Result<()> {
    for (release, envelope) in releases::envelopes(&mut *tx).await? {
        let old: Envelope = serde_json::from_str(&envelope)?;
        let payload = old
            .payload_unverified()
            .with_context(|| format!("release {release} is damaged"))?;
        let new = Envelope::sign(&old.payload_type, &payload, key);
        releases::set_envelope(tx, release, &serde_json::to_string(&new)?).await?;
    }
    Ok(())
}

/// Takes along what else is in the folder: keys that no device knows are not what is started over
/// with.
fn keep_others(old: &Path, fresh: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot copy what is in {}", old.display());
    for entry in fs::read_dir(old).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let copy = fresh.join(entry.file_name());
        let is_file = entry.file_type().with_context(failed)?.is_file();
        if is_file && !copy.exists() {
            fs::copy(entry.path(), copy).with_context(failed)?;
        }
    }
    Ok(())
}

/// A name for the old keys that nothing has yet.
fn free_name(data: &Path) -> anyhow::Result<PathBuf> {
    (1..u32::MAX)
        .map(|number| data.join(format!("keys.old-{number}")))
        .find(|it| !it.exists())
        .context("there is no free name for the old keys")
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to)
        .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))
}
