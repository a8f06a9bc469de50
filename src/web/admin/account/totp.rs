//! The authenticator app: a new secret counts only after a code has confirmed it.

use axum::extract::State as FromState;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::factors::{commit_added_factor, commit_removed_factor, read_next};
use crate::actions;
use crate::db::{self, Tx, totp};
use crate::domain::Invalid;
use crate::domain::forms::Fields;
use crate::domain::second_factor::SecondFactorCode;
use crate::state::State;
use crate::ui::pages::admin::{TotpEnrolment, TotpSecret};
use crate::web::access::manager::{CanEnter, Fresh, Manager};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::{invalid_response, page_response};
use crate::web::{Error, Result};

const PATH: &str = "/admin/account/totp";

/// `POST /admin/account/totp`: creates a secret; replaces an unconfirmed one.
pub async fn create(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let sealed = state.secret_key.seal(manager.id.as_str(), &crate::credentials::totp::fresh_secret())?;
    let mut tx = manager.begin(&state).await?;
    totp::store_pending(&mut tx, &manager.id, &sealed, state.clock.now()).await?;
    // No audit row, because an unconfirmed secret has no effect.
    tx.commit_unaudited().await?;
    let query = read_next(&fields)
        .map(|next| url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish());
    Ok(Redirect::to(&query.map_or_else(|| PATH.to_owned(), |query| format!("{PATH}?{query}"))).into_response())
}

/// `GET /admin/account/totp`
pub async fn show(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    Ok(page_response(enrolment_page(&state, &mut tx, &manager, (read_next(&query), Invalid::new())).await?))
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
    let secret = pending_secret(&state, &mut tx, &manager).await?.ok_or(Error::NotFound)?;
    let step = match SecondFactorCode::read(&fields.text("code")) {
        Some(SecondFactorCode::Totp(digits)) => crate::credentials::totp::matching_step(&secret, &digits, now, None),
        _ => None,
    };
    let Some(step) = step else {
        let wrong = Invalid::field("code", "Incorrect code. Check that your device's clock is correct.");
        return Ok(invalid_response(enrolment_page(&state, &mut tx, &manager, (read_next(&fields), wrong)).await?));
    };
    let entry = actions::managers::add_totp(&mut tx, &manager, step, now).await?;
    commit_added_factor(&state, &manager, &session, (tx, entry), ("totp-added", read_next(&fields))).await
}

/// `POST /admin/account/totp/removal`
pub async fn destroy(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let entry = match actions::managers::remove_totp(&mut tx, &manager).await {
        // Submitted twice: the app is already removed.
        Err(db::Error::NotFound) => {
            return Ok(crate::web::page::flash::redirect_with_flash("/admin/account/factors", "totp-removed"));
        }
        removed => removed?,
    };
    commit_removed_factor(&state, &manager, &session, (tx, entry), "totp-removed").await
}

/// The unconfirmed secret, if any.
async fn pending_secret(state: &State, tx: &mut Tx, manager: &Manager<Fresh<CanEnter>>) -> Result<Option<Vec<u8>>> {
    let Some(app) = totp::find(tx, &manager.id).await?.filter(|app| app.confirmed_at.is_none()) else {
        return Ok(None);
    };
    Ok(Some(state.secret_key.open(manager.id.as_str(), &app.secret)?))
}

async fn enrolment_page(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanEnter>>,
    (next, invalid): (Option<String>, Invalid),
) -> Result<String> {
    let shell = admin_context(state, tx, manager, &Fields::default()).await?;
    let secret = pending_secret(state, tx, manager).await?;
    let shown = |secret: Vec<u8>| {
        let address = crate::credentials::totp::otpauth_uri(&secret, &shell.page_name, &manager.email);
        address.map(|address| TotpSecret { address, spelled: crate::credentials::totp::format_secret(&secret) })
    };
    let secret = secret.map(shown).transpose().map_err(|error| Error::Internal(error.into()))?;
    Ok(TotpEnrolment { shell, secret, next, invalid }.html())
}
