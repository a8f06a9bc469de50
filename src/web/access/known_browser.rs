//! Known browsers: a manager can log in from one even while others guess the manager's password. The cookie is no
//! session and grants no access.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower_sessions::cookie::{Cookie, SameSite};

use crate::credentials::secret_token;
use crate::db::{self, Tx, known_browsers};
use crate::domain::ManagerId;
use crate::domain::login_backoff::LoginFailures;
use crate::state::State;

#[derive(Clone, Debug)]
pub struct KnownBrowser(Option<String>);

impl FromRequestParts<State> for KnownBrowser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        let values = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = values.flat_map(|value| Cookie::split_parse(value.to_owned())).filter_map(Result::ok);
        let own = cookies.find(|cookie| cookie.name() == cookie_name(state));
        Ok(Self(own.map(|cookie| cookie.value().to_owned())))
    }
}

impl KnownBrowser {
    /// Whether the request has no such cookie.
    pub fn is_unknown(&self) -> bool {
        self.0.is_none()
    }

    /// The hash of this browser and its consecutive wrong passwords, if the manager has logged in with it.
    pub async fn find_for(&self, tx: &mut Tx, manager: &ManagerId) -> db::Result<Option<(String, LoginFailures)>> {
        let Some(token) = &self.0 else { return Ok(None) };
        let hash = secret_token::hash_token(token);
        let failures = known_browsers::failures(tx, &hash, manager).await?;
        Ok(failures.map(|failures| (hash, failures)))
    }

    /// Makes the browser known to `manager`, who has just logged in with it.
    pub async fn remember(&self, state: &State, manager: &ManagerId, mut response: Response) -> db::Result<Response> {
        let mut tx = state.db.write().await?;
        let known = self.find_for(&mut tx, manager).await?.is_some();
        let token = self.0.clone().filter(|_| known).unwrap_or_else(secret_token::fresh_token);
        known_browsers::save(&mut tx, &secret_token::hash_token(&token), manager, state.clock.now()).await?;
        tx.commit_unaudited().await?;
        let cookie = Cookie::build((cookie_name(state), token))
            .path("/")
            .http_only(true)
            .secure(state.is_secure())
            .same_site(SameSite::Lax)
            .max_age(time::Duration::seconds(known_browsers::RETENTION.num_seconds()))
            .build();
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok(response)
    }
}

fn cookie_name(state: &State) -> &'static str {
    if state.is_secure() { "__Host-device" } else { "device" }
}
