use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::notice::done;
use super::shell::{board, conflict_with, shell};
use super::{conflict, invalid, page};
use crate::db::{self, Tx, components, incidents, random};
use crate::domain::audit::Entry;
use crate::domain::forms::{Fields, IncidentDetailsForm, IncidentForm, UpdateForm};
use crate::domain::history::{Cursor, Filter};
use crate::domain::{Incident, IncidentId, Invalid, Phase, UpdateId};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, IncidentDeletion, IncidentEdit, IncidentList, IncidentNew, IncidentView};
use crate::web::auth::{CanPublish, CanRead, Fresh, Manager};
use crate::web::form::{Form, Search};
use crate::web::{Error, Result};

/// How many incidents stand on one page of the list.
const LISTED: usize = 50;

/// `GET /admin/incidents`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let all = Filter::default();
    let mut incidents = incidents::list(&mut tx, &all, (None, None), cursor.as_ref(), LISTED as i64 + 1).await?;
    let follows = incidents.len() > LISTED;
    incidents.truncate(LISTED);
    let last = incidents.last().filter(|_| follows);
    let older = last.map(|last| Cursor { started_at: last.started_at, id: last.id.clone() }.to_string());
    Ok(page(IncidentList { shell, incidents, older }.html()))
}

/// `GET /admin/incidents/new`
pub async fn new(manager: Manager<CanPublish>, FromState(state): FromState<State>) -> Result<Response> {
    let mut form = IncidentForm { phase: Phase::Investigating.key().to_owned(), ..IncidentForm::default() };
    let mut tx = state.db.read().await?;
    form.details.zone = db::page::load(&mut tx).await?.time_zone.name().to_owned();
    drop(tx);
    Ok(page(new_page(&state, &manager, form, Invalid::new()).await?))
}

/// `POST /admin/incidents`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = IncidentForm::read(&fields);
    if fields.has("preview") {
        return Ok(page(new_page(&state, &manager, form, Invalid::new()).await?));
    }
    match open(&state, &manager, &form).await? {
        Ok(incident) => {
            state.publish().await;
            Ok(done(&format!("/admin/incidents/{}", incident.id), "incident-opened"))
        }
        Err(wrong) => Ok(invalid(new_page(&state, &manager, form, wrong).await?)),
    }
}

async fn open(state: &State, manager: &Manager<CanPublish>, form: &IncidentForm) -> Result<Result<Incident, Invalid>> {
    let new = match form.parse() {
        Ok(new) => new,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let components = components::list(&mut tx).await?;
    let ids = (IncidentId::from_random(random()), UpdateId::from_random(random()));
    let incident = match new.open(ids.0, ids.1, &components, now) {
        Ok(incident) => incident,
        Err(wrong) => return Ok(Err(wrong)),
    };
    incidents::insert(&mut tx, &incident).await?;
    let entry = Entry::new("incident.open", &incident.id, &incident.title).after(&incident);
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(Ok(incident))
}

async fn new_page(state: &State, manager: &Manager<CanPublish>, form: IncidentForm, wrong: Invalid) -> Result<String> {
    let mut tx = state.db.read().await?;
    let shell = shell(state, &mut tx, manager, &Fields::default()).await?;
    let (board, _) = board(&mut tx).await?;
    Ok(IncidentNew { shell, form, invalid: wrong, board }.html())
}

/// `GET /admin/incidents/{id}`: the composer above the timeline.
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let form = UpdateForm::of(&incident);
    Ok(page(view(&state, &mut tx, &manager, &query, incident, form, Invalid::new(), None).await?))
}

/// The page of an incident with its composer.
#[expect(clippy::too_many_arguments, reason = "one for each thing the page shows")]
pub(super) async fn view<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
    incident: Incident,
    form: UpdateForm,
    invalid: Invalid,
    conflict: Option<Conflict<()>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let (board, open) = board(tx).await?;
    Ok(IncidentView { shell, incident, form, invalid, board, open, conflict }.html())
}

/// `GET /admin/incidents/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = IncidentDetailsForm::of(&incident, shell.zone);
    Ok(page(IncidentEdit { shell, incident, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `POST /admin/incidents/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = IncidentDetailsForm::read(&fields);
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let mut incident = find(&mut tx, &id).await?;
    let before = incident.clone();
    if form.version != incident.version {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let theirs = IncidentDetailsForm::of(&incident, shell.zone);
        let met = Some(conflict_with(&mut tx, &id, theirs).await?);
        form.version = incident.version;
        return Ok(conflict(IncidentEdit { shell, incident, form, invalid: Invalid::new(), conflict: met }.html()));
    }
    let applied = form.parse().and_then(|details| details.apply(&mut incident, now));
    if let Err(wrong) = applied {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        return Ok(invalid(IncidentEdit { shell, incident: before, form, invalid: wrong, conflict: None }.html()));
    }
    incidents::update(&mut tx, &mut incident, now).await?;
    let entry = Entry::new("incident.edit", &incident.id, &incident.title).before(&before).after(&incident);
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/incidents/{id}"), "incident-saved"))
}

/// `GET /admin/incidents/{id}/deletion`: asks for the title.
pub async fn doom(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(IncidentDeletion { shell, incident, typed: String::new(), invalid: Invalid::new() }.html()))
}

/// `POST /admin/incidents/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let typed = fields.text("title");
    let mut tx = state.db.write().await?;
    let incident = find(&mut tx, &id).await?;
    let changed = fields.version() != incident.version;
    if changed || typed.trim() != incident.title {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let message = if changed {
            "The incident was changed in the meantime. Look at it again before you delete it."
        } else {
            "Type the title exactly as it stands above."
        };
        let wrong = Invalid::field("title", message);
        return Ok(invalid(IncidentDeletion { shell, incident, typed, invalid: wrong }.html()));
    }
    incidents::delete(&mut tx, &incident.id).await?;
    let entry = Entry::new("incident.delete", &incident.id, &incident.title).before(&incident);
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done("/admin/incidents", "incident-deleted"))
}

/// The incident of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Incident> {
    let id = IncidentId::parse(id).ok_or(Error::NotFound)?;
    Ok(incidents::find(tx, &id).await?)
}
