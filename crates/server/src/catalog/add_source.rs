//! Adding a source on a person's word.

use fleetmend_model::SourceId;
use fleetmend_store::sources::{self, NewSource, SourceKind};
use reqwest::Url;

use super::credentials::Login;
use super::guard::{Refused, hosts};
use super::sources::{NO_LOGIN, store_login};
use super::sync;
use crate::app::App;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// A source as a person gives it.
#[derive(Default, Clone, Copy)]
pub struct Given<'a> {
    /// A feed's address or a folder.
    pub location: &'a str,
    /// What they call it; its location by default.
    pub name: Option<&'a str>,
    /// The name that it is read with.
    pub user: Option<&'a str>,
    /// The password. Never logged or shown.
    pub password: Option<&'a str>,
    /// Whether the feed's own host may be in one's own network.
    pub allow_private: bool,
    /// Other hosts that it may lead to although they are in one's own network.
    pub private_hosts: &'a [String],
}

impl<'a> Given<'a> {
    /// A feed that wants no login, or a folder.
    pub fn at(location: &'a str) -> Self {
        Self {
            location,
            ..Self::default()
        }
    }
}

/// Adds a feed's address or a folder, notes who did, and has it read at once.
pub async fn add(app: &App, given: &Given<'_>, actor: &Actor) -> Result<SourceId, ApiError> {
    let location = given.location.trim();
    if given
        .name
        .is_some_and(|name| name.chars().count() > LONGEST_NAME)
    {
        return Err(ApiError::Bad(format!(
            "field 'name' is longer than {LONGEST_NAME} characters"
        )));
    }
    let login = Login::given(given.user, given.password)?;
    let feed = feed_address(location)?;
    if feed.is_none() && login.is_some() {
        return Err(ApiError::Bad(NO_LOGIN.to_owned()));
    }
    let private_hosts = private_hosts(given, feed.as_ref())?;
    if let Some(feed) = &feed {
        let look = app.outside.look(feed, &private_hosts).await;
        look.map_err(|refused| out_of_reach(&refused))?;
    }
    let source = NewSource {
        kind: feed.map_or(SourceKind::Folder, |_| SourceKind::Feed),
        location: location.to_owned(),
        name: given.name.unwrap_or(location).to_owned(),
        priority: 0,
        enabled: true,
    };
    let mut tx = app.db.begin().await.map_err(anyhow::Error::from)?;
    let id = match sources::insert(&mut tx, &source).await {
        Ok(id) => id,
        Err(error @ fleetmend_store::Error::Exists { .. }) => {
            return Err(ApiError::Conflict(error.to_string()));
        }
        Err(error) => return Err(ApiError::Internal(error.into())),
    };
    store_login(app, &mut tx, id, login.as_ref()).await?;
    sources::set_private_hosts(&mut tx, id, &private_hosts)
        .await
        .map_err(anyhow::Error::from)?;
    let now = app.now();
    let mut after = location.to_owned();
    if !private_hosts.is_empty() {
        after = format!("{after}; private hosts: {}", private_hosts.join(", "));
    }
    let subject = format!("source {id}");
    journal::record(&mut tx, actor, "add_source", &subject, &after, now).await?;
    sync::enqueue(app, &mut tx, id, now).await?;
    tx.commit().await.map_err(anyhow::Error::from)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(id)
}

fn private_hosts(given: &Given<'_>, feed: Option<&Url>) -> Result<Vec<String>, ApiError> {
    let own = match (given.allow_private, feed) {
        (false, _) => None,
        (true, Some(feed)) => Some(hosts::of(feed)),
        (true, None) => {
            return Err(ApiError::Bad(
                "a folder is on no host: name the private hosts that its packages' installers \
                 come from instead"
                    .to_owned(),
            ));
        }
    };
    let others = given.private_hosts.iter().map(String::as_str);
    hosts::normals(others.chain(own)).map_err(ApiError::Bad)
}

fn out_of_reach(refused: &Refused) -> ApiError {
    let remedy = match refused {
        Refused::Own { .. } => {
            ". If that is where your feed is, allow private addresses: the box beside its address \
             in the console, --allow-private on the command line, allow_private in the API"
        }
        _ => "",
    };
    ApiError::Bad(format!("{}{remedy}", refused.what()))
}

/// The address of a feed; none for a folder.
fn feed_address(location: &str) -> Result<Option<Url>, ApiError> {
    if !location.starts_with("http://") && !location.starts_with("https://") {
        if std::path::Path::new(location).is_absolute() {
            return Ok(None);
        }
        return Err(ApiError::Bad(format!(
            "'{location}' is neither the address of a feed (https://…) nor the full path of a folder"
        )));
    }
    match Url::parse(location) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Err(ApiError::Bad(format!(
                "'{location}' has a '?' or '#': give the feed's address alone, without a query"
            )))
        }
        Ok(url) if url.username().is_empty() && url.password().is_none() => Ok(Some(url)),
        Ok(_) => Err(ApiError::Bad(
            "a source's address must not carry a name or password, for it is shown and logged: \
             give them in fields of their own"
                .to_owned(),
        )),
        Err(error) => Err(ApiError::Bad(format!(
            "'{location}' is not an address: {error}"
        ))),
    }
}
