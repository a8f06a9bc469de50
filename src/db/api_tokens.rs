//! API tokens. The database holds the SHA-256 of a token, never the token.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::list::behind;
use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::api_token::{ApiToken, MAX_TOKENS, Scope};
use crate::domain::forms::NewApiToken;
use crate::domain::history::Cursor;
use crate::domain::{Manager, ManagerId, TokenId};

#[apply(from_row!)]
struct Row {
    id: String,
    manager_id: String,
    manager_name: String,
    name: String,
    scope: String,
    ending: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

/// Stores a token. `Conflict` if the manager has a token of this name, `Full` at [`MAX_TOKENS`].
pub async fn create(
    tx: &mut WriteTx,
    manager: &Manager,
    new: NewApiToken,
    (hash, ending): (&str, &str),
    now: DateTime<Utc>,
) -> Result<ApiToken> {
    if list_for_manager(tx, &manager.id).await?.len() >= MAX_TOKENS {
        return Err(Error::Full("Limit reached (50 tokens). Revoke one first."));
    }
    let token = ApiToken {
        id: TokenId::from_random(random_bytes()),
        manager_id: manager.id.clone(),
        manager_name: manager.name.clone(),
        name: new.name,
        scope: new.scope,
        ending: ending.to_owned(),
        created_at: now,
        expires_at: now + TimeDelta::days(new.days),
        last_used_at: None,
    };
    run!(
        tx,
        "insert into api_tokens (id, manager_id, name, scope, token_hash, ending, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        token.id.as_str(),
        token.manager_id.as_str(),
        token.name.as_str(),
        token.scope.key(),
        hash,
        token.ending.as_str(),
        token.created_at,
        token.expires_at
    )?;
    Ok(token)
}

/// Tokens of all managers, newest first.
pub async fn list(tx: &mut Tx, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<ApiToken>> {
    let (before, id) = behind(cursor);
    let sql = "select t.id, t.manager_id, m.name as manager_name, t.name, t.scope, t.ending, t.created_at,
                 t.expires_at, t.last_used_at
               from api_tokens t join managers m on m.id = t.manager_id
               where (t.created_at, t.id) < ($1, $2) order by t.created_at desc, t.id desc limit $3";
    rows!(tx, Row, sql, before, id, limit)?.into_iter().map(ApiToken::try_from).collect()
}

/// All tokens of one manager, by name; never more than [`MAX_TOKENS`].
pub async fn list_for_manager(tx: &mut Tx, manager: &ManagerId) -> Result<Vec<ApiToken>> {
    let sql = "select t.id, t.manager_id, m.name as manager_name, t.name, t.scope, t.ending, t.created_at,
                 t.expires_at, t.last_used_at
               from api_tokens t join managers m on m.id = t.manager_id
               where t.manager_id = $1 order by lower(t.name), t.id limit $2";
    rows!(tx, Row, sql, manager.as_str(), MAX_TOKENS as i64)?.into_iter().map(ApiToken::try_from).collect()
}

pub async fn find(tx: &mut Tx, id: &TokenId) -> Result<ApiToken> {
    let sql = "select t.id, t.manager_id, m.name as manager_name, t.name, t.scope, t.ending, t.created_at,
                 t.expires_at, t.last_used_at
               from api_tokens t join managers m on m.id = t.manager_id where t.id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// The token with this hash, unless it expired.
pub async fn find_by_hash(tx: &mut Tx, hash: &str, now: DateTime<Utc>) -> Result<Option<ApiToken>> {
    let sql = "select t.id, t.manager_id, m.name as manager_name, t.name, t.scope, t.ending, t.created_at,
                 t.expires_at, t.last_used_at
               from api_tokens t join managers m on m.id = t.manager_id
               where t.token_hash = $1 and t.expires_at > $2";
    row!(tx, Row, sql, hash, now)?.map(ApiToken::try_from).transpose()
}

pub async fn touch(tx: &mut WriteTx, id: &TokenId, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update api_tokens set last_used_at = $1 where id = $2", now, id.as_str())?;
    Ok(())
}

/// Fails with `NotFound` if the token was deleted concurrently.
pub async fn delete(tx: &mut WriteTx, id: &TokenId) -> Result<()> {
    let deleted = run!(tx, "delete from api_tokens where id = $1", id.as_str())?;
    if deleted == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Returns the number of deleted tokens.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId) -> Result<u64> {
    run!(tx, "delete from api_tokens where manager_id = $1", manager.as_str())
}

impl TryFrom<Row> for ApiToken {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: TokenId::parse(&row.id).ok_or_else(|| Error::other("a token's id"))?,
            manager_id: ManagerId::parse(&row.manager_id).ok_or_else(|| Error::other("a manager's id"))?,
            manager_name: row.manager_name,
            name: row.name,
            scope: Scope::from_key(&row.scope).ok_or_else(|| Error::other("a token's scope"))?,
            ending: row.ending,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        })
    }
}

/// The cursor for [`list`].
pub fn token_cursor(token: &ApiToken) -> Option<Cursor> {
    Cursor::at(token.created_at, token.id.as_str())
}
