//! What all pages share: who looks, the frame around the page, and the page of an error.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use askama::Template;
use axum::extract::{FromRequestParts, Path, Query};
use axum::response::{Html, IntoResponse, Redirect, Response};
use fleetmend_model::Millis;
use http::request::Parts;
use http::{StatusCode, Uri};

use super::fields::{Fields, address};
use super::{notice, time::When};
use crate::app::App;
use crate::error::ApiError;
use crate::missing::published;
use crate::people::SignedIn;

/// Rows on one page of a list.
pub const PAGE_ROWS: u32 = 100;

/// A signed-in person who looks at a page. Anybody else is sent to sign in.
pub struct Viewer {
    /// Who.
    pub signed_in: SignedIn,
    /// The query of the page's address.
    pub fields: Fields,
    /// The page's address, without the server.
    pub here: String,
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        let here = parts
            .uri
            .path_and_query()
            .map_or("/", |it| it.as_str())
            .to_owned();
        let signed_in = match SignedIn::from_request_parts(parts, app).await {
            Ok(signed_in) => signed_in,
            Err(ApiError::Unauthenticated(_)) => {
                let next = if parts.method == http::Method::GET {
                    here.as_str()
                } else {
                    "/"
                };
                return Err(PageError::Login(address("/login", [("next", next)])));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            signed_in,
            fields: fields(&parts.uri)?,
            here,
        })
    }
}

/// The id in a page's path.
pub struct PathId(pub i64);

impl FromRequestParts<Arc<App>> for PathId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, PageError> {
        match Path::from_request_parts(parts, &()).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(not_found().await),
        }
    }
}

/// The fields of an address.
pub fn fields(uri: &Uri) -> Result<Fields, ApiError> {
    let Query(fields) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| ApiError::Bad(format!("the address cannot be read: {error}")))?;
    Ok(Fields(fields))
}

/// A time or none, by as many references as a template's loops put before it.
pub trait Point {
    /// The time.
    fn point(&self) -> Option<Millis>;
}

impl Point for Millis {
    fn point(&self) -> Option<Millis> {
        Some(*self)
    }
}

impl<T: Point> Point for Option<T> {
    fn point(&self) -> Option<Millis> {
        self.as_ref().and_then(Point::point)
    }
}

impl<T: Point> Point for &T {
    fn point(&self) -> Option<Millis> {
        (**self).point()
    }
}

/// The frame around a page of a signed-in person.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The page's heading.
    pub title: String,
    /// Which entry of the menu is marked.
    pub section: &'static str,
    /// Who is signed in.
    pub user: String,
    /// The session's word, for forms.
    pub csrf: String,
    /// What was just done.
    pub notice: Option<String>,
    /// The page's address, for forms that come back to it.
    pub here: String,
    /// How many package versions are in quarantine.
    pub quarantined: u64,
    now: Millis,
}

impl Viewer {
    /// The frame around a page.
    pub fn layout(&self, app: &App, title: impl Into<String>, section: &'static str) -> Layout {
        Layout {
            title: title.into(),
            section,
            user: self.signed_in.session.user_name.clone(),
            csrf: self.signed_in.session.csrf.clone(),
            notice: notice::of(&self.fields),
            here: self.here.clone(),
            quarantined: app.quarantined.load(Ordering::Relaxed),
            now: app.now(),
        }
    }
}

impl Layout {
    /// When a package version was published, as the catalog keeps it, as HTML.
    pub fn published(&self, text: &str) -> When {
        self.when(published::at(text))
    }

    /// A time, or never, as HTML.
    pub fn when(&self, at: impl Point) -> When {
        When::new(at.point(), self.now)
    }
}

/// A count with its noun: `1 patch`, `2 patches`.
pub fn counted(count: impl fmt::Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}

/// A page.
pub fn page(template: &impl Template) -> Result<Response, PageError> {
    let html = template.render().context("a page cannot be drawn")?;
    Ok(Html(html).into_response())
}

/// A choice of a select box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub key: String,
    /// What is shown.
    pub label: String,
    /// Whether it is the current one.
    pub is_chosen: bool,
}

/// The choices of a select box, with the current one marked.
pub fn choices<T: Copy + PartialEq>(
    all: &[T],
    chosen: Option<T>,
    key: impl Fn(T) -> String,
    label: impl Fn(T) -> String,
) -> Vec<Choice> {
    all.iter()
        .map(|it| Choice {
            key: key(*it),
            label: label(*it),
            is_chosen: chosen == Some(*it),
        })
        .collect()
}

/// The choices of a select box of two.
pub fn either(chosen: Option<bool>, yes: &str, no: &str) -> Vec<Choice> {
    choices(
        &[true, false],
        chosen,
        |it| it.to_string(),
        |it| if it { yes } else { no }.to_owned(),
    )
}

/// Why there is no page.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in: to this address.
    Login(String),
    /// Something else.
    Error(ApiError),
}

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: StatusCode,
    message: String,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::Login(address) => Redirect::to(&address).into_response(),
            Self::Error(error) => {
                if let ApiError::Internal(cause) = &error {
                    tracing::error!("{cause:#}");
                }
                let status = error.status();
                let mut message = error.message();
                if let Some(first) = message.get(..1) {
                    message = format!("{}{}", first.to_uppercase(), &message[1..]);
                }
                match (ErrorPage { status, message }).render() {
                    Ok(html) => (status, Html(html)).into_response(),
                    Err(_) => status.into_response(),
                }
            }
        }
    }
}

/// An error of the store as a caller sees it.
pub fn stored(error: fleetmend_store::Error) -> ApiError {
    use fleetmend_store::Error;
    match error {
        Error::Cursor => ApiError::Bad(error.to_string()),
        Error::Missing { .. } => ApiError::Missing(error.to_string()),
        Error::Exists { .. } | Error::Moved { .. } => ApiError::Conflict(error.to_string()),
        error => ApiError::Internal(error.into()),
    }
}

/// The page of an address that leads nowhere.
pub async fn not_found() -> PageError {
    ApiError::Missing("there is no such page".to_owned()).into()
}
