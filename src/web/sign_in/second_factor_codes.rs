//! Checks the codes that managers type; a correct code is consumed.

use chrono::{DateTime, Utc};

use crate::credentials::secret_token;
use crate::db::{WriteTx, recovery_codes, totp};
use crate::domain::ManagerId;
use crate::domain::second_factor::{RECOVERY_CODES, SecondFactorCode, format_recovery_code, locked_until};
use crate::state::State;
use crate::web::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// Correct, from an authenticator app.
    App,
    /// Correct; the recovery code is now consumed.
    Recovery,
    Wrong,
    /// Not checked, after too many wrong codes; until when.
    Locked(DateTime<Utc>),
}

impl CodeCheck {
    pub fn is_right(self) -> bool {
        matches!(self, Self::App | Self::Recovery)
    }

    /// The message for the manager; in minutes, because their clock may be in another zone.
    pub fn sentence(self, now: DateTime<Utc>) -> String {
        match self {
            Self::Locked(until) => format!(
                "Too many wrong codes. Try again in {} minutes, or use a recovery code or a passkey now.",
                (until - now).num_minutes() + 1
            ),
            _ => "Incorrect or already used code. Wait for the next one.".to_owned(),
        }
    }
}

/// Checks a code. The caller must commit in any case, so that a consumed code stays consumed and a wrong one counts.
pub async fn check_code(state: &State, tx: &mut WriteTx, manager: &ManagerId, typed: &str) -> Result<CodeCheck> {
    match SecondFactorCode::read(typed) {
        Some(SecondFactorCode::Totp(digits)) => check_totp(state, tx, manager, &digits).await,
        Some(SecondFactorCode::Recovery(code))
            if recovery_codes::consume(tx, manager, &secret_token::hash_token(&code)).await? =>
        {
            Ok(CodeCheck::Recovery)
        }
        _ => Ok(CodeCheck::Wrong),
    }
}

async fn check_totp(state: &State, tx: &mut WriteTx, manager: &ManagerId, digits: &str) -> Result<CodeCheck> {
    let now = state.clock.now();
    let Some(app) = totp::find(tx, manager).await?.filter(|app| app.confirmed_at.is_some()) else {
        return Ok(CodeCheck::Wrong);
    };
    if let Some(until) = locked_until(app.failures, app.failed_at).filter(|until| now < *until) {
        return Ok(CodeCheck::Locked(until));
    }
    let secret = state.secret_key.open(manager.as_str(), &app.secret)?;
    match crate::credentials::totp::matching_step(&secret, digits, now, app.last_step) {
        Some(step) => {
            totp::accept(tx, manager, step, now).await?;
            Ok(CodeCheck::App)
        }
        None => {
            totp::refuse(tx, manager, now).await?;
            Ok(CodeCheck::Wrong)
        }
    }
}

/// New recovery codes, shown only once; earlier ones stop working.
pub async fn renew_recovery_codes(state: &State, tx: &mut WriteTx, manager: &ManagerId) -> Result<Vec<String>> {
    let codes: Vec<String> =
        (0..RECOVERY_CODES).map(|_| format_recovery_code(crate::credentials::random_bytes())).collect();
    let hashes: Vec<String> = codes.iter().map(|code| secret_token::hash_token(&code.replace('-', ""))).collect();
    recovery_codes::replace(tx, manager, &hashes, state.clock.now()).await?;
    Ok(codes)
}
