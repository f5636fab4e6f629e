//! Sources of packages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleetmend_model::SourceId;
use fleetmend_store::packages::{self, Package};
use fleetmend_store::sources::{self, LeftOut, Source};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Id};
use super::openapi::Refused;
use super::shapes::{IdBody, time_opt};
use crate::app::App;
use crate::catalog::add_source::{self, Given};
use crate::catalog::credentials::Login;
use crate::catalog::{self, private_hosts};
use crate::console::stored;
use crate::error::ApiError;
use crate::people::{Confirmed, SignedIn};

/// How many packages with problems are listed.
pub(crate) const MOST_PROBLEMS: u32 = 100;

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// Its id.
    id: i64,
    /// `folder`, `feed`, or `own`: what was pushed into this server's own feed.
    kind: &'static str,
    /// Path or URL; of this server's own feed the path on this server.
    location: String,
    /// What a person calls it.
    name: String,
    /// The lower number is asked first and wins.
    priority: i64,
    /// Whether it is read.
    enabled: bool,
    /// Who reads it, where it wants a name and a password.
    user: Option<String>,
    /// The hosts that it may lead to although they are in one's own network.
    private_hosts: Vec<String>,
    /// What a person should know of how it is protected.
    protection: Option<&'static str>,
    /// How it is doing, in words.
    state: String,
    /// When it was last read to its end.
    last_read_at: Option<String>,
    /// Why the last read failed.
    last_error: Option<String>,
    /// Reads in a row that failed.
    failures: i64,
    /// When it is read next.
    next_read_at: Option<String>,
    /// Why then.
    next_read_why: String,
    /// How many files or entries the last read left out.
    left_out_count: u64,
}

impl From<Source> for SourceBody {
    fn from(it: Source) -> Self {
        Self {
            id: it.id.0,
            kind: it.kind.key(),
            protection: catalog::sources::protection(&it),
            state: catalog::sources::state(&it),
            location: it.location,
            name: it.name,
            priority: it.priority,
            enabled: it.enabled,
            user: it.user_name,
            private_hosts: it.private_hosts,
            last_read_at: time_opt(it.last_read.finished_at),
            last_error: it.last_read.error,
            failures: it.last_read.failures,
            next_read_at: time_opt(it.last_read.next_read_at),
            next_read_why: it.last_read.next_read_why,
            left_out_count: it.last_read.left_out_count,
        }
    }
}

/// Something that a source has and that was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOutBody {
    /// The file's name or the entry's id.
    what: String,
    /// What is wrong with it.
    why: String,
}

/// A package that cannot be had or read, or is in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// The package's id.
    package: String,
    /// Its version.
    version: String,
    /// What is wrong.
    why: String,
    /// Whether it is in quarantine: its bytes are not what the package says.
    quarantined: bool,
    /// When it is tried again by itself.
    retry_at: Option<String>,
}

impl From<Package> for ProblemBody {
    fn from(it: Package) -> Self {
        let retry_at = it.problem.as_ref().and_then(|problem| problem.retry_at);
        let quarantined = it.quarantine.is_some();
        let why = match (it.quarantine, it.problem) {
            (Some((_, cause)), _) => cause,
            (None, Some(problem)) => problem.why,
            (None, None) => String::new(),
        };
        Self {
            package: it.shown_id,
            version: it.version,
            why,
            quarantined,
            retry_at: time_opt(retry_at.filter(|_| !quarantined)),
        }
    }
}

/// A source, with what is wrong in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneSourceBody {
    /// The source.
    source: SourceBody,
    /// What the last read left out: the first hundred.
    left_out: Vec<LeftOutBody>,
    /// Packages that cannot be had or read, or are in quarantine: the first hundred.
    problems: Vec<ProblemBody>,
}

/// A password on its way in: not shown in any log.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// A source to add.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewSourceBody {
    /// The address of a NuGet v2 feed, or the full path of a folder on the server.
    location: String,
    /// What a person calls it; the location by default.
    name: Option<String>,
    /// The name for HTTP Basic authentication, if the feed wants one.
    user: Option<String>,
    /// The password for it. It is kept sealed and never given out.
    #[schema(write_only)]
    password: Option<Password>,
    /// Whether the feed may be in one's own network. Without it no private, loopback or link-local
    /// address is asked.
    #[serde(default)]
    allow_private: bool,
    /// Other hosts that it may lead to although they are in one's own network: names or IP
    /// addresses, without ports.
    #[serde(default)]
    private_hosts: Vec<String>,
}

/// The hosts that a source may lead to although they are in one's own network.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PrivateHostsBody {
    /// Names or IP addresses, without ports: all of them, the feed's own as well.
    hosts: Vec<String>,
}

/// What a feed is read with; nothing, to read it without.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SourceLoginBody {
    /// The name for HTTP Basic authentication.
    user: Option<String>,
    /// The password for it. It is kept sealed and never given out.
    #[schema(write_only)]
    password: Option<Password>,
}

/// All sources, the one that is asked first in front.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "list_sources", tag = "sources",
    responses((status = 200, body = Vec<SourceBody>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<Vec<SourceBody>>, ApiError> {
    let sources = sources::list(&app.db).await.map_err(stored)?;
    Ok(Json(sources.into_iter().map(Into::into).collect()))
}

/// A source, with what is wrong in it.
#[utoipa::path(get, path = "/api/v1/sources/{id}", operation_id = "get_source", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    responses((status = 200, body = OneSourceBody), Refused))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<OneSourceBody>, ApiError> {
    let mut source = sources::get(&app.db, SourceId(id))
        .await
        .map_err(stored)?
        .ok_or_else(|| ApiError::Missing(format!("there is no source {id}")))?;
    let left_out = std::mem::take(&mut source.last_read.left_out);
    let problems = packages::with_problems(&app.db, source.id, MOST_PROBLEMS)
        .await
        .map_err(stored)?;
    Ok(Json(OneSourceBody {
        source: source.into(),
        left_out: left_out
            .into_iter()
            .map(|LeftOut { what, why }| LeftOutBody { what, why })
            .collect(),
        problems: problems.into_iter().map(Into::into).collect(),
    }))
}

/// Add a source.
#[utoipa::path(post, path = "/api/v1/sources", operation_id = "create_source", tag = "sources",
    request_body = NewSourceBody, responses((status = 200, body = IdBody), Refused))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Body(it): Body<NewSourceBody>,
) -> Result<Json<IdBody>, ApiError> {
    let given = Given {
        location: &it.location,
        name: it.name.as_deref(),
        user: it.user.as_deref(),
        password: it.password.as_ref().map(|password| password.0.as_str()),
        allow_private: it.allow_private,
        private_hosts: &it.private_hosts,
    };
    let id = add_source::add(&app, &given, &by.actor).await?;
    Ok(Json(IdBody { id: id.0 }))
}

/// Set, or take away, the name and password that a feed is read with.
#[utoipa::path(post, path = "/api/v1/sources/{id}/login", operation_id = "set_source_login",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    request_body = SourceLoginBody, responses((status = 204), Refused))]
pub(crate) async fn set_login(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<SourceLoginBody>,
) -> Result<StatusCode, ApiError> {
    let password = it.password.as_ref().map(|password| password.0.as_str());
    let login = Login::given(it.user.as_deref(), password)?;
    catalog::sources::set_login(&app, SourceId(id), login.as_ref(), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set the hosts that a source may lead to although they are in one's own network.
#[utoipa::path(post, path = "/api/v1/sources/{id}/private-hosts",
    operation_id = "set_source_private_hosts", tag = "sources",
    params(("id" = i64, Path, description = "The source's id")),
    request_body = PrivateHostsBody, responses((status = 204), Refused))]
pub(crate) async fn set_private_hosts(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
    Body(it): Body<PrivateHostsBody>,
) -> Result<StatusCode, ApiError> {
    let hosts = it.hosts.iter().map(String::as_str);
    private_hosts::set(&app, SourceId(id), hosts, &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a source read now, whatever wait it is in. A host's ban is kept: 409.
#[utoipa::path(post, path = "/api/v1/sources/{id}/read", operation_id = "request_source_read",
    tag = "sources", params(("id" = i64, Path, description = "The source's id")),
    responses((status = 204), Refused))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Confirmed(by): Confirmed,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    catalog::sources::read_now(&app, SourceId(id), &by.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
