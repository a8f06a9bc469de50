//! Confirmation links for a new address. The token is created when the mail is sent, so that only the mail contains it.

use chrono::TimeDelta;

use super::{MailWorker, Mailer, record_delivery};
use crate::credentials::secret_token;
use crate::db::outbox::{self, Mail, Outcome};
use crate::db::{self, managers, one_time_links, page_settings};

/// How long the link is valid.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Mails the link to `recipient`, if that address is still pending.
pub(super) async fn deliver_confirmation(
    worker: &MailWorker,
    mailer: &Mailer,
    mail: &Mail,
    recipient: &str,
) -> db::Result<()> {
    let Some((subject, text)) = prepare_confirmation(worker, mail, recipient).await? else { return Ok(()) };
    let sent = mailer.send(&mail.id, recipient, &subject, &text, worker.clock.now()).await;
    record_delivery(worker, mail, sent).await
}

/// Creates the token and returns subject and text. The text names no manager, because the recipient may be a stranger.
async fn prepare_confirmation(
    worker: &MailWorker,
    mail: &Mail,
    recipient: &str,
) -> db::Result<Option<(String, String)>> {
    let (now, token) = (worker.clock.now(), secret_token::fresh_token());
    let mut tx = worker.db.write().await?;
    let is_pending = match &mail.manager_id {
        Some(id) if managers::find(&mut tx, id).await?.is_active() => {
            one_time_links::renew_email_token(
                &mut tx,
                id,
                recipient,
                &secret_token::hash_token(&token),
                (now, now + LIFETIME),
            )
            .await?
        }
        _ => false,
    };
    if !is_pending {
        outbox::finish(&mut tx, mail, Outcome::NoRecipient, now).await?;
        tx.commit_unaudited().await?;
        return Ok(None);
    }
    let name = page_settings::load(&mut tx).await?.name;
    tx.commit_unaudited().await?;
    let text = format!(
        "Someone, probably you, wants to use this e-mail address for an account at {name} ({origin}).\n\n\
         Confirm it within 24 hours; the link works once:\n\n{origin}/setup/{token}\n\n\
         If you didn't request this, ignore this e-mail. Nothing changes.\n",
        origin = worker.origin,
    );
    Ok(Some((format!("Confirm your e-mail address for {name}"), text)))
}
