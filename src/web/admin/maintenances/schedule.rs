//! Rescheduling, extending and cancelling a maintenance.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::maintenance::{address, find_maintenance, fresh_update_id, save};
use crate::db::Tx;
use crate::domain::audit::Action;
use crate::domain::forms::{CancellationForm, ExtensionForm, ScheduleForm};
use crate::domain::{Invalid, Maintenance};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{MaintenanceCancellation, MaintenanceExtension, MaintenanceSchedule};
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::admin::notify;
use crate::web::form::Form;

/// `GET /admin/maintenances/{id}/schedule`
pub async fn edit_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let form = ScheduleForm::from_maintenance(&maintenance);
    show(&state, &mut tx, &manager, &ScheduleEditor { maintenance }, form).await
}

/// `POST /admin/maintenances/{id}/schedule`
pub async fn update_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let (form, editor) = (ScheduleForm::read(&edit.fields), ScheduleEditor { maintenance: before.clone() });
    let form = edit.check_version(&editor, form, saved(&id, &before)).await?;
    let mut after = before.clone();
    let applied = form.apply(&mut after, fresh_update_id(), edit.now);
    edit.check(&editor, form, applied).await?;
    let form_address = format!("{}/schedule", address(&before));
    save(edit, Action::MaintenanceReschedule, (&before, after), form_address, "maintenance-moved").await
}

/// `GET /admin/maintenances/{id}/extension`
pub async fn edit_extension(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let form = ExtensionForm::from_maintenance(&maintenance, state.clock.now());
    show(&state, &mut tx, &manager, &ExtensionEditor { maintenance }, form).await
}

/// `POST /admin/maintenances/{id}/extension`
pub async fn extend(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let (form, editor) = (ExtensionForm::read(&edit.fields), ExtensionEditor { maintenance: before.clone() });
    let form = edit.check_version(&editor, form, saved(&id, &before)).await?;
    let mut after = before.clone();
    let applied = form.apply(&mut after, fresh_update_id(), edit.now);
    edit.check(&editor, form, applied).await?;
    let form_address = format!("{}/extension", address(&before));
    save(edit, Action::MaintenanceExtend, (&before, after), form_address, "maintenance-extended").await
}

/// `GET /admin/maintenances/{id}/cancellation`
pub async fn confirm_cancel(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let form = CancellationForm { body: String::new(), version: maintenance.version };
    show(&state, &mut tx, &manager, &CancellationEditor { maintenance }, form).await
}

/// `POST /admin/maintenances/{id}/cancellation`
pub async fn cancel(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let (form, editor) = (CancellationForm::read(&edit.fields), CancellationEditor { maintenance: before.clone() });
    let form = edit.check_version(&editor, form, saved(&id, &before)).await?;
    let mut after = before.clone();
    let cancelled = form.parse().and_then(|body| {
        after.cancel(body, fresh_update_id(), edit.now).map_err(|sentence| Invalid::field("body", sentence))
    });
    edit.check(&editor, form, cancelled).await?;
    let form_address = format!("{}/cancellation", address(&before));
    save(edit, Action::MaintenanceCancel, (&before, after), form_address, "maintenance-cancelled").await
}

fn saved<'a>(id: &'a str, before: &Maintenance) -> Saved<'a, ()> {
    Saved { audit_id: id, version: before.version, theirs: () }
}

struct ScheduleEditor {
    maintenance: Maintenance,
}

impl Editor for ScheduleEditor {
    type Form = ScheduleForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: ScheduleForm,
        problem: Problem<()>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_maintenance(tx, &self.maintenance).await?;
        let (Problem { invalid, conflict }, maintenance) = (problem, self.maintenance.clone());
        Ok(MaintenanceSchedule { shell, maintenance, form, invalid, conflict }.html())
    }
}

struct ExtensionEditor {
    maintenance: Maintenance,
}

impl Editor for ExtensionEditor {
    type Form = ExtensionForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: ExtensionForm,
        problem: Problem<()>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_maintenance(tx, &self.maintenance).await?;
        let (Problem { invalid, conflict }, maintenance) = (problem, self.maintenance.clone());
        Ok(MaintenanceExtension { shell, maintenance, form, invalid, conflict }.html())
    }
}

struct CancellationEditor {
    maintenance: Maintenance,
}

impl Editor for CancellationEditor {
    type Form = CancellationForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: CancellationForm,
        problem: Problem<()>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_maintenance(tx, &self.maintenance).await?;
        let (Problem { invalid, conflict }, maintenance) = (problem, self.maintenance.clone());
        Ok(MaintenanceCancellation { shell, maintenance, form, invalid, conflict }.html())
    }
}
