//! API tokens.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, api_tokens};
use crate::domain::Manager;
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewApiToken;

/// Creates a token; of its secret the `(hash, ending)` are stored.
///
/// # Errors
/// `Full` if the manager has as many tokens as they may have.
pub async fn create(
    tx: &mut WriteTx,
    manager: &Manager,
    new: NewApiToken,
    secret: (&str, &str),
    now: DateTime<Utc>,
) -> Result<(ApiToken, Entry)> {
    let created = api_tokens::create(tx, manager, new, secret, now).await?;
    let entry = Entry::new(Action::TokenAdd, &created.id, &created.name).after(&created);
    Ok((created, entry))
}

/// Revokes a token.
///
/// # Errors
/// If the database can't be written.
pub async fn revoke(tx: &mut WriteTx, token: &ApiToken) -> Result<Entry> {
    api_tokens::delete(tx, &token.id).await?;
    Ok(Entry::new(Action::TokenRevoke, &token.id, &token.name).before(token))
}
