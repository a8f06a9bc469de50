use axum::extract::State as FromState;
use axum::response::Response;

use super::factors::recovery_codes_page;
use crate::actions;
use crate::db::second_factors;
use crate::domain::audit::Action;
use crate::domain::mail_retry::AccountChange;
use crate::state::State;
use crate::web::access::manager::{CanEnter, Fresh, Manager};
use crate::web::page::account_mail::queue_change_notice;
use crate::web::page::page_response;
use crate::web::sign_in::second_factor_codes;
use crate::web::{Error, Result};

/// `POST /admin/account/recovery-codes`: shows new codes once; the earlier ones stop working.
pub async fn create(manager: Manager<Fresh<CanEnter>>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    if !second_factors::load(&mut tx, &manager.id).await?.any() {
        return Err(Error::Conflict("Add an authenticator app or a passkey first.".into()));
    }
    let codes = second_factor_codes::renew_recovery_codes(&state, &mut tx, &manager.id).await?;
    queue_change_notice(&state, &mut tx, &manager, None, AccountChange::RecoveryCodes).await?;
    let html = recovery_codes_page(&state, &mut tx, &manager, (codes, None)).await?;
    let entry = actions::managers::record_event(Action::ManagerRenewRecoveryCodes, &manager);
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(page_response(html))
}
