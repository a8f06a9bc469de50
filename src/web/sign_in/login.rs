use axum::Extension;
use axum::extract::State as FromState;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::{challenges, login_second_factor};
use crate::actions;
use crate::db::second_factors;
use crate::domain::Manager as KnownManager;
use crate::domain::audit::{Action, Actor};
use crate::domain::manager::normalize_email;
use crate::state::State;
use crate::ui::admin_layout::LoggedOutContext;
use crate::ui::pages::admin::Login;
use crate::web::Result;
use crate::web::access::known_browser::KnownBrowser;
use crate::web::access::login_throttle::{self, VerifiedPassword};
use crate::web::access::manager::{CanEnter, Manager, UserAgent, safe_return_path};
use crate::web::access::session::BrowserInfo;
use crate::web::access::{denied_audit, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::logged_out_layout;
use crate::web::page::page_response;

/// The same for every reason, so that it does not reveal which addresses exist.
const LOGIN_DENIED: &str = "Incorrect e-mail address or password, or the account is disabled. After several attempts, wait a few \
                       minutes or ask an owner for a reset link.";

/// `GET /login`
pub async fn new(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    QueryFields(query): QueryFields,
) -> Response {
    let shell = logged_out_layout(&state, &nonce.0).await;
    let next = safe_return_path(&query.text("next")).to_owned();
    page_response(login_page(&state, shell, String::new(), next, None).html())
}

/// `POST /login`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    device: KnownBrowser,
    UserAgent(user_agent): UserAgent,
    Form(fields): Form,
) -> Result<Response> {
    let (email, next) = (fields.text("email"), safe_return_path(&fields.text("next")).to_owned());
    let admitted = verify_login(&state, &email, fields.text("password"), address, &device).await?;
    let Some(admitted) = admitted else {
        state.failed_logins().increment();
        return Ok(render_login_denied(&state, &nonce, email, next, LOGIN_DENIED).await);
    };
    let manager = &admitted.manager;
    let answer = if admitted.needs_second_factor {
        login_second_factor::begin_half_login(&state, &session, manager, &next).await?
    } else {
        let visitor = BrowserInfo { address, user_agent: &user_agent };
        session::begin_session(&state, &session, manager, visitor, None).await?;
        Redirect::to(&next).into_response()
    };
    // After the password alone, because a known browser is only exempt from throttling, not from the second factor.
    Ok(device.remember(&state, &manager.id, answer).await?)
}

/// The login page with the reason of a denial.
pub async fn render_login_denied(state: &State, nonce: &Nonce, email: String, next: String, why: &str) -> Response {
    let shell = logged_out_layout(state, &nonce.0).await;
    let login = login_page(state, shell, email, next, Some(why.to_owned()));
    (StatusCode::UNPROCESSABLE_ENTITY, page_response(login.html())).into_response()
}

/// The login page with a form that leads to `next`.
pub fn login_page(state: &State, shell: LoggedOutContext, email: String, next: String, error: Option<String>) -> Login {
    let provider = state.provider.as_ref().map(|provider| provider.name().to_owned());
    Login { shell, email, next, passkeys: challenges::are_passkeys_available(state), provider, error }
}

/// `POST /logout`
pub async fn destroy(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let entry = actions::managers::log_out(&mut tx, &manager, &manager.session_hash).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session.flush().await?;
    let mut response = Redirect::to("/login").into_response();
    // Not "cookies": the session cookie is already cleared, and the cookie of the known browser must stay.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}

struct VerifiedLogin {
    manager: KnownManager,
    /// Whether the second factor is still missing.
    needs_second_factor: bool,
}

/// The manager with this address and password, if they may log in. Audits a denial, without the password.
async fn verify_login(
    state: &State,
    email: &str,
    password: String,
    address: ClientAddress,
    device: &KnownBrowser,
) -> Result<Option<VerifiedLogin>> {
    let email = normalize_email(email);
    let attempt = login_throttle::begin_attempt(state, &email, address, device).await?;
    let admitted = match attempt.try_password(password).await? {
        Some(proven) => record_login(state, proven, address).await?,
        None => None,
    };
    if admitted.is_none() {
        denied_audit::record_denied_login(state, address, &email).await;
    }
    Ok(admitted)
}

/// Records the login, if the password is still valid.
async fn record_login(
    state: &State,
    proven: VerifiedPassword,
    address: ClientAddress,
) -> Result<Option<VerifiedLogin>> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(manager) = proven.confirm(&mut tx).await? else { return Ok(None) };
    let half = second_factors::load(&mut tx, &manager.id).await?.any();
    let entry = if half {
        actions::managers::record_event(Action::ManagerBeginLogin, &manager)
    } else {
        actions::managers::log_in(&mut tx, Action::ManagerLogin, &manager, now).await?
    };
    tx.commit(&Actor::from_manager(&manager, address), now, entry).await?;
    Ok(Some(VerifiedLogin { manager, needs_second_factor: half }))
}
