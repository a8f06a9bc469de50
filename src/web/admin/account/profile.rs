use axum::Extension;
use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::credentials::password;
use crate::db::sessions::limits;
use crate::db::{self, login_policy, one_time_links, second_factors, sessions};
use crate::domain::audit::Action;
use crate::domain::forms::Fields;
use crate::domain::history::Cursor;
use crate::domain::mail_retry::AccountChange;
use crate::domain::manager::parse_email;
use crate::domain::{Invalid, Manager as KnownManager};
use crate::state::State;
use crate::ui::pages::admin::{Account, ProviderRow, SessionRow};
use crate::web::access::denied_audit;
use crate::web::access::known_browser::KnownBrowser;
use crate::web::access::login_throttle::{self, VerifiedPassword};
use crate::web::access::manager::{CanRead, Fresh, Manager};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::{Form, QueryFields};
use crate::web::page::account_mail::{queue_change_notice, queue_confirmation};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::admin_context;
use crate::web::page::pagination;
use crate::web::page::{invalid_response, page_response};
use crate::web::sign_in::one_time_links::is_email_taken;
use crate::web::{Error, Result};

const ACCOUNT_CHANGED: &str = "Your account was changed in the meantime. Check it and try again.";
/// Attempts count against the same limits as at the login.
const WRONG_PASSWORD: &str = "Incorrect current password. After several attempts, wait a few minutes.";

const TOO_MANY_LINKS: &str = "Too many confirmation e-mails were sent. Try again in an hour.";

/// `GET /admin/account`
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    Ok(page_response(account_page(&state, &manager, &query, None, Invalid::new()).await?))
}

/// `POST /admin/account/password`
pub async fn set_password(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    device: KnownBrowser,
    Form(fields): Form,
) -> Result<Response> {
    let (current, chosen) = (verbatim(&fields, "current"), verbatim(&fields, "password"));
    let mut tx = state.db.read().await?;
    if !login_policy::accepts_password(&mut tx, &manager.id).await? {
        return Err(Error::Conflict("Password login is disabled, except for one owner.".into()));
    }
    let page_name = db::page_settings::load(&mut tx).await?.name;
    drop(tx);
    let attempt = login_throttle::begin_attempt(&state, &manager.email, address, &device).await?;
    let mut wrong = check_strength(&manager, &page_name, &chosen);
    let known = match attempt.try_password(current).await? {
        Some(proven) => confirm_password(&state, &manager, proven).await?,
        None => None,
    };
    if known.is_none() {
        denied_audit::record_denial(&state, manager.actor(), Action::ManagerDenyReauthentication, &manager.name).await;
        wrong.add("current", WRONG_PASSWORD);
    }
    let Some(known) = known.filter(|_| wrong.is_empty()) else {
        return Ok(invalid_response(account_page(&state, &manager, &Fields::default(), None, wrong).await?));
    };
    let hash = state.passwords().slot()?.hash(chosen).await?;
    let now = state.clock.now();
    let (mut tx, mut own) = manager.begin_as(&state).await?;
    if !own.is_unchanged(&known) {
        return Err(Error::Conflict(ACCOUNT_CHANGED.into()));
    }
    let kept = Some(manager.session_hash.as_str());
    let entry = actions::managers::set_password(&mut tx, &mut own, &hash, kept, now).await?;
    queue_change_notice(&state, &mut tx, &own, None, AccountChange::Password).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(redirect_with_flash("/admin/account", "password-set"))
}

/// A field as typed, because passwords are not trimmed.
fn verbatim(fields: &Fields, name: &str) -> String {
    fields.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Checks a new password: too short, too common, or made of the names of manager and page.
fn check_strength(manager: &KnownManager, page_name: &str, chosen: &str) -> Invalid {
    let mut wrong = Invalid::new();
    if let Err(message) = password::check_password(chosen, &[&manager.name, &manager.email, page_name, "candor"]) {
        wrong.add("password", message);
    }
    wrong
}

/// The manager, if the password is still valid.
async fn confirm_password(
    state: &State,
    manager: &Manager<CanRead>,
    proven: VerifiedPassword,
) -> Result<Option<KnownManager>> {
    let mut tx = manager.begin(state).await?;
    let known = proven.confirm(&mut tx).await?;
    tx.commit_unaudited().await?;
    Ok(known)
}

/// `POST /admin/account/email`: immediately, or after confirmation if this server sends mail.
pub async fn set_email(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let typed = fields.text("email");
    let now = state.clock.now();
    let (mut tx, mut own) = manager.begin_as(&state).await?;
    let email = match parse_email(&typed) {
        Ok(email) if !is_email_taken(&mut tx, &email, &manager.id).await? => email,
        parsed => {
            let taken = || "A manager with this e-mail address already exists.".to_owned();
            let wrong = Invalid::field("email", parsed.err().unwrap_or_else(taken));
            drop(tx);
            return Ok(invalid_response(account_page(&state, &manager, &Fields::default(), Some(typed), wrong).await?));
        }
    };
    if email == own.email {
        return Ok(redirect_with_flash("/admin/account", "email-set"));
    }
    if state.mailer.is_some() {
        if !queue_confirmation(&state, &mut tx, &own, &email).await? {
            drop(tx);
            let wrong = Invalid::field("email", TOO_MANY_LINKS);
            return Ok(invalid_response(account_page(&state, &manager, &Fields::default(), Some(typed), wrong).await?));
        }
        let entry = actions::managers::request_email(&own, &email);
        tx.commit(&manager.actor(), now, entry).await?;
        return Ok(redirect_with_flash("/admin/account", "email-requested"));
    }
    let old = own.email.clone();
    let entry = actions::managers::set_email(&mut tx, &mut own, email, now).await?;
    queue_change_notice(&state, &mut tx, &own, Some(&old), AccountChange::Email).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(redirect_with_flash("/admin/account", "email-set"))
}

/// `POST /admin/account/email/cancellation`: discards the pending address.
pub async fn cancel_email(manager: Manager<CanRead>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    if let Some(entry) = actions::managers::cancel_email(&mut tx, &manager).await? {
        tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    }
    Ok(redirect_with_flash("/admin/account", "email-cancelled"))
}

/// `POST /admin/account/sessions/{session}/revocation`
pub async fn revoke(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(short): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let alive = limits(&mut tx, state.clock.now()).await?;
    let named = sessions::find_short(&mut tx, &short, alive).await?;
    let own = named.filter(|session| session.manager_id.as_deref() == Some(manager.id.as_str()));
    let session = own.ok_or(Error::NotFound)?;
    let entry = actions::managers::revoke_session(&mut tx, &manager, &session.id_hash).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(redirect_with_flash("/admin/account", "session-revoked"))
}

/// `POST /admin/account/sessions/revocation`: all sessions but the current one.
pub async fn revoke_others(manager: Manager<CanRead>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let kept = Some(manager.session_hash.as_str());
    if let Some(entry) = actions::managers::revoke_sessions(&mut tx, &manager, kept).await? {
        tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    }
    Ok(redirect_with_flash("/admin/account", "sessions-revoked"))
}

async fn account_page<P>(
    state: &State,
    manager: &Manager<P>,
    query: &Fields,
    email: Option<String>,
    invalid: Invalid,
) -> Result<String> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(state, &mut tx, manager, query).await?;
    let (alive, cursor) = (limits(&mut tx, state.clock.now()).await?, Cursor::parse(&query.text("before")));
    let mut rows = sessions::list(&mut tx, &manager.id, alive, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut rows, sessions::cursor);
    let sessions = rows.into_iter().map(|session| session_row(session, &manager.session_hash)).collect();
    let factors = second_factors::load(&mut tx, &manager.id).await?;
    let email = email.unwrap_or_else(|| manager.email.clone());
    let password = manager.has_password && login_policy::accepts_password(&mut tx, &manager.id).await?;
    let provider = match &state.provider {
        Some(provider) => {
            let own = db::oidc_identities::list(&mut tx, &manager.id).await?;
            let connected = own.into_iter().find(|identity| identity.issuer == provider.issuer());
            Some(ProviderRow { name: provider.name().to_owned(), connected })
        }
        None => None,
    };
    let pending_email = one_time_links::pending_email(&mut tx, &manager.id, state.clock.now()).await?;
    let confirms_email = state.mailer.is_some();
    let page =
        Account { shell, email, pending_email, confirms_email, factors, password, provider, sessions, older, invalid };
    Ok(page.html())
}

/// `current` is the hash of the session that requests the page.
pub(super) fn session_row(session: sessions::Session, current: &str) -> SessionRow {
    SessionRow {
        id: session.id_hash.chars().take(sessions::SHORT_HASH).collect(),
        current: session.id_hash == current,
        user_agent: session.user_agent,
        address: session.address,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
    }
}
