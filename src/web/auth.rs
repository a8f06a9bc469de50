//! Who may do what: a handler that takes a [`Manager`] runs only for one whose role its policy admits.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use chrono::{DateTime, Utc};
use tower_sessions::Session;

pub use super::bearer::Token;
use super::client::ClientAddress;
use super::headers::Nonce;
use super::{Error, refusal, session};
use crate::db::{managers, policy, sessions};
use crate::domain::audit::Actor;
use crate::domain::factor::is_fresh;
use crate::domain::{self, ManagerId, Role};
use crate::state::State;

/// What a handler asks of a manager.
pub trait Policy: Send + Sync + 'static {
    /// The least role that will do.
    const ROLE: Role;
    /// Whether who they are must have been proved in the last ten minutes.
    const FRESH: bool = false;
    /// Whether it is open to managers who still lack the second factor that the policy asks for.
    const LACKING_FACTOR: bool = false;
}

/// Every manager, even one who has yet to add the second factor that the policy asks for.
pub struct CanEnter;
/// Every manager.
pub struct CanRead;
/// Publishers and owners.
pub struct CanPublish;
/// Owners.
pub struct CanAdminister;

/// Those whom `P` admits, with a fresh proof of who they are.
pub struct Fresh<P>(PhantomData<P>);

impl Policy for CanEnter {
    const ROLE: Role = Role::Viewer;
    const LACKING_FACTOR: bool = true;
}

impl<P: Policy> Policy for Fresh<P> {
    const ROLE: Role = P::ROLE;
    const FRESH: bool = true;
    const LACKING_FACTOR: bool = P::LACKING_FACTOR;
}

impl Policy for CanRead {
    const ROLE: Role = Role::Viewer;
}

impl Policy for CanPublish {
    const ROLE: Role = Role::Publisher;
}

impl Policy for CanAdminister {
    const ROLE: Role = Role::Owner;
}

/// The manager who is logged in, admitted by the policy `P`.
pub struct Manager<P> {
    manager: domain::Manager,
    /// Where they ask from.
    pub address: ClientAddress,
    /// The hash of the session's id.
    pub session_hash: String,
    /// Whether the policy asks them for a second factor that they don't have.
    pub lacks_factor: bool,
    /// For the scripts of the page that answers.
    pub nonce: String,
    policy: PhantomData<P>,
}

impl<P> Deref for Manager<P> {
    type Target = domain::Manager;

    fn deref(&self) -> &domain::Manager {
        &self.manager
    }
}

impl<P> Manager<P> {
    /// Who the audit names.
    pub fn actor(&self) -> Actor {
        Actor::of(&self.manager, self.address)
    }

    /// Whether this manager may also do what asks for `role`.
    pub fn is_at_least(&self, role: Role) -> bool {
        self.role >= role
    }
}

/// Where the request comes from.
fn address(parts: &Parts) -> ClientAddress {
    parts.extensions.get().copied().unwrap_or(ClientAddress(None))
}

impl<P: Policy> FromRequestParts<State> for Manager<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let stranger = || Error::LoginRequired(way_back(parts));
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(stranger)?;
        let found = logged_in(&session, state).await?.ok_or_else(stranger)?;
        admit::<P>(&found, parts, state).await?;
        Ok(Self {
            manager: found.manager,
            address: address(parts),
            session_hash: found.session_hash,
            lacks_factor: found.lacks_factor,
            nonce: parts.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default(),
            policy: PhantomData,
        })
    }
}

/// Who is logged in, as the session and the database know it.
struct LoggedIn {
    manager: domain::Manager,
    session_hash: String,
    /// When they last proved who they are: at the login, or later.
    proved_at: DateTime<Utc>,
    /// Whether the policy asks them for a second factor that they don't have.
    lacks_factor: bool,
}

/// Refuses whom the policy `P` does not admit; who lacks the role is told of in the audit.
async fn admit<P: Policy>(found: &LoggedIn, parts: &Parts, state: &State) -> Result<(), Error> {
    if found.manager.role < P::ROLE {
        let (actor, what) =
            (Actor::of(&found.manager, address(parts)), format!("{} {}", parts.method, parts.uri.path()));
        refusal::record(state, actor, "manager.refuse-role", &what).await;
        return Err(Error::Forbidden);
    }
    if found.lacks_factor && !P::LACKING_FACTOR {
        return Err(Error::FactorRequired);
    }
    if P::FRESH && !is_fresh(found.proved_at, state.clock.now()) {
        return Err(Error::ProofRequired);
    }
    Ok(())
}

/// Who is logged in, if the session lives and the manager is active. Notes the use of the session, at
/// most once a minute.
async fn logged_in(session: &Session, state: &State) -> Result<Option<LoggedIn>, Error> {
    let named: Option<String> = session.get(session::MANAGER).await?;
    let (Some(id), Some(manager)) = (session.id(), named.as_deref().and_then(ManagerId::parse)) else {
        return Ok(None);
    };
    let hash = session::hash(id);
    let now = state.clock.now();
    let (idle_since, born_since) = session::limits(now);
    let mut tx = state.db.read().await?;
    let Some(stored) = sessions::find(&mut tx, &hash, idle_since, born_since).await? else { return Ok(None) };
    let manager = match managers::find(&mut tx, &manager).await {
        Ok(manager) if manager.is_active() => manager,
        Ok(_) | Err(crate::db::Error::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let lacks_factor = !session::counted_twice(&stored)? && policy::is_unmet(&mut tx, &manager.id).await?;
    drop(tx);
    if now - stored.last_seen_at >= session::TOUCH_AFTER {
        let mut tx = state.db.write().await?;
        sessions::touch(&mut tx, &hash, now).await?;
        tx.commit_unaudited().await?;
    }
    let proved_at = session.get(session::PROVED_AT).await?.unwrap_or(stored.created_at);
    Ok(Some(LoggedIn { manager, session_hash: hash, proved_at, lacks_factor }))
}

/// Where to go after the login: the page that was asked for, or the desk where it was an action.
fn way_back(parts: &Parts) -> String {
    match (&parts.method, parts.uri.path_and_query()) {
        (&Method::GET, Some(path)) => path.to_string(),
        _ => "/admin".to_owned(),
    }
}

/// The address to go on to after the login, if it is one of ours: a path that no browser reads as
/// another host.
pub fn safe_next(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let ours = (path == "/admin" || path.starts_with("/admin/")) && next.len() <= 1000;
    let plain = next.chars().all(|c| c.is_ascii_graphic() && c != '\\') && !path.contains("//") && !path.contains("..");
    if ours && plain { next } else { "/admin" }
}

/// What the browser says of itself.
pub struct UserAgent(pub String);

impl<S: Send + Sync> FromRequestParts<S> for UserAgent {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(value.unwrap_or_default().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_nobody_is_sent_elsewhere() {
        assert_eq!(safe_next("/admin/incidents?before=1"), "/admin/incidents?before=1");
        for bad in [
            "",
            "//evil.test",
            "/\\evil",
            "https:evil",
            "/%2f%2fevil",
            "/\t/evil",
            "javascript:x",
            "/admin/\r\nSet-Cookie: x",
            "/administrator",
            "/",
            "/admin//evil",
            "/admin/../x",
            &format!("/admin/{}", "x".repeat(9000)),
        ] {
            assert_eq!(safe_next(bad), "/admin", "{bad}");
        }
    }
}
