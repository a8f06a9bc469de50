use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::factors::{commit_added_factor, commit_removed_factor, read_next};
use crate::actions;
use crate::credentials::passkey::Credential;
use crate::db::challenges::Kind;
use crate::db::{Tx, passkeys};
use crate::domain::forms::{Fields, parse_required_line};
use crate::domain::second_factor::{MAX_PASSKEY_NAME, MAX_PASSKEYS, Passkey};
use crate::domain::{Invalid, PasskeyId};
use crate::state::State;
use crate::ui::pages::admin::PasskeyNew;
use crate::web::access::manager::{CanEnter, Fresh, Manager};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::{check_limit, invalid_response, page_response};
use crate::web::sign_in::challenges;
use crate::web::{Error, Result};

/// `GET /admin/account/passkeys/new`
pub async fn new(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let fields = (String::new(), read_next(&query));
    Ok(page_response(new_page(&state, &mut tx, &manager, fields, Invalid::new()).await?))
}

/// `POST /admin/account/passkeys/challenge`: the options for the browser.
pub async fn challenge(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let known = passkeys::credentials(&mut tx, &manager.id).await?;
    if known.len() >= MAX_PASSKEYS {
        return Err(Error::Conflict(format!("At most {MAX_PASSKEYS} passkeys: remove one first.")));
    }
    let asked = challenges::relying_party(&state, &mut tx).await?.begin_registration(&manager, &known);
    drop(tx);
    let asked = asked.map_err(|error| Error::Internal(error.into()))?;
    let begun = challenges::begin_passkey(&state, &session, manager.address, Kind::PasskeyRegistration, asked).await?;
    Ok(Json(begun).into_response())
}

/// `POST /admin/account/passkeys`
pub async fn create(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
    Form(fields): Form,
) -> Result<Response> {
    let (typed, next) = (fields.text("name"), read_next(&fields));
    let mut wrong = Invalid::new();
    let name = wrong
        .take("name", parse_required_line(&typed, MAX_PASSKEY_NAME, "Give the passkey a name, like the device's."));
    // An invalid name does not consume the challenge, so the manager can try again.
    let credential = match name {
        Some(_) => verify_registration(&state, &session, &fields.text("credential")).await?,
        None => None,
    };
    let mut tx = manager.begin(&state).await?;
    let (Some(name), Some(credential)) = (name, credential) else {
        wrong.add("name", "The passkey was not accepted, or it took too long. Try again.");
        return Ok(invalid_response(new_page(&state, &mut tx, &manager, (typed, next), wrong).await?));
    };
    let id = PasskeyId::from_random(crate::credentials::random_bytes());
    let passkey = Passkey { id, name, created_at: state.clock.now(), last_used_at: None };
    let stored = (credential.hash.as_str(), credential.json.as_str());
    let entry = match check_limit(actions::managers::add_passkey(&mut tx, &manager, &passkey, stored).await, "name")? {
        Ok(entry) => entry,
        Err(full) => return Ok(invalid_response(new_page(&state, &mut tx, &manager, (typed, next), full).await?)),
    };
    commit_added_factor(&state, &manager, &session, (tx, entry), ("passkey-added", next)).await
}

/// `POST /admin/account/passkeys/{id}/removal`
pub async fn destroy(
    manager: Manager<Fresh<CanEnter>>,
    FromState(state): FromState<State>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = PasskeyId::parse(&id).ok_or(Error::NotFound)?;
    let mut tx = manager.begin(&state).await?;
    let known = passkeys::list(&mut tx, &manager.id).await?;
    let passkey = known.iter().find(|passkey| passkey.id == id).ok_or(Error::NotFound)?;
    let entry = actions::managers::remove_passkey(&mut tx, &manager, passkey).await?;
    commit_removed_factor(&state, &manager, &session, (tx, entry), "passkey-removed").await
}

/// The credential in the browser's `answer` to the stored challenge; the log has the reason if there is none.
async fn verify_registration(state: &State, session: &Session, answer: &str) -> Result<Option<Credential>> {
    let Some(challenge) = challenges::take_challenge(state, session, Kind::PasskeyRegistration).await? else {
        return Ok(None);
    };
    let party = challenges::relying_party(state, &mut state.db.read().await?).await?;
    let registered = party.finish_registration(answer, challenge);
    Ok(registered.map_err(|error| tracing::info!("a new passkey was rejected: {error}")).ok())
}

async fn new_page(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<Fresh<CanEnter>>,
    (name, next): (String, Option<String>),
    invalid: Invalid,
) -> Result<String> {
    let shell = admin_context(state, tx, manager, &Fields::default()).await?;
    Ok(PasskeyNew { shell, name, next, possible: challenges::are_passkeys_available(state), invalid }.html())
}
