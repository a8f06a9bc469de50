//! The second factors of whoever is logged in.

use axum::extract::State as FromState;
use axum::response::Response;
use tower_sessions::Session;

use crate::db::{self, Tx, WriteTx, login_policy, passkeys, recovery_codes, second_factors, sessions};
use crate::domain::audit::Entry;
use crate::domain::forms::Fields;
use crate::domain::mail_retry::AccountChange;
use crate::state::State;
use crate::ui::pages::admin::{FactorList, RecoveryCodes};
use crate::web::access::manager::{CanEnter, Fresh, Manager};
use crate::web::access::session;
use crate::web::form::Search;
use crate::web::page::account_mail::announce;
use crate::web::page::layout::shell;
use crate::web::page::page;
use crate::web::sign_in::{challenges, second_factor_codes};
use crate::web::{Error, Result};

/// `GET /admin/account/factors`: where a manager who lacks the required factor is led.
pub async fn index(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let factors = second_factors::of(&mut tx, &manager.id).await?;
    let lacking = manager.lacks_factor;
    let passkeys = passkeys::list(&mut tx, &manager.id).await?;
    let list = FactorList { shell, factors, passkeys, lacking, passkeys_possible: challenges::is_possible(&state) };
    Ok(page(list.html()))
}

/// Keeps a factor that was just added and ends the manager's other sessions, which were begun without
/// it. The first one brings recovery codes, which the answer shows; else it leads back to the list.
pub(in crate::web) async fn added(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    mut tx: WriteTx,
    entry: Entry,
    told: &'static str,
) -> Result<Response> {
    announce(state, &mut tx, manager, None, AccountChange::FactorAdded).await?;
    let first = second_factors::of(&mut tx, &manager.id).await?.recovery_codes == 0;
    let codes = if first { Some(second_factor_codes::renew(state, &mut tx, &manager.id).await?) } else { None };
    let html = match codes {
        Some(codes) => Some(shown_once(state, &mut tx, manager, codes).await?),
        None => None,
    };
    end_others(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::renew(state, session).await?;
    Ok(html.map_or_else(|| crate::web::page::flash::done("/admin/account/factors", told), page))
}

/// Keeps that a factor was taken away, if the policy allows it; with the last one the recovery codes go.
pub(in crate::web) async fn removed(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    mut tx: WriteTx,
    entry: Entry,
    told: &'static str,
) -> Result<Response> {
    if login_policy::is_unmet(&mut tx, &manager.id).await? {
        return Err(Error::Conflict(
            "Two-factor authentication is required here: add another before this one goes.".into(),
        ));
    }
    announce(state, &mut tx, manager, None, AccountChange::FactorRemoved).await?;
    if !second_factors::of(&mut tx, &manager.id).await?.any() {
        recovery_codes::delete_of(&mut tx, &manager.id).await?;
    }
    end_others(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::renew(state, session).await?;
    Ok(crate::web::page::flash::done("/admin/account/factors", told))
}

async fn end_others(tx: &mut WriteTx, manager: &Manager<Fresh<CanEnter>>) -> db::Result<()> {
    sessions::delete_of(tx, &manager.id, Some(&manager.session_hash)).await?;
    Ok(())
}

/// The page that shows recovery codes, this once.
pub(in crate::web) async fn shown_once(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanEnter>>,
    codes: Vec<String>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    Ok(RecoveryCodes { shell, codes }.html())
}
