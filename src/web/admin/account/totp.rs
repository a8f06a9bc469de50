//! The authenticator app: a secret is made, shown, and confirmed by a code before it counts.

use axum::extract::State as FromState;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::factors::{added, removed};
use crate::actions;
use crate::db::{self, Tx, totp};
use crate::domain::Invalid;
use crate::domain::forms::Fields;
use crate::domain::second_factor::Code;
use crate::state::State;
use crate::ui::pages::admin::{TotpEnrolment, TotpSecret};
use crate::web::access::manager::{CanEnter, Fresh, Manager};
use crate::web::form::Form;
use crate::web::page::layout::shell;
use crate::web::page::{invalid, page};
use crate::web::{Error, Result};

const ADDRESS: &str = "/admin/account/totp";

/// `POST /admin/account/totp`: makes a secret; one that was never confirmed is replaced.
pub async fn create(manager: Manager<Fresh<CanEnter>>, FromState(state): FromState<State>) -> Result<Response> {
    let sealed = state.secret_key.seal(manager.id.as_str(), &crate::credentials::totp::fresh_secret())?;
    let mut tx = manager.begin(&state).await?;
    totp::begin(&mut tx, &manager.id, &sealed, state.clock.now()).await?;
    // It counts for nothing yet, so there is nothing to tell the audit.
    tx.commit_unaudited().await?;
    Ok(Redirect::to(ADDRESS).into_response())
}

/// `GET /admin/account/totp`
pub async fn show(manager: Manager<Fresh<CanEnter>>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    Ok(page(enrolment(&state, &mut tx, &manager, Invalid::new()).await?))
}

/// `POST /admin/account/totp/confirmation`
pub async fn confirm(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
    Form(fields): Form,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let secret = waiting(&state, &mut tx, &manager).await?.ok_or(Error::NotFound)?;
    let step = match Code::read(&fields.text("code")) {
        Some(Code::Totp(digits)) => crate::credentials::totp::matching_step(&secret, &digits, now, None),
        _ => None,
    };
    let Some(step) = step else {
        let wrong =
            Invalid::field("code", "This is not the code that the app shows now. Is the clock of the device right?");
        return Ok(invalid(enrolment(&state, &mut tx, &manager, wrong).await?));
    };
    let entry = actions::managers::add_totp(&mut tx, &manager, step, now).await?;
    added(&state, &manager, &session, tx, entry, "totp-added").await
}

/// `POST /admin/account/totp/removal`
pub async fn destroy(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let entry = match actions::managers::remove_totp(&mut tx, &manager).await {
        // Pressed twice: it is gone, which is what was wanted.
        Err(db::Error::NotFound) => {
            return Ok(crate::web::page::flash::done("/admin/account/factors", "totp-removed"));
        }
        removed => removed?,
    };
    removed(&state, &manager, &session, tx, entry, "totp-removed").await
}

/// The secret that has yet to be confirmed, if there is one.
async fn waiting(state: &State, tx: &mut Tx, manager: &Manager<Fresh<CanEnter>>) -> Result<Option<Vec<u8>>> {
    let Some(app) = totp::find(tx, &manager.id).await?.filter(|app| app.confirmed_at.is_none()) else {
        return Ok(None);
    };
    Ok(Some(state.secret_key.open(manager.id.as_str(), &app.secret)?))
}

async fn enrolment(state: &State, tx: &mut Tx, manager: &Manager<Fresh<CanEnter>>, invalid: Invalid) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let secret = waiting(state, tx, manager).await?;
    let shown = |secret: Vec<u8>| {
        let address = crate::credentials::totp::address(&secret, &shell.page_name, &manager.email);
        address.map(|address| TotpSecret { address, spelled: crate::credentials::totp::spelled(&secret) })
    };
    let secret = secret.map(shown).transpose().map_err(|error| Error::Internal(error.into()))?;
    Ok(TotpEnrolment { shell, secret, invalid }.html())
}
