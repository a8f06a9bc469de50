//! Sessions. The database holds the SHA-256 of an id, never the id.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::ManagerId;

/// The most sessions a list gives.
const MAX_LISTED: i64 = 100;

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// SHA-256 of the id, in hexadecimal.
    pub id_hash: String,
    /// Nobody, before the login.
    pub manager_id: Option<String>,
    /// What the session carries, as JSON.
    pub data: String,
    pub address: String,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    /// When it was last used, at most a minute behind.
    pub last_seen_at: DateTime<Utc>,
}

/// Keeps a new session.
///
/// # Errors
/// Where the database can't be written.
pub async fn insert(tx: &mut WriteTx, session: &Session) -> Result<()> {
    run!(
        tx,
        "insert into sessions (id_hash, manager_id, data, address, user_agent, created_at, last_seen_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        session.id_hash.as_str(),
        session.manager_id.as_deref(),
        session.data.as_str(),
        session.address.as_str(),
        session.user_agent.as_str(),
        session.created_at,
        session.last_seen_at
    )?;
    Ok(())
}

/// Keeps what became of `session`. One that was ended in the meantime stays so.
///
/// # Errors
/// Where the database can't be written.
pub async fn update(tx: &mut WriteTx, session: &Session) -> Result<()> {
    run!(
        tx,
        "update sessions set manager_id = $1, data = $2, address = $3, user_agent = $4, last_seen_at = $5
         where id_hash = $6",
        session.manager_id.as_deref(),
        session.data.as_str(),
        session.address.as_str(),
        session.user_agent.as_str(),
        session.last_seen_at,
        session.id_hash.as_str()
    )?;
    Ok(())
}

/// The session with this hash, if it was seen after `idle_since` and made after `born_since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn find(
    tx: &mut Tx,
    id_hash: &str,
    idle_since: DateTime<Utc>,
    born_since: DateTime<Utc>,
) -> Result<Option<Session>> {
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where id_hash = $1 and last_seen_at > $2 and created_at > $3";
    row!(tx, Session, sql, id_hash, idle_since, born_since)
}

/// The sessions of a manager, last seen first.
///
/// # Errors
/// Where the database can't be read.
pub async fn list(
    tx: &mut Tx,
    manager: &ManagerId,
    idle_since: DateTime<Utc>,
    born_since: DateTime<Utc>,
) -> Result<Vec<Session>> {
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where manager_id = $1 and last_seen_at > $2 and created_at > $3
               order by last_seen_at desc limit $4";
    rows!(tx, Session, sql, manager.as_str(), idle_since, born_since, MAX_LISTED)
}

/// Notes that the session was used at `now`.
///
/// # Errors
/// Where the database can't be written.
pub async fn touch(tx: &mut WriteTx, id_hash: &str, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update sessions set last_seen_at = $1 where id_hash = $2", now, id_hash)?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete(tx: &mut WriteTx, id_hash: &str) -> Result<()> {
    run!(tx, "delete from sessions where id_hash = $1", id_hash)?;
    Ok(())
}

/// Ends every session of a manager, but the one with the hash `keep`.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_of(tx: &mut WriteTx, manager: &ManagerId, keep: Option<&str>) -> Result<()> {
    let sql = "delete from sessions where manager_id = $1 and id_hash <> $2";
    run!(tx, sql, manager.as_str(), keep.unwrap_or(""))?;
    Ok(())
}

/// Forgets sessions that ran out.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_expired(tx: &mut WriteTx, idle_since: DateTime<Utc>, born_since: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from sessions where last_seen_at <= $1 or created_at <= $2", idle_since, born_since)?;
    Ok(())
}

/// How many sessions there are in which nobody is logged in, used after `since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn count_strangers(tx: &mut Tx, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from sessions where manager_id is null and last_seen_at > $1";
    Ok(row!(tx, (i64,), sql, since)?.map_or(0, |(count,)| count))
}

/// The sessions of all managers, last seen first.
///
/// # Errors
/// Where the database can't be read.
pub async fn list_all(tx: &mut Tx, idle_since: DateTime<Utc>, born_since: DateTime<Utc>) -> Result<Vec<Session>> {
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where manager_id is not null and last_seen_at > $1 and created_at > $2
               order by last_seen_at desc, id_hash limit $3";
    rows!(tx, Session, sql, idle_since, born_since, MAX_LISTED)
}
