//! What could not be done is told inside the admin: who is logged in stays among their pages.

use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State as FromState};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::shell::shell;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::Failure;
use crate::web::auth::{CanEnter, Manager};
use crate::web::error::{sentence_of, wants_json};

/// Makes a page of the admin of an error that has no page yet, where a manager is logged in. Where nobody is, or the
/// database is away, the public error page says it.
pub async fn tell(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if !(path == "/admin" || path.starts_with("/admin/")) || wants_json(path, &parts.headers) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let mut asked = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.headers().contains_key(header::CONTENT_TYPE) || !Failure::STATUSES.contains(&response.status().as_u16())
    {
        return response;
    }
    let Ok(manager) = Manager::<CanEnter>::from_request_parts(&mut asked, &state).await else { return response };
    let detail = sentence_of(&response);
    match page(&state, &manager, response.status(), detail).await {
        Ok(html) => with_body(response, html),
        Err(error) => {
            tracing::debug!("an error was not told inside the admin: {error}");
            response
        }
    }
}

async fn page(
    state: &State,
    manager: &Manager<CanEnter>,
    status: StatusCode,
    detail: Option<String>,
) -> crate::db::Result<String> {
    let mut tx = state.db.read().await?;
    let shell = shell(state, &mut tx, manager, &Fields::default()).await?;
    Ok(Failure { shell, status: status.as_u16(), detail }.html())
}

fn with_body(response: Response, html: String) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, Body::from(html))
}
