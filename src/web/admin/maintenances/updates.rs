use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::composer::MaintenanceUpdateComposer;
use super::maintenance::{address, find_maintenance, fresh_update_id, save};
use crate::actions;
use crate::db::Tx;
use crate::domain::audit::Action;
use crate::domain::forms::{MaintenanceUpdateForm, UpdateEditForm};
use crate::domain::{Maintenance, MaintenanceUpdate};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::MaintenanceUpdateEditView;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::composer::{ComposerDraft, check_draft};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show, show_submitted};
use crate::web::admin::incidents::drafts;
use crate::web::form::Form;
use crate::web::{Error, Result};

/// `POST /admin/maintenances/{id}/updates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let (form, draft) = (MaintenanceUpdateForm::read(&fields), ComposerDraft::submitted(&fields));
    if fields.has("preview") && !fields.has("save_draft") {
        let mut tx = state.db.read().await?;
        let composer = MaintenanceUpdateComposer::new(find_maintenance(&mut tx, &id).await?, draft);
        return show_submitted(&state, &mut tx, &manager, &composer, (form, &fields)).await;
    }
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let composer = MaintenanceUpdateComposer::new(before.clone(), draft);
    if edit.fields.has("save_draft") {
        return drafts::save(edit, &composer, form, None).await;
    }
    let saved = Saved { audit_id: &id, version: before.version, theirs: () };
    let form = edit.check_version(&composer, form, saved).await?;
    let draft = check_draft(&mut edit, &composer, form.clone()).await?;
    let mut after = before.clone();
    let posted = form.parse().and_then(|new| new.post(&mut after, fresh_update_id(), edit.now));
    edit.check(&composer, form, posted).await?;
    actions::drafts::delete_published(&mut edit.tx, draft.as_ref()).await?;
    let form_address = format!("{}/updates", address(&before));
    save(edit, Action::MaintenanceUpdate, (&before, after), form_address, "update-posted").await
}

/// `GET /admin/maintenances/{id}/updates/{update}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let update = find_update(&maintenance, &update)?.clone();
    let form = UpdateEditForm::from_update(&update);
    show(&state, &mut tx, &manager, &UpdateEditor { maintenance, update }, form).await
}

/// `POST /admin/maintenances/{id}/updates/{update}`: the earlier text stays in the audit log.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let edited = find_update(&before, &update)?.clone();
    let editor = UpdateEditor { maintenance: before.clone(), update: edited.clone() };
    let saved = Saved { audit_id: &id, version: edited.version, theirs: UpdateEditForm::from_update(&edited) };
    let form = edit.check_version(&editor, UpdateEditForm::read(&edit.fields), saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let mut after = before.clone();
    if let Some(update) = after.updates.iter_mut().find(|other| other.id == edited.id && other.body != new.body) {
        update.body = new.body;
        update.edited_at = Some(edit.now);
        update.version += 1;
    }
    if after == before && !edit.wants_preview() {
        return edit.save(None, &address(&before), "update-saved").await;
    }
    let form_address = format!("{}/updates/{update}", address(&before));
    save(edit, Action::MaintenanceEditUpdate, (&before, after), form_address, "update-saved").await
}

struct UpdateEditor {
    maintenance: Maintenance,
    update: MaintenanceUpdate,
}

impl Editor for UpdateEditor {
    type Form = UpdateEditForm;
    type Theirs = UpdateEditForm;

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        form: UpdateEditForm,
        problem: Problem<UpdateEditForm>,
    ) -> Result<String> {
        let (maintenance, update) = (self.maintenance.clone(), self.update.clone());
        let Problem { invalid, conflict } = problem;
        Ok(MaintenanceUpdateEditView { shell, maintenance, update, form, invalid, conflict }.html())
    }
}

fn find_update<'a>(maintenance: &'a Maintenance, update: &str) -> Result<&'a MaintenanceUpdate> {
    maintenance.updates.iter().find(|other| other.id.as_str() == update).ok_or(Error::NotFound)
}
