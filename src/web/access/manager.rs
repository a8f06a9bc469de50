//! Managers: a handler with a [`Manager`] runs only if the manager's role satisfies the policy.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::PoisonError;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use chrono::{DateTime, Utc};
use tower_sessions::Session;

use super::{denied_audit, session};
use crate::db::{self, Tx, WriteTx, login_policy, managers, sessions};
use crate::domain::audit::{Action, Actor};
use crate::domain::second_factor::is_fresh;
use crate::domain::{self, ManagerId, Role};
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::Nonce;
use crate::web::{Error, Result};

/// What a handler requires of a manager.
pub trait Policy: Send + Sync + 'static {
    /// The lowest role that is admitted.
    const ROLE: Role;
    /// Whether the manager must have proved their identity in the last ten minutes.
    const FRESH: bool = false;
    /// Whether managers without the required second factor are admitted.
    const ALLOWS_MISSING_FACTOR: bool = false;
}

/// Every role, even without the required second factor.
pub struct CanEnter;
pub struct CanRead;
pub struct CanPublish;
pub struct CanAdminister;

/// As `P`, with a recent proof of identity.
pub struct Fresh<P>(PhantomData<P>);

impl Policy for CanEnter {
    const ROLE: Role = Role::Viewer;
    const ALLOWS_MISSING_FACTOR: bool = true;
}

impl<P: Policy> Policy for Fresh<P> {
    const ROLE: Role = P::ROLE;
    const FRESH: bool = true;
    const ALLOWS_MISSING_FACTOR: bool = P::ALLOWS_MISSING_FACTOR;
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

/// The logged-in manager, admitted by policy `P`.
pub struct Manager<P> {
    manager: domain::Manager,
    pub address: ClientAddress,
    pub session_hash: String,
    /// Whether the login policy requires a second factor that the manager lacks.
    pub lacks_factor: bool,
    pub nonce: String,
    request: RequestInfo,
    policy: PhantomData<P>,
}

struct RequestInfo {
    method: Method,
    path: String,
    return_path: String,
}

impl<P> Deref for Manager<P> {
    type Target = domain::Manager;

    fn deref(&self) -> &domain::Manager {
        &self.manager
    }
}

impl<P> Manager<P> {
    pub fn actor(&self) -> Actor {
        Actor::from_manager(&self.manager, self.address)
    }

    pub fn is_at_least(&self, role: Role) -> bool {
        self.role >= role
    }
}

fn client_address_of(parts: &Parts) -> ClientAddress {
    parts.extensions.get().copied().unwrap_or(ClientAddress(None))
}

impl<P: Policy> FromRequestParts<State> for Manager<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self> {
        let stranger = || Error::LoginRequired(return_path(parts));
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(stranger)?;
        let found = load_current_session(&session, state).await?.ok_or_else(stranger)?;
        let manager = Self {
            manager: found.manager.clone(),
            address: client_address_of(parts),
            session_hash: found.session_hash.clone(),
            lacks_factor: found.lacks_factor,
            nonce: parts.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default(),
            request: RequestInfo {
                method: parts.method.clone(),
                path: parts.uri.path().to_owned(),
                return_path: return_path(parts),
            },
            policy: PhantomData,
        };
        match manager.check_policy(&found, state) {
            Some(error) => Err(manager.record_denial(error, state).await),
            None => Ok(manager),
        }
    }
}

impl<P: Policy> Manager<P> {
    /// Begins the transaction of a change. Reading the request may take half a minute, so session, role, second factor
    /// and proof are checked again here. `web::admin` may write for a manager only through this; a test forbids
    /// `Db::write` there.
    ///
    /// # Errors
    /// As the extractor, and `TooManyDeeds` if the session changed too much recently.
    pub async fn begin(&self, state: &State) -> Result<WriteTx> {
        Ok(self.begin_as(state).await?.0)
    }

    /// As [`Manager::begin`], with the manager as loaded in this transaction.
    pub async fn begin_as(&self, state: &State) -> Result<(WriteTx, domain::Manager)> {
        let mut tx = state.db.write().await?;
        let found = find_current_session(&mut tx, &self.session_hash, &self.manager.id, state.clock.now()).await?;
        let Some(found) = found else { return Err(Error::LoginRequired(self.request.return_path.clone())) };
        if let Some(error) = self.check_policy(&found, state) {
            // Recording the denial needs a write transaction of its own.
            drop(tx);
            return Err(self.record_denial(error, state).await);
        }
        if self.request.method != Method::GET {
            self.count_change(&found, state)?;
        }
        Ok((tx, found.manager))
    }

    /// Why the policy denies the manager, if it does.
    fn check_policy(&self, found: &CurrentSession, state: &State) -> Option<Error> {
        if found.manager.role < P::ROLE {
            return Some(Error::Forbidden);
        }
        if found.lacks_factor && !P::ALLOWS_MISSING_FACTOR {
            return Some(Error::FactorRequired(self.request.return_path.clone()));
        }
        (P::FRESH && !is_fresh(found.proved_at, state.clock.now())).then_some(Error::ProofRequired)
    }

    /// Audits a denial by role. The other errors only ask for a login, a factor or a proof.
    async fn record_denial(&self, error: Error, state: &State) -> Error {
        if matches!(error, Error::Forbidden) {
            let what = denied_audit::describe_request(&self.request.method, &self.request.path);
            denied_audit::record_denial(state, self.actor(), Action::ManagerDenyRole, &what).await;
        }
        error
    }

    /// Counts a change of this session. Changes that every viewer may make have a limit of their own.
    fn count_change(&self, found: &CurrentSession, state: &State) -> Result<()> {
        let mut deeds = state.session_changes().lock().unwrap_or_else(PoisonError::into_inner);
        let rate = if P::ROLE == Role::Viewer { &mut deeds.own_account } else { &mut deeds.others };
        // The session id changes with every proof; the start stays.
        let session = (self.manager.id.clone(), found.started_at);
        rate.count(session, state.clock.monotonic()).map_err(Error::TooManyChanges)
    }
}

/// The session with its manager, as loaded from the database.
struct CurrentSession {
    manager: domain::Manager,
    session_hash: String,
    started_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    /// When the manager last proved their identity: at the login, or later.
    proved_at: DateTime<Utc>,
    lacks_factor: bool,
}

/// The current session, if it is valid and its manager active. Records the use, at most once a minute.
async fn load_current_session(session: &Session, state: &State) -> Result<Option<CurrentSession>> {
    let manager = session::load(session).await?.manager;
    let (Some(id), Some(manager)) = (session.id(), manager) else {
        return Ok(None);
    };
    let now = state.clock.now();
    let mut tx = state.db.read().await?;
    let Some(found) = find_current_session(&mut tx, &session::hash_id(id), &manager, now).await? else {
        return Ok(None);
    };
    drop(tx);
    if now - found.last_seen_at >= session::TOUCH_AFTER {
        let mut tx = state.db.write().await?;
        sessions::touch(&mut tx, &found.session_hash, now).await?;
        tx.commit_unaudited().await?;
    }
    Ok(Some(found))
}

/// The valid session with this hash, if its manager is active.
async fn find_current_session(
    tx: &mut Tx,
    session_hash: &str,
    manager: &ManagerId,
    now: DateTime<Utc>,
) -> db::Result<Option<CurrentSession>> {
    let (idle_since, created_after) = sessions::limits(tx, now).await?;
    let stored = sessions::find(tx, session_hash, idle_since, created_after).await?;
    let stored = stored.filter(|stored| stored.manager_id.as_deref() == Some(manager.as_str()));
    let Some(stored) = stored else { return Ok(None) };
    let manager = match managers::find(tx, manager).await {
        Ok(manager) if manager.is_active() => manager,
        Ok(_) | Err(db::Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let data = session::parse_data(&stored)?;
    let lacks_factor = !data.second_factor && login_policy::lacks_factor(tx, &manager.id).await?;
    Ok(Some(CurrentSession {
        manager,
        session_hash: session_hash.to_owned(),
        started_at: stored.created_at,
        last_seen_at: stored.last_seen_at,
        proved_at: data.reauthenticated_at.unwrap_or(stored.created_at),
        lacks_factor,
    }))
}

/// The path to return to after the login: the requested page, or the dashboard if the request was an action.
fn return_path(parts: &Parts) -> String {
    match (&parts.method, parts.uri.path_and_query()) {
        (&Method::GET, Some(path)) => path.to_string(),
        _ => "/admin".to_owned(),
    }
}

/// `next` if it is a path of the admin that no browser reads as another host, otherwise `/admin`.
pub fn safe_return_path(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let ours = (path == "/admin" || path.starts_with("/admin/")) && next.len() <= 1000;
    let plain = next.chars().all(|c| c.is_ascii_graphic() && c != '\\') && !path.contains("//") && !path.contains("..");
    if ours && plain { next } else { "/admin" }
}

pub struct UserAgent(pub String);

impl<S: Send + Sync> FromRequestParts<S> for UserAgent {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(value.unwrap_or_default().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_redirects_stay_on_this_site() {
        assert_eq!(safe_return_path("/admin/incidents?before=1"), "/admin/incidents?before=1");
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
            assert_eq!(safe_return_path(bad), "/admin", "{bad}");
        }
    }
}
