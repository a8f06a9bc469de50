//! Password reset links. The token is created when the mail is sent, so that only the mail contains it.

use chrono::TimeDelta;

use super::{MailWorker, Mailer, record_delivery};
use crate::credentials::secret_token;
use crate::db::one_time_links::{self, Link};
use crate::db::outbox::{self, Mail, Outcome};
use crate::db::{self, login_policy, managers, page_settings};
use crate::domain::Manager;
use crate::domain::audit::{Action, Actor, Entry};
use crate::domain::manager::LinkPurpose;

/// How long the link is valid.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// Mails the link, if the manager may still reset the password.
pub(super) async fn deliver_reset(worker: &MailWorker, mailer: &Mailer, reset: Mail) -> db::Result<()> {
    let Some((manager, text, subject)) = prepare_reset(worker, &reset).await? else { return Ok(()) };
    let sent = mailer.send(&reset.id, &manager.email, &subject, &text, worker.clock.now()).await;
    record_delivery(worker, &reset, sent).await
}

/// Creates the link and returns the manager, the text and the subject.
async fn prepare_reset(worker: &MailWorker, reset: &Mail) -> db::Result<Option<(Manager, String, String)>> {
    let (now, token) = (worker.clock.now(), secret_token::fresh_token());
    let mut tx = worker.db.write().await?;
    let manager = match &reset.manager_id {
        Some(id) if login_policy::accepts_password(&mut tx, id).await? => {
            Some(managers::find(&mut tx, id).await?).filter(may_reset)
        }
        _ => None,
    };
    let Some(manager) = manager else {
        outbox::finish(&mut tx, reset, Outcome::NoRecipient, now).await?;
        tx.commit_unaudited().await?;
        return Ok(None);
    };
    let link = Link { purpose: LinkPurpose::Reset, manager_id: Some(manager.id.clone()), expires_at: now + LIFETIME };
    one_time_links::create(&mut tx, &secret_token::hash_token(&token), &link, now).await?;
    let name = page_settings::load(&mut tx).await?.name;
    let actor = Actor { manager_id: None, name: "outbox".into(), address: "outbox".into() };
    tx.commit(&actor, now, Entry::new(Action::ManagerMailResetLink, &manager.id, &manager.name)).await?;
    let text = format!(
        "Someone, probably you, asked to reset your password for {name}.\n\n\
         Choose a new password within 30 minutes; the link works once:\n\n{}/setup/{token}\n\n\
         If you didn't request this, ignore this e-mail. Your password stays the same.\n",
        worker.origin
    );
    Ok(Some((manager, text, format!("Reset your password for {name}"))))
}

/// Whether a manager may reset the password. Only an owner can renew an invitation that was not accepted.
pub fn may_reset(manager: &Manager) -> bool {
    manager.is_active() && manager.has_password
}
