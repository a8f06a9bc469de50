//! Forms that were sent after their session had ended, until their manager has logged in again.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::{Result, WriteTx};
use crate::domain::ManagerId;

pub const RETENTION: TimeDelta = TimeDelta::hours(12);
/// Per manager; a further one replaces the oldest.
pub const MAX_FORMS: i64 = 5;
/// In bytes of `fields`.
pub const MAX_SIZE: usize = 512 * 1024;
/// In characters.
pub const MAX_PATH: usize = 1000;

#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingForm {
    /// Where the form was sent.
    pub path: String,
    /// URL-encoded, without passwords and codes.
    pub fields: String,
}

pub async fn insert(
    tx: &mut WriteTx,
    token_hash: &str,
    manager: &ManagerId,
    form: &PendingForm,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql =
        "insert into pending_forms (token_hash, manager_id, path, fields, created_at) values ($1, $2, $3, $4, $5)";
    run!(tx, sql, token_hash, manager.as_str(), form.path.as_str(), form.fields.as_str(), now)?;
    let sql = "delete from pending_forms where manager_id = $1 and token_hash not in (
                 select token_hash from pending_forms where manager_id = $1
                 order by created_at desc, token_hash limit $2)";
    run!(tx, sql, manager.as_str(), MAX_FORMS)?;
    Ok(())
}

/// Deletes and returns the form of this manager, unless it was kept before `since`.
pub async fn take_form(
    tx: &mut WriteTx,
    token_hash: &str,
    manager: &ManagerId,
    since: DateTime<Utc>,
) -> Result<Option<PendingForm>> {
    let sql = "delete from pending_forms where token_hash = $1 and manager_id = $2 and created_at > $3
               returning path, fields";
    row!(tx, PendingForm, sql, token_hash, manager.as_str(), since)
}

pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from pending_forms where created_at <= $1", now - RETENTION)?;
    Ok(())
}
