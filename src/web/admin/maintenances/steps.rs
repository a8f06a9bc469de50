//! Starting a maintenance by hand, undoing that, and completing it.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::composer::can_undo_start;
use super::maintenance::{address, find_maintenance, fresh_update_id, save};
use crate::db::Tx;
use crate::domain::Maintenance;
use crate::domain::audit::Action;
use crate::domain::forms::StartForm;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::MaintenanceStart;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::admin::notify;
use crate::web::form::Form;
use crate::web::{Error, Result};

/// `GET /admin/maintenances/{id}/beginning`: asks before a maintenance starts ahead of its schedule.
pub async fn confirm_begin(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let form = StartForm { version: maintenance.version };
    show(&state, &mut tx, &manager, &StartEditor { maintenance }, form).await
}

/// `POST /admin/maintenances/{id}/beginning`: starts the maintenance now, regardless of its schedule.
pub async fn begin(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let (form, editor) = (StartForm::read(&edit.fields), StartEditor { maintenance: before.clone() });
    let mut after = before.clone();
    after.begin(fresh_update_id(), edit.now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    let saved = Saved { audit_id: &id, version: before.version, theirs: () };
    let form = edit.check_version(&editor, form, saved).await?;
    // Returning from the preview of the page shows the question again.
    edit.check(&editor, form, Ok(())).await?;
    let form_address = format!("{}/beginning", address(&before));
    save(edit, Action::MaintenanceStart, (&before, after), form_address, "maintenance-begun").await
}

/// `POST /admin/maintenances/{id}/beginning/withdrawal`: undoes an early start if nothing has changed since.
pub async fn undo_begin(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    check_seen_version(&edit, &before)?;
    if !can_undo_start(&mut edit.tx, &before).await? {
        return Err(Error::Conflict("This maintenance was changed after its start; the start can't be undone.".into()));
    }
    let mut after = before.clone();
    after.undo_start(edit.now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    let form_address = address(&before);
    save(edit, Action::MaintenanceUndoStart, (&before, after), form_address, "maintenance-start-undone").await
}

/// `POST /admin/maintenances/{id}/completion`
pub async fn complete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let mut after = before.clone();
    after.complete(fresh_update_id(), edit.now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    check_seen_version(&edit, &before)?;
    let form_address = address(&before);
    save(edit, Action::MaintenanceComplete, (&before, after), form_address, "maintenance-completed").await
}

/// Denies a step on a version that the manager has not seen.
fn check_seen_version(edit: &Edit<CanPublish>, it: &Maintenance) -> Result<()> {
    if edit.fields.version() == it.version {
        return Ok(());
    }
    Err(Error::Conflict("The maintenance was changed in the meantime. Check it again.".into()))
}

struct StartEditor {
    maintenance: Maintenance,
}

impl Editor for StartEditor {
    type Form = StartForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: StartForm,
        problem: Problem<()>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_maintenance(tx, &self.maintenance).await?;
        let (maintenance, conflict) = (self.maintenance.clone(), problem.conflict);
        Ok(MaintenanceStart { shell, maintenance, form, conflict }.html())
    }
}
