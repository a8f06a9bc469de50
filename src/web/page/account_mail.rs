//! Mails about changes of an account, put into the outbox in the transaction of the change.

use crate::credentials::secret_token;
use crate::db::{self, WriteTx, one_time_links, outbox};
use crate::domain::Manager as KnownManager;
use crate::domain::mail_retry::{AccountChange, CHANGES_WINDOW, CONFIRMATIONS_WINDOW, MAX_CHANGES, MAX_CONFIRMATIONS};
use crate::notify::CONFIRMATION_LIFETIME;
use crate::state::State;

/// Mails to the manager that their account was changed, where a mail server is configured. `before` is their address before
/// the change, where that is another one: both are mailed.
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
        // A new address may be anybody's: nobody is flooded from here.
        if outbox::changes_since(tx, &manager.id, now - CHANGES_WINDOW).await? < MAX_CHANGES {
            outbox::add_change(tx, &manager.id, recipient, change, now).await?;
        }
    }
    Ok(())
}

/// Stores `email` as the pending address of a manager and mails a link to it; returns whether it did. It does not where
/// too many were mailed lately.
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
    // Nobody learns this token: the one that works is made when the link is mailed.
    let unknown = secret_token::hash_token(&secret_token::fresh_token());
    one_time_links::request_email(tx, &manager.id, email, &unknown, (now, now + CONFIRMATION_LIFETIME)).await?;
    outbox::add_confirmation(tx, &manager.id, email, now).await?;
    Ok(true)
}
