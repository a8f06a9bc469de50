//! Login with a passkey, which identifies the manager and counts as two factors.

use axum::extract::State as FromState;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use tower_sessions::Session;

use super::{challenges, login};
use crate::actions;
use crate::db::challenges::Kind;
use crate::domain::Manager as KnownManager;
use crate::domain::audit::{Action, Actor};
use crate::state::State;
use crate::web::access::manager::{UserAgent, safe_return_path};
use crate::web::access::session::BrowserInfo;
use crate::web::access::{denied_audit, login_throttle, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::Form;
use crate::web::{Error, Result};

/// The same for every reason, so that it does not reveal which passkeys are known.
const PASSKEY_DENIED: &str = "Unknown passkey, or it took too long. Try again, or log in with your password.";

/// `POST /login/passkey/challenge`: the options for the browser; also used for a later proof of identity.
pub async fn challenge(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
) -> Result<Response> {
    login_throttle::count_attempt(&state, address)?;
    let mut tx = state.db.read().await?;
    let asked = challenges::relying_party(&state, &mut tx).await?.begin_login();
    drop(tx);
    let asked = asked.map_err(|error| Error::Internal(error.into()))?;
    Ok(Json(challenges::begin_passkey(&state, &session, address, Kind::PasskeyLogin, asked).await?).into_response())
}

/// `POST /login/passkey`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    UserAgent(user_agent): UserAgent,
    Form(fields): Form,
) -> Result<Response> {
    let next = safe_return_path(&fields.text("next")).to_owned();
    let Some(manager) = verify_login(&state, &session, &fields.text("credential"), &address).await? else {
        return Ok(login::render_login_denied(&state, &nonce, String::new(), next, PASSKEY_DENIED).await);
    };
    session::begin_session(&state, &session, &manager, BrowserInfo { address, user_agent: &user_agent }, None).await?;
    Ok(Redirect::to(&next).into_response())
}

/// The manager whose passkey signed the response. Audits a denial.
async fn verify_login(
    state: &State,
    session: &Session,
    answer: &str,
    address: &ClientAddress,
) -> Result<Option<KnownManager>> {
    let now = state.clock.now();
    if let Err(error) = login_throttle::count_attempt(state, *address) {
        denied_audit::record_anonymous_denial(state, *address, Action::ManagerDenyLogin, "a passkey").await;
        return Err(error);
    }
    let challenge = challenges::take_challenge(state, session, Kind::PasskeyLogin).await?;
    let mut tx = state.db.write().await?;
    let Some(manager) = challenges::verify_passkey(state, &mut tx, challenge, answer).await? else {
        drop(tx);
        denied_audit::record_anonymous_denial(state, *address, Action::ManagerDenyLogin, "a passkey").await;
        return Ok(None);
    };
    let entry = actions::managers::log_in(&mut tx, Action::ManagerLoginByPasskey, &manager, now).await?;
    tx.commit(&Actor::from_manager(&manager, address), now, entry).await?;
    Ok(Some(manager))
}
