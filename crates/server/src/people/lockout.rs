//! Lockout after failed sign-ins. It counts names that do not exist like those that do, so that it
//! does not tell which exist.

use std::time::Duration;

use fleetmend_model::Millis;
use fleetmend_store::login_failures;

use crate::app::App;
use crate::error::ApiError;

/// How long a failure counts, and so how long a lockout lasts at most.
pub(crate) const WINDOW: Duration = Duration::from_mins(15);
/// So many failures lock a name.
pub(crate) const MAX_BY_NAME: u64 = 5;
/// So many failures lock an address.
pub(crate) const MAX_BY_ADDRESS: u64 = 20;

/// Takes one try. It is written down as a failure before the password is looked at, so that many
/// tries at once are not more than the limit; [`clear`] forgets it when the sign-in succeeds.
/// [`ApiError::TooMany`] when the name or the address is locked.
pub(crate) async fn take_try(
    app: &App,
    name: &str,
    address: &str,
    now: Millis,
) -> Result<(), ApiError> {
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let failures = login_failures::count_since(&mut tx, name, address, now - WINDOW)
        .await
        .map_err(anyhow::Error::from)?;
    if failures.by_name >= MAX_BY_NAME || failures.by_address >= MAX_BY_ADDRESS {
        return Err(ApiError::TooMany(WINDOW.as_secs()));
    }
    login_failures::add(&mut tx, name, address, now)
        .await
        .map_err(anyhow::Error::from)?;
    login_failures::delete_until(&mut tx, now - WINDOW)
        .await
        .map_err(anyhow::Error::from)?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    Ok(())
}
