//! Second factors, password policy, and limits on wrong codes and reauthentication.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ManagerId, PasskeyId, parse_time};

/// Wrong authenticator codes in a row before the lockout.
pub const MAX_WRONG_CODES: i64 = 10;
/// Counted from the last wrong code.
pub const CODE_LOCKOUT: TimeDelta = TimeDelta::minutes(15);
/// The deadline for the second step of a login.
pub const HALF_LOGIN_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How long an authentication counts as fresh for sensitive actions.
pub const REAUTH_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Failed reauthentications in a row before the session ends.
pub const MAX_WRONG_PROOFS: i64 = 5;
pub const RECOVERY_CODES: usize = 10;
pub const MAX_PASSKEYS: usize = 20;
/// In characters.
pub const MAX_PASSKEY_NAME: usize = 100;

const TOTP_DIGITS: usize = 6;
/// Without hyphens; 16 characters of 5 bits are 80 random bits.
const RECOVERY_LETTERS: usize = 16;
/// Base 32 (RFC 4648): no characters that are easily confused.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Whether an authenticator app is confirmed.
    pub totp: bool,
    pub passkeys: i64,
    /// Unused recovery codes. They recover access but are not a factor.
    pub recovery_codes: i64,
}

impl Factors {
    pub fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Without recovery codes.
    pub fn count(self) -> i64 {
        i64::from(self.totp) + self.passkeys
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Which managers may log in with a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPolicy {
    #[default]
    Everyone,
    /// Only this owner, in case the identity provider is down.
    BreakGlass(ManagerId),
}

impl PasswordPolicy {
    pub fn accepted_for(&self, manager: &ManagerId) -> bool {
        self.break_glass_owner().is_none_or(|owner| owner == manager)
    }

    pub fn break_glass_owner(&self) -> Option<&ManagerId> {
        match self {
            Self::Everyone => None,
            Self::BreakGlass(owner) => Some(owner),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginPolicy {
    pub second_factor_required: bool,
    /// Whether an API token may be sent in the URL, as `?api_key=`.
    #[serde(default)]
    pub api_key_in_query: bool,
    #[serde(default)]
    pub passwords: PasswordPolicy,
    /// Minutes without use after which a session ends; from [`SESSION_IDLE_CHOICES`].
    #[serde(default = "default_session_idle")]
    pub session_idle_minutes: i64,
    pub version: i64,
}

/// In minutes. A session ends 12 hours after the login anyway.
pub const SESSION_IDLE_CHOICES: [i64; 6] = [30, 60, 120, 240, 480, 720];

fn default_session_idle() -> i64 {
    720
}

impl LoginPolicy {
    pub fn session_idle(&self) -> TimeDelta {
        TimeDelta::minutes(self.session_idle_minutes)
    }
}

/// The end of the lockout, if there is one. Each further wrong code restarts it; a correct code resets it.
pub fn locked_until(failures: i64, failed_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    failed_at.filter(|_| failures >= MAX_WRONG_CODES).map(|at| at + CODE_LOCKOUT)
}

/// Whether an authentication at `proved_at` is still fresh. One dated in the future, when the clock was ahead, is not.
pub fn is_fresh(proved_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (-parse_time::CLOCK_TOLERANCE..REAUTH_LIFETIME).contains(&(now - proved_at))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorCode {
    /// Six digits from an authenticator app.
    Totp(String),
    /// Lower case, without hyphens.
    Recovery(String),
}

impl SecondFactorCode {
    /// Ignores spaces, hyphens and case.
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(100).collect();
        let plain = plain.to_ascii_lowercase();
        if plain.len() == TOTP_DIGITS && plain.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self::Totp(plain));
        }
        let is_recovery = plain.len() == RECOVERY_LETTERS && plain.bytes().all(|b| ALPHABET.contains(&b));
        is_recovery.then_some(Self::Recovery(plain))
    }
}

pub fn format_recovery_code(bytes: [u8; RECOVERY_LETTERS]) -> String {
    let letters: Vec<u8> = bytes.iter().map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn ten_wrong_codes_lock_for_fifteen_minutes() {
        assert_eq!(locked_until(0, None), None);
        assert_eq!(locked_until(9, Some(at(1))), None);
        assert_eq!(locked_until(10, Some(at(1))), Some(at(16)));
        assert_eq!(locked_until(11, Some(at(20))), Some(at(35)), "the next wrong one begins it anew");
    }

    #[test]
    fn a_proof_is_fresh_for_ten_minutes() {
        assert!(is_fresh(at(0), at(9)));
        assert!(!is_fresh(at(0), at(10)));
        assert!(is_fresh(at(1), at(0)) && !is_fresh(at(2), at(0)), "given while the clock was ahead");
    }

    #[test]
    fn code_parsing_ignores_spacing_and_case() {
        assert_eq!(SecondFactorCode::read(" 123 456 "), Some(SecondFactorCode::Totp("123456".into())));
        assert_eq!(
            SecondFactorCode::read("ABCD-efgh-ij23-4567"),
            Some(SecondFactorCode::Recovery("abcdefghij234567".into()))
        );
        for bad in ["", "12345", "1234567", "12345a", "abcd-efgh-ij23-456", "abcd-efgh-ij23-4561", "１２３４５６"]
        {
            assert_eq!(SecondFactorCode::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn recovery_code_round_trips() {
        let shown = format_recovery_code([0, 1, 2, 31, 32, 33, 255, 254, 7, 8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(shown.len(), 19);
        assert!(
            matches!(SecondFactorCode::read(&shown), Some(SecondFactorCode::Recovery(plain)) if plain == shown.replace('-', ""))
        );
    }

    #[test]
    fn recovery_codes_are_not_a_factor() {
        assert!(!Factors { recovery_codes: 10, ..Factors::default() }.any());
        assert!(Factors { totp: true, ..Factors::default() }.any());
        assert_eq!(Factors { totp: true, passkeys: 2, recovery_codes: 3 }.count(), 3);
    }
}
