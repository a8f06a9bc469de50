//! Who may do what: a handler that takes a [`Manager`] runs only for one whose role its policy admits.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use tower_sessions::Session;

pub use super::bearer::Token;
use super::client::ClientAddress;
use super::headers::Nonce;
use super::{Error, refusal, session};
use crate::db::{managers, sessions};
use crate::domain::audit::Actor;
use crate::domain::{self, ManagerId, Role};
use crate::state::State;

/// What a handler asks of a manager.
pub trait Policy: Send + Sync + 'static {
    /// The least role that will do.
    const ROLE: Role;
}

/// Every manager.
pub struct CanRead;
/// Publishers and owners.
pub struct CanPublish;
/// Owners.
pub struct CanAdminister;

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
    address: ClientAddress,
    /// The hash of the session's id.
    pub session_hash: String,
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
        actor(&self.manager, &self.address)
    }

    /// Whether this manager may also do what asks for `role`.
    pub fn is_at_least(&self, role: Role) -> bool {
        self.role >= role
    }
}

fn actor(manager: &domain::Manager, address: &ClientAddress) -> Actor {
    Actor { manager_id: Some(manager.id.clone()), name: manager.name.clone(), address: address.to_string() }
}

impl<P: Policy> FromRequestParts<State> for Manager<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let stranger = || Error::LoginRequired(way_back(parts));
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(stranger)?;
        let (manager, session_hash) = logged_in(&session, state).await?.ok_or_else(stranger)?;
        if manager.role < P::ROLE {
            let what = format!("{} {}", parts.method, parts.uri.path());
            let address = parts.extensions.get().copied().unwrap_or(ClientAddress(None));
            refusal::record(state, actor(&manager, &address), "manager.refuse-role", &what).await;
            return Err(Error::Forbidden);
        }
        Ok(Self {
            manager,
            address: parts.extensions.get().copied().unwrap_or(ClientAddress(None)),
            session_hash,
            nonce: parts.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default(),
            policy: PhantomData,
        })
    }
}

/// The manager of the session with the session's hash, if the session lives and the manager is active.
/// Notes the use of the session, at most once a minute.
async fn logged_in(session: &Session, state: &State) -> Result<Option<(domain::Manager, String)>, Error> {
    let named: Option<String> = session.get(session::MANAGER).await?;
    let (Some(id), Some(manager)) = (session.id(), named.as_deref().and_then(ManagerId::parse)) else {
        return Ok(None);
    };
    let hash = session::hash(id);
    let now = state.clock.now();
    let (idle_since, born_since) = session::limits(now);
    let mut tx = state.db.read().await?;
    let Some(stored) = sessions::find(&mut tx, &hash, idle_since, born_since).await? else { return Ok(None) };
    let found = managers::find(&mut tx, &manager).await;
    drop(tx);
    let manager = match found {
        Ok(manager) if manager.is_active() => manager,
        Ok(_) | Err(crate::db::Error::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if now - stored.last_seen_at >= session::TOUCH_AFTER {
        let mut tx = state.db.write().await?;
        sessions::touch(&mut tx, &hash, now).await?;
        tx.commit_unaudited().await?;
    }
    Ok(Some((manager, hash)))
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
