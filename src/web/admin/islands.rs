use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse, Response};

use crate::web::auth::{CanPublish, Manager};

/// `POST /admin/islands/{call}`: what islands ask of the server. Only publishers have islands, and the
/// guard stands before the call is even read.
pub async fn call(_manager: Manager<CanPublish>, request: Request<Body>) -> Response {
    leptos_axum::handle_server_fns(request).await.into_response()
}
