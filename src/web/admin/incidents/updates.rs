use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::drafts::{self, Found};
use super::incident::{Composing, find, view};
use crate::actions;
use crate::credentials::random;
use crate::db::{Tx, components};
use crate::domain::forms::{Fields, UpdateEditForm, UpdateForm};
use crate::domain::{Incident, IncidentId, Invalid, Update, UpdateId};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, UpdateDeletion, UpdateEditing};
use crate::web::access::manager::{CanPublish, Fresh, Manager};
use crate::web::admin::preview;
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page};
use crate::web::{Error, Result};

/// `POST /admin/incidents/{id}/updates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = UpdateForm::read(&fields);
    if fields.has("save_draft") {
        let id = IncidentId::parse(&id).ok_or(Error::NotFound)?;
        return drafts::keep(&state, &manager, Some(id), &fields).await;
    }
    if fields.has("preview") {
        let mut tx = state.db.read().await?;
        let incident = find(&mut tx, &id).await?;
        return Ok(page(again(&state, &mut tx, &manager, &fields, incident, form, Invalid::new(), None).await?));
    }
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let mut incident = find(&mut tx, &id).await?;
    if form.version != incident.version {
        let met = Some(conflict_with(&mut tx, &id, ()).await?);
        form.version = incident.version;
        return Ok(conflict(again(&state, &mut tx, &manager, &fields, incident, form, Invalid::new(), met).await?));
    }
    let draft = match drafts::met(&mut tx, &fields).await? {
        Found::Met(met) => return drafts::refused(&state, tx, &manager, Some(incident), &fields, met).await,
        Found::Same(draft) => Some(draft),
        Found::None => None,
    };
    let before = incident.clone();
    let components = components::list(&mut tx).await?;
    let update = UpdateId::from_random(random());
    let posted = form.parse().and_then(|new| new.post(&mut incident, update, &components, now));
    if let Err(wrong) = posted {
        return Ok(invalid(again(&state, &mut tx, &manager, &fields, before, form, wrong, None).await?));
    }
    if preview::is_asked(&fields) {
        let action = format!("/admin/incidents/{id}/updates");
        return preview::of_incident(&state, tx, &manager, incident, action, &fields).await;
    }
    let entry = actions::incidents::post_update(&mut tx, &before, &mut incident, draft.as_ref(), now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/incidents/{id}"), "update-posted"))
}

/// The composer of an update, as it was submitted.
#[expect(clippy::too_many_arguments, reason = "one for each thing the page shows")]
async fn again(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    fields: &Fields,
    incident: Incident,
    form: UpdateForm,
    invalid: Invalid,
    conflict: Option<Conflict<()>>,
) -> Result<String> {
    let composing = Composing { invalid, conflict, aids: drafts::aids(tx, fields, None).await? };
    view(state, tx, manager, &Fields::default(), incident, form, composing).await
}

/// `GET /admin/incidents/{id}/updates/{update}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let update = named(&incident, &update)?.clone();
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = UpdateEditForm::of(&update);
    Ok(page(UpdateEditing { shell, incident, update, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `POST /admin/incidents/{id}/updates/{update}`: the earlier text stays in the audit.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = UpdateEditForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let mut incident = find(&mut tx, &id).await?;
    let stands = named(&incident, &update)?.clone();
    let parsed = form.parse();
    let changed = form.version != stands.version;
    let edit = match parsed {
        Ok(edit) if !changed && !fields.has("preview") => edit,
        parsed => {
            let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
            let met =
                if changed { Some(conflict_with(&mut tx, &id, UpdateEditForm::of(&stands)).await?) } else { None };
            form.version = stands.version;
            let previewing = fields.has("preview");
            let wrong = if previewing { Invalid::new() } else { parsed.err().unwrap_or_default() };
            let html = UpdateEditing { shell, incident, update: stands, form, invalid: wrong, conflict: met }.html();
            return Ok(if changed {
                conflict(html)
            } else if previewing {
                page(html)
            } else {
                invalid(html)
            });
        }
    };
    let rehearses = preview::is_asked(&fields);
    if edit.body == stands.body && !rehearses {
        return Ok(done(&format!("/admin/incidents/{id}"), "update-saved"));
    }
    let before = incident.clone();
    if let Some(update) = incident.updates.iter_mut().find(|other| other.id == stands.id) {
        update.body = edit.body;
        update.edited_at = Some(now);
        update.version += 1;
    }
    if rehearses {
        let action = format!("/admin/incidents/{id}/updates/{update}");
        return preview::of_incident(&state, tx, &manager, incident, action, &fields).await;
    }
    let entry = actions::incidents::edit_update(&mut tx, &before, &mut incident, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/incidents/{id}"), "update-saved"))
}

/// `GET /admin/incidents/{id}/updates/{update}/deletion`
pub async fn doom(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let update = named(&incident, &update)?.clone();
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(UpdateDeletion { shell, incident, update }.html()))
}

/// `POST /admin/incidents/{id}/updates/{update}/deletion`: only the newest one, and never the only one.
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path((id, update)): Path<(String, String)>,
    Form(fields): Form,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let mut incident = find(&mut tx, &id).await?;
    let before = incident.clone();
    let doomed = named(&incident, &update)?.clone();
    incident.take_back(&doomed.id).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    if doomed.version != fields.version() {
        let sentence = "Somebody edited this update in the meantime: read it before you delete it.";
        return Err(Error::Conflict(sentence.to_owned()));
    }
    let entry = actions::incidents::delete_update(&mut tx, &before, &mut incident, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/incidents/{id}"), "update-deleted"))
}

fn named<'a>(incident: &'a Incident, update: &str) -> Result<&'a Update> {
    incident.updates.iter().find(|other| other.id.as_str() == update).ok_or(Error::NotFound)
}
