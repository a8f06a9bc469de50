//! The second step of a login: a code after the password. Until then the session has no manager and grants no access.

use axum::Extension;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::challenges;
use super::second_factor_codes::{self, CodeCheck};
use crate::actions;
use crate::db::{self, Tx, managers, second_factors};
use crate::domain::audit::{Action, Actor};
use crate::domain::parse_time::is_unexpired;
use crate::domain::second_factor::HALF_LOGIN_LIFETIME;
use crate::domain::{Invalid, Manager as KnownManager};
use crate::state::State;
use crate::ui::pages::admin::LoginSecondFactor;
use crate::web::Result;
use crate::web::access::manager::UserAgent;
use crate::web::access::session::{BrowserInfo, HalfLogin, SessionData};
use crate::web::access::{denied_audit, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::Form;
use crate::web::page::layout::logged_out_layout;
use crate::web::page::page_response;

/// Records under a new session id that the password was right, and redirects to the second step.
pub async fn begin_half_login(
    state: &State,
    session: &Session,
    manager: &KnownManager,
    next: &str,
) -> Result<Response> {
    if session.id().is_some() {
        session.flush().await?;
    }
    let until = state.clock.now() + HALF_LOGIN_LIFETIME;
    let half = HalfLogin { manager: manager.id.clone(), version: manager.version, next: next.to_owned(), until };
    session::save(session, &SessionData { half_login: Some(half), ..SessionData::default() }).await?;
    Ok(Redirect::to("/login/factor").into_response())
}

/// `GET /login/factor`
pub async fn new(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    session: Session,
) -> Result<Response> {
    let Some((manager, half)) = pending_login(&state, &session).await? else { return Ok(redirect_to_login()) };
    Ok(page_response(code_page(&state, &nonce, &manager, half, Invalid::new()).await?))
}

/// `POST /login/factor`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    UserAgent(user_agent): UserAgent,
    Form(fields): Form,
) -> Result<Response> {
    let Some((manager, half)) = pending_login(&state, &session).await? else { return Ok(redirect_to_login()) };
    let Some(checked) = check_code(&state, &half, &fields.text("code"), &address).await? else {
        return Ok(redirect_to_login());
    };
    if !checked.is_right() {
        let wrong = Invalid::field("code", checked.sentence(state.clock.now()));
        let html = code_page(&state, &nonce, &manager, half, wrong).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page_response(html)).into_response());
    }
    session::begin_session(&state, &session, &manager, BrowserInfo { address, user_agent: &user_agent }, None).await?;
    Ok(Redirect::to(&half.next).into_response())
}

/// Checks the code and records the result; `None` if the login has ended since.
async fn check_code(state: &State, half: &HalfLogin, code: &str, address: &ClientAddress) -> Result<Option<CodeCheck>> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(manager) = find_unchanged_manager(&mut tx, half).await? else { return Ok(None) };
    let checked = second_factor_codes::check_code(state, &mut tx, &manager.id, code).await?;
    let (action, actor) = match checked {
        CodeCheck::App => (Action::ManagerLogin, Actor::from_manager(&manager, address)),
        CodeCheck::Recovery => (Action::ManagerLoginByRecoveryCode, Actor::from_manager(&manager, address)),
        CodeCheck::Wrong | CodeCheck::Locked(_) => (Action::ManagerDenyCode, Actor::anonymous(address)),
    };
    if checked.is_right() {
        let entry = actions::managers::log_in(&mut tx, action, &manager, now).await?;
        tx.commit(&actor, now, entry).await?;
    } else {
        let entry = actions::managers::record_event(action, &manager);
        denied_audit::commit_denial(state, tx, &actor, &entry).await?;
    }
    Ok(Some(checked))
}

/// The login that waits for its second step and its manager, if still valid.
async fn pending_login(state: &State, session: &Session) -> Result<Option<(KnownManager, HalfLogin)>> {
    let Some(half) = session::load(session).await?.half_login else { return Ok(None) };
    if !is_unexpired(HALF_LOGIN_LIFETIME, half.until, state.clock.now()) {
        return Ok(None);
    }
    let manager = find_unchanged_manager(&mut state.db.read().await?, &half).await?;
    Ok(manager.map(|manager| (manager, half)))
}

/// The manager, if active and unchanged since the password was checked.
async fn find_unchanged_manager(tx: &mut Tx, half: &HalfLogin) -> db::Result<Option<KnownManager>> {
    match managers::find(tx, &half.manager).await {
        Ok(manager) => Ok(Some(manager).filter(|manager| manager.is_active() && manager.version == half.version)),
        Err(db::Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn redirect_to_login() -> Response {
    Redirect::to("/login").into_response()
}

async fn code_page(
    state: &State,
    nonce: &Nonce,
    manager: &KnownManager,
    half: HalfLogin,
    invalid: Invalid,
) -> Result<String> {
    let factors = second_factors::load(&mut state.db.read().await?, &manager.id).await?;
    let shell = logged_out_layout(state, &nonce.0).await;
    let passkeys = factors.passkeys > 0 && challenges::are_passkeys_available(state);
    Ok(LoginSecondFactor { shell, totp: factors.totp, passkeys, next: half.next, invalid }.html())
}
