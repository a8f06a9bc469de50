//! Bounces: what a rejected message does to its subscriber, and to this sender.

use chrono::{DateTime, Utc};

use super::subscribers::{SubscriberKeys, quarantine};
use crate::db::{self, Result, WriteTx, deliveries, managers, outbox, sender_rejections, subscribers};
use crate::domain::SubscriberId;
use crate::domain::audit::Entry;
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::notify::bounce::{Bounce, BounceKind};
use crate::notify::bounce_token::verify_token;

/// What the key of bounce tokens is derived for.
pub const BOUNCE_KEY: &str = "bounce tokens";

/// What a bounce did to its subscriber.
#[derive(Clone, Debug, PartialEq)]
pub enum BounceEffect {
    /// The token was made by another key, or there is none: anybody could have written the mail.
    Unproven,
    /// The subscriber has gone, or is quarantined already.
    Nothing,
    /// A soft bounce was counted.
    Counted,
    Quarantined(Box<Entry>),
}

/// Applies a bounce. Only its token says whose it is: the text of a report can be written by anybody.
pub async fn apply_bounce(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    bounce: &Bounce,
    now: DateTime<Utc>,
) -> Result<BounceEffect> {
    let key = keys.secret_key.derive_key(BOUNCE_KEY).map_err(db::Error::other)?;
    let proven = bounce.token.as_deref().and_then(|token| verify_token(&key, token));
    let Some((id, _)) = proven else { return Ok(BounceEffect::Unproven) };
    apply_bounce_to(tx, keys, &id, bounce, now).await
}

/// As [`apply_bounce`], for a report whose sender has proven who it is: without a token, its address counts.
pub async fn apply_reported_bounce(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    bounce: &Bounce,
    now: DateTime<Utc>,
) -> Result<Vec<BounceEffect>> {
    let effect = apply_bounce(tx, keys, bounce, now).await?;
    let Some(email) = bounce.recipient.as_deref().filter(|_| effect == BounceEffect::Unproven) else {
        return Ok(vec![effect]);
    };
    let mut effects = Vec::new();
    for subscriber in subscribers::list_by_email(tx, email).await? {
        if subscriber.channel == Channel::Email {
            effects.push(apply_bounce_to(tx, keys, &subscriber.id, bounce, now).await?);
        }
    }
    Ok(effects)
}

async fn apply_bounce_to(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    id: &SubscriberId,
    bounce: &Bounce,
    now: DateTime<Utc>,
) -> Result<BounceEffect> {
    let before = match subscribers::find(tx, id).await {
        Err(db::Error::NotFound) => return Ok(BounceEffect::Nothing),
        found => found?,
    };
    let quarantines = match bounce.kind {
        BounceKind::Hard | BounceKind::Complaint => true,
        BounceKind::Soft => deliveries::count_failure(tx, id, now).await?.must_quarantine(now),
        BounceKind::Policy => {
            record_sender_rejection(tx, &bounce.diagnostic, now).await?;
            false
        }
    };
    if before.state != SubscriberState::Active {
        return Ok(BounceEffect::Nothing);
    }
    if !quarantines {
        return Ok(BounceEffect::Counted);
    }
    let complaint = bounce.kind == BounceKind::Complaint;
    let entry = quarantine(tx, keys, &before, (&bounce.diagnostic, complaint), now).await?;
    Ok(BounceEffect::Quarantined(Box::new(entry)))
}

/// Records that a mail server rejects this sender, and mails the owners about it at most once a day.
pub async fn record_sender_rejection(tx: &mut WriteTx, reason: &str, now: DateTime<Utc>) -> Result<()> {
    if !sender_rejections::record(tx, reason, now).await? {
        return Ok(());
    }
    for owner in managers::list_active_owners(tx).await? {
        outbox::add_sender_alarm(tx, &owner.id, now).await?;
    }
    Ok(())
}
