//! Mails about changes of an account, put into the outbox in the transaction of the change.

use crate::db::{self, WriteTx, outbox};
use crate::domain::Manager as KnownManager;
use crate::domain::outbox::{AccountChange, CHANGES_WITHIN, MAX_CHANGES};
use crate::state::State;

/// Mails to the manager that their account was changed, where a mail server is configured. `before` is their address before
/// the change, where that is another one: both are mailed.
pub async fn announce(
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
        if outbox::changes_since(tx, &manager.id, now - CHANGES_WITHIN).await? < MAX_CHANGES {
            outbox::add_change(tx, &manager.id, recipient, change, now).await?;
        }
    }
    Ok(())
}
