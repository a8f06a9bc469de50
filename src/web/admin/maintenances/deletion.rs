//! Deleting a maintenance. Its title confirms it, as for an incident.

use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::maintenance::find_maintenance;
use crate::actions;
use crate::db::Tx;
use crate::domain::Maintenance;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::MaintenanceDeletion;
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, show};
use crate::web::form::Form;

/// `GET /admin/maintenances/{id}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    show(&state, &mut tx, &manager, &DeletionEditor { maintenance }, String::new()).await
}

/// `POST /admin/maintenances/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let maintenance = find_maintenance(&mut edit.tx, &id).await?;
    let editor = DeletionEditor { maintenance: maintenance.clone() };
    edit.check_deletion(&editor, ("maintenance", maintenance.version, &maintenance.title)).await?;
    let entries = actions::maintenances::delete(&mut edit.tx, &maintenance, edit.now).await?;
    edit.save(entries, "/admin/maintenances", "maintenance-deleted").await
}

struct DeletionEditor {
    maintenance: Maintenance,
}

impl Editor for DeletionEditor {
    type Form = String;
    type Theirs = ();

    async fn html(&self, _: &mut Tx, shell: AdminContext, typed: String, problem: Problem<()>) -> Result<String> {
        let maintenance = self.maintenance.clone();
        Ok(MaintenanceDeletion { shell, maintenance, typed, invalid: problem.invalid }.html())
    }
}
