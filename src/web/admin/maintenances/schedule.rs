//! Another time for a maintenance, more time, and no time at all.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::maintenance::{find, fresh_update_id, rehearse, save};
use crate::domain::Invalid;
use crate::domain::audit::Action;
use crate::domain::forms::{CancellationForm, ExtensionForm, Fields, ScheduleForm};
use crate::state::State;
use crate::ui::pages::admin::{MaintenanceCancellation, MaintenanceExtension, MaintenanceSchedule};
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::preview;
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page};

/// `GET /admin/maintenances/{id}/schedule`
pub async fn edit_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = ScheduleForm::of(&maintenance);
    Ok(page(MaintenanceSchedule { shell, maintenance, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `POST /admin/maintenances/{id}/schedule`
pub async fn update_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = ScheduleForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    let changed = form.version != before.version;
    if changed {
        let met = Some(conflict_with(&mut tx, &id, ()).await?);
        form.version = before.version;
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        let html = MaintenanceSchedule { shell, maintenance, form, invalid: wrong, conflict: met }.html();
        return Ok(conflict(html));
    }
    if fields.has("preview") {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        return Ok(page(MaintenanceSchedule { shell, maintenance, form, invalid: wrong, conflict: None }.html()));
    }
    if let Err(wrong) = form.apply(&mut after, fresh_update_id(), now) {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let maintenance = before;
        return Ok(invalid(MaintenanceSchedule { shell, maintenance, form, invalid: wrong, conflict: None }.html()));
    }
    if preview::is_asked(&fields) {
        let action = format!("/admin/maintenances/{id}/schedule");
        return rehearse(&state, tx, &manager, after, action, &fields).await;
    }
    save(&state, tx, &manager, Action::MaintenanceReschedule, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-moved"))
}

/// `GET /admin/maintenances/{id}/extension`
pub async fn edit_extension(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = ExtensionForm::of(&maintenance, state.clock.now());
    Ok(page(MaintenanceExtension { shell, maintenance, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `POST /admin/maintenances/{id}/extension`
pub async fn extend(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = ExtensionForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, ()).await?);
        form.version = before.version;
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        let html = MaintenanceExtension { shell, maintenance, form, invalid: wrong, conflict: met }.html();
        return Ok(conflict(html));
    }
    if fields.has("preview") {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        return Ok(page(MaintenanceExtension { shell, maintenance, form, invalid: wrong, conflict: None }.html()));
    }
    if let Err(wrong) = form.apply(&mut after, fresh_update_id(), now) {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let maintenance = before;
        return Ok(invalid(MaintenanceExtension { shell, maintenance, form, invalid: wrong, conflict: None }.html()));
    }
    if preview::is_asked(&fields) {
        let action = format!("/admin/maintenances/{id}/extension");
        return rehearse(&state, tx, &manager, after, action, &fields).await;
    }
    save(&state, tx, &manager, Action::MaintenanceExtend, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-extended"))
}

/// `GET /admin/maintenances/{id}/cancellation`
pub async fn doom(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = CancellationForm { body: String::new(), version: maintenance.version };
    Ok(page(MaintenanceCancellation { shell, maintenance, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `POST /admin/maintenances/{id}/cancellation`
pub async fn cancel(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = CancellationForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, ()).await?);
        form.version = before.version;
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        let html = MaintenanceCancellation { shell, maintenance, form, invalid: wrong, conflict: met }.html();
        return Ok(conflict(html));
    }
    if fields.has("preview") {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let (maintenance, wrong) = (before, Invalid::new());
        return Ok(page(MaintenanceCancellation { shell, maintenance, form, invalid: wrong, conflict: None }.html()));
    }
    let cancelled = form.parse().and_then(|body| {
        after.cancel(body, fresh_update_id(), now).map_err(|sentence| Invalid::field("body", sentence))
    });
    if let Err(wrong) = cancelled {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let maintenance = before;
        return Ok(invalid(
            MaintenanceCancellation { shell, maintenance, form, invalid: wrong, conflict: None }.html(),
        ));
    }
    if preview::is_asked(&fields) {
        let action = format!("/admin/maintenances/{id}/cancellation");
        return rehearse(&state, tx, &manager, after, action, &fields).await;
    }
    save(&state, tx, &manager, Action::MaintenanceCancel, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-cancelled"))
}
