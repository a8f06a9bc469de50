use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::incident::{address, find_incident};
use crate::actions;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::Edit;
use crate::web::admin::preview::{self, PreviewRequest};
use crate::web::form::Form;
use crate::web::{Error, Result};

/// `POST /admin/incidents/{id}/publication`: makes the incident public.
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_incident(&mut edit.tx, &id).await?;
    let address = address(&before);
    if before.visibility.is_public() {
        return edit.save(None, &address, "incident-published").await;
    }
    check_seen_version(&edit.fields, before.version)?;
    edit.apply_notify_switch(&id, before.newest_update().map(|update| &update.id)).await?;
    let (incident, entry) = actions::incidents::publish(&mut edit.tx, &before, edit.now).await?;
    if edit.wants_preview() {
        let what = PreviewRequest::incident(&incident, format!("{address}/publication"), &edit.fields);
        return preview::show_preview(&edit.state, edit.tx, &edit.manager, what.cancel_path(address)).await;
    }
    edit.save([entry], &address, "incident-published").await
}

/// Denies publishing a version that the manager has not seen.
fn check_seen_version(fields: &Fields, version: i64) -> Result<()> {
    if fields.version() == version {
        return Ok(());
    }
    Err(Error::Conflict("The incident was changed in the meantime and was not published. Check it again.".into()))
}
