//! Mails about account changes, added to the outbox in the transaction of the change.

use crate::credentials::secret_token;
use crate::db::{self, WriteTx, one_time_links, outbox};
use crate::domain::Manager as KnownManager;
use crate::domain::mail_retry::{AccountChange, CHANGES_WINDOW, CONFIRMATIONS_WINDOW, MAX_CHANGES, MAX_CONFIRMATIONS};
use crate::notify::CONFIRMATION_LIFETIME;
use crate::state::State;

/// Mails the manager about a change of their account, if a mail server is configured. `before` is the old address if
/// the address changed; both addresses get the mail.
pub async fn queue_change_notice(
    state: &State,
    tx: &mut WriteTx,
    manager: &KnownManager,
    before: Option<&str>,
    change: AccountChange,
) -> db::Result<()> {
    if state.mailer.is_none() {
        return Ok(());
    }
    let now = state.clock.now();
    for recipient in before.into_iter().chain([manager.email.as_str()]) {
        // Limited, because a new address may belong to someone else.
        if outbox::changes_since(tx, &manager.id, now - CHANGES_WINDOW).await? < MAX_CHANGES {
            outbox::add_change(tx, &manager.id, recipient, change, now).await?;
        }
    }
    Ok(())
}

/// Stores `email` as the manager's pending address and mails a link to it. Returns `false` if too many were mailed
/// recently.
pub async fn queue_confirmation(
    state: &State,
    tx: &mut WriteTx,
    manager: &KnownManager,
    email: &str,
) -> db::Result<bool> {
    let now = state.clock.now();
    if outbox::confirmations_since(tx, &manager.id, now - CONFIRMATIONS_WINDOW).await? >= MAX_CONFIRMATIONS {
        return Ok(false);
    }
    // A placeholder: the token that works is created when the link is mailed.
    let unknown = secret_token::hash_token(&secret_token::fresh_token());
    one_time_links::request_email(tx, &manager.id, email, &unknown, (now, now + CONFIRMATION_LIFETIME)).await?;
    outbox::add_confirmation(tx, &manager.id, email, now).await?;
    Ok(true)
}
