//! A manager's login at the identity provider: the manager connects it, the manager or an owner disconnects it.

use axum::Extension;
use axum::extract::{FromRequestParts as _, Path, State as FromState};
use axum::http::request::Parts;
use axum::response::Response;
use tower_sessions::Session;

use super::oidc_flow::{self, Intent, failure_sentence};
use crate::actions;
use crate::db::{self, login_policy, managers, oidc_identities, second_factors};
use crate::domain::mail_retry::AccountChange;
use crate::domain::oidc_roles::{Identity, Person};
use crate::domain::{Manager as KnownManager, ManagerId};
use crate::oidc::{Error as Failure, Provider};
use crate::state::State;
use crate::web::access::manager::{CanAdminister, CanRead, Fresh, Manager};
use crate::web::access::session;
use crate::web::edge::headers::Nonce;
use crate::web::page::account_mail::queue_change_notice;
use crate::web::page::flash::redirect_with_flash;
use crate::web::{Error, Result};

/// `POST /admin/account/identity`: redirects to the provider to connect the login there.
pub async fn create(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    session: Session,
) -> Result<Response> {
    let provider = oidc_flow::require_provider(&state)?;
    let begun = oidc_flow::begin_oidc_login(&state, &nonce, &session, manager.address, Intent::Connect).await?;
    begun.map_err(|failure| Error::Conflict(failure_sentence(&failure, provider.name())))
}

/// Connects the login to the manager who requested it.
pub(in crate::web) async fn connect(
    state: &State,
    mut parts: Parts,
    provider: &Provider,
    result: std::result::Result<Person, Failure>,
) -> Result<Response> {
    let manager = Manager::<CanRead>::from_request_parts(&mut parts, state).await?;
    let person = result.map_err(|failure| Error::Conflict(failure_sentence(&failure, provider.name())))?;
    let now = state.clock.now();
    let (mut tx, mut own) = manager.begin_as(state).await?;
    let theirs = oidc_identities::find_manager(&mut tx, provider.issuer(), &person.subject).await?;
    let taken = theirs.is_some() || oidc_identities::is_connected(&mut tx, &own.id, provider.issuer()).await?;
    if taken {
        return Err(Error::Conflict(format!(
            "This account at {} is already connected to another manager.",
            provider.name()
        )));
    }
    let identity = Identity::from_person(&person);
    let entry = actions::managers::connect_oidc(&mut tx, &mut own, &identity, now).await?;
    queue_change_notice(state, &mut tx, &own, None, AccountChange::ProviderConnected).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(redirect_with_flash("/admin/account", "provider-connected"))
}

/// `POST /admin/account/identity/removal`: requires another way to log in.
pub async fn destroy(
    manager: Manager<Fresh<CanRead>>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let (mut tx, mut own) = manager.begin_as(&state).await?;
    require_other_login(&own)?;
    let by_password = own.has_password && login_policy::accepts_password(&mut tx, &manager.id).await?;
    if !by_password && second_factors::load(&mut tx, &manager.id).await?.passkeys == 0 {
        return Err(Error::Conflict("This is your only login method. Add a passkey first.".into()));
    }
    let now = state.clock.now();
    let entry = actions::managers::disconnect_oidc(&mut tx, &mut own, Some(&manager.session_hash)).await?;
    queue_change_notice(&state, &mut tx, &own, None, AccountChange::ProviderDisconnected).await?;
    session::forget_second_factor(&mut tx, &manager.session_hash, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    // The request's copy of the session may still be saved if the request carried a proof.
    session::forget_carried_second_factor(&session).await?;
    Ok(redirect_with_flash("/admin/account", "provider-disconnected"))
}

/// `POST /admin/managers/{id}/identity/removal`: for a manager who has another login at the provider now.
pub async fn remove(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = ManagerId::parse(&id).ok_or(Error::NotFound)?;
    let mut tx = manager.begin(&state).await?;
    let mut other = managers::find(&mut tx, &id).await?;
    require_other_login(&other)?;
    let (now, kept) = (state.clock.now(), (manager.id == other.id).then_some(manager.session_hash.as_str()));
    let entry = actions::managers::disconnect_oidc(&mut tx, &mut other, kept).await?;
    queue_change_notice(&state, &mut tx, &other, None, AccountChange::ProviderDisconnected).await?;
    if let Some(kept) = kept {
        session::forget_second_factor(&mut tx, kept, now).await?;
    }
    tx.commit(&manager.actor(), now, entry).await?;
    if kept.is_some() {
        session::forget_carried_second_factor(&session).await?;
    }
    Ok(redirect_with_flash(&format!("/admin/managers/{}", other.id), "provider-disconnected"))
}

fn require_other_login(manager: &KnownManager) -> Result<()> {
    let none = || Error::Conflict("No identity provider is connected.".into());
    manager.has_identity.then_some(()).ok_or_else(none)
}

/// Whether the manager's login at the provider is connected; `None` without a provider.
pub(in crate::web) async fn is_connected(
    state: &State,
    tx: &mut db::Tx,
    manager: &ManagerId,
) -> db::Result<Option<bool>> {
    match &state.provider {
        Some(provider) => oidc_identities::is_connected(tx, manager, provider.issuer()).await.map(Some),
        None => Ok(None),
    }
}
