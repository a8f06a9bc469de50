//! The second factors of whoever is logged in.

use axum::extract::State as FromState;
use axum::response::Response;
use tower_sessions::Session;

use super::account_mail::announce;
use super::shell::shell;
use super::{ceremony, codes, page};
use crate::db::{self, Tx, WriteTx, factors, passkeys, policy, recovery_codes, sessions};
use crate::domain::audit::Entry;
use crate::domain::forms::Fields;
use crate::domain::outbox::AccountChange;
use crate::state::State;
use crate::ui::pages::admin::{FactorList, RecoveryCodes};
use crate::web::auth::{CanEnter, Fresh, Manager};
use crate::web::form::Search;
use crate::web::{Error, Result, session};

/// `GET /admin/account/factors`: where a manager who lacks the required factor is led.
pub async fn index(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let factors = factors::of(&mut tx, &manager.id).await?;
    let lacking = manager.lacks_factor;
    let passkeys = passkeys::list(&mut tx, &manager.id).await?;
    let list = FactorList { shell, factors, passkeys, lacking, passkeys_possible: ceremony::is_possible(&state) };
    Ok(page(list.html()))
}

/// Keeps a factor that was just added and ends the manager's other sessions, which were begun without
/// it. The first one brings recovery codes, which the answer shows; else it leads back to the list.
pub(super) async fn added(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    mut tx: WriteTx,
    entry: Entry,
    told: &'static str,
) -> Result<Response> {
    announce(state, &mut tx, manager, None, AccountChange::FactorAdded).await?;
    let first = factors::of(&mut tx, &manager.id).await?.recovery_codes == 0;
    let codes = if first { Some(codes::renew(state, &mut tx, &manager.id).await?) } else { None };
    let html = match codes {
        Some(codes) => Some(shown_once(state, &mut tx, manager, codes).await?),
        None => None,
    };
    end_others(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::renew(state, session).await?;
    Ok(html.map_or_else(|| super::notice::done("/admin/account/factors", told), page))
}

/// Keeps that a factor was taken away, if the policy allows it; with the last one the recovery codes go.
pub(super) async fn removed(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    mut tx: WriteTx,
    entry: Entry,
    told: &'static str,
) -> Result<Response> {
    if policy::is_unmet(&mut tx, &manager.id).await? {
        return Err(Error::Conflict(
            "Two-factor authentication is required here: add another before this one goes.".into(),
        ));
    }
    announce(state, &mut tx, manager, None, AccountChange::FactorRemoved).await?;
    if !factors::of(&mut tx, &manager.id).await?.any() {
        recovery_codes::delete_of(&mut tx, &manager.id).await?;
    }
    end_others(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::renew(state, session).await?;
    Ok(super::notice::done("/admin/account/factors", told))
}

async fn end_others(tx: &mut WriteTx, manager: &Manager<Fresh<CanEnter>>) -> db::Result<()> {
    sessions::delete_of(tx, &manager.id, Some(&manager.session_hash)).await?;
    Ok(())
}

/// The page that shows recovery codes, this once.
pub(super) async fn shown_once(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanEnter>>,
    codes: Vec<String>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    Ok(RecoveryCodes { shell, codes }.html())
}
