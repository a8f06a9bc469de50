//! Second factors of the logged-in manager.

use axum::extract::State as FromState;
use axum::response::Response;
use tower_sessions::Session;

use crate::db::{self, Tx, WriteTx, login_policy, passkeys, recovery_codes, second_factors, sessions};
use crate::domain::audit::Entry;
use crate::domain::forms::Fields;
use crate::domain::mail_retry::AccountChange;
use crate::state::State;
use crate::ui::pages::admin::{FactorList, RecoveryCodes};
use crate::web::access::manager::{CanEnter, Fresh, Manager, safe_return_path};
use crate::web::access::session;
use crate::web::form::QueryFields;
use crate::web::page::account_mail::queue_change_notice;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::sign_in::{challenges, second_factor_codes};
use crate::web::{Error, Result};

/// `GET /admin/account/factors`: managers who lack the required factor are redirected here.
pub async fn index(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let factors = second_factors::load(&mut tx, &manager.id).await?;
    let (lacking, next) = (manager.lacks_factor, read_next(&query));
    let passkeys = passkeys::list(&mut tx, &manager.id).await?;
    let passkeys_possible = challenges::are_passkeys_available(&state);
    let list = FactorList { shell, factors, passkeys, lacking, next, passkeys_possible };
    Ok(page_response(list.html()))
}

/// The path to continue at after a required factor was added.
pub(in crate::web) fn read_next(fields: &Fields) -> Option<String> {
    fields.has("next").then(|| safe_return_path(&fields.text("next")).to_owned())
}

/// Commits an added factor and ends the manager's other sessions, which began without it. The first factor comes with
/// recovery codes, which the response shows, with a link to `next`.
pub(in crate::web) async fn commit_added_factor(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    (mut tx, entry): (WriteTx, Entry),
    (flash, next): (&'static str, Option<String>),
) -> Result<Response> {
    queue_change_notice(state, &mut tx, manager, None, AccountChange::FactorAdded).await?;
    let first = second_factors::load(&mut tx, &manager.id).await?.recovery_codes == 0;
    let codes =
        if first { Some(second_factor_codes::renew_recovery_codes(state, &mut tx, &manager.id).await?) } else { None };
    let html = match codes {
        Some(codes) => Some(recovery_codes_page(state, &mut tx, manager, (codes, next)).await?),
        None => None,
    };
    end_other_sessions(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::rotate_session(state, session).await?;
    Ok(html
        .map_or_else(|| crate::web::page::flash::redirect_with_flash("/admin/account/factors", flash), page_response))
}

/// Commits the removal of a factor if the login policy allows it; the last factor takes the recovery codes with it.
pub(in crate::web) async fn commit_removed_factor(
    state: &State,
    manager: &Manager<Fresh<CanEnter>>,
    session: &Session,
    (mut tx, entry): (WriteTx, Entry),
    flash: &'static str,
) -> Result<Response> {
    if login_policy::lacks_factor(&mut tx, &manager.id).await? {
        return Err(Error::Conflict(
            "Two-factor authentication is required here: add another before this one goes.".into(),
        ));
    }
    queue_change_notice(state, &mut tx, manager, None, AccountChange::FactorRemoved).await?;
    if !second_factors::load(&mut tx, &manager.id).await?.any() {
        recovery_codes::delete_for_manager(&mut tx, &manager.id).await?;
    }
    end_other_sessions(&mut tx, manager).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    session::rotate_session(state, session).await?;
    Ok(crate::web::page::flash::redirect_with_flash("/admin/account/factors", flash))
}

async fn end_other_sessions(tx: &mut WriteTx, manager: &Manager<Fresh<CanEnter>>) -> db::Result<()> {
    sessions::delete_for_manager(tx, &manager.id, Some(&manager.session_hash)).await?;
    Ok(())
}

/// The page with the recovery codes, which are shown only once.
pub(in crate::web) async fn recovery_codes_page(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanEnter>>,
    (codes, next): (Vec<String>, Option<String>),
) -> Result<String> {
    let shell = admin_context(state, tx, manager, &Fields::default()).await?;
    Ok(RecoveryCodes { shell, codes, next }.html())
}
