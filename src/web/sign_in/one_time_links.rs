//! One-time links: the first owner, an invitation, a new password, a new address. Looking at one does not use it.

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
use crate::ui::pages::admin::{LinkGone, Setup};
use crate::web::access::known_browser::Device;
use crate::web::access::manager::UserAgent;
use crate::web::access::session::Visitor;
use crate::web::access::{denied_audit, session};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::Form;
use crate::web::page::account_mail::announce;
use crate::web::page::flash::done;
use crate::web::page::layout::porch;
use crate::web::page::{invalid, page};
use crate::web::{Error, Result};

const TAKEN: &str = "Somebody with this address is a manager already, so your address stays as it was.";

/// `GET /setup/{token}`
pub async fn new(
    FromState(state): FromState<State>,
    Path(token): Path<String>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let found = good_link(&state, &mut tx, &token).await?;
    let new_email = match &found {
        Some((link, Some(manager))) if link.purpose == LinkPurpose::Email => {
            one_time_links::pending_email(&mut tx, &manager.id, state.clock.now()).await?
        }
        _ => None,
    };
    drop(tx);
    let Some((link, manager)) = found else { return gone(&state, &nonce, address).await };
    let (name, email) = manager.map(|manager| (manager.name, manager.email)).unwrap_or_default();
    let email = new_email.unwrap_or(email);
    let porch = porch(&state, &nonce.0).await;
    let setup = Setup { porch, purpose: link.purpose, token, name, email, invalid: Invalid::new() };
    Ok(secret(page(setup.html())))
}

/// `POST /setup/{token}`
pub async fn create(
    FromState(state): FromState<State>,
    Path(token): Path<String>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    session: Session,
    (device, UserAgent(user_agent)): (Device, UserAgent),
    Form(fields): Form,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let found = good_link(&state, &mut tx, &token).await?;
    let page_name = db::page_settings::load(&mut tx).await?.name;
    drop(tx);
    let Some((link, manager)) = found else { return gone(&state, &nonce, address).await };
    if link.purpose == LinkPurpose::Email {
        return confirm_email(&state, &token, &nonce, address).await;
    }
    let chosen = match chosen(&fields, manager.as_ref(), &page_name) {
        Ok(chosen) => chosen,
        Err(wrong) => {
            let porch = porch(&state, &nonce.0).await;
            let (name, email) = match manager {
                Some(manager) => (manager.name, manager.email),
                None => (fields.text("name"), fields.text("email")),
            };
            let setup = Setup { porch, purpose: link.purpose, token, name, email, invalid: wrong };
            return Ok(secret(invalid(setup.html())));
        }
    };
    let hash = password::hash(chosen.password).await?;
    let manager = match keep(&state, &token, &link, manager, chosen.manager, &hash, &address).await {
        Err(db::Error::NotFound | db::Error::Conflict(_)) => return gone(&state, &nonce, address).await,
        kept => kept?,
    };
    if link.purpose == LinkPurpose::Reset {
        return Ok(Redirect::to("/login").into_response());
    }
    session::begin(&state, &session, &manager, Visitor { address, user_agent: &user_agent }, None).await?;
    Ok(device.remember(&state, &manager.id, done("/admin", "welcome")).await?)
}

/// Gives the manager of the link the address that it was mailed to. That ends all their links, this one included.
async fn confirm_email(state: &State, token: &str, nonce: &Nonce, address: ClientAddress) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let email = match good_link(state, &mut tx, token).await? {
        Some((link, Some(manager))) if link.purpose == LinkPurpose::Email => {
            one_time_links::pending_email(&mut tx, &manager.id, now).await?.map(|email| (manager, email))
        }
        _ => None,
    };
    let Some((before, email)) = email else {
        drop(tx);
        return gone(state, nonce, address).await;
    };
    if is_taken(&mut tx, &email, &before.id).await? {
        return Err(Error::Conflict(TAKEN.into()));
    }
    let mut manager = before.clone();
    let entry = actions::managers::set_email(&mut tx, &mut manager, email, now).await?;
    announce(state, &mut tx, &manager, Some(&before.email), AccountChange::Email).await?;
    tx.commit(&Actor::of(&manager, address), now, entry).await?;
    Ok(secret(done("/admin/account", "email-set")))
}

/// What the form of a link asks for.
struct Chosen {
    /// The first owner; nobody new for the other purposes.
    manager: Option<NewManager>,
    password: String,
}

fn chosen(fields: &Fields, known: Option<&Manager>, page_name: &str) -> Result<Chosen, Invalid> {
    let mut invalid = Invalid::new();
    let form = ManagerForm { role: Role::Owner.key().to_owned(), ..ManagerForm::read(fields) };
    let new = if known.is_some() { None } else { form.parse().map_err(|wrong| invalid = wrong).ok() };
    let (name, email) = known.map_or((form.name.as_str(), form.email.as_str()), |known| (&known.name, &known.email));
    // Not `text`: a password is taken as it was typed, to the letter.
    let password =
        fields.0.iter().rev().find(|(key, _)| key == "password").map(|(_, value)| value.clone()).unwrap_or_default();
    if let Err(message) = password::check(&password, &[name, email, page_name, "candor"]) {
        invalid.add("password", message);
    }
    invalid.check()?;
    Ok(Chosen { manager: new, password })
}

/// Uses the link up and keeps what it was for, in one transaction.
async fn keep(
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
    one_time_links::consume(&mut tx, &secret_token::hash(token)).await?;
    let (manager, entry) = match (known, new) {
        (Some(mut manager), _) => {
            let accepted = if link.purpose == LinkPurpose::Invite {
                Action::ManagerAcceptInvitation
            } else {
                Action::ManagerResetPassword
            };
            let entry = actions::managers::set_password_by_link(&mut tx, accepted, &mut manager, hash, now).await?;
            announce(state, &mut tx, &manager, None, AccountChange::Password).await?;
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

/// The link of `token` and whom it is for, if it is still good.
async fn good_link(state: &State, tx: &mut Tx, token: &str) -> db::Result<Option<(Link, Option<Manager>)>> {
    let Some(link) = one_time_links::find(tx, &secret_token::hash(token), state.clock.now()).await? else {
        return Ok(None);
    };
    match &link.manager_id {
        Some(id) => {
            let manager = managers::find(tx, id).await?;
            // An address is no password: it may change where passwords don't count.
            let counts = link.purpose == LinkPurpose::Email || login_policy::counts_password_of(tx, id).await?;
            let good = manager.is_active() && counts;
            Ok(good.then_some((link, Some(manager))))
        }
        None => Ok((managers::count(tx).await? == 0).then_some((link, None))),
    }
}

async fn gone(state: &State, nonce: &Nonce, address: ClientAddress) -> Result<Response> {
    denied_audit::record_stranger(state, address, Action::ManagerDenyLink, "").await;
    let html = LinkGone { porch: porch(state, &nonce.0).await }.html();
    Ok(secret((StatusCode::NOT_FOUND, page(html)).into_response()))
}

/// The address of this page is a secret, or nearly one where a letter is wrong: it goes to nobody as a referrer.
fn secret(mut response: Response) -> Response {
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether another manager has this address.
pub async fn is_taken(tx: &mut Tx, email: &str, own: &ManagerId) -> db::Result<bool> {
    Ok(managers::find_by_email(tx, email).await?.is_some_and(|(other, _)| other.id != *own))
}
