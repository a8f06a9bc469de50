//! All sessions of all managers, for owners.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::profile::session_row;
use crate::actions;
use crate::db::sessions::limits;
use crate::db::{managers, sessions};
use crate::domain::ManagerId;
use crate::domain::history::Cursor;
use crate::state::State;
use crate::ui::pages::admin::{OwnedSession, SessionList};
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::form::QueryFields;
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// `GET /admin/sessions`
pub async fn index(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let (alive, cursor) = (limits(&mut tx, state.clock.now()).await?, Cursor::parse(&query.text("before")));
    let mut all = sessions::list_all(&mut tx, alive, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut all, |named| sessions::cursor(&named.session));
    let rows = all.into_iter().filter_map(|named| {
        let manager_id = named.session.manager_id.as_deref().and_then(ManagerId::parse)?;
        let session = session_row(named.session, &manager.session_hash);
        Some(OwnedSession { manager_id, manager_name: named.manager_name, session })
    });
    Ok(page_response(SessionList { shell, sessions: rows.collect(), older }.html()))
}

/// `POST /admin/sessions/{session}/revocation`
pub async fn revoke(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(short): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let alive = limits(&mut tx, now).await?;
    let session = sessions::find_short(&mut tx, &short, alive).await?.ok_or(Error::NotFound)?;
    let id = session.manager_id.as_deref().and_then(ManagerId::parse).ok_or(Error::NotFound)?;
    let whose = managers::find(&mut tx, &id).await?;
    let entry = actions::managers::revoke_session(&mut tx, &whose, &session.id_hash).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(redirect_with_flash("/admin/sessions", "session-revoked"))
}
