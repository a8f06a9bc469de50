//! Password reset by mail, if this server sends mail. Response and work are the same for known and unknown addresses.

use std::sync::PoisonError;

use axum::Extension;
use axum::extract::State as FromState;
use axum::response::{IntoResponse, Redirect, Response};

use crate::db::{self, managers, outbox};
use crate::domain::Invalid;
use crate::domain::mail_retry::{MAX_RESETS, RESETS_WINDOW};
use crate::domain::manager::parse_email;
use crate::state::State;
use crate::ui::pages::admin::{ForgotPassword, ResetMethod};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::logged_out_layout;
use crate::web::page::{invalid_response, page_response};
use crate::web::{Error, Result};

/// `GET /forgotten`
pub async fn new(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    QueryFields(query): QueryFields,
) -> Response {
    let way = match &state.mailer {
        None => ResetMethod::AskAnOwner,
        Some(_) if query.has("sent") => ResetMethod::MailSent,
        Some(_) => ResetMethod::ByMail { email: String::new(), invalid: Invalid::new() },
    };
    page_response(ForgotPassword { shell: logged_out_layout(&state, &nonce.0).await, way }.html())
}

/// `POST /forgotten`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(nonce): Extension<Nonce>,
    Extension(address): Extension<ClientAddress>,
    Form(fields): Form,
) -> Result<Response> {
    if state.mailer.is_none() {
        return Err(Error::Conflict("E-mail is not configured. Ask an owner for a reset link.".into()));
    }
    let typed = fields.text("email");
    let email = match parse_email(&typed) {
        Ok(email) => email,
        Err(message) => {
            let way = ResetMethod::ByMail { email: typed, invalid: Invalid::field("email", message) };
            return Ok(invalid_response(
                ForgotPassword { shell: logged_out_layout(&state, &nonce.0).await, way }.html(),
            ));
        }
    };
    count_request(&state, address)?;
    queue_reset(&state, &email).await?;
    Ok(Redirect::to("/forgotten?sent").into_response())
}

/// Counts a request of the client's network.
fn count_request(state: &State, ClientAddress(address): ClientAddress) -> Result<()> {
    // Only tests without a connection have no address.
    let Some(address) = address else { return Ok(()) };
    let mut resets = state.password_resets().lock().unwrap_or_else(PoisonError::into_inner);
    resets.take(address, state.clock.monotonic()).map_err(Error::TooMany)
}

/// Adds a reset to the outbox, without a recipient if the address is unknown or got too many mails.
async fn queue_reset(state: &State, email: &str) -> db::Result<()> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let known = managers::find_by_email(&mut tx, email).await?.map(|(manager, _)| manager.id);
    let whose = known.as_ref().map_or("", |id| id.as_str());
    let asked = outbox::resets_since(&mut tx, whose, now - RESETS_WINDOW).await?;
    outbox::add_reset(&mut tx, known.as_ref().filter(|_| asked < MAX_RESETS), now).await?;
    tx.commit_unaudited().await
}
