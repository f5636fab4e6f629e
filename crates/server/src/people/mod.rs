//! People in the console: the first password, signing in and out, sessions, and who did what.
//!
//! Nothing here is known to agents: their certificates open none of it.

mod command_line;
pub mod cookie;
pub mod local_path;
pub mod lockout;
pub mod login;
pub mod password;
pub mod same_origin;
pub mod secret;
pub mod sessions;
pub mod setup;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use fleetmend_store::users;
use http::request::Parts;

use crate::app::App;
use crate::error::ApiError;
use crate::net::listener::Peer;

pub use command_line::command_line;
pub use sessions::{Confirmed, SignedIn};
pub use setup::setup_link;

/// What every user may do as long as there is one role.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Who does something, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's name, or what acts for them.
    pub name: String,
    /// The IP address that the request came from.
    pub address: String,
}

/// Whether nobody can sign in yet: there is no user.
pub async fn needs_setup(app: &App) -> anyhow::Result<bool> {
    Ok(users::count(&app.db).await? == 0)
}

/// The IP address that a request came from.
pub struct Address(pub String);

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(address_of(parts)))
    }
}

pub(crate) fn address_of(parts: &Parts) -> String {
    parts.extensions.get::<Peer>().map_or_else(
        || "unknown".to_owned(),
        |peer| peer.address.ip().to_string(),
    )
}
