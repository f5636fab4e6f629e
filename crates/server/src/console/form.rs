//! Forms that change something. The extractor checks the session's word, so that no handler can
//! forget to.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::fields::Fields;
use super::notice;
use super::view::{PageError, Viewer};
use crate::agents::body;
use crate::app::App;
use crate::people::sessions::unconfirmed;
use crate::people::{Actor, local_path};

/// The name of the hidden field with the session's word.
pub const CSRF_FIELD: &str = "csrf";

/// What an error about a form begins with.
const UNREADABLE: &str = "the form cannot be read";

/// A change that a signed-in person asks for through our own page.
pub struct Change {
    /// Who, and what the answer's page needs.
    pub viewer: Viewer,
    /// What they filled in.
    pub fields: Fields,
}

impl Change {
    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.viewer.signed_in.actor
    }

    /// Back to the page of the form, or to `otherwise`, with a notice of what was done.
    pub fn done(&self, otherwise: &str, what: notice::Done, count: u64) -> Response {
        let back = local_path::or(self.fields.text("back"), otherwise);
        Redirect::to(&notice::onto(back, what, count)).into_response()
    }
}

impl FromRequest<Arc<App>> for Change {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, app)
            .await
            .map_err(|error| body::broken(&error, UNREADABLE))?;
        let fields = Fields(fields);
        if !viewer.signed_in.confirms(fields.text(CSRF_FIELD)) {
            return Err(unconfirmed().into());
        }
        Ok(Self { viewer, fields })
    }
}

/// A form that nobody is signed in for.
pub struct OpenForm(pub Fields);

impl FromRequest<Arc<App>> for OpenForm {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, PageError> {
        crate::people::same_origin::check(request.headers())?;
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, app)
            .await
            .map_err(|error| body::broken(&error, UNREADABLE))?;
        Ok(Self(Fields(fields)))
    }
}
