use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::drafts;
use super::incident::{address, find_incident};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{Tx, components};
use crate::domain::forms::{Fields, UpdateEditForm, UpdateForm};
use crate::domain::{Incident, Update, UpdateId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{UpdateDeletion, UpdateEditView};
use crate::web::access::manager::{CanPublish, Fresh, Manager};
use crate::web::admin::composer::{ComposerDraft, UpdateComposer, check_draft, check_status, confirmed_phase};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show, show_submitted};
use crate::web::form::Form;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// `POST /admin/incidents/{id}/updates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let (mut form, draft) = (UpdateForm::read(&fields), ComposerDraft::submitted(&fields));
    form.phase = confirmed_phase(&fields, form.phase);
    if fields.has("preview") && !fields.has("save_draft") {
        let mut tx = state.db.read().await?;
        let incident = find_incident(&mut tx, &id).await?;
        let composer = UpdateComposer::new(incident, draft);
        return show_submitted(&state, &mut tx, &manager, &composer, (form, &fields)).await;
    }
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_incident(&mut edit.tx, &id).await?;
    let composer = UpdateComposer::new(before.clone(), draft);
    if edit.fields.has("save_draft") {
        return drafts::save(edit, &composer, form, Some(before.id)).await;
    }
    let saved = Saved { audit_id: &id, version: before.version, theirs: () };
    let form = edit.check_version(&composer, form, saved).await?;
    let draft = check_draft(&mut edit, &composer, form.clone()).await?;
    let mut after = before.clone();
    let components = components::list(&mut edit.tx).await?;
    let update = UpdateId::from_random(random_bytes());
    let posted = form.parse().and_then(|new| new.post(&mut after, update, &components, edit.now));
    edit.check(&composer, form.clone(), posted).await?;
    if edit.wants_preview() {
        return edit.preview_incident(after, format!("{}/updates", address(&before))).await;
    }
    let body = form.body.clone();
    check_status(&mut edit, &composer, form, (after.phase, &body)).await?;
    edit.apply_notify_switch(&id, after.newest_update().map(|update| &update.id)).await?;
    let entry = actions::incidents::post_update(&mut edit.tx, &before, &mut after, draft.as_ref(), edit.now).await?;
    edit.save([entry], &address(&before), "update-posted").await
}

/// `GET /admin/incidents/{id}/updates/{update}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    let update = find_update(&incident, &update)?.clone();
    let form = UpdateEditForm::from_update(&update);
    show(&state, &mut tx, &manager, &UpdateEditor { incident, update }, form).await
}

/// `POST /admin/incidents/{id}/updates/{update}`: the earlier text stays in the audit log.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_incident(&mut edit.tx, &id).await?;
    let edited = find_update(&before, &update)?.clone();
    let editor = UpdateEditor { incident: before.clone(), update: edited.clone() };
    let saved = Saved { audit_id: &id, version: edited.version, theirs: UpdateEditForm::from_update(&edited) };
    let form = edit.check_version(&editor, UpdateEditForm::read(&edit.fields), saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let address = address(&before);
    if new.body == edited.body && !edit.wants_preview() {
        return edit.save(None, &address, "update-saved").await;
    }
    let mut after = before.clone();
    if let Some(update) = after.updates.iter_mut().find(|other| other.id == edited.id) {
        update.body = new.body;
        update.edited_at = Some(edit.now);
        update.version += 1;
    }
    if edit.wants_preview() {
        return edit.preview_incident(after, format!("{address}/updates/{update}")).await;
    }
    let entry = actions::incidents::edit_update(&mut edit.tx, &before, &mut after, edit.now).await?;
    edit.save([entry], &address, "update-saved").await
}

struct UpdateEditor {
    incident: Incident,
    update: Update,
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
        let (incident, update) = (self.incident.clone(), self.update.clone());
        let Problem { invalid, conflict } = problem;
        Ok(UpdateEditView { shell, incident, update, form, invalid, conflict }.html())
    }
}

/// `GET /admin/incidents/{id}/updates/{update}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    let update = find_update(&incident, &update)?.clone();
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(UpdateDeletion { shell, incident, update }.html()))
}

/// `POST /admin/incidents/{id}/updates/{update}/deletion`: only the newest update, and not the only one.
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_incident(&mut edit.tx, &id).await?;
    let deleted = find_update(&before, &update)?;
    let mut after = before.clone();
    after.delete_newest_update(&deleted.id).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    if deleted.version != edit.fields.version() {
        let sentence = "Someone edited this update in the meantime. Read it before you delete it.";
        return Err(Error::Conflict(sentence.to_owned()));
    }
    let entry = actions::incidents::delete_update(&mut edit.tx, &before, &mut after, edit.now).await?;
    edit.save([entry], &address(&before), "update-deleted").await
}

fn find_update<'a>(incident: &'a Incident, update: &str) -> Result<&'a Update> {
    incident.updates.iter().find(|other| other.id.as_str() == update).ok_or(Error::NotFound)
}
