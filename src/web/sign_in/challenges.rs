//! What has to be answered waits in the session, for five minutes and one answer: the challenges of passkeys, and
//! questions to the identity provider. Of many answers at once the first takes what waits, and the others find nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::Session;

use crate::credentials::passkey::{self, Challenge, RelyingParty};
use crate::db::{self, Tx, WriteTx, managers, passkeys, sessions};
use crate::domain::Manager as KnownManager;
use crate::domain::parse_time::is_within;
use crate::domain::rate_limit::neighbourhood;
use crate::domain::second_factor::HALF_LOGIN_LIFETIME;
use crate::state::State;
use crate::web::access::session::{self, MANAGER};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// Where the session keeps the challenge of a registration, and that of a login.
pub const REGISTRATION: &str = "passkey_registration";
pub const LOGIN: &str = "passkey_login";

/// How many challenges of nobody wait at most; each is a row that a stranger makes by asking. One network has some
/// sixty of them within five minutes ([`login_lock::take_turn`](crate::web::access::login_throttle::take_turn)).
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
    let page = db::page_settings::load(tx).await?;
    RelyingParty::at(&state.origin, page.logo())
        .ok_or_else(|| Error::Conflict("Passkeys need HTTPS and a domain name, or localhost.".into()))
}

/// Keeps what the answer to `challenge` will be judged by, and gives what the browser is asked.
pub async fn begin(
    state: &State,
    session: &Session,
    address: ClientAddress,
    key: &str,
    challenge: Challenge,
) -> Result<Value> {
    keep(state, session, address, key, challenge.state).await?;
    Ok(challenge.options)
}

/// Keeps what an answer from `address` will be judged by.
pub async fn keep(state: &State, session: &Session, address: ClientAddress, key: &str, judged_by: Value) -> Result<()> {
    if session.get::<String>(MANAGER).await?.is_none() {
        admit_a_stranger(state, session, address).await?;
    }
    let waiting = Waiting { state: judged_by, until: state.clock.now() + HALF_LOGIN_LIFETIME };
    let waiting = serde_json::to_value(waiting).map_err(|error| Error::Internal(error.into()))?;
    let kept = session::apart(state, session, |apart| apart.insert(key.to_owned(), waiting)).await?;
    kept.map(drop).ok_or(Error::Busy)
}

/// Makes room for one more stranger. Where there are too many, the oldest goes of the neighbourhood that has most: so a
/// crowd gets in its own way, and whoever comes from elsewhere still logs in.
async fn admit_a_stranger(state: &State, session: &Session, ClientAddress(address): ClientAddress) -> Result<()> {
    let mut tx = state.db.write().await?;
    sessions::make_room(&mut tx, state.clock.now() - HALF_LOGIN_LIFETIME, MAX_STRANGERS).await?;
    tx.commit_unaudited().await?;
    let neighbourhood = address.map_or_else(|| "nowhere".to_owned(), neighbourhood);
    Ok(session::note_neighbourhood(session, &neighbourhood).await?)
}

/// What waits in the session, and goes on waiting.
pub async fn waiting(state: &State, session: &Session, key: &str) -> Result<Option<Value>> {
    let found = session::apart(state, session, |apart| apart.get(key).cloned()).await?.flatten();
    Ok(found.and_then(|waiting| still(state, waiting)))
}

/// The challenge that waits in the session, which is used up by this, whatever the answer to it is.
pub async fn take(state: &State, session: &Session, key: &str) -> Result<Option<Value>> {
    let found = session::apart(state, session, |apart| apart.remove(key)).await?.flatten();
    Ok(found.and_then(|waiting| still(state, waiting)))
}

/// What waits, unless it has waited for too long.
fn still(state: &State, waiting: Value) -> Option<Value> {
    let waiting: Waiting = serde_json::from_value(waiting).ok()?;
    is_within(HALF_LOGIN_LIFETIME, waiting.until, state.clock.now()).then_some(waiting.state)
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
            tracing::info!("a passkey was rejected: {error}");
            Ok(None)
        }
    }
}
