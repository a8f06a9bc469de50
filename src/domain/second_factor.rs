//! Second factors: what a manager has beside the password, and the rules about wrong codes and fresh proofs.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ManagerId, PasskeyId, parse_time};

/// How many codes of an authenticator app may be wrong in a row before none is looked at for a while.
pub const MAX_WRONG_CODES: i64 = 10;
/// How long none is looked at after that, counted from the last wrong one.
pub const CODE_LOCKOUT: TimeDelta = TimeDelta::minutes(15);
/// How long the second step of a login may take.
pub const HALF_LOGIN_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How long a proof of who somebody is counts for what needs a fresh one.
pub const REAUTH_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How many proofs may be wrong in a row before the session ends.
pub const MAX_WRONG_PROOFS: i64 = 5;
/// How many recovery codes a manager gets.
pub const RECOVERY_CODES: usize = 10;
/// The most passkeys of one manager.
pub const MAX_PASSKEYS: usize = 20;
/// The longest name of a passkey, in characters.
pub const MAX_PASSKEY_NAME: usize = 100;

/// The digits of a code of an authenticator app.
const TOTP_DIGITS: usize = 6;
/// The letters of a recovery code, without its hyphens: 80 random bits.
const RECOVERY_LETTERS: usize = 16;
/// Letters and digits that nobody confuses (RFC 4648 base 32).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What a manager has beside the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Whether an authenticator app is confirmed.
    pub totp: bool,
    pub passkeys: i64,
    /// How many recovery codes are left; they are a way back, not a factor of their own.
    pub recovery_codes: i64,
}

impl Factors {
    /// Whether a password alone lets the manager in no more.
    pub fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// How many there are, recovery codes left out.
    pub fn count(self) -> i64 {
        i64::from(self.totp) + self.passkeys
    }
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whose password lets them in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPolicy {
    /// That of everybody who has one.
    #[default]
    Everyone,
    /// That of one owner alone, for the day on which the identity provider is away.
    BreakGlass(ManagerId),
}

impl PasswordPolicy {
    /// Whether the password of this manager counts.
    pub fn accepted_for(&self, manager: &ManagerId) -> bool {
        self.break_glass_owner().is_none_or(|keeper| keeper == manager)
    }

    /// The one whose password counts where nobody else's does.
    pub fn break_glass_owner(&self) -> Option<&ManagerId> {
        match self {
            Self::Everyone => None,
            Self::BreakGlass(keeper) => Some(keeper),
        }
    }
}

/// What every manager is asked for, and what is taken from programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginPolicy {
    pub second_factor_required: bool,
    /// Whether a token may also stand in the address, as `?api_key=`.
    #[serde(default)]
    pub api_key_in_query: bool,
    #[serde(default)]
    pub passwords: PasswordPolicy,
    /// Grows with every change; an edit of an older version is a conflict.
    pub version: i64,
}

/// Until when no code is looked at, after `failures` wrong ones in a row of which the last came at
/// `failed_at`. Each further wrong one begins the time anew; a right one ends it for good.
pub fn locked_until(failures: i64, failed_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    failed_at.filter(|_| failures >= MAX_WRONG_CODES).map(|at| at + CODE_LOCKOUT)
}

/// Whether a proof given at `proved_at` still counts as fresh. One that was given while the clock was ahead does not.
pub fn is_fresh(proved_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (-parse_time::CLOCK_TOLERANCE..REAUTH_LIFETIME).contains(&(now - proved_at))
}

/// A code as somebody typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorCode {
    /// Six digits from an authenticator app.
    Totp(String),
    /// A recovery code, lower case and without hyphens.
    Recovery(String),
}

impl SecondFactorCode {
    /// The code in `text`, or nothing where it can be none; blanks, hyphens and capitals don't matter.
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

/// A recovery code made of random bytes, with its hyphens.
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
