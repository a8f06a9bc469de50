//! The round trip to the identity provider: a request with its intent waits five minutes for one response.

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::challenges;
use crate::db::challenges::Kind;
use crate::oidc::{AuthSecrets, Error as Failure, Prompt, Provider};
use crate::state::State;
use crate::ui::pages::admin::OidcRedirect;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::page::layout::logged_out_layout;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// The purpose of a login at the provider.
#[derive(Serialize, Deserialize)]
pub enum Intent {
    /// Log in, then go to `next`.
    LogIn { next: String },
    /// Connect the login to the manager who is logged in.
    Connect,
    /// Prove the manager's identity, then show `path` or offer to submit the fields `kept` to it.
    Reauthenticate { path: String, kept: Option<String> },
}

#[derive(Serialize, Deserialize)]
pub struct PendingLogin {
    pub intent: Intent,
    pub secrets: AuthSecrets,
}

pub fn require_provider(state: &State) -> Result<&Provider> {
    let none = || Error::Conflict("No identity provider is configured.".into());
    state.provider.as_ref().ok_or_else(none)
}

/// Sends the browser to the provider. Not by a redirect: `form-action` limits forms to our own pages, and browsers
/// apply it to every redirect.
pub async fn begin_oidc_login(
    state: &State,
    nonce: &Nonce,
    session: &Session,
    address: ClientAddress,
    intent: Intent,
) -> Result<std::result::Result<Response, Failure>> {
    let (provider, now) = (require_provider(state)?, state.clock.now());
    let asked = match intent {
        Intent::Reauthenticate { .. } => Prompt::Login(now),
        Intent::LogIn { .. } | Intent::Connect => Prompt::Default,
    };
    let question = match provider.auth_request(asked, now).await {
        Ok(question) => question,
        Err(error) => return Ok(Err(error)),
    };
    let pending = PendingLogin { intent, secrets: question.secrets };
    challenges::store(state, session, address, Kind::OidcLogin, &pending).await?;
    let there = question.address.to_string();
    let refresh = HeaderValue::from_str(&format!("0; url={there}")).map_err(|error| Error::Internal(error.into()))?;
    let shell = logged_out_layout(state, &nonce.0).await;
    let mut response =
        page_response(OidcRedirect { shell, name: provider.name().to_owned(), address: there }.html()).into_response();
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(Ok(response))
}

/// Consumes the pending login, whatever the response is.
pub async fn take_pending_login(state: &State, session: &Session) -> Result<Option<PendingLogin>> {
    challenges::take_challenge(state, session, Kind::OidcLogin).await
}

/// The message for the manager; the log has the details.
pub fn failure_sentence(failure: &Failure, name: &str) -> String {
    match failure {
        Failure::Unreachable(_) => tracing::warn!("{failure}"),
        _ => tracing::info!("{failure}"),
    }
    match failure {
        Failure::Unreachable(_) => {
            format!("{name} can't be reached at the moment. Use a passkey or your password, or try again later.")
        }
        Failure::Denied(_) => format!("Login at {name} was denied."),
        Failure::Invalid(_) => {
            format!("Login with {name} failed. Try again; if that does not help, tell an owner.")
        }
        Failure::EmailUnverified => {
            format!("{name} has not verified your e-mail address, so you can't log in with it.")
        }
    }
}
