//! Six-digit codes that change every 30 seconds (RFC 6238 with SHA-1, which every authenticator app supports).

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp, TotpError};

/// Seconds per code.
const STEP: i64 = 30;
/// Accepted clock skew in steps, in both directions.
const SKEW: i64 = 1;
/// The length of an SHA-1 hash, in bytes (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;

pub fn fresh_secret() -> [u8; SECRET_BYTES] {
    crate::credentials::random_bytes()
}

pub fn time_step(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(STEP)
}

/// The step of `code`, within the skew and after the `last` accepted step, so that no code is accepted twice.
pub fn matching_step(secret: &[u8], code: &str, now: DateTime<Utc>, last: Option<i64>) -> Option<i64> {
    // Checks each step separately; the library compares in constant time.
    let totp = Builder::new().with_secret(secret.to_vec()).with_skew(0).build().ok()?;
    let present = time_step(now);
    let is_of = |step: &i64| u64::try_from(step * STEP).is_ok_and(|second| totp.check(code, second).is_some());
    (present - SKEW..=present + SKEW).filter(|step| last.is_none_or(|last| *step > last)).find(is_of)
}

/// The content of the QR code. Colons are replaced, because a colon separates issuer and account.
pub fn otpauth_uri(secret: &[u8], issuer: &str, account: &str) -> Result<String, TotpError> {
    let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
    named_totp(secret, issuer, account)?.to_url()
}

fn named_totp(secret: &[u8], issuer: String, account: String) -> Result<Totp, TotpError> {
    Builder::new().with_secret(secret.to_vec()).with_issuer(Some(issuer)).with_account_name(account).build()
}

pub fn format_secret(secret: &[u8]) -> String {
    let text = Secret::from(secret.to_vec()).to_base32();
    let groups: Vec<&str> =
        (0..text.len()).step_by(4).filter_map(|at| text.get(at..(at + 4).min(text.len()))).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn code(at: DateTime<Utc>) -> String {
        let totp = Builder::new().with_secret(SECRET.to_vec()).build().unwrap();
        totp.generate(at.timestamp().try_into().unwrap()).to_string()
    }

    #[test]
    fn codes_match_the_rfc_vectors() {
        // The last six of the eight digits in the appendix.
        for (second, digits) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(matching_step(SECRET, digits, at(second), None), Some(second / 30), "{second}");
            assert_eq!(code(at(second)), digits);
        }
    }

    #[test]
    fn code_is_valid_one_step_early_or_late() {
        let digits = code(at(300));
        for (second, counts) in [(269, false), (270, true), (300, true), (329, true), (359, true), (360, false)] {
            assert_eq!(matching_step(SECRET, &digits, at(second), None).is_some(), counts, "{second}");
        }
    }

    #[test]
    fn codes_cannot_be_replayed() {
        let (early, present) = (code(at(270)), code(at(300)));
        assert_eq!(matching_step(SECRET, &present, at(300), Some(10)), None);
        assert_eq!(matching_step(SECRET, &early, at(300), Some(10)), None);
        assert_eq!(matching_step(SECRET, &present, at(300), Some(9)), Some(10));
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for bad in ["", "28708", "2870822", "28708a", "２８７０８２", "-28708"] {
            assert_eq!(matching_step(SECRET, bad, at(59), None), None, "{bad}");
        }
    }

    #[test]
    fn otpauth_uri_names_issuer_and_account() {
        let address = otpauth_uri(SECRET, "Tidewater: Maps", "ines@example.org").unwrap();
        assert!(
            address.starts_with("otpauth://totp/Tidewater%20%20Maps:ines%40example.org?secret=GEZDGNBV"),
            "{address}"
        );
        assert!(address.contains("issuer=Tidewater%20%20Maps"), "{address}");
        assert_eq!(format_secret(SECRET), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }
}
