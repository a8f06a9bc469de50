//! A form that was sent after its session had ended. It waits for its manager, who continues it after the login.
//!
//! The manager is the one of the ended session; no other manager gets the form. [`keep_form`] stores it, and
//! `GET /admin/pending-forms/{id}` deletes it and renders the form's own page with its fields: [`resume_form`] sends it
//! to its route with the button `preview`, which saves nothing.

use std::sync::PoisonError;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State as FromState};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;

use crate::credentials::secret_token;
use crate::db::pending_forms::{self, MAX_PATH, MAX_SIZE, PendingForm};
use crate::db::{self, managers};
use crate::domain::ManagerId;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::Resumed;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::access::session;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::submitted_text::SubmittedForm;
use crate::web::{Error, Result};

/// Routes whose handler renders its form again for the button `preview`. The manager sends forms of other routes from
/// a page with the fields.
pub const RENDERED_AGAIN: [&str; 23] = [
    "/admin/incidents",
    "/admin/incidents/{id}",
    "/admin/incidents/{id}/postmortem",
    "/admin/incidents/{id}/updates",
    "/admin/incidents/{id}/updates/{update}",
    "/admin/maintenances",
    "/admin/maintenances/{id}",
    "/admin/maintenances/{id}/schedule",
    "/admin/maintenances/{id}/extension",
    "/admin/maintenances/{id}/cancellation",
    "/admin/maintenances/{id}/updates",
    "/admin/maintenances/{id}/updates/{update}",
    "/admin/series/{id}",
    "/admin/templates",
    "/admin/templates/{id}",
    "/admin/components",
    "/admin/components/{id}",
    "/admin/components/{id}/corrections",
    "/admin/groups",
    "/admin/groups/{id}",
    "/admin/settings",
    "/admin/brand",
    "/admin/setup/brand",
];

/// Keeps the form for the manager of the session that the cookies name, even if it has ended. Returns the path that continues it;
/// `None` if the session is unknown, the form is too large, or the manager sent too many.
pub async fn keep_form(state: &State, headers: &HeaderMap, sent: &SubmittedForm) -> Result<Option<String>> {
    let Some(fields) = sent.pending_fields().filter(|fields| fields.len() <= MAX_SIZE) else { return Ok(None) };
    let Some(ended) = session::find_named_session(state, headers).await? else { return Ok(None) };
    let Some(manager) = ended.manager_id.as_deref().and_then(ManagerId::parse) else { return Ok(None) };
    if sent.address.chars().count() > MAX_PATH {
        return Ok(None);
    }
    {
        let mut changes = state.session_changes().lock().unwrap_or_else(PoisonError::into_inner);
        if changes.others.count((manager.clone(), ended.created_at), state.clock.monotonic()).is_err() {
            return Ok(None);
        }
    }
    let token = secret_token::fresh_token();
    let form = PendingForm { path: sent.address.clone(), fields };
    let mut tx = state.db.write().await?;
    match managers::find(&mut tx, &manager).await {
        Ok(manager) if manager.is_active() => {}
        Ok(_) | Err(db::Error::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    pending_forms::insert(&mut tx, &secret_token::hash_token(&token), &manager, &form, state.clock.now()).await?;
    tx.commit_unaudited().await?;
    Ok(Some(format!("/admin/pending-forms/{token}")))
}

/// Response extension for [`resume_form`].
#[derive(Clone, Debug)]
struct Resuming(PendingForm);

/// `GET /admin/pending-forms/{id}`: works once, and only for the manager who sent the form.
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    if ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| headers.contains_key(*name)) {
        // A browser that loads the page in advance must not use it up.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut tx = manager.begin(&state).await?;
    let since = state.clock.now() - pending_forms::RETENTION;
    let taken = pending_forms::take_form(&mut tx, &secret_token::hash_token(&token), &manager.id, since).await?;
    let form = taken.ok_or(Error::NotFound)?;
    tx.commit_unaudited().await?;
    if is_rendered_again(&form.path) {
        let mut response = StatusCode::OK.into_response();
        response.extensions_mut().insert(Resuming(form));
        return Ok(response);
    }
    let fields = form::read_form(form.fields.as_bytes())?.0;
    let shell = admin_context(&state, &mut state.db.read().await?, &manager, &Fields::default()).await?;
    Ok(page_response(Resumed { shell, path: form.path, fields }.html()))
}

fn is_rendered_again(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |route: &str| {
        route.split('/').count() == path.split('/').count()
            && route.split('/').zip(path.split('/')).all(|(part, given)| part == given || part.starts_with('{'))
    };
    RENDERED_AGAIN.iter().any(|route| fits(route))
}

/// Answers [`show`] with the page of the form's route; `admin` are the routes of the admin.
pub async fn resume_form(FromState(admin): FromState<Router>, request: Request, next: Next) -> Response {
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let response = next.run(request).await;
    let Some(Resuming(form)) = response.extensions().get().cloned() else { return response };
    let body = format!("{}&preview=1", form.fields);
    let Ok(mut again) = Request::builder().method(Method::POST).uri(&form.path).body(Body::from(body)) else {
        return Error::NotFound.into_response();
    };
    for name in [header::COOKIE, header::HOST, header::USER_AGENT, header::ACCEPT_LANGUAGE] {
        if let Some(value) = headers.get(&name) {
            again.headers_mut().insert(name, value.clone());
        }
    }
    let ours =
        [(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    again
        .headers_mut()
        .extend(ours.map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value))));
    if let Some(nonce) = extensions.get::<Nonce>() {
        again.extensions_mut().insert(nonce.clone());
    }
    if let Some(address) = extensions.get::<ClientAddress>() {
        again.extensions_mut().insert(*address);
    }
    match admin.oneshot(again).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forms_that_render_again_are_resumed_in_place() {
        for path in ["/admin/incidents", "/admin/incidents/x/updates", "/admin/incidents?before=1", "/admin/settings"] {
            assert!(is_rendered_again(path), "{path}");
        }
        for path in
            ["/admin/incidents/x/deletion", "/admin/components/x/status", "/admin/tokens", "/admin/policy", "/x"]
        {
            assert!(!is_rendered_again(path), "{path}");
        }
    }
}
