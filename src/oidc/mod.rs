//! OpenID Connect login. The only module that imports the library for it.
//!
//! A response counts only if it answers our request (state, nonce and PKCE, each used once), is signed with the
//! provider's asymmetric key (never a shared secret, never unsigned), is meant for us and has not expired. The issuer
//! must match the configured one byte for byte.

mod claims;
mod id_token;
mod types;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::SignatureVerificationError::{CryptoError, NoMatchingKey};
use openidconnect::core::{CoreAuthPrompt, CoreClientAuthMethod, CoreGenderClaim, CoreResponseType};
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Role;
use crate::domain::oidc_roles::{Person, ProviderFactor, RoleRule, role_of};
use crate::net::http_client::{HttpClient, ResponseLimits};

use claims::PersonClaims;
use id_token::verify_id_token;
use types::{Claims, Client, ExtraClaims, Metadata, ProviderHttp, Tokens};

pub const CALLBACK: &str = "/login/oidc/callback";

/// How long the provider's metadata and keys are cached.
const METADATA_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// The maximum size of a provider's document, in bytes. Key lists with certificates are long.
const MAX_DOCUMENT: usize = 256 * 1024;
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Byte for byte as the provider writes it.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    /// The provider's name on the login page.
    pub name: String,
    pub rules: Vec<RoleRule>,
    pub groups_claim: String,
    /// Requested in addition to openid, email and profile.
    pub scopes: Vec<String>,
    pub second_factor: ProviderFactor,
}

/// Fetches the provider's metadata at the first login, so that a provider that is down affects nothing else.
pub struct Provider {
    settings: ProviderSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: ProviderHttp,
    cached_metadata: Mutex<Option<(DateTime<Utc>, Arc<Metadata>)>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No response, or not one that the protocol allows.
    #[error("the identity provider can't be reached: {0}")]
    Unreachable(String),
    #[error("the identity provider returned an error: {0}")]
    Denied(String),
    #[error("the identity provider's response can't be verified: {0}")]
    Invalid(String),
    #[error("the identity provider has not verified the e-mail address")]
    EmailUnverified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// The provider may use an existing session.
    Default,
    /// A new login at or after this time.
    Login(DateTime<Utc>),
}

pub struct AuthRequest {
    pub address: Url,
    pub secrets: AuthSecrets,
}

/// Secrets that verify the response. Only the browser that made the request may have access to them.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthSecrets {
    state: String,
    nonce: String,
    verifier: String,
    prompt: Prompt,
}

/// The parameters of the redirect back to us.
#[derive(Clone, Debug, Default)]
pub struct AuthResponse {
    pub code: String,
    pub state: String,
    /// The `iss` parameter (RFC 9207); empty if missing.
    pub issuer: String,
    /// The `error` parameter; empty on success.
    pub error: String,
}

impl Provider {
    /// Fails on an invalid URL, and on an issuer without TLS that is not on this machine.
    pub fn new(settings: ProviderSettings, origin: &str) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(settings.issuer.clone())?;
        let here = matches!(issuer.url().host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if issuer.url().scheme() != "https" && !(here && issuer.url().scheme() == "http") {
            bail!("--oidc-issuer must begin with https:// (http:// only on this machine)");
        }
        let redirect = RedirectUrl::new(format!("{origin}{CALLBACK}"))?;
        let http = ProviderHttp(HttpClient::new(
            [issuer.url()],
            ResponseLimits { size: MAX_DOCUMENT, ..ResponseLimits::default() },
        )?);
        Ok(Self { settings, issuer, redirect, http, cached_metadata: Mutex::default() })
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    pub fn role_of(&self, person: &Person) -> Option<Role> {
        role_of(&self.settings.rules, person)
    }

    /// Whether the login at the provider also counts as a second factor.
    pub fn has_second_factor(&self, person: &Person) -> bool {
        self.settings.second_factor.counts(&person.methods)
    }

    /// Fails with `Unreachable` while the provider's metadata can't be fetched.
    pub async fn auth_request(&self, asked: Prompt, now: DateTime<Utc>) -> Result<AuthRequest, Error> {
        let client = self.client(&*self.metadata(now).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let scopes = ["email", "profile"].into_iter().chain(self.settings.scopes.iter().map(String::as_str));
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        if let Prompt::Login(_) = asked {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(std::time::Duration::ZERO);
        }
        let (address, state, nonce) = request.url();
        let [state, nonce, verifier] = [state.into_secret(), nonce.secret().clone(), verifier.into_secret()];
        Ok(AuthRequest { address, secrets: AuthSecrets { state, nonce, verifier, prompt: asked } })
    }

    /// Verifies the response and returns the person who logged in.
    pub async fn authenticate(
        &self,
        answer: AuthResponse,
        secrets: AuthSecrets,
        now: DateTime<Utc>,
    ) -> Result<Person, Error> {
        let metadata = self.metadata(now).await?;
        self.check_response(&answer, &secrets, &metadata)?;
        let client = self.client(&metadata);
        let exchange = client.exchange_code(AuthorizationCode::new(answer.code)).map_err(unreachable)?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier.clone()));
        let tokens = exchange.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => Error::Invalid(refusal.to_string()),
            RequestTokenError::Parse(error, _) => Error::Invalid(error.to_string()),
            other => unreachable(other),
        })?;
        let claims = match verify_id_token(&tokens, &client, &secrets, now) {
            // The provider may have rotated its keys: fetch them again and retry once.
            Err(ClaimsVerificationError::SignatureVerification(NoMatchingKey | CryptoError(_))) => {
                let metadata = self.discover(now).await?;
                verify_id_token(&tokens, &self.client(&metadata), &secrets, now)
            }
            proven => proven,
        };
        let claims = claims.map_err(|error| Error::Invalid(error.to_string()))?;
        let claims_found = self.load_claims(&client, &tokens, &claims).await?;
        self.person(&claims, claims_found)
    }

    /// Rejects a response to another request or from another issuer.
    fn check_response(&self, answer: &AuthResponse, secrets: &AuthSecrets, metadata: &Metadata) -> Result<(), Error> {
        if answer.state.is_empty() || answer.state != secrets.state {
            return Err(Error::Invalid("the state does not match".into()));
        }
        let says_who = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        if (says_who || !answer.issuer.is_empty()) && answer.issuer != self.settings.issuer {
            return Err(Error::Invalid("wrong issuer".into()));
        }
        if !answer.error.is_empty() {
            return Err(Error::Denied(answer.error.chars().filter(char::is_ascii_graphic).take(100).collect()));
        }
        Ok(())
    }

    /// The remaining claims of the person, from the ID token and, if those are incomplete, the userinfo endpoint.
    async fn load_claims(&self, client: &Client, tokens: &Tokens, claims: &Claims) -> Result<PersonClaims, Error> {
        let claims_found = claims::claims_from!(claims, &self.settings.groups_claim);
        if claims_found.email.is_some() && claims_found.groups.is_some() {
            return Ok(claims_found);
        }
        let subject = Some(claims.subject().clone());
        // The provider has no userinfo endpoint.
        let Ok(request) = client.user_info(tokens.access_token().clone(), subject) else { return Ok(claims_found) };
        let more: UserInfoClaims<ExtraClaims, CoreGenderClaim> =
            request.request_async(&self.http).await.map_err(unreachable)?;
        let also = claims::claims_from!(more, &self.settings.groups_claim);
        Ok(claims_found.or(also))
    }

    fn person(&self, claims: &Claims, claims_found: PersonClaims) -> Result<Person, Error> {
        let Some((email, true)) = claims_found.email else { return Err(Error::EmailUnverified) };
        let methods = claims.auth_method_refs().into_iter().flatten().map(|method| method.to_string()).collect();
        Ok(Person {
            issuer: self.settings.issuer.clone(),
            subject: claims.subject().to_string(),
            email,
            name: claims_found.name,
            groups: claims_found.groups.unwrap_or_default(),
            methods,
            logged_in_at: claims.auth_time(),
        })
    }

    /// Drops the cached metadata, so that the next login fetches them again.
    pub fn reload(&self) {
        *self.cached_metadata.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn metadata(&self, now: DateTime<Utc>) -> Result<Arc<Metadata>, Error> {
        let known = self.cached_metadata.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((at, metadata)) if (TimeDelta::zero()..METADATA_LIFETIME).contains(&(now - at)) => Ok(metadata),
            _ => self.discover(now).await,
        }
    }

    async fn discover(&self, now: DateTime<Utc>) -> Result<Arc<Metadata>, Error> {
        let found = Metadata::discover_async(self.issuer.clone(), &self.http).await.map_err(unreachable)?;
        let found = Arc::new(found);
        *self.cached_metadata.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, found.clone()));
        Ok(found)
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.settings.client_id.clone());
        let ways = metadata.token_endpoint_auth_methods_supported();
        let basic = ways.is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
        Client::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
    }
}

fn unreachable(error: impl std::error::Error) -> Error {
    let mut claims_found = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        claims_found = format!("{claims_found}: {error}");
        cause = error.source();
    }
    Error::Unreachable(claims_found)
}
