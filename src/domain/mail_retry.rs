//! Mail that is to be sent: when it is tried again, and when it is given up.

use chrono::{DateTime, TimeDelta, Utc};

/// The first pause after a failure; each one after it is twice as long.
const FIRST_BACKOFF: TimeDelta = TimeDelta::seconds(30);
/// The longest pause.
const MAX_BACKOFF: TimeDelta = TimeDelta::minutes(15);
/// How long mail is worth sending: nobody waits longer for a link.
const MAIL_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// More attempts than fit into that time.
const MAX_ATTEMPTS: i64 = 12;
/// How many links for a new password one manager is mailed within an hour.
pub const MAX_RESETS: i64 = 3;
/// How many mails about changes of one account are sent within an hour, and the hour.
pub const MAX_CHANGES: i64 = 20;
pub const CHANGES_WINDOW: TimeDelta = TimeDelta::hours(1);
/// The hour.
pub const RESETS_WINDOW: TimeDelta = TimeDelta::hours(1);

/// How many links that confirm a new address one manager can have mailed within an hour: they go to addresses that may
/// be anybody's. Counted apart from the notices, so that nobody uses those up before changing something else.
pub const MAX_CONFIRMATIONS: i64 = 5;
pub const CONFIRMATIONS_WINDOW: TimeDelta = TimeDelta::hours(1);

/// A change of the ways into an account, which is mailed to its owner.
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

    /// The name that stands in the database.
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

    /// The change called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.key() == key)
    }

    /// What happened, as a sentence. It holds nothing secret.
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

/// When to try again what failed for the `attempts`th time at `now`; nothing where it is given up.
pub fn next_attempt(attempts: i64, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from((attempts - 1).clamp(0, 10)).unwrap_or_default();
    let next = now + (FIRST_BACKOFF * 2_i32.pow(doublings)).min(MAX_BACKOFF);
    // Counted too, because the clock may have been ahead when it was made.
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
