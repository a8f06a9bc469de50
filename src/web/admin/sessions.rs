//! Every session of every manager, for owners.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::account::{SHORT_HASH, row};
use super::notice::done;
use super::page;
use super::shell::shell;
use crate::db::{managers, sessions};
use crate::domain::ManagerId;
use crate::domain::audit::Entry;
use crate::state::State;
use crate::ui::pages::admin::{SessionList, SessionOf};
use crate::web::auth::{CanAdminister, Manager};
use crate::web::form::Search;
use crate::web::session::limits;
use crate::web::{Error, Result};

/// `GET /admin/sessions`
pub async fn index(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let (idle_since, born_since) = limits(state.clock.now());
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let known = managers::list(&mut tx).await?;
    let whose = |session: &sessions::Session| {
        let id = session.manager_id.as_deref();
        known.iter().find(|manager| Some(manager.id.as_str()) == id).cloned()
    };
    let all = sessions::list_all(&mut tx, idle_since, born_since).await?;
    let rows = all.into_iter().filter_map(|session| {
        Some(SessionOf { manager: whose(&session)?, session: row(session, &manager.session_hash) })
    });
    Ok(page(SessionList { shell, sessions: rows.collect() }.html()))
}

/// `POST /admin/sessions/{session}/revocation`
pub async fn revoke(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(short): Path<String>,
) -> Result<Response> {
    let (idle_since, born_since) = limits(state.clock.now());
    let mut tx = state.db.write().await?;
    let all = sessions::list_all(&mut tx, idle_since, born_since).await?;
    let named = all.iter().find(|session| short.len() == SHORT_HASH && session.id_hash.starts_with(&short));
    let session = named.ok_or(Error::NotFound)?;
    let id = session.manager_id.as_deref().and_then(ManagerId::parse).ok_or(Error::NotFound)?;
    let whose = managers::find(&mut tx, &id).await?;
    sessions::delete(&mut tx, &session.id_hash).await?;
    let entry = Entry::new("manager.revoke-session", &whose.id, &whose.name);
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(done("/admin/sessions", "session-revoked"))
}
