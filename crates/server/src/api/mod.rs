//! REST.
/// Routes.
pub fn routes() -> axum::Router<std::sync::Arc<crate::App>> { axum::Router::new() }
