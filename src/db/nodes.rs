//! The servers of a PostgreSQL database. All times are the database's. A SQLite database has one server and no rows here.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{DeliveryTx, Error, Result, Tx, WriteTx};

/// A node that was not seen for this long is dead: others take over its work. In seconds.
const DEAD_AFTER: i32 = 30;

/// What a node says of itself.
#[derive(Clone, Debug)]
pub struct Beat<'a> {
    /// Of this run of the server.
    pub id: &'a str,
    pub name: &'a str,
    pub version: &'a str,
    /// The revision that it serves.
    pub revision: i64,
    /// Whether it is notified of changes.
    pub is_listening: bool,
}

/// What the database answers.
#[apply(from_row!)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeatAnswer {
    pub now: DateTime<Utc>,
    /// The newest revision.
    pub revision: i64,
}

#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: String,
    pub name: String,
    pub version: String,
    pub revision: i64,
    pub is_listening: bool,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    /// Seconds since it was seen, by the database's clock.
    pub silence: i64,
}

impl Node {
    pub fn is_alive(&self) -> bool {
        self.silence < i64::from(DEAD_AFTER)
    }
}

/// Records that the node is alive. PostgreSQL only.
pub async fn record_beat(tx: &mut DeliveryTx, beat: &Beat<'_>) -> Result<BeatAnswer> {
    let sql = "insert into nodes (id, name, version, revision, is_listening, started_at, seen_at)
                 values ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
               on conflict (id) do update set revision = excluded.revision, is_listening = excluded.is_listening,
                 seen_at = excluded.seen_at
               returning seen_at as now, (select number from revision where id = 1) as revision";
    let answer = row!(tx, BeatAnswer, sql, beat.id, beat.name, beat.version, beat.revision, beat.is_listening)?;
    answer.ok_or(Error::NotFound)
}

/// Releases messages that dead nodes have leased. PostgreSQL only. `now` is when they are due.
pub async fn release_deliveries_of_dead(tx: &mut DeliveryTx, now: DateTime<Utc>) -> Result<u64> {
    let sql = "update deliveries set lease = null, due_at = $1
               where lease is not null and done_at is null and split_part(lease, '~', 1) in
                 (select id from nodes where seen_at < clock_timestamp() - make_interval(secs => $2))";
    run!(tx, sql, now, f64::from(DEAD_AFTER))
}

/// Releases messages that the node `id` has leased. PostgreSQL only. `now` is when they are due.
pub async fn release_deliveries_of_node(tx: &mut DeliveryTx, id: &str, now: DateTime<Utc>) -> Result<u64> {
    let sql = "update deliveries set lease = null, due_at = $1
               where lease is not null and done_at is null and split_part(lease, '~', 1) = $2";
    run!(tx, sql, now, id)
}

pub async fn remove(tx: &mut DeliveryTx, id: &str) -> Result<()> {
    run!(tx, "delete from nodes where id = $1", id)?;
    Ok(())
}

pub async fn delete_unseen(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from nodes where seen_at <= $1", before)?;
    Ok(())
}

/// By name, the newest first. PostgreSQL only.
pub async fn list(tx: &mut Tx) -> Result<Vec<Node>> {
    let sql = "select id, name, version, revision, is_listening, started_at, seen_at,
                 extract(epoch from clock_timestamp() - seen_at)::bigint as silence
               from nodes order by name, started_at desc";
    rows!(tx, Node, sql)
}
