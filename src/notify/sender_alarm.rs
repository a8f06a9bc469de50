//! Mails owners that the mail server rejects this sender, which no retry mends.

use super::{MailWorker, Mailer, record_delivery};
use crate::db::outbox::{self, Mail, Outcome};
use crate::db::{self, managers, page_settings, sender_rejections};

pub(super) async fn deliver_sender_alarm(worker: &MailWorker, mailer: &Mailer, mail: &Mail) -> db::Result<()> {
    let now = worker.clock.now();
    let mut tx = worker.db.read().await?;
    let reason = sender_rejections::find_current(&mut tx, now).await?;
    let page = page_settings::load(&mut tx).await?.name;
    let owner = match &mail.manager_id {
        Some(id) => Some(managers::find(&mut tx, id).await?).filter(|owner| owner.disabled_at.is_none()),
        None => None,
    };
    drop(tx);
    let Some((owner, reason)) = owner.zip(reason) else {
        let mut tx = worker.db.write().await?;
        outbox::finish(&mut tx, mail, Outcome::NoRecipient, now).await?;
        return tx.commit_unaudited().await;
    };
    let text = format!(
        "The mail server rejects mail of {page} ({}):\n\n    {reason}\n\n\
         Subscribers may get no e-mail until this is mended. The rejection is about the sender, so no subscriber was \
         removed; waiting mail is sent again for up to 24 hours.\n\n\
         Run \"candor mail check\" on the server: it checks SPF, DKIM, DMARC and TLS.\n",
        worker.origin,
    );
    let subject = format!("{page}: the mail server rejects your mail");
    let sent = mailer.send(&mail.id, &owner.email, &subject, &text, now).await;
    record_delivery(worker, mail, sent).await
}
