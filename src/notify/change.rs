//! Account change notices. A change of address is also mailed to the old address.

use super::{MailWorker, Mailer, record_delivery};
use crate::db::outbox::Mail;
use crate::db::{self, page_settings};
use crate::domain::mail_retry::AccountChange;
use crate::format::time;

pub(super) async fn deliver_change_notice(
    worker: &MailWorker,
    mailer: &Mailer,
    mail: &Mail,
    recipient: &str,
    change: AccountChange,
) -> db::Result<()> {
    let page = page_settings::load(&mut worker.db.read().await?).await?;
    let at = (
        time::format_day(mail.created_at, page.time_zone),
        time::format_clock_with_zone(mail.created_at, page.time_zone),
    );
    let text = format!(
        "{} Account at {} ({}), on {} at {}.\n\n\
         If this was you, no action is needed.\n\n\
         If this was not you, someone else may have access to your account. Tell an owner of the page at once: they \
         can end your sessions, deactivate the account and help you get back in.\n",
        change.sentence(),
        page.name,
        worker.origin,
        at.0,
        at.1,
    );
    let subject = format!("Your account at {} was changed", page.name);
    let sent = mailer.send(&mail.id, recipient, &subject, &text, worker.clock.now()).await;
    record_delivery(worker, mail, sent).await
}
