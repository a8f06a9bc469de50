//! Sessions: tower-sessions over our own table.
//!
//! A session ends 30 minutes after it was last used and 12 hours after the login, whatever happens
//! (OWASP Session Management; both are checked where it is loaded). The cookie lives as long as the
//! browser. The database holds the SHA-256 of the id, never the id.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::db::{self, sessions};
use crate::state::State;
use crate::token;

/// How long a session lives without being used.
pub const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long a session lives at most.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// How old the note of its last use may get before it is renewed.
pub const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How much of a browser's own description is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// What the session of a manager carries.
pub const MANAGER: &str = "manager";
/// When the manager last proved who they are; at the login where it is absent.
pub const PROVED_AT: &str = "proved_at";
/// Whether the login counted as two factors because the identity provider asked for both.
pub const SECOND_FACTOR: &str = "second_factor";
const ADDRESS: &str = "address";
const USER_AGENT: &str = "user_agent";
const CREATED_AT: &str = "created_at";

/// Where the row keeps what one request alone may see at a time: see [`apart`].
const APART: &str = "apart";

/// Sessions in the database.
#[derive(Clone)]
pub struct Store(State);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that gives handlers their [`Session`].
pub fn layer(state: &State) -> SessionManagerLayer<Store> {
    let name = if state.is_secure() { "__Host-sid" } else { "sid" };
    SessionManagerLayer::new(Store(state.clone()))
        .with_name(name)
        .with_secure(state.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Begins the session of a manager, under a new id: one that was planted before is worth nothing.
///
/// # Errors
/// Where the database can't be written.
pub async fn begin(
    session: &Session,
    manager: &str,
    address: &str,
    user_agent: &str,
) -> std::result::Result<(), tower_sessions::session::Error> {
    if session.id().is_some() {
        session.flush().await?;
    }
    session.insert(MANAGER, manager).await?;
    session.insert(ADDRESS, address).await?;
    session
        .insert(USER_AGENT, user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect::<String>())
        .await?;
    session.save().await
}

/// Goes on under a new id: what the old one could do, it can do no more.
///
/// # Errors
/// Where the database can't be written.
pub async fn renew(session: &Session) -> std::result::Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.save().await
}

/// Notes a fresh proof of who the manager is. More can be done with the session now, hence a new id.
///
/// # Errors
/// Where the database can't be written.
pub async fn prove(session: &Session, now: DateTime<Utc>) -> std::result::Result<(), tower_sessions::session::Error> {
    session.insert(PROVED_AT, now).await?;
    renew(session).await
}

/// Notes that the identity provider asked for a second factor at the login.
///
/// # Errors
/// Where the database can't be written.
pub async fn note_second_factor(session: &Session) -> std::result::Result<(), tower_sessions::session::Error> {
    session.insert(SECOND_FACTOR, true).await?;
    session.save().await
}

/// Notes from which neighbourhood a stranger asks.
///
/// # Errors
/// Where the database can't be written.
pub async fn note_neighbourhood(
    session: &Session,
    neighbourhood: &str,
) -> std::result::Result<(), tower_sessions::session::Error> {
    session.insert(ADDRESS, neighbourhood).await?;
    session.save().await
}

/// Looks at, and changes, what stands apart in the row of the session: in one transaction, so of many requests at once
/// each sees what the one before it left. What a request carries about of its session never comes over it. Nothing where
/// the session is over. A new id begins with nothing.
///
/// # Errors
/// Where the database can't be written.
pub async fn apart<T>(
    state: &State,
    session: &Session,
    change: impl FnOnce(&mut Map<String, Value>) -> T,
) -> db::Result<Option<T>> {
    let Some(id) = session.id() else { return Ok(None) };
    let (idle_since, born_since) = limits(state.clock.now());
    let mut tx = state.db.write().await?;
    let Some(mut stored) = sessions::find(&mut tx, &hash(id), idle_since, born_since).await? else { return Ok(None) };
    let mut data = read(&stored.data)?;
    let mut apart = take_apart(&mut data);
    let before = apart.clone();
    let told = change(&mut apart);
    if apart != before {
        stored.data = written(data, apart)?;
        sessions::update(&mut tx, &stored).await?;
        tx.commit_unaudited().await?;
    }
    Ok(Some(told))
}

fn read(data: &str) -> db::Result<Map<String, Value>> {
    serde_json::from_str(data).map_err(db::Error::other)
}

fn take_apart(data: &mut Map<String, Value>) -> Map<String, Value> {
    match data.remove(APART) {
        Some(Value::Object(apart)) => apart,
        _ => Map::new(),
    }
}

fn written(mut data: Map<String, Value>, apart: Map<String, Value>) -> db::Result<String> {
    if !apart.is_empty() {
        data.insert(APART.to_owned(), apart.into());
    }
    serde_json::to_string(&data).map_err(db::Error::other)
}

/// The hash under which the database knows the session.
pub fn hash(id: Id) -> String {
    token::hash(&id.to_string())
}

/// Sessions not used since the first instant, or begun before the second, are over.
pub fn limits(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    (now - IDLE, now - LIFETIME)
}

impl Store {
    /// The session as the database has it.
    fn row(&self, record: &Record) -> Result<sessions::Session> {
        let now = self.0.clock.now();
        let text = |key| record.data.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        // The day a session began survives a change of its id.
        let created_at = text(CREATED_AT).parse().unwrap_or(now);
        let mut data = record.data.clone();
        data.insert(CREATED_AT.to_owned(), created_at.to_rfc3339().into());
        let manager = text(MANAGER);
        Ok(sessions::Session {
            id_hash: hash(record.id),
            manager_id: (!manager.is_empty()).then_some(manager),
            data: serde_json::to_string(&data).map_err(|error| Error::Encode(error.to_string()))?,
            address: text(ADDRESS),
            user_agent: text(USER_AGENT),
            created_at,
            last_seen_at: now,
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    /// Under an id of our own: the record of a session that was flushed still carries the old one, which
    /// somebody may have planted.
    async fn create(&self, record: &mut Record) -> Result<()> {
        record.id = Id(i128::from_be_bytes(db::random()));
        let session = self.row(record)?;
        let mut tx = self.0.db.write().await.map_err(backend)?;
        sessions::insert(&mut tx, &session).await.map_err(backend)?;
        tx.commit_unaudited().await.map_err(backend)
    }

    /// A session that was ended since it was loaded does not come back, and what stands apart in it stays.
    async fn save(&self, record: &Record) -> Result<()> {
        let mut session = self.row(record)?;
        let (idle_since, born_since) = limits(self.0.clock.now());
        let mut tx = self.0.db.write().await.map_err(backend)?;
        let stored = sessions::find(&mut tx, &session.id_hash, idle_since, born_since).await.map_err(backend)?;
        let Some(stored) = stored else { return Ok(()) };
        let apart = take_apart(&mut read(&stored.data).map_err(backend)?);
        session.data = read(&session.data).and_then(|data| written(data, apart)).map_err(backend)?;
        sessions::update(&mut tx, &session).await.map_err(backend)?;
        tx.commit_unaudited().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = self.0.clock.now();
        let (idle_since, born_since) = limits(now);
        let mut tx = self.0.db.read().await.map_err(backend)?;
        let found = sessions::find(&mut tx, &hash(*id), idle_since, born_since).await.map_err(backend)?;
        let Some(session) = found else { return Ok(None) };
        let mut data = read(&session.data).map_err(|error| Error::Decode(error.to_string()))?;
        take_apart(&mut data);
        let data = data.into_iter().collect();
        // Our own limits have been checked; tower-sessions is told a time that can't have passed.
        let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::days(1);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut tx = self.0.db.write().await.map_err(backend)?;
        sessions::delete(&mut tx, &hash(*id)).await.map_err(backend)?;
        tx.commit_unaudited().await.map_err(backend)
    }
}

fn backend(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}
