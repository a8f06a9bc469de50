//! Every session of every manager, for owners.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::profile::row;
use crate::actions;
use crate::db::sessions::limits;
use crate::db::{managers, sessions};
use crate::domain::ManagerId;
use crate::domain::history::Cursor;
use crate::state::State;
use crate::ui::pages::admin::{SessionList, SessionOf};
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::form::Search;
use crate::web::page::flash::done;
use crate::web::page::layout::shell;
use crate::web::page::page;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// `GET /admin/sessions`
pub async fn index(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let (alive, cursor) = (limits(state.clock.now()), Cursor::parse(&query.text("before")));
    let mut all = sessions::list_all(&mut tx, alive, cursor.as_ref(), pagination::READ).await?;
    let older = pagination::cut(&mut all, |named| sessions::cursor(&named.session));
    let rows = all.into_iter().filter_map(|named| {
        let manager_id = named.session.manager_id.as_deref().and_then(ManagerId::parse)?;
        let session = row(named.session, &manager.session_hash);
        Some(SessionOf { manager_id, manager_name: named.manager_name, session })
    });
    Ok(page(SessionList { shell, sessions: rows.collect(), older }.html()))
}

/// `POST /admin/sessions/{session}/revocation`
pub async fn revoke(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(short): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let session = sessions::find_short(&mut tx, &short, limits(now)).await?.ok_or(Error::NotFound)?;
    let id = session.manager_id.as_deref().and_then(ManagerId::parse).ok_or(Error::NotFound)?;
    let whose = managers::find(&mut tx, &id).await?;
    let entry = actions::managers::revoke_session(&mut tx, &whose, &session.id_hash).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(done("/admin/sessions", "session-revoked"))
}
