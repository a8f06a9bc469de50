//! API tokens.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, api_tokens};
use crate::domain::Manager;
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewApiToken;

/// Stores only the `(hash, ending)` of the token's secret.
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

pub async fn revoke(tx: &mut WriteTx, token: &ApiToken) -> Result<Entry> {
    api_tokens::delete(tx, &token.id).await?;
    Ok(Entry::new(Action::TokenRevoke, &token.id, &token.name).before(token))
}
