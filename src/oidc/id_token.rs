//! Verifies that an ID token is the provider's response to our request.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, IdTokenVerifier, Nonce, OAuth2TokenResponse as _, TokenResponse as _,
};

use super::types::{Claims, Client, Tokens};
use super::{AuthSecrets, Prompt};

/// How far the provider's clock may be behind ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);
/// Asymmetric signatures only: the provider alone has the key.
const ALLOWED_ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Returns the claims of the ID token, if the token answers our request and matches the access token (`at_hash`).
pub fn verify_id_token(
    tokens: &Tokens,
    client: &Client,
    secrets: &AuthSecrets,
    now: DateTime<Utc>,
) -> Result<Claims, ClaimsVerificationError> {
    let other = |error: String| ClaimsVerificationError::Other(error);
    let token = tokens.id_token().ok_or_else(|| other("there is no token".into()))?;
    let asked = secrets.prompt;
    let verifier: IdTokenVerifier<CoreJsonWebKey> = client
        .id_token_verifier()
        .set_allowed_algs(ALLOWED_ALGORITHMS)
        .set_time_fn(move || now)
        .set_auth_time_verifier_fn(move |at| check_auth_time(asked, at));
    let claims = token.claims(&verifier, &Nonce::new(secrets.nonce.clone()))?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| other(error.to_string()))?;
        let key = token.signing_key(&verifier).map_err(|error| other(error.to_string()))?;
        let real = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
        if real.map_err(|error| other(error.to_string()))? != *expected {
            return Err(other("the access token does not match".into()));
        }
    }
    Ok(claims.clone())
}

/// Checks `auth_time` against the requested prompt.
fn check_auth_time(asked: Prompt, at: Option<DateTime<Utc>>) -> Result<(), String> {
    match (asked, at) {
        (Prompt::Default, _) => Ok(()),
        (Prompt::Login(since), Some(at)) if at >= since - CLOCK_SKEW => Ok(()),
        (Prompt::Login(_), Some(_)) => Err("the login is older than the request".into()),
        (Prompt::Login(_), None) => Err("it has no auth_time".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_before_request_is_not_fresh() {
        let since = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        assert!(check_auth_time(Prompt::Login(since), Some(since)).is_ok());
        assert!(check_auth_time(Prompt::Login(since), Some(since - CLOCK_SKEW)).is_ok());
        assert!(check_auth_time(Prompt::Login(since), Some(since - CLOCK_SKEW - TimeDelta::seconds(1))).is_err());
        assert!(check_auth_time(Prompt::Login(since), None).is_err());
        assert!(check_auth_time(Prompt::Default, None).is_ok());
    }
}
