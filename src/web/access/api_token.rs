//! API tokens: a handler with a [`Token`] runs only if the token's scope and its manager's role satisfy the policy.
//! Cookies are ignored, so other sites can't use the API in a manager's name.

use std::marker::PhantomData;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};

use super::denied_audit;
use super::manager::Policy;
use crate::credentials::secret_token;
use crate::db::{self, Tx, api_tokens, login_policy, managers};
use crate::domain::api_token::ApiToken;
use crate::domain::audit::{Action, Actor};
use crate::domain::{self, Role};
use crate::net::peer::Transport;
use crate::state::State;
use crate::web::api::rate_limit;
use crate::web::edge::client_ip::{ClientAddress, is_forwarded, is_forwarded_https, is_trusted_proxy, transport};
use crate::web::{Error, Result};

/// Minimum age of the last-use time before it is written again.
const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);

const MISSING_TOKEN: &str = "Send an API token: Authorization: Bearer candor_…";
const UNKNOWN_TOKEN: &str = "Invalid, revoked or expired token.";
const SCOPE_TOO_SMALL: &str = "Insufficient scope: this token's scope or its manager's role does not allow this.";
const TLS_REQUIRED: &str = "Tokens require HTTPS. Revoke this token; it was sent unencrypted.";

/// The API client, admitted by policy `P`.
pub struct Token<P> {
    pub token: ApiToken,
    /// The manager who owns the token.
    pub manager: domain::Manager,
    address: ClientAddress,
    policy: PhantomData<P>,
}

impl<P> Token<P> {
    pub fn token_actor(&self) -> Actor {
        actor(&self.token, self.address)
    }

    /// Whether the token and its manager also have `role`.
    pub fn is_at_least(&self, role: Role) -> bool {
        self.token.allows(role, self.manager.role)
    }
}

impl<P: Policy> Token<P> {
    /// Checks the token again inside the transaction, because reading the body may take long. Returns the audit action
    /// and the error if the token is no longer allowed.
    pub async fn recheck(&mut self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Option<(Action, Error)>> {
        let unknown = Ok(Some((Action::TokenDeny, Error::Unauthorized(UNKNOWN_TOKEN))));
        let token = match api_tokens::find(tx, &self.token.id).await {
            Ok(token) if now < token.expires_at => token,
            Ok(_) | Err(db::Error::NotFound) => return unknown,
            Err(error) => return Err(error),
        };
        let manager = managers::find(tx, &token.manager_id).await?;
        if !manager.is_active() {
            return unknown;
        }
        if !token.allows(P::ROLE, manager.role) {
            return Ok(Some((Action::TokenDenyScope, Error::TokenForbidden(SCOPE_TOO_SMALL))));
        }
        (self.token, self.manager) = (token, manager);
        Ok(None)
    }
}

impl<P: Policy> FromRequestParts<State> for Token<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self> {
        let address = parts.extensions.get().copied().unwrap_or(ClientAddress(None));
        let Some(secret) = token_secret(parts, state).await? else { return Err(Error::Unauthorized(MISSING_TOKEN)) };
        let found = find_token(state, &secret).await?;
        let who = found.as_ref().map_or_else(|| Actor::anonymous(address), |(token, _)| actor(token, address));
        if !is_confidential(parts, address, state) {
            denied_audit::record_denial(state, who, Action::TokenDenyCleartext, "").await;
            return Err(Error::TokenForbidden(TLS_REQUIRED));
        }
        let Some((token, manager)) = found else {
            denied_audit::record_denial(state, who, Action::TokenDeny, "").await;
            return Err(Error::Unauthorized(UNKNOWN_TOKEN));
        };
        rate_limit::count_call(parts, state, &token.id)?;
        if !token.allows(P::ROLE, manager.role) {
            let what = denied_audit::describe_request(&parts.method, parts.uri.path());
            denied_audit::record_denial(state, who, Action::TokenDenyScope, &what).await;
            return Err(Error::TokenForbidden(SCOPE_TOO_SMALL));
        }
        Ok(Self { token, manager, address, policy: PhantomData })
    }
}

fn actor(token: &ApiToken, address: ClientAddress) -> Actor {
    let name = format!("{} by {}", token.manager_name, token.name);
    Actor { manager_id: Some(token.manager_id.clone()), name, address: address.to_string() }
}

/// The token in `Authorization`, or in the query parameter `api_key` if the login policy allows that.
async fn token_secret(parts: &Parts, state: &State) -> Result<Option<String>> {
    if let Some(secret) = bearer_token(&parts.headers) {
        return Ok(Some(secret));
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, secret)) = pairs.find(|(name, _)| name == "api_key") else { return Ok(None) };
    let allowed = login_policy::load(&mut state.db.read().await?).await?.api_key_in_query;
    Ok(Some(secret.into_owned()).filter(|_| allowed))
}

/// The token after `Bearer` or, from older clients, `OAuth`. The request must have exactly one `Authorization` header.
fn bearer_token(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, secret) = value.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    Some(secret.trim()).filter(|secret| known && !secret.is_empty()).map(str::to_owned)
}

/// The valid token with this secret, and its active manager. Records the use, at most once a minute.
async fn find_token(state: &State, secret: &str) -> Result<Option<(ApiToken, domain::Manager)>> {
    // The checksum rejects mistyped and invented tokens without a query.
    if !secret_token::is_api_token(secret) {
        return Ok(None);
    }
    let now = state.clock.now();
    let mut tx = state.db.read().await?;
    let Some(token) = api_tokens::find_by_hash(&mut tx, &secret_token::hash_token(secret), now).await? else {
        return Ok(None);
    };
    let manager = match managers::find(&mut tx, &token.manager_id).await {
        Ok(manager) if manager.is_active() => manager,
        Ok(_) | Err(db::Error::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    drop(tx);
    if token.last_used_at.is_none_or(|last| now - last >= TOUCH_AFTER) {
        let mut tx = state.db.write().await?;
        api_tokens::touch(&mut tx, &token.id, now).await?;
        tx.commit_unaudited().await?;
    }
    Ok(Some((token, manager)))
}

/// Whether the token was sent encrypted: a trusted proxy reports https, or the client uses no proxy and either TLS or
/// this machine. An untrusted proxy, even on this machine, proves nothing.
fn is_confidential(parts: &Parts, ClientAddress(client): ClientAddress, state: &State) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let transport = transport(&parts.extensions);
    let is_proxy = peer.is_some_and(|peer| is_trusted_proxy(peer, transport, &state.trusted_proxies));
    if is_proxy {
        return is_forwarded_https(&parts.headers);
    }
    let is_private = transport == Transport::Tls || client.is_some_and(|client| client.is_loopback());
    is_private && !is_forwarded(&parts.headers)
}
