//! Adding a source on a person's word.

use fleetmend_model::SourceId;
use fleetmend_store::sources::{self, SourceKind};
use reqwest::Url;

use super::super::guard::{Refused, hosts};
use super::super::sync;
use super::same::refuse_same;
use super::settings::Given;
use super::{NO_LOGIN, store_login};
use crate::app::App;
use crate::console::stored;
use crate::error::ApiError;
use crate::journal;
use crate::people::Actor;

/// Adds a feed's address or a folder, notes who did, and has it read at once.
pub async fn add(app: &App, given: &Given<'_>, actor: &Actor) -> Result<SourceId, ApiError> {
    let login = given.login()?.given();
    let (kind, settings) = given.new_source().map_err(ApiError::Bad)?;
    if kind == SourceKind::Folder && login.is_some() {
        return Err(ApiError::Bad(NO_LOGIN.to_owned()));
    }
    let private_hosts = reachable(app, kind, &settings.location, given, &[]).await?;
    let mut tx = app.db.begin().await.map_err(stored)?;
    let all = sources::list(&mut tx).await.map_err(stored)?;
    refuse_same(&all, kind, &settings.location, None)?;
    let id = sources::insert(&mut tx, kind, &settings)
        .await
        .map_err(stored)?;
    store_login(app, &mut tx, id, login.as_ref()).await?;
    sources::set_private_hosts(&mut tx, id, &private_hosts)
        .await
        .map_err(stored)?;
    let now = app.now();
    let mut after = settings.location;
    if !private_hosts.is_empty() {
        after = format!("{after}; private hosts: {}", private_hosts.join(", "));
    }
    let subject = format!("source {id}");
    journal::record(&mut tx, actor, "add_source", &subject, &after, now).await?;
    sync::enqueue(app, &mut tx, id, now).await?;
    tx.commit().await.map_err(stored)?;
    app.jobs_due.notify_one();
    app.touch();
    Ok(id)
}

/// The private hosts that a source at a location has with those that are given and those `before`;
/// an error where a feed there cannot be asked even so.
pub(super) async fn reachable(
    app: &App,
    kind: SourceKind,
    location: &str,
    given: &Given<'_>,
    before: &[String],
) -> Result<Vec<String>, ApiError> {
    let feed = Url::parse(location)
        .ok()
        .filter(|_| kind == SourceKind::Feed);
    let own = match (given.allow_private, &feed) {
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
    let others = given.private_hosts.iter().chain(before).map(String::as_str);
    let private_hosts = hosts::normals(others.chain(own)).map_err(ApiError::Bad)?;
    if let Some(feed) = &feed {
        let look = app.outside.look(feed, &private_hosts).await;
        look.map_err(|refused| out_of_reach(&refused))?;
    }
    Ok(private_hosts)
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
