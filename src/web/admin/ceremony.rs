//! What has to be answered waits in the session, for five minutes and one answer: the challenges of passkeys, and
//! questions to the identity provider.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::Session;

use crate::db::{self, Tx, WriteTx, managers, passkeys, sessions};
use crate::domain::Manager as KnownManager;
use crate::domain::factor::HALF_LOGIN_LIFETIME;
use crate::passkey::{self, Challenge, RelyingParty};
use crate::state::State;
use crate::web::session::MANAGER;
use crate::web::{Error, Result};

/// Where the session keeps the challenge of a registration, and that of a login.
pub const REGISTRATION: &str = "passkey_registration";
pub const LOGIN: &str = "passkey_login";

/// How many challenges of nobody may wait; each is a row that a stranger makes by asking.
const MAX_STRANGERS: i64 = 1000;

#[derive(Serialize, Deserialize)]
struct Waiting {
    state: Value,
    until: DateTime<Utc>,
}

/// Whether browsers allow passkeys at the address of this page.
pub fn is_possible(state: &State) -> bool {
    RelyingParty::at(&state.origin, "").is_some()
}

/// The name for which passkeys are made and asked.
pub async fn party(state: &State, tx: &mut Tx) -> Result<RelyingParty> {
    let page = db::page::load(tx).await?;
    RelyingParty::at(&state.origin, page.logo())
        .ok_or_else(|| Error::Conflict("Passkeys need an address with a name and TLS, or localhost.".into()))
}

/// Keeps what the answer to `challenge` will be judged by, and gives what the browser is asked.
pub async fn begin(state: &State, session: &Session, key: &str, challenge: Challenge) -> Result<Value> {
    keep(state, session, key, challenge.state).await?;
    Ok(challenge.options)
}

/// Keeps what an answer will be judged by.
pub async fn keep(state: &State, session: &Session, key: &str, judged_by: Value) -> Result<()> {
    if session.get::<String>(MANAGER).await?.is_none() {
        refuse_a_crowd(state).await?;
    }
    let waiting = Waiting { state: judged_by, until: state.clock.now() + HALF_LOGIN_LIFETIME };
    session.insert(key, waiting).await?;
    Ok(session.save().await?)
}

async fn refuse_a_crowd(state: &State) -> Result<()> {
    let strangers =
        sessions::count_strangers(&mut state.db.read().await?, state.clock.now() - HALF_LOGIN_LIFETIME).await?;
    if strangers >= MAX_STRANGERS { Err(Error::Busy) } else { Ok(()) }
}

/// What waits in the session, and goes on waiting.
pub async fn waiting(state: &State, session: &Session, key: &str) -> Result<Option<Value>> {
    let waiting = session.get::<Waiting>(key).await?;
    Ok(waiting.filter(|waiting| state.clock.now() < waiting.until).map(|waiting| waiting.state))
}

/// The challenge that waits in the session, which is used up by this, whatever the answer to it is.
pub async fn take(state: &State, session: &Session, key: &str) -> Result<Option<Value>> {
    let Some(waiting) = session.get::<Waiting>(key).await? else { return Ok(None) };
    session.remove_value(key).await?;
    session.save().await?;
    Ok((state.clock.now() < waiting.until).then_some(waiting.state))
}

/// The active manager whose passkey gave this `answer` to `challenge`; why there is none stands in the log.
pub async fn proven(
    state: &State,
    tx: &mut WriteTx,
    challenge: Option<Value>,
    answer: &str,
) -> Result<Option<KnownManager>> {
    let Some(challenge) = challenge else { return Ok(None) };
    let Ok(hash) = passkey::named_in(answer) else { return Ok(None) };
    let Some(stored) = passkeys::find_by_credential(tx, &hash).await? else { return Ok(None) };
    let manager = managers::find(tx, &stored.manager_id).await?;
    let party = party(state, tx).await?;
    match party.log_in(answer, challenge, &stored.credential, &manager.id) {
        Ok(used) if manager.is_active() => {
            passkeys::touch(tx, &stored.id, &used.json, state.clock.now()).await?;
            Ok(Some(manager))
        }
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::info!("a passkey was refused: {error}");
            Ok(None)
        }
    }
}
