//! Challenges in the database, valid for five minutes and one response: those of passkeys, and requests to the identity
//! provider. The first of concurrent responses consumes the challenge.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_sessions::Session;

use crate::credentials::passkey::{self, RelyingParty};
use crate::db::challenges::{Challenge, Kind};
use crate::db::{self, Tx, WriteTx, managers, passkeys, sessions};
use crate::domain::Manager as KnownManager;
use crate::domain::parse_time::is_unexpired;
use crate::domain::rate_limit::network_prefix;
use crate::domain::second_factor::HALF_LOGIN_LIFETIME;
use crate::state::State;
use crate::web::access::session;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// Maximum number of sessions without a manager that have a challenge; any client can create one. One network gets
/// about sixty within five minutes
/// ([`login_throttle::count_attempt`](crate::web::access::login_throttle::count_attempt)).
const MAX_ANONYMOUS: i64 = 1000;

/// Whether browsers allow passkeys at the public URL.
pub fn are_passkeys_available(state: &State) -> bool {
    RelyingParty::at(&state.origin, "").is_some()
}

/// The relying party of this page's passkeys.
pub async fn relying_party(state: &State, tx: &mut Tx) -> Result<RelyingParty> {
    let page = db::page_settings::load(tx).await?;
    RelyingParty::at(&state.origin, page.logo())
        .ok_or_else(|| Error::Conflict("Passkeys need HTTPS and a domain name, or localhost.".into()))
}

/// Stores what the response is verified with; returns the options for the browser.
pub async fn begin_passkey(
    state: &State,
    session: &Session,
    address: ClientAddress,
    kind: Kind,
    challenge: passkey::Challenge,
) -> Result<Value> {
    store(state, session, address, kind, &challenge.state).await?;
    Ok(challenge.options)
}

/// Stores what a response from `address` is verified with.
pub async fn store(
    state: &State,
    session: &Session,
    address: ClientAddress,
    kind: Kind,
    payload: &impl Serialize,
) -> Result<()> {
    if session::load(session).await?.manager.is_none() {
        reserve_anonymous_challenge(state, session, address).await?;
    }
    let payload = serde_json::to_string(payload).map_err(|error| Error::Internal(error.into()))?;
    let challenge = Challenge { payload, expires_at: state.clock.now() + HALF_LOGIN_LIFETIME };
    if session::store_challenge(state, session, kind, &challenge).await? { Ok(()) } else { Err(Error::Busy) }
}

/// Makes room for one more session without a manager: beyond the limit, evicts the oldest one of the network that has
/// most. So a flood evicts its own sessions, and logins from other networks still work.
async fn reserve_anonymous_challenge(
    state: &State,
    session: &Session,
    ClientAddress(address): ClientAddress,
) -> Result<()> {
    let mut tx = state.db.write().await?;
    sessions::evict_oldest(&mut tx, state.clock.now() - HALF_LOGIN_LIFETIME, MAX_ANONYMOUS).await?;
    tx.commit_unaudited().await?;
    let network = address.map_or_else(|| "nowhere".to_owned(), network_prefix);
    Ok(session::note_network(session, network).await?)
}

/// Reads the challenge of this kind without consuming it.
pub async fn find<T: DeserializeOwned>(state: &State, session: &Session, kind: Kind) -> Result<Option<T>> {
    let found = session::find_challenge(state, session, kind).await?;
    Ok(found.and_then(|challenge| unexpired(state, &challenge)))
}

/// Consumes the challenge of this kind, whatever the response to it is.
pub async fn take_challenge<T: DeserializeOwned>(state: &State, session: &Session, kind: Kind) -> Result<Option<T>> {
    let found = session::take_challenge(state, session, kind).await?;
    Ok(found.and_then(|challenge| unexpired(state, &challenge)))
}

fn unexpired<T: DeserializeOwned>(state: &State, challenge: &Challenge) -> Option<T> {
    let is_valid = is_unexpired(HALF_LOGIN_LIFETIME, challenge.expires_at, state.clock.now());
    is_valid.then(|| serde_json::from_str(&challenge.payload).ok()).flatten()
}

/// The active manager whose passkey signed `answer`; the log has the reason if there is none.
pub async fn verify_passkey(
    state: &State,
    tx: &mut WriteTx,
    challenge: Option<Value>,
    answer: &str,
) -> Result<Option<KnownManager>> {
    let Some(challenge) = challenge else { return Ok(None) };
    let Ok(hash) = passkey::credential_hash_of_answer(answer) else { return Ok(None) };
    let Some(stored) = passkeys::find_by_credential(tx, &hash).await? else { return Ok(None) };
    let manager = managers::find(tx, &stored.manager_id).await?;
    let party = relying_party(state, tx).await?;
    match party.finish_login(answer, challenge, &stored.credential, &manager.id) {
        Ok(used) if manager.is_active() => {
            passkeys::touch(tx, &stored.id, &used.json, state.clock.now()).await?;
            Ok(Some(manager))
        }
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::info!("a passkey was rejected: {error}");
            Ok(None)
        }
    }
}
