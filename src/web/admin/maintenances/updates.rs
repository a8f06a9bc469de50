use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::maintenance::{find, fresh_update_id, rehearse, save};
use crate::domain::audit::Action;
use crate::domain::forms::{Fields, MaintenanceUpdateForm, UpdateEditForm};
use crate::domain::{Invalid, Maintenance, MaintenanceUpdate};
use crate::state::State;
use crate::ui::pages::admin::{MaintenanceUpdateEditing, MaintenanceView};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::preview;
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page};
use crate::web::{Error, Result};

/// `POST /admin/maintenances/{id}/updates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = MaintenanceUpdateForm::read(&fields);
    let none = Fields::default();
    if fields.has("preview") {
        let mut tx = state.db.read().await?;
        let maintenance = find(&mut tx, &id).await?;
        let shell = shell(&state, &mut tx, &manager, &none).await?;
        return Ok(page(MaintenanceView { shell, maintenance, form, invalid: Invalid::new(), conflict: None }.html()));
    }
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, ()).await?);
        form.version = before.version;
        let shell = shell(&state, &mut tx, &manager, &none).await?;
        let view = MaintenanceView { shell, maintenance: before, form, invalid: Invalid::new(), conflict: met };
        return Ok(conflict(view.html()));
    }
    let mut after = before.clone();
    if let Err(wrong) = form.parse().and_then(|new| new.post(&mut after, fresh_update_id(), now)) {
        let shell = shell(&state, &mut tx, &manager, &none).await?;
        let view = MaintenanceView { shell, maintenance: before, form, invalid: wrong, conflict: None };
        return Ok(invalid(view.html()));
    }
    if preview::is_asked(&fields) {
        return rehearse(&state, tx, &manager, after, format!("/admin/maintenances/{id}/updates"), &fields).await;
    }
    save(&state, tx, &manager, Action::MaintenanceUpdate, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "update-posted"))
}

/// `GET /admin/maintenances/{id}/updates/{update}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let update = named(&maintenance, &update)?.clone();
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = UpdateEditForm::of(&update);
    let editing =
        MaintenanceUpdateEditing { shell, maintenance, update, form, invalid: Invalid::new(), conflict: None };
    Ok(page(editing.html()))
}

/// `POST /admin/maintenances/{id}/updates/{update}`: the earlier text stays in the audit.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = UpdateEditForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let stands = named(&before, &update)?.clone();
    let (changed, previewing) = (form.version != stands.version, fields.has("preview"));
    let parsed = form.parse();
    let Some(edit) = parsed.as_ref().ok().filter(|_| !changed && !previewing) else {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let met = if changed { Some(conflict_with(&mut tx, &id, UpdateEditForm::of(&stands)).await?) } else { None };
        form.version = stands.version;
        let wrong = if previewing { Invalid::new() } else { parsed.err().unwrap_or_default() };
        let (maintenance, update) = (before, stands);
        let html = MaintenanceUpdateEditing { shell, maintenance, update, form, invalid: wrong, conflict: met }.html();
        return Ok(match (changed, previewing) {
            (true, _) => conflict(html),
            (false, true) => page(html),
            (false, false) => invalid(html),
        });
    };
    let mut after = before.clone();
    let differing = after.updates.iter_mut().find(|other| other.id == stands.id && other.body != edit.body);
    let differs = differing.is_some();
    if let Some(update) = differing {
        update.body.clone_from(&edit.body);
        update.edited_at = Some(now);
        update.version += 1;
    }
    if preview::is_asked(&fields) {
        let action = format!("/admin/maintenances/{id}/updates/{update}");
        return rehearse(&state, tx, &manager, after, action, &fields).await;
    }
    if differs {
        save(&state, tx, &manager, Action::MaintenanceEditUpdate, &before, after).await?;
    }
    Ok(done(&format!("/admin/maintenances/{id}"), "update-saved"))
}

fn named<'a>(maintenance: &'a Maintenance, update: &str) -> Result<&'a MaintenanceUpdate> {
    maintenance.updates.iter().find(|other| other.id.as_str() == update).ok_or(Error::NotFound)
}
