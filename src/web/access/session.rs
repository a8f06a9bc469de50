//! Sessions: tower-sessions over our own table.
//!
//! A session ends 30 minutes after it was last used and 12 hours after the login, whatever happens
//! (OWASP Session Management; both are checked where it is loaded). The cookie lives as long as the
//! browser. The database holds the SHA-256 of the id, never the id.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::credentials::secret_token;
use crate::db::{self, WriteTx, managers, sessions};
use crate::domain::Manager;
use crate::state::State;
use crate::web;
use crate::web::edge::client_ip::ClientAddress;

/// How old the note of its last use may get before it is renewed.
pub const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How much of a browser's own description is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// What the session of a manager carries.
pub const MANAGER: &str = "manager";
/// When the manager last proved who they are; at the login where it is absent.
pub const PROVED_AT: &str = "proved_at";
/// Whether the login counted as two factors because the identity provider asked for both. It is said when the session
/// begins, and only ever withdrawn after that: the row decides, not what a request carries about.
pub const SECOND_FACTOR: &str = "second_factor";
const ADDRESS: &str = "address";
const USER_AGENT: &str = "user_agent";

/// The id under which the row of a session stands already, from there on until its record has it too. It is in no row.
const GOES_ON_AS: &str = "goes_on_as";

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
    SessionManagerLayer::new(Store::of(state))
        .with_name(name)
        .with_secure(state.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Whose browser it is.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    pub address: ClientAddress,
    /// What the browser says of itself.
    pub user_agent: &'a str,
}

/// What an identity provider said of a login.
#[derive(Clone, Copy, Debug)]
pub struct LoginElsewhere {
    /// Since when it counts as a proof.
    pub proved_at: DateTime<Utc>,
    /// Whether it counts as two factors.
    pub twice: bool,
}

/// Begins the session of a manager, under a new id: one that was planted before is worth nothing. `manager` is as they
/// were when they proved who they are; `elsewhere` is said where they did so at the identity provider.
///
/// # Errors
/// `LoginRequired` where anything about the manager was changed since: a new password, a role, being disabled ends every
/// session, and this one would come a moment too late to be ended.
pub async fn begin(
    state: &State,
    session: &Session,
    manager: &Manager,
    visitor: Visitor<'_>,
    elsewhere: Option<LoginElsewhere>,
) -> web::Result<()> {
    let user_agent: String = visitor.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    let mut carried = Map::new();
    carried.insert(MANAGER.to_owned(), json!(manager.id));
    carried.insert(ADDRESS.to_owned(), json!(visitor.address.to_string()));
    carried.insert(USER_AGENT.to_owned(), json!(user_agent));
    if let Some(login) = elsewhere {
        carried.insert(PROVED_AT.to_owned(), json!(login.proved_at));
        if login.twice {
            carried.insert(SECOND_FACTOR.to_owned(), json!(true));
        }
    }
    let (id, now) = (fresh_id(), state.clock.now());
    let mut tx = state.db.write().await?;
    if !managers::find(&mut tx, &manager.id).await?.is_still(manager) {
        return Err(web::Error::LoginRequired("/admin".into()));
    }
    let row = sessions::Session {
        id_hash: hash(id),
        manager_id: Some(manager.id.to_string()),
        data: written(carried.clone(), Map::new())?,
        address: visitor.address.to_string(),
        user_agent,
        created_at: now,
        last_seen_at: now,
    };
    sessions::insert(&mut tx, &row).await?;
    tx.commit_unaudited().await?;
    if session.id().is_some() {
        session.flush().await?;
    }
    for (name, value) in carried {
        session.insert_value(&name, value).await?;
    }
    session.insert(GOES_ON_AS, id.to_string()).await?;
    Ok(session.save().await?)
}

/// Goes on under a new id: what the old one could do, it can do no more.
///
/// # Errors
/// `LoginRequired` where the session was ended, or has gone on otherwise, since it was loaded.
pub async fn renew(state: &State, session: &Session) -> web::Result<()> {
    go_on(state, session, None).await
}

/// Notes a fresh proof of who the manager is. More can be done with the session now, hence a new id.
///
/// # Errors
/// As [`renew`].
pub async fn prove(state: &State, session: &Session) -> web::Result<()> {
    go_on(state, session, Some(state.clock.now())).await
}

/// Gives the session its new id in the database, and only then in what the request carries about of it: so nothing of one
/// that is over comes back, neither its row nor its cookie.
async fn go_on(state: &State, session: &Session, proved_at: Option<DateTime<Utc>>) -> web::Result<()> {
    let over = || web::Error::LoginRequired("/admin".into());
    // It may not have been loaded yet, and can't be under its old id any more.
    session.get_value(MANAGER).await?;
    let (old, new) = (session.id().ok_or_else(over)?, fresh_id());
    let now = state.clock.now();
    let (idle_since, born_since) = sessions::limits(now);
    let mut tx = state.db.write().await?;
    let stored = sessions::find(&mut tx, &hash(old), idle_since, born_since).await?.ok_or_else(over)?;
    let mut data = read(&stored.data)?;
    take_apart(&mut data);
    if let Some(proved_at) = proved_at {
        data.insert(PROVED_AT.to_owned(), json!(proved_at));
    }
    let renewed =
        sessions::Session { id_hash: hash(new), data: written(data, Map::new())?, last_seen_at: now, ..stored };
    if !sessions::renew(&mut tx, &hash(old), &renewed).await? {
        return Err(over());
    }
    tx.commit_unaudited().await?;
    if let Some(proved_at) = proved_at {
        session.insert(PROVED_AT, proved_at).await?;
    }
    session.insert(GOES_ON_AS, new.to_string()).await?;
    session.cycle_id().await?;
    Ok(session.save().await?)
}

/// An id that nobody can guess.
fn fresh_id() -> Id {
    Id(i128::from_be_bytes(crate::credentials::random()))
}

/// Whether the login of this session counted as two factors.
///
/// # Errors
/// Where its row can't be read.
pub fn counted_twice(stored: &sessions::Session) -> db::Result<bool> {
    Ok(read(&stored.data)?.get(SECOND_FACTOR).and_then(Value::as_bool).unwrap_or_default())
}

/// When the manager of this session last proved who they are.
///
/// # Errors
/// Where its row can't be read.
pub fn proved_at(stored: &sessions::Session) -> db::Result<DateTime<Utc>> {
    let noted = read(&stored.data)?.remove(PROVED_AT).map(serde_json::from_value).transpose();
    Ok(noted.map_err(db::Error::other)?.unwrap_or(stored.created_at))
}

/// Forgets in the row of a session that the identity provider asked for a second factor.
///
/// # Errors
/// Where the database can't be written.
pub async fn forget_second_factor(tx: &mut WriteTx, session_hash: &str, now: DateTime<Utc>) -> db::Result<()> {
    let (idle_since, born_since) = sessions::limits(now);
    let Some(mut stored) = sessions::find(tx, session_hash, idle_since, born_since).await? else { return Ok(()) };
    let mut data = read(&stored.data)?;
    data.remove(SECOND_FACTOR);
    stored.data = written(data, Map::new())?;
    sessions::update(tx, &stored).await
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
    let (idle_since, born_since) = sessions::limits(state.clock.now());
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
    secret_token::hash(&id.to_string())
}

impl Store {
    /// Those of this server.
    pub fn of(state: &State) -> Self {
        Self(state.clone())
    }

    /// The session as the database has it.
    fn row(&self, record: &Record) -> Result<sessions::Session> {
        let now = self.0.clock.now();
        let text = |key| record.data.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let manager = text(MANAGER);
        Ok(sessions::Session {
            id_hash: hash(record.id),
            manager_id: (!manager.is_empty()).then_some(manager),
            data: serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?,
            address: text(ADDRESS),
            user_agent: text(USER_AGENT),
            created_at: now,
            last_seen_at: now,
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    /// Under an id of our own: the record of a session that was flushed still carries the old one, which
    /// somebody may have planted. One that goes on under a new id has its row there already.
    async fn create(&self, record: &mut Record) -> Result<()> {
        if let Some(goes_on_as) = record.data.remove(GOES_ON_AS) {
            let id = goes_on_as.as_str().and_then(|id| id.parse().ok());
            record.id = id.ok_or_else(|| Error::Decode("the id of a renewed session".into()))?;
            return Ok(());
        }
        record.id = fresh_id();
        let session = self.row(record)?;
        let mut tx = self.0.db.write().await.map_err(backend)?;
        sessions::insert(&mut tx, &session).await.map_err(backend)?;
        tx.commit_unaudited().await.map_err(backend)
    }

    /// A session that was ended since it was loaded does not come back, what stands apart in it stays, and so does a
    /// second factor that was withdrawn.
    async fn save(&self, record: &Record) -> Result<()> {
        let mut session = self.row(record)?;
        let (idle_since, born_since) = sessions::limits(self.0.clock.now());
        let mut tx = self.0.db.write().await.map_err(backend)?;
        let stored = sessions::find(&mut tx, &session.id_hash, idle_since, born_since).await.map_err(backend)?;
        let Some(stored) = stored else { return Ok(()) };
        session.data = over(&session.data, &stored).map_err(backend)?;
        sessions::update(&mut tx, &session).await.map_err(backend)?;
        tx.commit_unaudited().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = self.0.clock.now();
        let (idle_since, born_since) = sessions::limits(now);
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

/// What becomes of the row `stored` where a request saves what it carries about.
fn over(carried: &str, stored: &sessions::Session) -> db::Result<String> {
    let (mut data, apart) = (read(carried)?, take_apart(&mut read(&stored.data)?));
    if !counted_twice(stored)? {
        data.remove(SECOND_FACTOR);
    }
    written(data, apart)
}

fn backend(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}
