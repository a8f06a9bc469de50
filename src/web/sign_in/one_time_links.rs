//! One-time links: first owner, invitation, new password, new address. Viewing a link does not consume it.

use axum::Extension;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use crate::actions;
use crate::credentials::{password, secret_token};
use crate::db::one_time_links::{self, Link};
use crate::db::{self, Tx, login_policy, managers};
use crate::domain::audit::{Action, Actor};
use crate::domain::forms::{Fields, ManagerForm, NewManager};
use crate::domain::mail_retry::AccountChange;
use crate::domain::manager::LinkPurpose;
use crate::domain::{Invalid, Manager, ManagerId, Role};
use crate::state::State;
use crate::ui::pages::admin::{AcceptLink, LinkExpired};
use crate::web::access::known_browser::KnownBrowser;
use crate::web::access::manager::UserAgent;
use crate::web::access::session::BrowserInfo;
use crate::web::access::{denied_audit, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::Form;
use crate::web::page::account_mail::queue_change_notice;
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::logged_out_layout;
use crate::web::page::{invalid_response, page_response};
use crate::web::{Error, Result};

const EMAIL_TAKEN: &str = "A manager with this e-mail address already exists, so your address was not changed.";

/// `GET /setup/{token}`
pub async fn new(
    FromState(state): FromState<State>,
    Path(token): Path<String>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let found = find_valid_link(&state, &mut tx, &token).await?;
    let new_email = match &found {
        Some((link, Some(manager))) if link.purpose == LinkPurpose::Email => {
            one_time_links::pending_email(&mut tx, &manager.id, state.clock.now()).await?
        }
        _ => None,
    };
    drop(tx);
    let Some((link, manager)) = found else { return link_expired_page(&state, &nonce, address).await };
    let (name, email) = manager.map(|manager| (manager.name, manager.email)).unwrap_or_default();
    let email = new_email.unwrap_or(email);
    let shell = logged_out_layout(&state, &nonce.0).await;
    let setup = AcceptLink { shell, purpose: link.purpose, token, name, email, invalid: Invalid::new() };
    Ok(without_referrer(page_response(setup.html())))
}

/// `POST /setup/{token}`
pub async fn create(
    FromState(state): FromState<State>,
    Path(token): Path<String>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    (device, UserAgent(user_agent)): (KnownBrowser, UserAgent),
    Form(fields): Form,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let found = find_valid_link(&state, &mut tx, &token).await?;
    let page_name = db::page_settings::load(&mut tx).await?.name;
    drop(tx);
    let Some((link, manager)) = found else { return link_expired_page(&state, &nonce, address).await };
    if link.purpose == LinkPurpose::Email {
        return confirm_email(&state, &token, &nonce, address).await;
    }
    let chosen = match parse_link_form(&fields, manager.as_ref(), &page_name) {
        Ok(chosen) => chosen,
        Err(wrong) => {
            let shell = logged_out_layout(&state, &nonce.0).await;
            let (name, email) = match manager {
                Some(manager) => (manager.name, manager.email),
                None => (fields.text("name"), fields.text("email")),
            };
            let setup = AcceptLink { shell, purpose: link.purpose, token, name, email, invalid: wrong };
            return Ok(without_referrer(invalid_response(setup.html())));
        }
    };
    let hash = state.passwords().slot()?.hash(chosen.password).await?;
    let manager = match use_link(&state, &token, &link, manager, chosen.manager, &hash, &address).await {
        Err(db::Error::NotFound | db::Error::Conflict(_)) => return link_expired_page(&state, &nonce, address).await,
        kept => kept?,
    };
    if link.purpose == LinkPurpose::Reset {
        return Ok(Redirect::to("/login").into_response());
    }
    session::begin_session(&state, &session, &manager, BrowserInfo { address, user_agent: &user_agent }, None).await?;
    Ok(device.remember(&state, &manager.id, redirect_with_flash(start_path(&link), "welcome")).await?)
}

/// The first owner begins with the guided setup.
fn start_path(link: &Link) -> &'static str {
    if link.purpose == LinkPurpose::Setup { "/admin/setup/page" } else { "/admin" }
}

/// Gives the manager the address that the link was mailed to, which ends all their links, including this one.
async fn confirm_email(state: &State, token: &str, nonce: &Nonce, address: ClientAddress) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let email = match find_valid_link(state, &mut tx, token).await? {
        Some((link, Some(manager))) if link.purpose == LinkPurpose::Email => {
            one_time_links::pending_email(&mut tx, &manager.id, now).await?.map(|email| (manager, email))
        }
        _ => None,
    };
    let Some((before, email)) = email else {
        drop(tx);
        return link_expired_page(state, nonce, address).await;
    };
    if is_email_taken(&mut tx, &email, &before.id).await? {
        return Err(Error::Conflict(EMAIL_TAKEN.into()));
    }
    let mut manager = before.clone();
    let entry = actions::managers::set_email(&mut tx, &mut manager, email, now).await?;
    queue_change_notice(state, &mut tx, &manager, Some(&before.email), AccountChange::Email).await?;
    tx.commit(&Actor::from_manager(&manager, address), now, entry).await?;
    Ok(without_referrer(redirect_with_flash("/admin/account", "email-set")))
}

struct LinkInput {
    /// The first owner; `None` for other purposes.
    manager: Option<NewManager>,
    password: String,
}

fn parse_link_form(fields: &Fields, known: Option<&Manager>, page_name: &str) -> Result<LinkInput, Invalid> {
    let mut invalid = Invalid::new();
    let form = ManagerForm { role: Role::Owner.key().to_owned(), ..ManagerForm::read(fields) };
    let new = if known.is_some() { None } else { form.parse().map_err(|wrong| invalid = wrong).ok() };
    let (name, email) = known.map_or((form.name.as_str(), form.email.as_str()), |known| (&known.name, &known.email));
    // Not `text`: a password is used exactly as typed.
    let password =
        fields.0.iter().rev().find(|(key, _)| key == "password").map(|(_, value)| value.clone()).unwrap_or_default();
    if let Err(message) = password::check_password(&password, &[name, email, page_name, "candor"]) {
        invalid.add("password", message);
    }
    invalid.check()?;
    Ok(LinkInput { manager: new, password })
}

/// Consumes the link and applies it, in one transaction.
async fn use_link(
    state: &State,
    token: &str,
    link: &Link,
    known: Option<Manager>,
    new: Option<NewManager>,
    hash: &str,
    address: &ClientAddress,
) -> db::Result<Manager> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    one_time_links::consume(&mut tx, &secret_token::hash_token(token)).await?;
    let (manager, entry) = match (known, new) {
        (Some(mut manager), _) => {
            let accepted = if link.purpose == LinkPurpose::Invite {
                Action::ManagerAcceptInvitation
            } else {
                Action::ManagerResetPassword
            };
            let entry = actions::managers::set_password_by_link(&mut tx, accepted, &mut manager, hash, now).await?;
            queue_change_notice(state, &mut tx, &manager, None, AccountChange::Password).await?;
            (manager, entry)
        }
        (None, Some(new)) if managers::count(&mut tx).await? == 0 => {
            actions::managers::add_first_owner(&mut tx, new, hash, now).await?
        }
        (None, _) => return Err(db::Error::NotFound),
    };
    let actor =
        Actor { manager_id: Some(manager.id.clone()), name: manager.name.clone(), address: address.to_string() };
    tx.commit(&actor, now, entry).await?;
    Ok(manager)
}

/// The link with this token and its manager, if still valid.
async fn find_valid_link(state: &State, tx: &mut Tx, token: &str) -> db::Result<Option<(Link, Option<Manager>)>> {
    let Some(link) = one_time_links::find(tx, &secret_token::hash_token(token), state.clock.now()).await? else {
        return Ok(None);
    };
    match &link.manager_id {
        Some(id) => {
            let manager = managers::find(tx, id).await?;
            // A new address may be confirmed even if passwords are not accepted.
            let counts = link.purpose == LinkPurpose::Email || login_policy::accepts_password(tx, id).await?;
            let good = manager.is_active() && counts;
            Ok(good.then_some((link, Some(manager))))
        }
        None => Ok((managers::count(tx).await? == 0).then_some((link, None))),
    }
}

async fn link_expired_page(state: &State, nonce: &Nonce, address: ClientAddress) -> Result<Response> {
    denied_audit::record_anonymous_denial(state, address, Action::ManagerDenyLink, "").await;
    let html = LinkExpired { shell: logged_out_layout(state, &nonce.0).await }.html();
    Ok(without_referrer((StatusCode::NOT_FOUND, page_response(html)).into_response()))
}

/// The URL is a secret, and nearly one if mistyped, so it is not sent as a referrer.
fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

pub async fn is_email_taken(tx: &mut Tx, email: &str, own: &ManagerId) -> db::Result<bool> {
    Ok(managers::find_by_email(tx, email).await?.is_some_and(|(other, _)| other.id != *own))
}
