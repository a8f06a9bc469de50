//! What was typed when the session had ended meanwhile: nothing of it is done, and nothing of it is lost.
//!
//! The login would swallow the fields of a form, so whoever is not logged in and sends some gets a page that shows them
//! again. It is for their eyes only: nothing is kept here, and nothing is sent on. Whether there was a session is not asked:
//! the cookie goes with the first answer, which may have been another tab's, and the form came from a page of ours anyway.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State as FromState};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::page;
use super::proof::{is_form, is_secret};
use super::shell::porch;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::Ended;
use crate::web::auth::{CanEnter, Manager};
use crate::web::headers::Nonce;
use crate::web::routes::{Access, Route};
use crate::web::{Error, MAX_BODY, form};

/// What a form says besides its text, and what must not stand on a page.
const NOT_SHOWN: [&str; 15] = [
    "version",
    "new_id",
    "draft",
    "draft_version",
    "preview",
    "save_draft",
    "rehearse",
    "next",
    "path",
    "kept",
    "username",
    "code",
    "proof_code",
    "proof_passkey",
    "credential",
];

/// Which routes only managers may send something to.
#[derive(Clone)]
pub struct Keeping {
    state: State,
    paths: Arc<HashSet<&'static str>>,
}

impl Keeping {
    /// Those of `table`, but for the calls of islands, of which no browser makes a page.
    pub fn new(state: &State, table: &[Route]) -> Self {
        let guarded = table.iter().filter(|route| route.method == Method::POST && route.access != Access::Anybody);
        let paths = guarded.map(|route| route.path).filter(|path| !path.starts_with("/admin/islands/")).collect();
        Self { state: state.clone(), paths: Arc::new(paths) }
    }

    fn concerns(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        request.method() == Method::POST && path.is_some_and(|path| self.paths.contains(path))
    }
}

/// Lets a request through; a form that nobody is logged in for any more is shown again.
pub async fn give_back(FromState(keeping): FromState<Keeping>, request: Request, next: Next) -> Response {
    if !keeping.concerns(&request) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let manager = Manager::<CanEnter>::from_request_parts(&mut parts, &keeping.state).await;
    let Err(Error::LoginRequired(back)) = manager else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let typed = if is_form(&parts) { typed(body).await } else { Vec::new() };
    if typed.is_empty() {
        return Error::LoginRequired(back).into_response();
    }
    let nonce = parts.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default();
    let porch = porch(&keeping.state, &nonce).await;
    (StatusCode::UNAUTHORIZED, page(Ended { porch, typed, next: back }.html())).into_response()
}

/// The fields that somebody filled in, without secrets; none where they can't be read.
async fn typed(body: Body) -> Vec<(String, String)> {
    let read = to_bytes(body, MAX_BODY).await.ok().and_then(|bytes| form::read(&bytes).ok());
    let Fields(fields) = read.unwrap_or_default();
    let shown = |name: &str, value: &str| !value.trim().is_empty() && !is_secret(name) && !NOT_SHOWN.contains(&name);
    fields.into_iter().filter(|(name, value)| shown(name, value)).collect()
}
