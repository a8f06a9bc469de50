//! Sessions. The database holds the SHA-256 of an id, never the id.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::list::behind;
use super::{Result, Tx, WriteTx, challenges, login_policy};
use crate::domain::ManagerId;
use crate::domain::history::Cursor;

/// A session is valid if it was last used after the first instant and created after the second.
pub type Lifetimes = (DateTime<Utc>, DateTime<Utc>);

/// How long a session stays valid at most.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// How long a session without a login is stored after its last use.
const ANONYMOUS_RETENTION: TimeDelta = TimeDelta::minutes(30);
/// How long the row of an ended session still tells whose it was, counted from its creation.
pub const ENDED_RETENTION: TimeDelta = TimeDelta::hours(24);

/// The limits by the login policy.
pub async fn limits(tx: &mut Tx, now: DateTime<Utc>) -> Result<Lifetimes> {
    Ok((now - login_policy::load(tx).await?.session_idle(), now - LIFETIME))
}

/// How many characters of a session's hash identify it in URLs.
pub const SHORT_HASH: usize = 16;

#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the id, in hexadecimal.
    pub id_hash: String,
    /// `None` before the login.
    pub manager_id: Option<String>,
    /// The session data as JSON.
    pub data: String,
    pub address: String,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    /// Time of last use, up to a minute behind.
    pub last_seen_at: DateTime<Utc>,
}

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

/// Does nothing if the session was deleted meanwhile.
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

/// The valid session with this hash.
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

/// Valid sessions of a manager, last used first.
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

/// Counts valid sessions.
pub async fn count(tx: &mut Tx, manager: &ManagerId, (idle_since, created_after): Lifetimes) -> Result<i64> {
    let sql = "select count(*) from sessions where manager_id = $1 and last_seen_at > $2 and created_at > $3";
    Ok(row!(tx, (i64,), sql, manager.as_str(), idle_since, created_after)?.map_or(0, |(count,)| count))
}

/// The valid session of any manager whose hash starts with `short`.
pub async fn find_short(tx: &mut Tx, short: &str, (idle_since, created_after): Lifetimes) -> Result<Option<Session>> {
    if short.len() != SHORT_HASH || !short.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(None);
    }
    // `g` sorts after every hexadecimal digit, so the range matches the prefix and uses the index.
    let end = format!("{short}g");
    let sql = "select id_hash, manager_id, data, address, user_agent, created_at, last_seen_at
               from sessions where id_hash >= $1 and id_hash < $2 and manager_id is not null
                 and last_seen_at > $3 and created_at > $4";
    row!(tx, Session, sql, short, end.as_str(), idle_since, created_after)
}

pub async fn touch(tx: &mut WriteTx, id_hash: &str, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update sessions set last_seen_at = $1 where id_hash = $2", now, id_hash)?;
    Ok(())
}

/// Replaces the session's id with that of `renewed`, deletes its challenges and resets its failed proofs. Returns
/// whether the session still exists.
pub async fn rotate_id(tx: &mut WriteTx, id_hash: &str, renewed: &Session) -> Result<bool> {
    challenges::delete_of(tx, id_hash).await?;
    let sql = "update sessions set id_hash = $1, data = $2, last_seen_at = $3, failed_proofs = 0 where id_hash = $4";
    let changed = run!(tx, sql, renewed.id_hash.as_str(), renewed.data.as_str(), renewed.last_seen_at, id_hash)?;
    Ok(changed > 0)
}

/// Counts a proof as failed before it is verified. Returns the number of consecutive failures including this one, or
/// `None` if the session is invalid.
pub async fn count_failed_proof(
    tx: &mut WriteTx,
    id_hash: &str,
    (idle_since, created_after): Lifetimes,
) -> Result<Option<i64>> {
    let sql = "update sessions set failed_proofs = failed_proofs + 1
               where id_hash = $1 and last_seen_at > $2 and created_at > $3 returning failed_proofs";
    Ok(row!(tx, (i64,), sql, id_hash, idle_since, created_after)?.map(|(count,)| count))
}

/// Undoes [`count_failed_proof`] after a valid proof.
pub async fn uncount_failed_proof(tx: &mut WriteTx, id_hash: &str) -> Result<()> {
    let sql = "update sessions set failed_proofs = failed_proofs - 1 where id_hash = $1 and failed_proofs > 0";
    run!(tx, sql, id_hash)?;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, id_hash: &str) -> Result<()> {
    run!(tx, "delete from sessions where id_hash = $1", id_hash)?;
    Ok(())
}

/// Deletes the manager's sessions except the one with the hash `keep`, and returns their number.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId, keep: Option<&str>) -> Result<u64> {
    let sql = "delete from sessions where manager_id = $1 and id_hash <> $2";
    run!(tx, sql, manager.as_str(), keep.unwrap_or(""))
}

/// The stored session with this hash, even if it has ended.
pub async fn find_stored(tx: &mut Tx, id_hash: &str) -> Result<Option<Session>> {
    find(tx, id_hash, DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH).await
}

/// Deletes what [`limits`] ended long ago.
pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    let sql = "delete from sessions where created_at <= $1 or (manager_id is null and last_seen_at <= $2)";
    run!(tx, sql, now - ENDED_RETENTION, now - ANONYMOUS_RETENTION)?;
    Ok(())
}

/// Deletes sessions of managers that were not used since `idle_since`, so that a longer limit does not revive them.
pub async fn delete_idle(tx: &mut WriteTx, idle_since: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from sessions where manager_id is not null and last_seen_at <= $1", idle_since)?;
    Ok(())
}

/// Limits sessions without a login to `most` used after `since`: deletes the oldest one of the network with the most
/// sessions. Sessions with an empty address don't count, because they come after a correct password.
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

#[derive(Clone, Debug)]
pub struct SessionWithManager {
    pub session: Session,
    pub manager_name: String,
}

impl<'r, R> sqlx::FromRow<'r, R> for SessionWithManager
where
    R: sqlx::Row,
    Session: sqlx::FromRow<'r, R>,
    String: sqlx::Type<R::Database> + sqlx::Decode<'r, R::Database>,
    &'static str: sqlx::ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self { session: Session::from_row(row)?, manager_name: row.try_get("manager_name")? })
    }
}

/// Valid sessions of all managers, last used first.
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

/// The cursor for [`list`] and [`list_all`].
pub fn cursor(session: &Session) -> Option<Cursor> {
    Cursor::at(session.last_seen_at, session.id_hash.get(..SHORT_HASH)?)
}
