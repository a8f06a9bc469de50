//! Sessions: tower-sessions over our own table.
//!
//! A session ends 30 minutes after it was last used and 12 hours after the login, whatever happens
//! (OWASP Session Management; both are checked where it is loaded). The cookie lives as long as the
//! browser. The database holds the SHA-256 of the id, never the id.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{self as carried, Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::credentials::secret_token;
use crate::db::challenges::{self, Challenge};
use crate::db::{self, WriteTx, managers, sessions};
use crate::domain::{Manager, ManagerId};
use crate::state::State;
use crate::web;
use crate::web::edge::client_ip::ClientAddress;

/// How old the note of its last use may get before it is renewed.
pub const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How much of a browser's own description is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// Where the record of tower-sessions contains the [`SessionData`].
const DATA: &str = "session";
/// Where it contains the id of the row that was written for the session already, until its record has it too. In no row.
const NEXT_ID: &str = "next_id";

/// The content of a session. What may be used only once is in the table of challenges instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionData {
    /// None before the login.
    pub manager: Option<ManagerId>,
    /// When the manager last proved who they are; none for the time of the login.
    pub reauthenticated_at: Option<DateTime<Utc>>,
    /// Whether the identity provider asked for two factors at the login. Set when the session begins, and only ever
    /// withdrawn after that: the row decides, not what a request carries.
    pub second_factor: bool,
    /// Of the client; the network prefix for a challenge before the login.
    pub address: String,
    pub user_agent: String,
    /// A login whose second step is still to come.
    pub half_login: Option<HalfLogin>,
}

/// A login whose second step is still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfLogin {
    pub manager: ManagerId,
    /// Of the manager when the password was right: any later change ends this login.
    pub version: i64,
    /// The path to go on to.
    pub next: String,
    pub until: DateTime<Utc>,
}

/// The content of the session that a request carries.
///
/// # Errors
/// Where the database can't be read.
pub async fn load(session: &Session) -> std::result::Result<SessionData, carried::Error> {
    Ok(session.get(DATA).await?.unwrap_or_default())
}

/// Writes the content of a session, which gets a row and a cookie if it has none.
///
/// # Errors
/// Where the database can't be written.
pub async fn save(session: &Session, data: &SessionData) -> std::result::Result<(), carried::Error> {
    session.insert(DATA, data).await?;
    session.save().await
}

/// The content of a session as its row has it.
///
/// # Errors
/// Where it can't be understood.
pub fn parse_data(stored: &sessions::Session) -> db::Result<SessionData> {
    serde_json::from_str(&stored.data).map_err(db::Error::other)
}

/// A new row of a session.
fn row(id: Id, data: SessionData, now: DateTime<Utc>) -> db::Result<sessions::Session> {
    Ok(sessions::Session {
        id_hash: hash_id(id),
        manager_id: data.manager.as_ref().map(ManagerId::to_string),
        data: write(&data)?,
        address: data.address,
        user_agent: data.user_agent,
        created_at: now,
        last_seen_at: now,
    })
}

fn write(data: &SessionData) -> db::Result<String> {
    serde_json::to_string(data).map_err(db::Error::other)
}

/// Sessions in the database.
#[derive(Clone)]
pub struct Store(State);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that gives handlers their [`Session`].
pub fn session_layer(state: &State) -> SessionManagerLayer<Store> {
    let name = if state.is_secure() { "__Host-sid" } else { "sid" };
    SessionManagerLayer::new(Store::new(state))
        .with_name(name)
        .with_secure(state.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Whose browser it is.
#[derive(Clone, Copy, Debug)]
pub struct BrowserInfo<'a> {
    pub address: ClientAddress,
    /// What the browser says of itself.
    pub user_agent: &'a str,
}

/// A login at the identity provider.
#[derive(Clone, Copy, Debug)]
pub struct OidcLogin {
    /// When the manager proved there who they are.
    pub authenticated_at: DateTime<Utc>,
    /// Whether the provider asked for two factors.
    pub has_second_factor: bool,
}

/// Begins the session of a manager, under a new id: one that was planted before is worth nothing. `manager` is as they
/// were when they proved who they are; `oidc` is given if they did so at the identity provider.
///
/// # Errors
/// `LoginRequired` where anything about the manager was changed since: a new password, a role, being disabled ends every
/// session, and this one would come a moment too late to be ended.
pub async fn begin_session(
    state: &State,
    session: &Session,
    manager: &Manager,
    visitor: BrowserInfo<'_>,
    oidc: Option<OidcLogin>,
) -> web::Result<()> {
    let data = SessionData {
        manager: Some(manager.id.clone()),
        reauthenticated_at: oidc.map(|login| login.authenticated_at),
        second_factor: oidc.is_some_and(|login| login.has_second_factor),
        address: visitor.address.to_string(),
        user_agent: visitor.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect(),
        ..SessionData::default()
    };
    let id = fresh_id();
    let mut tx = state.db.write().await?;
    if !managers::find(&mut tx, &manager.id).await?.is_unchanged(manager) {
        return Err(web::Error::LoginRequired("/admin".into()));
    }
    sessions::insert(&mut tx, &row(id, data.clone(), state.clock.now())?).await?;
    tx.commit_unaudited().await?;
    if session.id().is_some() {
        session.flush().await?;
    }
    session.insert(NEXT_ID, id.to_string()).await?;
    Ok(save(session, &data).await?)
}

/// Goes on under a new id: what the old one could do, it can do no more.
///
/// # Errors
/// `LoginRequired` where the session was ended, or has gone on otherwise, since it was loaded.
pub async fn rotate_session(state: &State, session: &Session) -> web::Result<()> {
    rotate_id(state, session, None).await
}

/// Notes a fresh proof of who the manager is. More can be done with the session now, hence a new id.
///
/// # Errors
/// As [`renew`].
pub async fn record_proof(state: &State, session: &Session) -> web::Result<()> {
    rotate_id(state, session, Some(state.clock.now())).await
}

/// Gives the session its new id in the database, and only then in what the request carries about of it: so nothing of one
/// that is over comes back, neither its row nor its cookie.
async fn rotate_id(state: &State, session: &Session, reauthenticated_at: Option<DateTime<Utc>>) -> web::Result<()> {
    let over = || web::Error::LoginRequired("/admin".into());
    // It may not have been loaded yet, and can't be under its old id any more.
    load(session).await?;
    let (old, new) = (session.id().ok_or_else(over)?, fresh_id());
    let now = state.clock.now();
    let (idle_since, created_after) = sessions::limits(now);
    let mut tx = state.db.write().await?;
    let stored = sessions::find(&mut tx, &hash_id(old), idle_since, created_after).await?.ok_or_else(over)?;
    let mut data = parse_data(&stored)?;
    data.reauthenticated_at = reauthenticated_at.or(data.reauthenticated_at);
    let renewed = sessions::Session { id_hash: hash_id(new), data: write(&data)?, last_seen_at: now, ..stored };
    if !sessions::rotate_id(&mut tx, &hash_id(old), &renewed).await? {
        return Err(over());
    }
    tx.commit_unaudited().await?;
    session.insert(DATA, data).await?;
    session.insert(NEXT_ID, new.to_string()).await?;
    session.cycle_id().await?;
    Ok(session.save().await?)
}

/// An id that nobody can guess.
fn fresh_id() -> Id {
    Id(i128::from_be_bytes(crate::credentials::random_bytes()))
}

/// Withdraws in the row of a session that the identity provider asked for a second factor.
///
/// # Errors
/// Where the database can't be written.
pub async fn forget_second_factor(tx: &mut WriteTx, session_hash: &str, now: DateTime<Utc>) -> db::Result<()> {
    let (idle_since, created_after) = sessions::limits(now);
    let Some(mut stored) = sessions::find(tx, session_hash, idle_since, created_after).await? else { return Ok(()) };
    stored.data = write(&SessionData { second_factor: false, ..parse_data(&stored)? })?;
    sessions::update(tx, &stored).await
}

/// Withdraws it in what the request carries, which may still be saved.
///
/// # Errors
/// Where the database can't be read.
pub async fn forget_carried_second_factor(session: &Session) -> std::result::Result<(), carried::Error> {
    let data = load(session).await?;
    session.insert(DATA, SessionData { second_factor: false, ..data }).await
}

/// Notes the network prefix from which a challenge was asked for before the login.
///
/// # Errors
/// Where the database can't be written.
pub async fn note_network(session: &Session, network: String) -> std::result::Result<(), carried::Error> {
    let data = load(session).await?;
    save(session, &SessionData { address: network, ..data }).await
}

/// Stores a challenge of the session; says whether the session still exists.
///
/// # Errors
/// Where the database can't be written.
pub async fn store_challenge(
    state: &State,
    session: &Session,
    kind: challenges::Kind,
    challenge: &Challenge,
) -> db::Result<bool> {
    let Some((mut tx, hash)) = write_living(state, session).await? else { return Ok(false) };
    challenges::store(&mut tx, &hash, kind, challenge, state.clock.now()).await?;
    tx.commit_unaudited().await?;
    Ok(true)
}

/// The challenge of this kind, which stays.
///
/// # Errors
/// Where the database can't be read.
pub async fn find_challenge(state: &State, session: &Session, kind: challenges::Kind) -> db::Result<Option<Challenge>> {
    let Some(id) = session.id() else { return Ok(None) };
    let (idle_since, created_after) = sessions::limits(state.clock.now());
    let mut tx = state.db.read().await?;
    match sessions::find(&mut tx, &hash_id(id), idle_since, created_after).await? {
        Some(stored) => challenges::find(&mut tx, &stored.id_hash, kind).await,
        None => Ok(None),
    }
}

/// The challenge of this kind, which is used up by this: of many requests at once one gets it.
///
/// # Errors
/// Where the database can't be written.
pub async fn take_challenge(state: &State, session: &Session, kind: challenges::Kind) -> db::Result<Option<Challenge>> {
    let Some((mut tx, hash)) = write_living(state, session).await? else { return Ok(None) };
    let taken = challenges::take(&mut tx, &hash, kind).await?;
    if taken.is_some() {
        tx.commit_unaudited().await?;
    }
    Ok(taken)
}

/// Counts a proof that is about to be verified; returns the number of failed ones in a row with it, or nothing if the
/// session is over.
///
/// # Errors
/// Where the database can't be written.
pub async fn count_failed_proof(state: &State, session: &Session) -> db::Result<Option<i64>> {
    let Some(id) = session.id() else { return Ok(None) };
    let mut tx = state.db.write().await?;
    let count = sessions::count_failed_proof(&mut tx, &hash_id(id), sessions::limits(state.clock.now())).await?;
    tx.commit_unaudited().await?;
    Ok(count)
}

/// Takes back what [`count_failed_proof`] counted.
///
/// # Errors
/// Where the database can't be written.
pub async fn uncount_failed_proof(state: &State, session: &Session) -> db::Result<()> {
    let Some(id) = session.id() else { return Ok(()) };
    let mut tx = state.db.write().await?;
    sessions::uncount_failed_proof(&mut tx, &hash_id(id)).await?;
    tx.commit_unaudited().await
}

/// A transaction that writes, and the hash of the session, unless it is over.
async fn write_living(state: &State, session: &Session) -> db::Result<Option<(WriteTx, String)>> {
    let Some(id) = session.id() else { return Ok(None) };
    let (idle_since, created_after) = sessions::limits(state.clock.now());
    let mut tx = state.db.write().await?;
    let stored = sessions::find(&mut tx, &hash_id(id), idle_since, created_after).await?;
    Ok(stored.map(|stored| (tx, stored.id_hash)))
}

/// The hash under which the database knows the session.
pub fn hash_id(id: Id) -> String {
    secret_token::hash_token(&id.to_string())
}

impl Store {
    /// Those of this server.
    pub fn new(state: &State) -> Self {
        Self(state.clone())
    }

    /// The row of the session that a request carries.
    fn row(&self, record: &Record) -> Result<sessions::Session> {
        row(record.id, data_of(record)?, self.0.clock.now()).map_err(|error| Error::Encode(error.to_string()))
    }
}

fn data_of(record: &Record) -> Result<SessionData> {
    let data = record.data.get(DATA).cloned().map(serde_json::from_value).transpose();
    Ok(data.map_err(|error| Error::Decode(error.to_string()))?.unwrap_or_default())
}

fn record_data(data: &SessionData) -> Result<HashMap<String, serde_json::Value>> {
    let data = serde_json::to_value(data).map_err(|error| Error::Encode(error.to_string()))?;
    Ok(HashMap::from([(DATA.to_owned(), data)]))
}

#[async_trait]
impl SessionStore for Store {
    /// Under an id of our own: the record of a session that was flushed still carries the old one, which
    /// somebody may have planted. One that goes on under a new id has its row there already.
    async fn create(&self, record: &mut Record) -> Result<()> {
        if let Some(next_id) = record.data.remove(NEXT_ID) {
            let id = next_id.as_str().and_then(|id| id.parse().ok());
            record.id = id.ok_or_else(|| Error::Decode("the id of a renewed session".into()))?;
            return Ok(());
        }
        record.id = fresh_id();
        let session = self.row(record)?;
        let mut tx = self.0.db.write().await.map_err(store_error)?;
        sessions::insert(&mut tx, &session).await.map_err(store_error)?;
        tx.commit_unaudited().await.map_err(store_error)
    }

    /// A session that was ended since it was loaded does not come back, nor does a second factor that was withdrawn.
    async fn save(&self, record: &Record) -> Result<()> {
        let mut data = data_of(record)?;
        let (idle_since, created_after) = sessions::limits(self.0.clock.now());
        let mut tx = self.0.db.write().await.map_err(store_error)?;
        let stored =
            sessions::find(&mut tx, &hash_id(record.id), idle_since, created_after).await.map_err(store_error)?;
        let Some(stored) = stored else { return Ok(()) };
        data.second_factor &= parse_data(&stored).map_err(store_error)?.second_factor;
        let session = row(record.id, data, self.0.clock.now()).map_err(store_error)?;
        sessions::update(&mut tx, &session).await.map_err(store_error)?;
        tx.commit_unaudited().await.map_err(store_error)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = self.0.clock.now();
        let (idle_since, created_after) = sessions::limits(now);
        let mut tx = self.0.db.read().await.map_err(store_error)?;
        let found = sessions::find(&mut tx, &hash_id(*id), idle_since, created_after).await.map_err(store_error)?;
        let Some(session) = found else { return Ok(None) };
        let data = record_data(&parse_data(&session).map_err(|error| Error::Decode(error.to_string()))?)?;
        // Our own limits have been checked; tower-sessions is told a time that can't have passed.
        let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::days(1);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut tx = self.0.db.write().await.map_err(store_error)?;
        sessions::delete(&mut tx, &hash_id(*id)).await.map_err(store_error)?;
        tx.commit_unaudited().await.map_err(store_error)
    }
}

fn store_error(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}
