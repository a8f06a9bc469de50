use std::time::Duration;

use axum::extract::{Path, State as FromState};
use axum::http::HeaderMap;
use axum::response::Response;

use super::incident::{self, Composing};
use crate::actions;
use crate::credentials::random;
use crate::db::{self, Tx, WriteTx, admin_incidents, draft_presence, drafts, templates};
use crate::domain::forms::{Fields, IncidentForm, UpdateForm};
use crate::domain::{DraftId, Incident, IncidentId, Invalid, SavedDraft};
use crate::state::State;
use crate::ui::pages::admin::{Aids, Conflict, DraftMet};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::{invalid, page, room_for};
use crate::web::{Error, Result};

/// How long the page waits for the note that somebody has the draft open.
const NOTING: Duration = Duration::from_millis(500);

/// `GET /admin/drafts/{id}`: the composer as somebody left it.
pub async fn show(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
    headers: HeaderMap,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let draft = find(&mut tx, &id).await?;
    let mut readers = draft_presence::others(&mut tx, &manager.id, state.clock.now()).await?;
    readers.retain(|reader| reader.draft == draft.id);
    drop(tx);
    if !headers.contains_key("sec-purpose") {
        note_open(&state, &manager, &draft).await;
    }
    let mut tx = state.db.read().await?;
    let aids = Aids { templates: Vec::new(), draft: Some(draft.clone()), met: None, readers };
    let html = match &draft.incident {
        None => {
            let form = IncidentForm::read(&draft.fields);
            incident::new_page(&state, &mut tx, &manager, &query, form, Composing { aids, ..Composing::default() })
                .await?
        }
        Some(incident) => {
            let incident = admin_incidents::find(&mut tx, incident).await?;
            // With the version it was written against: what a colleague posted since is a conflict, not a surprise.
            let form = UpdateForm::read(&draft.fields);
            let composing = Composing { aids, ..Composing::default() };
            incident::view(&state, &mut tx, &manager, &query, incident, form, composing).await?
        }
    };
    Ok(page(html))
}

/// Notes for the others that the manager has the draft open. It is only a notice: where it can't be written, or not at
/// once, the page comes without.
async fn note_open(state: &State, manager: &Manager<CanPublish>, draft: &SavedDraft) {
    let noting = async {
        let mut tx = manager.begin(state).await?;
        draft_presence::note(&mut tx, &draft.id, &manager.id, state.clock.now()).await?;
        Ok::<_, Error>(tx.commit_unaudited().await?)
    };
    match tokio::time::timeout(NOTING, noting).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("who has a draft open was not noted: {error}"),
        Err(_) => tracing::debug!("who has a draft open was not noted in time"),
    }
}

/// `POST /admin/drafts/{id}/deletion`
pub async fn destroy(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(_): Form,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let draft = find(&mut tx, &id).await?;
    let entry = actions::drafts::delete(&mut tx, &draft).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(done("/admin", "draft-deleted"))
}

/// What became of the draft that a submission goes on with.
pub(in crate::web) enum Found {
    /// It goes on with none.
    None,
    /// It stands as it was when the composer was opened.
    Same(SavedDraft),
    Met(DraftMet),
}

/// Looks for the draft that `fields` go on with.
pub(in crate::web) async fn met(tx: &mut Tx, fields: &Fields) -> Result<Found> {
    let Some(id) = DraftId::parse(&fields.text("draft")) else { return Ok(Found::None) };
    let stands = match drafts::find(tx, &id).await {
        Err(db::Error::NotFound) => return Ok(Found::Met(DraftMet::Gone)),
        found => found?,
    };
    if stands.version == submitted_version(fields) {
        return Ok(Found::Same(stands));
    }
    let yours = SavedDraft { fields: SavedDraft::kept(fields), ..stands.clone() };
    let conflict = Conflict { by: Some(stands.edited_by.clone()), at: Some(stands.edited_at), theirs: stands };
    Ok(Found::Met(DraftMet::Changed(Box::new((conflict, yours)))))
}

fn submitted_version(fields: &Fields) -> i64 {
    fields.text("draft_version").parse().unwrap_or(0)
}

/// What a composer shows again beside its form: the draft with the version it was opened with, or with
/// the one that stands where somebody else changed it.
pub(in crate::web) async fn aids(tx: &mut Tx, fields: &Fields, met: Option<DraftMet>) -> Result<Aids> {
    let draft = match (&met, DraftId::parse(&fields.text("draft"))) {
        (Some(DraftMet::Changed(both)), _) => Some(both.0.theirs.clone()),
        (None, Some(id)) => drafts::find(tx, &id).await.ok(),
        _ => None,
    };
    let draft = match (&met, draft) {
        (None, Some(draft)) => Some(SavedDraft { version: submitted_version(fields), ..draft }),
        (_, draft) => draft,
    };
    Ok(Aids { templates: templates::list(tx).await?, draft, met, readers: Vec::new() })
}

/// Keeps what a composer holds, for everybody; `incident` is the one it is an update of.
pub(in crate::web) async fn keep(
    state: &State,
    manager: &Manager<CanPublish>,
    incident: Option<IncidentId>,
    fields: &Fields,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(state).await?;
    let subject = match &incident {
        Some(id) => Some(admin_incidents::find(&mut tx, id).await?),
        None => None,
    };
    let (id, entry) = match met(&mut tx, fields).await? {
        Found::Met(met @ DraftMet::Changed(_)) => return refused(state, tx, manager, subject, fields, met).await,
        Found::Same(stands) => {
            let kept = SavedDraft::kept(fields);
            let mut draft =
                SavedDraft { fields: kept, edited_by: manager.name.clone(), edited_at: now, ..stands.clone() };
            let entry = actions::drafts::edit(&mut tx, &stands, &mut draft).await?;
            (draft.id, entry)
        }
        // One that is gone begins anew.
        Found::None | Found::Met(DraftMet::Gone) => {
            let draft = SavedDraft {
                id: DraftId::from_random(random()),
                incident,
                fields: SavedDraft::kept(fields),
                edited_by: manager.name.clone(),
                created_at: now,
                edited_at: now,
                version: 1,
            };
            match room_for(actions::drafts::add(&mut tx, &draft).await, "body")? {
                Ok(entry) => (draft.id, entry),
                Err(full) => return Ok(invalid(again(state, tx, manager, subject, fields, None, full).await?)),
            }
        }
    };
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(done(&format!("/admin/drafts/{id}"), "draft-saved"))
}

/// The composer again, with what became of its draft.
pub(in crate::web) async fn refused(
    state: &State,
    tx: WriteTx,
    manager: &Manager<CanPublish>,
    subject: Option<Incident>,
    fields: &Fields,
    met: DraftMet,
) -> Result<Response> {
    Ok(crate::web::page::conflict(again(state, tx, manager, subject, fields, Some(met), Invalid::new()).await?))
}

/// The composer as it was submitted.
async fn again(
    state: &State,
    mut tx: WriteTx,
    manager: &Manager<CanPublish>,
    subject: Option<Incident>,
    fields: &Fields,
    met: Option<DraftMet>,
    invalid: Invalid,
) -> Result<String> {
    let aids = aids(&mut tx, fields, met).await?;
    let composing = Composing { aids, invalid, conflict: None };
    let none = Fields::default();
    match subject {
        None => incident::new_page(state, &mut tx, manager, &none, IncidentForm::read(fields), composing).await,
        Some(incident) => {
            incident::view(state, &mut tx, manager, &none, incident, UpdateForm::read(fields), composing).await
        }
    }
}

async fn find(tx: &mut Tx, id: &str) -> Result<SavedDraft> {
    let id = DraftId::parse(id).ok_or(Error::NotFound)?;
    Ok(drafts::find(tx, &id).await?)
}
