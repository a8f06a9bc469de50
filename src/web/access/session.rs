//! Sessions: tower-sessions over our own table.
//!
//! A session ends after the login policy's time without use and 12 hours after the login (OWASP Session Management);
//! both are checked on load. The cookie lives as long as the browser. The database holds the SHA-256 of the id, never the id.

use std::collections::HashMap;

use async_trait::async_trait;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
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
use crate::web::edge::known_sessions::{forget_session, remember_session};

/// Minimum age of the last-use time before it is written again.
pub const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);
/// Longest `User-Agent` that is stored, in characters.
const MAX_USER_AGENT: usize = 300;

/// Key of the [`SessionData`] in the record of tower-sessions.
const DATA: &str = "session";
/// Key of an id whose row is already written, until `create` moves the record to it. Never stored in a row.
const NEXT_ID: &str = "next_id";

/// Content of a session. Single-use values are in the challenges table instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionData {
    /// `None` before the login.
    pub manager: Option<ManagerId>,
    /// When the manager last proved their identity; `None` means at the login.
    pub reauthenticated_at: Option<DateTime<Utc>>,
    /// Whether the identity provider reported two factors at the login. Set when the session begins and later only
    /// withdrawn; the row counts, not the request's copy.
    pub second_factor: bool,
    /// Address of the client; the network prefix for a challenge before the login.
    pub address: String,
    pub user_agent: String,
    pub half_login: Option<HalfLogin>,
}

/// A login that still needs its second step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfLogin {
    pub manager: ManagerId,
    /// Version of the manager when the password was checked: any later change ends this login.
    pub version: i64,
    pub next: String,
    pub until: DateTime<Utc>,
}

pub async fn load(session: &Session) -> std::result::Result<SessionData, carried::Error> {
    Ok(session.get(DATA).await?.unwrap_or_default())
}

/// Saves a session, which gets a row and a cookie if it has none.
pub async fn save(session: &Session, data: &SessionData) -> std::result::Result<(), carried::Error> {
    session.insert(DATA, data).await?;
    session.save().await
}

pub fn parse_data(stored: &sessions::Session) -> db::Result<SessionData> {
    serde_json::from_str(&stored.data).map_err(db::Error::other)
}

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

#[derive(Clone)]
pub struct Store(State);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

fn cookie_name(state: &State) -> &'static str {
    if state.is_secure() { "__Host-sid" } else { "sid" }
}

pub fn session_layer(state: &State) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store::new(state))
        .with_name(cookie_name(state))
        .with_secure(state.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Keeps the cookie of an ended session in responses to scripts, which ask in the background: the form that the manager
/// sends next is kept for the manager of that session. A page that the manager opens removes the cookie.
pub async fn keep_cookie_for_scripts(request: Request, next: Next) -> Response {
    let is_script = request.headers().get("sec-fetch-dest").is_some_and(|destination| destination == "empty");
    let mut response = next.run(request).await;
    if is_script {
        let is_removal = |cookie: &&HeaderValue| {
            cookie.to_str().is_ok_and(|cookie| {
                cookie.trim_start_matches("__Host-").starts_with("sid=") && cookie.contains("Max-Age=0")
            })
        };
        let cookies = response.headers().get_all(header::SET_COOKIE).into_iter();
        let others: Vec<_> = cookies.filter(|cookie| !is_removal(cookie)).cloned().collect();
        response.headers_mut().remove(header::SET_COOKIE);
        for cookie in others {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The stored session that the cookies name, even if it has ended.
pub async fn find_named_session(state: &State, headers: &HeaderMap) -> db::Result<Option<sessions::Session>> {
    let name = cookie_name(state);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let id = pairs.find(|(key, _)| *key == name).and_then(|(_, id)| id.parse().ok());
    let Some(id) = id else { return Ok(None) };
    sessions::find_stored(&mut state.db.read().await?, &hash_id(id)).await
}

#[derive(Clone, Copy, Debug)]
pub struct BrowserInfo<'a> {
    pub address: ClientAddress,
    pub user_agent: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub struct OidcLogin {
    /// When the provider authenticated the manager.
    pub authenticated_at: DateTime<Utc>,
    pub has_second_factor: bool,
}

/// Begins a manager's session under a new id, which prevents session fixation. `manager` is the state at
/// authentication; `oidc` is set for a login at the identity provider.
///
/// # Errors
/// `LoginRequired` if the manager changed since: a new password, another role and deactivation end all sessions, and
/// this session would begin just after that.
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
    remember_session(&id.to_string());
    if session.id().is_some() {
        session.flush().await?;
    }
    session.insert(NEXT_ID, id.to_string()).await?;
    Ok(save(session, &data).await?)
}

/// Continues under a new id and invalidates the old one.
///
/// # Errors
/// `LoginRequired` if the session has ended or already has another id.
pub async fn rotate_session(state: &State, session: &Session) -> web::Result<()> {
    rotate_id(state, session, None).await
}

/// Records a proof of identity. It extends what the session may do, so the session gets a new id, as in
/// [`rotate_session`].
pub async fn record_proof(state: &State, session: &Session) -> web::Result<()> {
    rotate_id(state, session, Some(state.clock.now())).await
}

/// Changes the id in the database first and in the request's copy after that, so that an ended session gets neither its
/// row nor its cookie back.
async fn rotate_id(state: &State, session: &Session, reauthenticated_at: Option<DateTime<Utc>>) -> web::Result<()> {
    let over = || web::Error::LoginRequired("/admin".into());
    // Must be loaded now, because the old id will no longer be found.
    load(session).await?;
    let (old, new) = (session.id().ok_or_else(over)?, fresh_id());
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let (idle_since, created_after) = sessions::limits(&mut tx, now).await?;
    let stored = sessions::find(&mut tx, &hash_id(old), idle_since, created_after).await?.ok_or_else(over)?;
    let mut data = parse_data(&stored)?;
    data.reauthenticated_at = reauthenticated_at.or(data.reauthenticated_at);
    let renewed = sessions::Session { id_hash: hash_id(new), data: write(&data)?, last_seen_at: now, ..stored };
    if !sessions::rotate_id(&mut tx, &hash_id(old), &renewed).await? {
        return Err(over());
    }
    tx.commit_unaudited().await?;
    if data.manager.is_some() {
        remember_session(&new.to_string());
    }
    session.insert(DATA, data).await?;
    session.insert(NEXT_ID, new.to_string()).await?;
    session.cycle_id().await?;
    Ok(session.save().await?)
}

fn fresh_id() -> Id {
    Id(i128::from_be_bytes(crate::credentials::random_bytes()))
}

/// Withdraws the provider's second factor in the row of a session.
pub async fn forget_second_factor(tx: &mut WriteTx, session_hash: &str, now: DateTime<Utc>) -> db::Result<()> {
    let (idle_since, created_after) = sessions::limits(tx, now).await?;
    let Some(mut stored) = sessions::find(tx, session_hash, idle_since, created_after).await? else { return Ok(()) };
    stored.data = write(&SessionData { second_factor: false, ..parse_data(&stored)? })?;
    sessions::update(tx, &stored).await
}

/// Withdraws the second factor in the request's copy, which may still be saved.
pub async fn forget_carried_second_factor(session: &Session) -> std::result::Result<(), carried::Error> {
    let data = load(session).await?;
    session.insert(DATA, SessionData { second_factor: false, ..data }).await
}

/// Stores the network prefix that requested a challenge before the login.
pub async fn note_network(session: &Session, network: String) -> std::result::Result<(), carried::Error> {
    let data = load(session).await?;
    save(session, &SessionData { address: network, ..data }).await
}

/// Stores a challenge of the session; returns `false` if the session has ended.
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

/// Reads the challenge of this kind without consuming it.
pub async fn find_challenge(state: &State, session: &Session, kind: challenges::Kind) -> db::Result<Option<Challenge>> {
    let Some(id) = session.id() else { return Ok(None) };
    let mut tx = state.db.read().await?;
    let (idle_since, created_after) = sessions::limits(&mut tx, state.clock.now()).await?;
    match sessions::find(&mut tx, &hash_id(id), idle_since, created_after).await? {
        Some(stored) => challenges::find(&mut tx, &stored.id_hash, kind).await,
        None => Ok(None),
    }
}

/// Consumes the challenge of this kind: of concurrent requests only one gets it.
pub async fn take_challenge(state: &State, session: &Session, kind: challenges::Kind) -> db::Result<Option<Challenge>> {
    let Some((mut tx, hash)) = write_living(state, session).await? else { return Ok(None) };
    let taken = challenges::take(&mut tx, &hash, kind).await?;
    if taken.is_some() {
        tx.commit_unaudited().await?;
    }
    Ok(taken)
}

/// Counts a proof before it is verified; returns the consecutive failures including this one, or `None` if the session
/// has ended.
pub async fn count_failed_proof(state: &State, session: &Session) -> db::Result<Option<i64>> {
    let Some(id) = session.id() else { return Ok(None) };
    let mut tx = state.db.write().await?;
    let alive = sessions::limits(&mut tx, state.clock.now()).await?;
    let count = sessions::count_failed_proof(&mut tx, &hash_id(id), alive).await?;
    tx.commit_unaudited().await?;
    Ok(count)
}

/// Reverts [`count_failed_proof`].
pub async fn uncount_failed_proof(state: &State, session: &Session) -> db::Result<()> {
    let Some(id) = session.id() else { return Ok(()) };
    let mut tx = state.db.write().await?;
    sessions::uncount_failed_proof(&mut tx, &hash_id(id)).await?;
    tx.commit_unaudited().await
}

/// A write transaction and the session's hash, unless the session has ended.
async fn write_living(state: &State, session: &Session) -> db::Result<Option<(WriteTx, String)>> {
    let Some(id) = session.id() else { return Ok(None) };
    let mut tx = state.db.write().await?;
    let (idle_since, created_after) = sessions::limits(&mut tx, state.clock.now()).await?;
    let stored = sessions::find(&mut tx, &hash_id(id), idle_since, created_after).await?;
    Ok(stored.map(|stored| (tx, stored.id_hash)))
}

/// The hash of a session id, as stored in the database.
pub fn hash_id(id: Id) -> String {
    secret_token::hash_token(&id.to_string())
}

impl Store {
    pub fn new(state: &State) -> Self {
        Self(state.clone())
    }

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
    /// Assigns an id of our own: after a flush, the record still has the old id, which an attacker may have planted.
    /// With `NEXT_ID` the row already exists.
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

    /// Neither an ended session nor a withdrawn second factor may come back.
    async fn save(&self, record: &Record) -> Result<()> {
        let mut data = data_of(record)?;
        let mut tx = self.0.db.write().await.map_err(store_error)?;
        let (idle_since, created_after) = sessions::limits(&mut tx, self.0.clock.now()).await.map_err(store_error)?;
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
        let mut tx = self.0.db.read().await.map_err(store_error)?;
        let (idle_since, created_after) = sessions::limits(&mut tx, now).await.map_err(store_error)?;
        let found = sessions::find(&mut tx, &hash_id(*id), idle_since, created_after).await.map_err(store_error)?;
        let Some(session) = found else { return Ok(None) };
        let data = parse_data(&session).map_err(|error| Error::Decode(error.to_string()))?;
        if data.manager.is_some() {
            remember_session(&id.to_string());
        }
        let data = record_data(&data)?;
        // Our own limits are checked above; tower-sessions gets an expiry that has not passed.
        let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::days(1);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        forget_session(&id.to_string());
        let mut tx = self.0.db.write().await.map_err(store_error)?;
        sessions::delete(&mut tx, &hash_id(*id)).await.map_err(store_error)?;
        tx.commit_unaudited().await.map_err(store_error)
    }
}

fn store_error(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}
