//! Single-use session state for verifying the response to a challenge. Deleted with its session.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Result, Tx, WriteTx};

/// A session has at most one challenge of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PasskeyRegistration,
    PasskeyLogin,
    /// A login at the identity provider.
    OidcLogin,
    /// A form that is sent again after a re-authentication at the identity provider.
    ReauthForm,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::PasskeyRegistration => "passkey-registration",
            Self::PasskeyLogin => "passkey-login",
            Self::OidcLogin => "oidc-login",
            Self::ReauthForm => "reauth-form",
        }
    }
}

/// A challenge that may have expired.
#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// As JSON.
    pub payload: String,
    pub expires_at: DateTime<Utc>,
}

/// Stores a challenge of an existing session and replaces an earlier one of this kind.
pub async fn store(
    tx: &mut WriteTx,
    session_hash: &str,
    kind: Kind,
    challenge: &Challenge,
    now: DateTime<Utc>,
) -> Result<()> {
    run!(
        tx,
        "insert into challenges (session_hash, kind, payload, created_at, expires_at) values ($1, $2, $3, $4, $5)
         on conflict (session_hash, kind) do update
           set payload = excluded.payload, created_at = excluded.created_at, expires_at = excluded.expires_at",
        session_hash,
        kind.key(),
        challenge.payload.as_str(),
        now,
        challenge.expires_at
    )?;
    Ok(())
}

/// Does not consume the challenge.
pub async fn find(tx: &mut Tx, session_hash: &str, kind: Kind) -> Result<Option<Challenge>> {
    let sql = "select payload, expires_at from challenges where session_hash = $1 and kind = $2";
    row!(tx, Challenge, sql, session_hash, kind.key())
}

/// Deletes and returns the challenge.
pub async fn take(tx: &mut WriteTx, session_hash: &str, kind: Kind) -> Result<Option<Challenge>> {
    let sql = "delete from challenges where session_hash = $1 and kind = $2 returning payload, expires_at";
    row!(tx, Challenge, sql, session_hash, kind.key())
}

pub async fn delete_of(tx: &mut WriteTx, session_hash: &str) -> Result<()> {
    run!(tx, "delete from challenges where session_hash = $1", session_hash)?;
    Ok(())
}

pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from challenges where expires_at <= $1", now)?;
    Ok(())
}
