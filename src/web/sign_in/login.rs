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
use crate::domain::manager::fold_email;
use crate::state::State;
use crate::ui::admin_layout::Porch;
use crate::ui::pages::admin::Login;
use crate::web::Result;
use crate::web::access::known_browser::Device;
use crate::web::access::login_throttle::{self, Proven};
use crate::web::access::manager::{CanEnter, Manager, UserAgent, safe_next};
use crate::web::access::session::Visitor;
use crate::web::access::{denied_audit, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::{Form, Search};
use crate::web::page::layout::porch;
use crate::web::page::page;

/// One sentence for every reason, so that nobody learns which addresses exist.
const REFUSED: &str = "This e-mail address and password don't belong together, or the account is disabled, or it was \
                       tried too often: then wait a while, or ask an owner for a reset link.";

/// `GET /login`
pub async fn new(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Search(query): Search,
) -> Response {
    let porch = porch(&state, &nonce.0).await;
    let next = safe_next(&query.text("next")).to_owned();
    page(form(&state, porch, String::new(), next, None).html())
}

/// `POST /login`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    device: Device,
    UserAgent(user_agent): UserAgent,
    Form(fields): Form,
) -> Result<Response> {
    let (email, next) = (fields.text("email"), safe_next(&fields.text("next")).to_owned());
    let admitted = admit(&state, &email, fields.text("password"), address, &device).await?;
    let Some(admitted) = admitted else {
        state.refused_logins().increment();
        return Ok(refused(&state, &nonce, email, next, REFUSED).await);
    };
    let manager = &admitted.manager;
    let answer = if admitted.half {
        login_second_factor::begin(&state, &session, manager, &next).await?
    } else {
        let visitor = Visitor { address, user_agent: &user_agent };
        session::begin(&state, &session, manager, visitor, None).await?;
        Redirect::to(&next).into_response()
    };
    // The browser is known by the password alone: what it is spared is waiting, not the second factor.
    Ok(device.remember(&state, &manager.id, answer).await?)
}

/// The login again, with why it failed.
pub async fn refused(state: &State, nonce: &Nonce, email: String, next: String, why: &str) -> Response {
    let porch = porch(state, &nonce.0).await;
    let login = form(state, porch, email, next, Some(why.to_owned()));
    (StatusCode::UNPROCESSABLE_ENTITY, page(login.html())).into_response()
}

fn form(state: &State, porch: Porch, email: String, next: String, error: Option<String>) -> Login {
    let provider = state.provider.as_ref().map(|provider| provider.name().to_owned());
    Login { porch, email, next, passkeys: challenges::is_possible(state), provider, error }
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
    // Not "cookies": the session's is taken back already, and the browser should stay known.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}

/// Who gave the right password.
struct Admitted {
    manager: KnownManager,
    /// Whether a second factor is still to come.
    half: bool,
}

/// The manager whose address and password these are, if they may log in. What is refused is recorded
/// too, without the password.
async fn admit(
    state: &State,
    email: &str,
    password: String,
    address: ClientAddress,
    device: &Device,
) -> Result<Option<Admitted>> {
    let email = fold_email(email);
    let attempt = login_throttle::begin(state, &email, address, device).await?;
    let admitted = match attempt.try_password(password).await? {
        Some(proven) => let_in(state, proven, address).await?,
        None => None,
    };
    if admitted.is_none() {
        denied_audit::record_login(state, address, &email).await;
    }
    Ok(admitted)
}

/// Records the login, if the password is still the one that it was when it was compared.
async fn let_in(state: &State, proven: Proven, address: ClientAddress) -> Result<Option<Admitted>> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(manager) = proven.keep(&mut tx).await? else { return Ok(None) };
    let half = second_factors::of(&mut tx, &manager.id).await?.any();
    let entry = if half {
        actions::managers::record_event(Action::ManagerBeginLogin, &manager)
    } else {
        actions::managers::log_in(&mut tx, Action::ManagerLogin, &manager, now).await?
    };
    tx.commit(&Actor::of(&manager, address), now, entry).await?;
    Ok(Some(Admitted { manager, half }))
}
