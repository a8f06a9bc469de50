//! Sessions. The database holds the SHA-256 of an id, never the id.

use chrono::{DateTime, TimeDelta, Utc};

use super::list::behind;
use super::{Result, Tx, WriteTx, challenges};
use crate::domain::ManagerId;
use crate::domain::history::Cursor;

/// A session lives while it was used after the first instant and begun after the second.
pub type Lifetimes = (DateTime<Utc>, DateTime<Utc>);

/// How long a session lives without being used.
pub const IDLE: TimeDelta = TimeDelta::minutes(30);
/// How long a session lives at most.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);

/// Sessions not used since the first instant, or begun before the second, are over.
pub fn limits(now: DateTime<Utc>) -> Lifetimes {
    (now - IDLE, now - LIFETIME)
}

/// How much of a session's hash names it in an address, in characters.
pub const SHORT_HASH: usize = 16;

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

/// The session with this hash, if it was seen after `idle_since` and made after `created_after`.
///
/// # Errors
/// Where the database can't be read.
pub async fn find(
    tx: &mut Tx,
    id_hash: &str,
    idle_since: DateTime<Utc>,
    created_after: DateTime<Utc>,
) -> Result<Option<Session>> {
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where id_hash = $1 and last_seen_at > $2 and created_at > $3";
    row!(tx, Session, sql, id_hash, idle_since, created_after)
}

/// At most `limit` living sessions of a manager, last seen first, behind `cursor` where one is given.
///
/// # Errors
/// Where the database can't be read.
pub async fn list(
    tx: &mut Tx,
    manager: &ManagerId,
    (idle_since, created_after): Lifetimes,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Session>> {
    let (before, id) = behind(cursor);
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions
               where manager_id = $1 and last_seen_at > $2 and created_at > $3 and (last_seen_at, id_hash) < ($4, $5)
               order by last_seen_at desc, id_hash desc limit $6";
    rows!(tx, Session, sql, manager.as_str(), idle_since, created_after, before, id, limit)
}

/// How many living sessions a manager has.
///
/// # Errors
/// Where the database can't be read.
pub async fn count(tx: &mut Tx, manager: &ManagerId, (idle_since, created_after): Lifetimes) -> Result<i64> {
    let sql = "select count(*) from sessions where manager_id = $1 and last_seen_at > $2 and created_at > $3";
    Ok(row!(tx, (i64,), sql, manager.as_str(), idle_since, created_after)?.map_or(0, |(count,)| count))
}

/// The living session of a manager whose hash begins with `short`, if that is the name of one.
///
/// # Errors
/// Where the database can't be read.
pub async fn find_short(tx: &mut Tx, short: &str, (idle_since, created_after): Lifetimes) -> Result<Option<Session>> {
    if short.len() != SHORT_HASH || !short.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(None);
    }
    // No hexadecimal digit comes behind the letter, so this range is what begins so.
    let end = format!("{short}g");
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where id_hash >= $1 and id_hash < $2 and manager_id is not null
                 and last_seen_at > $3 and created_at > $4";
    row!(tx, Session, sql, short, end.as_str(), idle_since, created_after)
}

/// Notes that the session was used at `now`.
///
/// # Errors
/// Where the database can't be written.
pub async fn touch(tx: &mut WriteTx, id_hash: &str, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update sessions set last_seen_at = $1 where id_hash = $2", now, id_hash)?;
    Ok(())
}

/// Replaces the id of a session by that of `renewed`; its challenges and failed proofs do not come along. Returns
/// whether the session still exists.
pub async fn rotate_id(tx: &mut WriteTx, id_hash: &str, renewed: &Session) -> Result<bool> {
    challenges::delete_of(tx, id_hash).await?;
    let sql = "update sessions set id_hash = $1, data = $2, last_seen_at = $3, failed_proofs = 0 where id_hash = $4";
    let changed = run!(tx, sql, renewed.id_hash.as_str(), renewed.data.as_str(), renewed.last_seen_at, id_hash)?;
    Ok(changed > 0)
}

/// Counts a proof of the living session that is about to be verified; returns the number of failed ones in a row with
/// it, or nothing if the session is over.
pub async fn count_failed_proof(
    tx: &mut WriteTx,
    id_hash: &str,
    (idle_since, created_after): Lifetimes,
) -> Result<Option<i64>> {
    let sql = "update sessions set failed_proofs = failed_proofs + 1
               where id_hash = $1 and last_seen_at > $2 and created_at > $3 returning failed_proofs";
    Ok(row!(tx, (i64,), sql, id_hash, idle_since, created_after)?.map(|(count,)| count))
}

/// Takes back what [`count_failed_proof`] counted.
pub async fn uncount_failed_proof(tx: &mut WriteTx, id_hash: &str) -> Result<()> {
    let sql = "update sessions set failed_proofs = failed_proofs - 1 where id_hash = $1 and failed_proofs > 0";
    run!(tx, sql, id_hash)?;
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

/// Ends every session of a manager, but the one with the hash `keep`; tells how many there were.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId, keep: Option<&str>) -> Result<u64> {
    let sql = "delete from sessions where manager_id = $1 and id_hash <> $2";
    run!(tx, sql, manager.as_str(), keep.unwrap_or(""))
}

/// Forgets sessions that ran out.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_expired(tx: &mut WriteTx, idle_since: DateTime<Utc>, created_after: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from sessions where last_seen_at <= $1 or created_at <= $2", idle_since, created_after)?;
    Ok(())
}

/// Ends one session of a stranger, if there are `most` already that were used after `since`: the oldest of the
/// neighbourhood that has most of them. Those that say no address are not counted: they have shown a password.
///
/// # Errors
/// Where the database can't be written.
pub async fn evict_oldest(tx: &mut WriteTx, since: DateTime<Utc>, most: i64) -> Result<()> {
    let sql = "select count(*) from sessions where manager_id is null and address <> '' and last_seen_at > $1";
    if row!(tx, (i64,), sql, since)?.is_none_or(|(count,)| count < most) {
        return Ok(());
    }
    let sql = "delete from sessions where id_hash = (
                 select id_hash from sessions
                 where manager_id is null and last_seen_at > $1 and address = (
                   select address from sessions where manager_id is null and address <> '' and last_seen_at > $1
                   group by address order by count(*) desc, min(last_seen_at), address limit 1)
                 order by last_seen_at, id_hash limit 1)";
    run!(tx, sql, since)?;
    Ok(())
}

/// A session and what its manager is called.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionWithManager {
    #[sqlx(flatten)]
    pub session: Session,
    pub manager_name: String,
}

/// At most `limit` living sessions of all managers, last seen first, behind `cursor` where one is given.
///
/// # Errors
/// Where the database can't be read.
pub async fn list_all(
    tx: &mut Tx,
    (idle_since, created_after): Lifetimes,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<SessionWithManager>> {
    let (before, id) = behind(cursor);
    let sql = "select s.id_hash, s.manager_id, s.data, s.address, s.user_agent, s.created_at, s.last_seen_at,
                 m.name as manager_name
               from sessions s join managers m on m.id = s.manager_id
               where s.last_seen_at > $1 and s.created_at > $2 and (s.last_seen_at, s.id_hash) < ($3, $4)
               order by s.last_seen_at desc, s.id_hash desc limit $5";
    rows!(tx, SessionWithManager, sql, idle_since, created_after, before, id, limit)
}

/// The place of a session in a list of them.
pub fn cursor(session: &Session) -> Option<Cursor> {
    Cursor::at(session.last_seen_at, session.id_hash.get(..SHORT_HASH)?)
}
