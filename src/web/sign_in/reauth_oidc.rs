//! Proof of identity by another login at the identity provider. The submitted form waits in the session, and the
//! manager then sends it with one click, because a redirect can't submit a form.

use axum::Extension;
use axum::extract::{FromRequestParts as _, State as FromState};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::challenges;
use super::oidc_flow::{self, Intent, failure_sentence};
use crate::actions;
use crate::db::challenges::Kind;
use crate::db::oidc_identities;
use crate::domain::audit::Action;
use crate::domain::forms::Fields;
use crate::domain::oidc_roles::Person;
use crate::oidc::{self, Provider};
use crate::state::State;
use crate::ui::pages::admin::Reauthenticated;
use crate::web::access::manager::{CanEnter, Manager, safe_return_path};
use crate::web::access::{denied_audit, session};
use crate::web::edge::headers::Nonce;
use crate::web::form::{self, Form};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// Largest form that may wait for the provider's response, in bytes.
const MAX_PENDING_ACTION: usize = 64 * 1024;

/// `POST /admin/proof/oidc`: redirects to the provider, which must ask for a new login.
pub async fn create(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    session: Session,
    Form(fields): Form,
) -> Result<Response> {
    let kept = fields.has("kept").then(|| fields.text("kept"));
    if kept.as_ref().is_some_and(|kept| kept.len() > MAX_PENDING_ACTION) {
        return Err(Error::BadRequest(
            "The form is too large for this confirmation method. Choose another one.".into(),
        ));
    }
    let intent = Intent::Reauthenticate { path: safe_return_path(&fields.text("path")).to_owned(), kept };
    let name = oidc_flow::require_provider(&state)?.name();
    let begun = oidc_flow::begin_oidc_login(&state, &nonce, &session, manager.address, intent).await?;
    begun.map_err(|failure| Error::Conflict(failure_sentence(&failure, name)))
}

/// Handles the provider's response: if it names the logged-in manager, it is a proof, and the pending action is one
/// click away.
pub(in crate::web) async fn finish(
    visit: (&State, &Session, Parts, &Provider),
    result: std::result::Result<Person, oidc::Error>,
    path: String,
    kept: Option<String>,
) -> Result<Response> {
    let (state, session, mut parts, provider) = visit;
    let manager = Manager::<CanEnter>::from_request_parts(&mut parts, state).await?;
    let now = state.clock.now();
    let mut tx = manager.begin(state).await?;
    let own = match &result {
        Ok(person) => oidc_identities::find_manager(&mut tx, provider.issuer(), &person.subject).await?,
        Err(_) => None,
    };
    let right = own.is_some_and(|own| own.id == manager.id);
    if right {
        tx.commit(&manager.actor(), now, actions::managers::record_event(Action::ManagerReauthenticate, &manager))
            .await?;
    } else {
        let entry = actions::managers::record_event(Action::ManagerDenyReauthentication, &manager);
        denied_audit::commit_denial(state, tx, &manager.actor(), &entry).await?;
        let other_account = || format!("This account at {} is not connected to yours.", provider.name());
        let why = result.map_or_else(|failure| failure_sentence(&failure, provider.name()), |_| other_account());
        return Err(Error::Conflict(why));
    }
    session::record_proof(state, session).await?;
    let Some(fields) = kept else { return Ok(Redirect::to(&path).into_response()) };
    let wanted = PendingAction { path, fields };
    challenges::store(state, session, manager.address, Kind::ReauthForm, &wanted).await?;
    Ok(Redirect::to("/admin/proof").into_response())
}

/// The action that waits for the provider's response.
#[derive(Serialize, Deserialize)]
struct PendingAction {
    path: String,
    /// URL-encoded.
    fields: String,
}

/// `GET /admin/proof`: the pending action, ready to submit.
pub async fn show(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let wanted = match challenges::find(&state, &session, Kind::ReauthForm).await? {
        Some(PendingAction { path, fields }) => Some((path, form::read_form(fields.as_bytes())?.0)),
        None => None,
    };
    let shell = admin_context(&state, &mut state.db.read().await?, &manager, &Fields::default()).await?;
    Ok(page_response(Reauthenticated { shell, wanted }.html()))
}
