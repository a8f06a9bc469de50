//! Login at an identity provider: the callback, and the manager and role it leads to.

use axum::Extension;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::oidc_flow::{self, Intent, failure_sentence};
use super::{login, login_second_factor, oidc_connection, reauth_oidc};
use crate::actions;
use crate::db::{self, WriteTx, managers, oidc_identities, second_factors};
use crate::domain::audit::{Action, Actor};
use crate::domain::forms::NewManager;
use crate::domain::mail_retry::AccountChange;
use crate::domain::manager::parse_email;
use crate::domain::oidc_roles::{Identity, Person};
use crate::domain::{Manager as KnownManager, Role};
use crate::oidc::{AuthResponse, Error as Failure, Provider};
use crate::state::State;
use crate::web::access::manager::{UserAgent, safe_return_path};
use crate::web::access::session::{BrowserInfo, OidcLogin};
use crate::web::access::{denied_audit, login_throttle, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::{Form, QueryFields};
use crate::web::page::account_mail::queue_change_notice;
use crate::web::{Error, Result};

/// `POST /login/oidc`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    Form(fields): Form,
) -> Result<Response> {
    let provider = oidc_flow::require_provider(&state)?;
    login_throttle::count_attempt(&state, address)?;
    let next = safe_return_path(&fields.text("next")).to_owned();
    match oidc_flow::begin_oidc_login(&state, &nonce, &session, address, Intent::LogIn { next: next.clone() }).await? {
        Ok(response) => Ok(response),
        Err(failure) => Ok(render_login_failed(&state, &nonce, provider, next, &failure).await),
    }
}

/// `GET /login/oidc/callback`: the provider's redirect. It changes state although it is a GET, because providers have
/// no other way; the pending login is single-use and belongs to the session.
pub async fn finish(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    UserAgent(user_agent): UserAgent,
    parts: Parts,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let provider = oidc_flow::require_provider(&state)?;
    let Some(pending) = oidc_flow::take_pending_login(&state, &session).await? else {
        denied_audit::record_anonymous_denial(&state, address, Action::ManagerDenyLogin, provider.name()).await;
        let why = "The login expired or was started in another window. Try again.";
        return Ok(login::render_login_denied(&state, &nonce, String::new(), "/admin".into(), why).await);
    };
    let answer = AuthResponse {
        code: query.text("code"),
        state: query.text("state"),
        issuer: query.text("iss"),
        error: query.text("error"),
    };
    let result = provider.authenticate(answer, pending.secrets, state.clock.now()).await;
    match (pending.intent, result) {
        (Intent::LogIn { next }, Ok(person)) => {
            let at = BrowserContext { state: &state, session: &session, address, user_agent: &user_agent };
            match complete_login(&at, provider, &person, &next).await? {
                Ok(response) => Ok(response),
                Err(unwelcome) => {
                    denied_audit::record_denied_login(&state, address, &person.email).await;
                    let why = unwelcome.sentence(provider.name());
                    Ok(login::render_login_denied(&state, &nonce, String::new(), next, &why).await)
                }
            }
        }
        (Intent::LogIn { next }, Err(failure)) => {
            denied_audit::record_anonymous_denial(&state, address, Action::ManagerDenyLogin, provider.name()).await;
            Ok(render_login_failed(&state, &nonce, provider, next, &failure).await)
        }
        (Intent::Connect, result) => oidc_connection::connect(&state, parts, provider, result).await,
        (Intent::Reauthenticate { path, kept }, result) => {
            reauth_oidc::finish((&state, &session, parts, provider), result, path, kept).await
        }
    }
}

/// The login page with the reason why the provider's response is invalid.
async fn render_login_failed(
    state: &State,
    nonce: &Nonce,
    provider: &Provider,
    next: String,
    failure: &Failure,
) -> Response {
    let why = failure_sentence(failure, provider.name());
    let mut response = login::render_login_denied(state, nonce, String::new(), next, &why).await;
    if let Failure::Unreachable(_) = failure {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

enum LoginDenied {
    NoRole,
    Disabled,
    EmailTaken,
}

impl LoginDenied {
    fn sentence(self, name: &str) -> String {
        match self {
            Self::NoRole => format!("No role is assigned to you in {name}. Ask an owner."),
            Self::Disabled => "Your account here is deactivated. Ask an owner.".to_owned(),
            Self::EmailTaken => format!(
                "An account with your e-mail address already exists. If it is yours, log in as before and connect \
                 {name} on your account page."
            ),
        }
    }
}

struct BrowserContext<'a> {
    state: &'a State,
    session: &'a Session,
    address: ClientAddress,
    user_agent: &'a str,
}

/// Begins the session of the login's manager, with the role that it maps to.
async fn complete_login(
    at: &BrowserContext<'_>,
    provider: &Provider,
    person: &Person,
    next: &str,
) -> Result<std::result::Result<Response, LoginDenied>> {
    let Some(role) = provider.role_of(person) else {
        revoke_access(at, provider, person).await?;
        return Ok(Err(LoginDenied::NoRole));
    };
    let manager = match find_or_create_manager(at, provider, person, role).await? {
        Ok(manager) if manager.is_active() => manager,
        Ok(_) => return Ok(Err(LoginDenied::Disabled)),
        Err(unwelcome) => return Ok(Err(unwelcome)),
    };
    let manager = if manager.role == role { manager } else { sync_role(at, manager, role).await? };
    let now = at.state.clock.now();
    let has_second_factor = provider.has_second_factor(person);
    let mut tx = at.state.db.write().await?;
    // Denies the login if the manager was disabled or changed since.
    if !managers::find(&mut tx, &manager.id).await?.is_unchanged(&manager) {
        return Err(Error::LoginRequired(next.to_owned()));
    }
    let half = !has_second_factor && second_factors::load(&mut tx, &manager.id).await?.any();
    oidc_identities::touch(&mut tx, &person.issuer, &person.subject, now).await?;
    let entry = if half {
        actions::managers::record_event(Action::ManagerBeginLoginByOidc, &manager)
    } else {
        actions::managers::log_in(&mut tx, Action::ManagerLoginByOidc, &manager, now).await?
    };
    tx.commit(&Actor::from_manager(&manager, at.address), now, entry).await?;
    if half {
        return Ok(Ok(login_second_factor::begin_half_login(at.state, at.session, &manager, next).await?));
    }
    let visitor = BrowserInfo { address: at.address, user_agent: at.user_agent };
    let login = OidcLogin { authenticated_at: person.proved_at(now), has_second_factor };
    session::begin_session(at.state, at.session, &manager, visitor, Some(login)).await?;
    Ok(Ok(Redirect::to(next).into_response()))
}

/// Ends all sessions, links and tokens of a manager whose groups and domain no longer map to a role. The last owner,
/// and the only owner whose password is accepted, keep their access.
async fn revoke_access(at: &BrowserContext<'_>, provider: &Provider, person: &Person) -> Result<()> {
    let mut tx = at.state.db.write().await?;
    let Some(manager) = oidc_identities::find_manager(&mut tx, provider.issuer(), &person.subject).await? else {
        return Ok(());
    };
    match managers::revoke_access(&mut tx, &manager).await {
        Ok(true) => {
            let entry = actions::managers::record_event(Action::ManagerRevokeAccess, &manager);
            tx.commit(&Actor::from_manager(&manager, at.address), at.state.clock.now(), entry).await?;
        }
        // Already revoked at an earlier login: no new audit row.
        Ok(false) => {}
        Err(db::Error::Conflict(reason)) => {
            tracing::warn!("{} lost the role at the identity provider but keeps access: {reason}", manager.id);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Finds the login's manager by the provider's subject. A new person becomes a manager, or the invited manager with the
/// same address who can't log in yet. A manager with another login must connect this one: otherwise control over the
/// provider's addresses would give access to the account.
async fn find_or_create_manager(
    at: &BrowserContext<'_>,
    provider: &Provider,
    person: &Person,
    role: Role,
) -> Result<std::result::Result<KnownManager, LoginDenied>> {
    let now = at.state.clock.now();
    let mut tx = at.state.db.write().await?;
    if let Some(manager) = oidc_identities::find_manager(&mut tx, provider.issuer(), &person.subject).await? {
        return Ok(Ok(manager));
    }
    let Ok(email) = parse_email(&person.email) else { return Ok(Err(LoginDenied::NoRole)) };
    let (mut manager, action) = match managers::find_by_email(&mut tx, &email).await? {
        Some((known, _)) if !known.is_active() => return Ok(Err(LoginDenied::Disabled)),
        Some((known, _)) if !known.is_invited() || second_factors::load(&mut tx, &known.id).await?.any() => {
            return Ok(Err(LoginDenied::EmailTaken));
        }
        Some((invited, _)) => (invited, Action::ManagerAcceptByOidc),
        None => (create_manager(&mut tx, person, email, role, now).await?, Action::ManagerAddByOidc),
    };
    let identity = Identity::from_person(person);
    let connected = actions::managers::connect_oidc(&mut tx, &mut manager, &identity, now).await?;
    managers::record_login(&mut tx, &manager.id, now).await?;
    queue_change_notice(at.state, &mut tx, &manager, None, AccountChange::ProviderConnected).await?;
    let entries = [actions::managers::record_oidc_arrival(action, &manager), connected];
    tx.commit_all(&Actor::from_manager(&manager, at.address), now, &entries).await?;
    Ok(Ok(manager))
}

/// Creates a manager, which also invalidates the setup link for the first owner.
async fn create_manager(
    tx: &mut WriteTx,
    person: &Person,
    email: String,
    role: Role,
    now: chrono::DateTime<chrono::Utc>,
) -> db::Result<KnownManager> {
    actions::managers::add_by_oidc(tx, NewManager { email, name: person.display_name(), role }, now).await
}

/// Changes the manager's role to the one that the provider maps to, which ends other sessions. The last owner, and the
/// only owner whose password is accepted, keep their role.
async fn sync_role(at: &BrowserContext<'_>, manager: KnownManager, role: Role) -> Result<KnownManager> {
    let now = at.state.clock.now();
    let mut tx = at.state.db.write().await?;
    let mut changed = manager.clone();
    let entry = match actions::managers::sync_role(&mut tx, &mut changed, role, now).await {
        Err(db::Error::Conflict(reason)) => {
            drop(tx);
            tracing::warn!("the role of {} was not updated from the identity provider: {reason}", manager.id);
            let entry = actions::managers::record_event(Action::ManagerRetainRole, &manager);
            at.state.db.write().await?.commit(&Actor::from_manager(&manager, at.address), now, entry).await?;
            return Ok(manager);
        }
        set => set?,
    };
    tx.commit(&Actor::from_manager(&manager, at.address), now, entry).await?;
    Ok(managers::find(&mut at.state.db.read().await?, &changed.id).await?)
}
