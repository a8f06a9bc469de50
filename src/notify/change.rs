//! A change of an account, mailed to its address, and to the address before where that was changed.

use super::{Courier, Mailer, settle};
use crate::db::outbox::Mail;
use crate::db::{self, page_settings};
use crate::domain::mail_retry::AccountChange;
use crate::format::time;

/// Mails that `change` happened.
///
/// # Errors
/// Where the database can't be used.
pub(super) async fn deliver(
    courier: &Courier,
    mailer: &Mailer,
    mail: &Mail,
    recipient: &str,
    change: AccountChange,
) -> db::Result<()> {
    let page = page_settings::load(&mut courier.db.read().await?).await?;
    let at = (time::day(mail.created_at, page.time_zone), time::clock_with_zone(mail.created_at, page.time_zone));
    let text = format!(
        "{} It is the account at {} ({}), on {} at {}.\n\n\
         If it was you, there is nothing to do.\n\n\
         If it was not you, somebody else can act in your name: tell an owner of the page at once. They can end your \
         sessions, disable the account and give you a new way in.\n",
        change.sentence(),
        page.name,
        courier.origin,
        at.0,
        at.1,
    );
    let subject = format!("Your account at {} was changed", page.name);
    let sent = mailer.send(&mail.id, recipient, &subject, &text, courier.clock.now()).await;
    settle(courier, mail, sent).await
}
