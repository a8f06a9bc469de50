//! The audit log: every change adds rows, and rows are never altered.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::list::containing;
use super::{Error, Result, Tx, WriteTx, audit_chain};
use crate::domain::ManagerId;
use crate::domain::audit::{Action, Actor, Digest, Entry, Record};
use crate::domain::parse_time;
use crate::domain::search::AuditSearch;

#[apply(from_row!)]
struct Row {
    id: i64,
    at: DateTime<Utc>,
    manager_id: Option<String>,
    actor_name: String,
    address: String,
    action: String,
    subject_id: String,
    subject_name: String,
    before: Option<String>,
    after: Option<String>,
    revision: i64,
}

/// Adds a row and chains it to the previous one. Call [`WriteTx::commit`] instead.
pub(super) async fn record(
    tx: &mut WriteTx,
    actor: &Actor,
    at: DateTime<Utc>,
    entry: &Entry,
    revision: i64,
) -> Result<Digest> {
    let added = row!(
        tx,
        (i64,),
        "insert into audit_log (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
        parse_time::cut(at),
        actor.manager_id.as_ref().map(ManagerId::as_str),
        actor.name.as_str(),
        actor.address.as_str(),
        entry.action.key(),
        entry.subject_id.as_str(),
        entry.subject_name.as_str(),
        entry.before.as_ref().map(serde_json::Value::to_string),
        entry.after.as_ref().map(serde_json::Value::to_string),
        revision
    )?;
    let (id,) = added.ok_or_else(|| Error::other("the audit row has no id"))?;
    let hash = audit_chain::append(tx, id).await?;
    Ok(Digest { id, hash, at })
}

/// Newest first, after the row `before` (exclusive).
pub async fn list(tx: &mut Tx, before: Option<i64>, limit: i64) -> Result<Vec<Record>> {
    let sql =
        "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision
               from audit_log where id < $1 order by id desc limit $2";
    let rows = rows!(tx, Row, sql, before.unwrap_or(i64::MAX), limit)?;
    rows.into_iter().map(Record::try_from).collect()
}

/// Oldest first, after the row `after` (exclusive).
pub async fn list_since(tx: &mut Tx, after: i64, limit: i64) -> Result<Vec<Record>> {
    let sql =
        "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision
               from audit_log where id > $1 order by id limit $2";
    let rows = rows!(tx, Row, sql, after, limit)?;
    rows.into_iter().map(Record::try_from).collect()
}

/// As [`list`], for rows that match `search`.
pub async fn search(tx: &mut Tx, search: &AuditSearch, before: Option<i64>, limit: i64) -> Result<Vec<Record>> {
    // Searches as typed and in lower case: SQLite's `lower()` handles ASCII only.
    let pattern = |text: &str| if text.is_empty() { String::new() } else { containing(text) };
    let both = |text: &str| (pattern(text), pattern(&text.to_lowercase()));
    let (actor, subject, text) = (both(&search.actor), both(&search.subject), both(&search.text));
    let sql =
        "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision
               from audit_log
               where id < $1
                     and ($2 = '' or actor_name like $2 escape '\\' or lower(actor_name) like $3 escape '\\')
                     and ($4 = '' or action like $4 escape '\\')
                     and ($5 = '' or subject_name like $5 escape '\\' or lower(subject_name) like $6 escape '\\'
                          or subject_id like $5 escape '\\')
                     and ($7 = '' or before like $7 escape '\\' or lower(before) like $8 escape '\\'
                          or after like $7 escape '\\' or lower(after) like $8 escape '\\')
               order by id desc limit $9";
    let action = search.noun.map(|noun| format!("{noun}.%")).unwrap_or_default();
    let rows = rows!(
        tx,
        Row,
        sql,
        before.unwrap_or(i64::MAX),
        actor.0.as_str(),
        actor.1.as_str(),
        action.as_str(),
        subject.0.as_str(),
        subject.1.as_str(),
        text.0.as_str(),
        text.1.as_str(),
        limit
    )?;
    rows.into_iter().map(Record::try_from).collect()
}

pub async fn find_latest(tx: &mut Tx, subject: &str) -> Result<Option<Record>> {
    let sql =
        "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision
               from audit_log where subject_id = $1 order by id desc limit 1";
    row!(tx, Row, sql, subject)?.map(Record::try_from).transpose()
}

/// The newest row about a subject of this kind, such as `incident`: ids of different kinds may be equal.
pub async fn find_latest_of(tx: &mut Tx, subject: &str, noun: &str) -> Result<Option<Record>> {
    let sql =
        "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision
               from audit_log where subject_id = $1 and action like $2 order by id desc limit 1";
    row!(tx, Row, sql, subject, format!("{noun}.%"))?.map(Record::try_from).transpose()
}

pub async fn has_done(tx: &mut Tx, manager: &ManagerId, action: Action, subject: &str) -> Result<bool> {
    let sql = "select count(*) from audit_log where subject_id = $1 and action = $2 and manager_id = $3";
    Ok(row!(tx, (i64,), sql, subject, action.key(), manager.as_str())?.is_some_and(|(count,)| count > 0))
}

impl TryFrom<Row> for Record {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let json =
            |text: Option<String>| text.map(|text| serde_json::from_str(&text).map_err(Error::other)).transpose();
        Ok(Self {
            id: row.id,
            at: row.at,
            actor: Actor {
                manager_id: row.manager_id.as_deref().and_then(ManagerId::parse),
                name: row.actor_name,
                address: row.address,
            },
            action: row.action,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            before: json(row.before)?,
            after: json(row.after)?,
            revision: row.revision,
        })
    }
}
