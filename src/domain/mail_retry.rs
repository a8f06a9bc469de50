//! Retries of outgoing mail, and limits on mail per manager.

use chrono::{DateTime, TimeDelta, Utc};

/// Doubles after each failure.
const FIRST_BACKOFF: TimeDelta = TimeDelta::seconds(30);
const MAX_BACKOFF: TimeDelta = TimeDelta::minutes(15);
/// After an hour the mail is given up: its recipient has stopped waiting for the link.
const MAIL_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// More than the backoff allows within [`MAIL_LIFETIME`]; a fallback in case the clock was ahead.
const MAX_ATTEMPTS: i64 = 12;
/// Password reset mails per manager and [`RESETS_WINDOW`].
pub const MAX_RESETS: i64 = 3;
/// Account change notices per account and [`CHANGES_WINDOW`].
pub const MAX_CHANGES: i64 = 20;
pub const CHANGES_WINDOW: TimeDelta = TimeDelta::hours(1);
pub const RESETS_WINDOW: TimeDelta = TimeDelta::hours(1);

/// Confirmation mails per manager and [`CONFIRMATIONS_WINDOW`]: their recipients may be strangers. Counted separately
/// from change notices, so that an attacker can't use up the notices before another change.
pub const MAX_CONFIRMATIONS: i64 = 5;
pub const CONFIRMATIONS_WINDOW: TimeDelta = TimeDelta::hours(1);

/// A security-relevant change that is mailed to the account's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChange {
    Email,
    Password,
    FactorAdded,
    FactorRemoved,
    RecoveryCodes,
    ProviderConnected,
    ProviderDisconnected,
}

impl AccountChange {
    const ALL: [Self; 7] = [
        Self::Email,
        Self::Password,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::RecoveryCodes,
        Self::ProviderConnected,
        Self::ProviderDisconnected,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::FactorAdded => "factor-added",
            Self::FactorRemoved => "factor-removed",
            Self::RecoveryCodes => "recovery-codes",
            Self::ProviderConnected => "provider-connected",
            Self::ProviderDisconnected => "provider-disconnected",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.key() == key)
    }

    /// Contains nothing secret.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Email => "The e-mail address of your account was changed.",
            Self::Password => "The password of your account was changed.",
            Self::FactorAdded => "A second factor or a passkey was added to your account.",
            Self::FactorRemoved => "A second factor or a passkey was removed from your account.",
            Self::RecoveryCodes => "New recovery codes were created for your account. The earlier ones no longer work.",
            Self::ProviderConnected => "An identity provider was connected to your account.",
            Self::ProviderDisconnected => "The identity provider was disconnected from your account.",
        }
    }
}

/// The time of the next attempt after the `attempts`th failure; `None` to give up.
pub fn next_attempt(attempts: i64, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from((attempts - 1).clamp(0, 10)).unwrap_or_default();
    let next = now + (FIRST_BACKOFF * 2_i32.pow(doublings)).min(MAX_BACKOFF);
    // Attempts are limited too, because `created_at` may be in the future if the clock was ahead.
    (next - created_at < MAIL_LIFETIME && attempts < MAX_ATTEMPTS).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_changes_are_found_by_their_keys() {
        for change in AccountChange::ALL {
            assert_eq!(AccountChange::from_key(change.key()), Some(change));
        }
    }

    #[test]
    fn retry_pauses_double_and_stop_after_an_hour() {
        let begun = DateTime::UNIX_EPOCH;
        let (mut now, mut pauses, mut attempts) = (begun, Vec::new(), 1);
        while let Some(next) = next_attempt(attempts, begun, now) {
            pauses.push((next - now).num_seconds());
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!((next_attempt(11, begun, begun), next_attempt(12, begun, begun)), (Some(begun + MAX_BACKOFF), None));
    }
}
