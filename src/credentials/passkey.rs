//! WebAuthn. Devices must verify their user (fingerprint, face or PIN), so that a passkey counts as two factors.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Uuid,
    WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::domain::{Manager, ManagerId};
use crate::format::hex;

pub struct RelyingParty(Webauthn);

/// The options for the browser, and the state that stays in the session for verifying the response.
pub struct Challenge {
    pub options: Value,
    pub state: Value,
}

pub struct Credential {
    /// SHA-256 of the credential id, in hexadecimal.
    pub hash: String,
    pub json: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the answer can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("{0}")]
    Refused(#[from] WebauthnError),
    #[error("the passkey is another manager's")]
    Foreign,
}

impl RelyingParty {
    /// `None` where browsers allow no passkeys: at an IP address, and without TLS except on `localhost`.
    pub fn at(origin: &str, name: &str) -> Option<Self> {
        let url = Url::parse(origin).ok()?;
        let Some(Host::Domain(host)) = url.host() else { return None };
        let safe = url.scheme() == "https" || host == "localhost" || host.ends_with(".localhost");
        let webauthn = safe.then(|| WebauthnBuilder::new(host, &url)?.rp_name(name).build())?;
        webauthn.ok().map(Self)
    }

    pub fn begin_registration(&self, manager: &Manager, known: &[String]) -> Result<Challenge, Error> {
        let known = known.iter().map(|json| Ok(serde_json::from_str::<Passkey>(json)?.cred_id().clone()));
        let known = known.collect::<Result<Vec<_>, Error>>()?;
        let (options, state) =
            self.0.start_passkey_registration(user_handle(&manager.id), &manager.email, &manager.name, Some(known))?;
        let mut options = serde_json::to_value(options)?;
        // The login names no account, so the device must be able to find the passkey.
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        Ok(Challenge { options, state: serde_json::to_value(state)? })
    }

    pub fn finish_registration(&self, answer: &str, state: Value) -> Result<Credential, Error> {
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer)?;
        let state: PasskeyRegistration = serde_json::from_value(state)?;
        let passkey = self.0.finish_passkey_registration(&answer, &state)?;
        Credential::of(&passkey)
    }

    pub fn begin_login(&self) -> Result<Challenge, Error> {
        let (mut options, state) = self.0.start_discoverable_authentication()?;
        // Without conditional mediation, the browser opens a dialog instead of an autofill list.
        options.mediation = None;
        Ok(Challenge { options: serde_json::to_value(options)?, state: serde_json::to_value(state)? })
    }

    /// Verifies that `manager` used the `stored` credential, and returns it with its new counter.
    pub fn finish_login(
        &self,
        answer: &str,
        state: Value,
        stored: &str,
        manager: &ManagerId,
    ) -> Result<Credential, Error> {
        let answer: PublicKeyCredential = serde_json::from_str(answer)?;
        let state: DiscoverableAuthentication = serde_json::from_value(state)?;
        let mut passkey: Passkey = serde_json::from_str(stored)?;
        let (user, _) = self.0.identify_discoverable_authentication(&answer)?;
        if user != user_handle(manager) {
            return Err(Error::Foreign);
        }
        let used = self.0.finish_discoverable_authentication_v2(&answer, state, &passkey)?;
        passkey.update_credential(&used);
        Credential::of(&passkey)
    }
}

impl Credential {
    fn of(passkey: &Passkey) -> Result<Self, Error> {
        Ok(Self { hash: credential_hash(passkey.cred_id().as_ref()), json: serde_json::to_string(passkey)? })
    }
}

pub fn credential_hash_of_answer(answer: &str) -> Result<String, Error> {
    let answer: PublicKeyCredential = serde_json::from_str(answer)?;
    Ok(credential_hash(&answer.raw_id))
}

fn credential_hash(id: &[u8]) -> String {
    hex(&Sha256::digest(id))
}

/// A hash, so that the user handle on the device reveals nothing about the account.
fn user_handle(manager: &ManagerId) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(format!("passkey of {manager}"))[..16]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_name_and_tls_but_for_localhost() {
        for good in ["https://status.example.org", "https://status.example.org:8443", "http://localhost:3000"] {
            assert!(RelyingParty::at(good, "Status").is_some(), "{good}");
        }
        for bad in
            ["http://127.0.0.1:3000", "https://192.0.2.1", "https://[2001:db8::1]", "http://status.example.org", ""]
        {
            assert!(RelyingParty::at(bad, "Status").is_none(), "{bad}");
        }
    }

    #[test]
    fn a_login_asks_for_a_verified_user_and_names_no_credential() {
        let asked = RelyingParty::at("https://status.example.org", "Status").unwrap().begin_login().unwrap();
        let options = &asked.options["publicKey"];
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["rpId"], "status.example.org");
        assert_eq!(options["allowCredentials"], serde_json::json!([]));
        assert!(asked.options.get("mediation").is_none());
    }
}
