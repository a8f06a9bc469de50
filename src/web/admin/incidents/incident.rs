use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::credentials::random;
use crate::db::{self, Tx, admin_incidents, components};
use crate::domain::forms::{Fields, IncidentDetailsForm, IncidentForm, UpdateForm};
use crate::domain::history::Cursor;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, IncidentId, Invalid, Phase, UpdateId};
use crate::state::State;
use crate::ui::pages::admin::{
    Aids, Conflict, IncidentDeletion, IncidentEdit, IncidentList, IncidentNew, IncidentView,
};
use crate::web::access::manager::{CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::incidents::double_submit::{self, Sent};
use crate::web::admin::incidents::drafts::{self, Found};
use crate::web::admin::preview::{self, Rehearsing, shown_as};
use crate::web::admin::templates;
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::pagination;
use crate::web::page::{conflict, invalid, page};
use crate::web::{Error, Result};

/// The most other open incidents that stand beside one; the desk has all of them.
const SHOWN_BESIDE: i64 = 100;

/// What is told of a form that opened something else before.
const SENT_BEFORE: &str =
    "This form was sent before and has opened another incident. Send it again to open this one too.";

/// `GET /admin/incidents`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let search = IncidentSearch::read(&query);
    let mut incidents = admin_incidents::search(&mut tx, &search, cursor.as_ref(), pagination::READ).await?;
    let older = pagination::cut(&mut incidents, admin_incidents::cursor);
    Ok(page(IncidentList { shell, search, incidents, older }.html()))
}

/// `GET /admin/incidents/new`
pub async fn new(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut form = IncidentForm { phase: Phase::Investigating.key().to_owned(), ..IncidentForm::default() };
    let mut tx = state.db.read().await?;
    if let Some(template) = templates::asked_for(&mut tx, &query).await? {
        let meanings = templates::meanings(&mut tx, &template, None, state.clock.now()).await?;
        form.begin_with(&template, &meanings);
    }
    form.details.zone = db::page_settings::load(&mut tx).await?.time_zone.name().to_owned();
    form.details.publish_zone = form.details.zone.clone();
    let composing = Composing { aids: drafts::aids(&mut tx, &Fields::default(), None).await?, ..Composing::default() };
    Ok(page(new_page(&state, &mut tx, &manager, &query, form, composing).await?))
}

/// `POST /admin/incidents`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = IncidentForm::read(&fields);
    if fields.has("save_draft") {
        return drafts::keep(&state, &manager, None, &fields).await;
    }
    if fields.has("preview") {
        return Ok(page(again(&state, &manager, &fields, form, Invalid::new()).await?));
    }
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let id = IncidentId::parse_fresh(&form.id).unwrap_or_else(|| IncidentId::from_random(random()));
    match double_submit::incident(&mut tx, &manager, &id, &form).await? {
        Sent::First => {}
        Sent::Again(stands) => return Ok(opened(&stands)),
        Sent::Taken => {
            drop(tx);
            let (form, wrong) = (IncidentForm { id: String::new(), ..form }, Invalid::field("title", SENT_BEFORE));
            return Ok(invalid(again(&state, &manager, &fields, form, wrong).await?));
        }
    }
    let draft = match drafts::met(&mut tx, &fields).await? {
        Found::Met(met) => return drafts::refused(&state, tx, &manager, None, &fields, met).await,
        Found::Same(draft) => Some(draft),
        Found::None => None,
    };
    let components = components::list(&mut tx).await?;
    let parsed = form.parse().and_then(|new| new.open(id, UpdateId::from_random(random()), &components, now));
    let mut incident = match parsed {
        Ok(incident) => incident,
        Err(wrong) => {
            drop(tx);
            return Ok(invalid(again(&state, &manager, &fields, form, wrong).await?));
        }
    };
    if preview::is_asked(&fields) {
        let what = Rehearsing::incident(&incident, "/admin/incidents".to_owned(), &fields);
        incident.visibility = shown_as(incident.visibility);
        actions::incidents::open(&mut tx, &incident, None).await?;
        return preview::show(&state, tx, &manager, what).await;
    }
    let entry = actions::incidents::open(&mut tx, &incident, draft.as_ref()).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(opened(&incident))
}

/// On to the incident that was opened.
fn opened(incident: &Incident) -> Response {
    let word = if incident.visibility.is_public() { "incident-opened" } else { "incident-kept" };
    done(&format!("/admin/incidents/{}", incident.id), word)
}

/// What a composer shows beside its form.
#[derive(Default)]
pub(super) struct Composing {
    pub invalid: Invalid,
    /// Somebody changed the incident in between.
    pub conflict: Option<Conflict<()>>,
    pub aids: Aids,
}

/// The composer of a new incident, as it was submitted.
async fn again(
    state: &State,
    manager: &Manager<CanPublish>,
    fields: &Fields,
    form: IncidentForm,
    invalid: Invalid,
) -> Result<String> {
    let mut tx = state.db.read().await?;
    let composing = Composing { invalid, conflict: None, aids: drafts::aids(&mut tx, fields, None).await? };
    new_page(state, &mut tx, manager, &Fields::default(), form, composing).await
}

/// The composer of a new incident.
pub(super) async fn new_page(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    query: &Fields,
    mut form: IncidentForm,
    composing: Composing,
) -> Result<String> {
    if IncidentId::parse_fresh(&form.id).is_none() {
        form.id = IncidentId::from_random(random()).to_string();
    }
    let shell = shell(state, tx, manager, query).await?;
    let board = board(tx).await?;
    let Composing { invalid, aids, .. } = composing;
    Ok(IncidentNew { shell, form, invalid, board, aids }.html())
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
    let mut form = UpdateForm::of(&incident);
    if let Some(phase) = Phase::from_key(&query.text("phase")) {
        form.phase = phase.key().to_owned();
    }
    if let Some(template) = templates::asked_for(&mut tx, &query).await? {
        let meanings = templates::meanings(&mut tx, &template, Some(&incident), state.clock.now()).await?;
        form.begin_with(&template, &meanings);
    }
    let composing = Composing { aids: drafts::aids(&mut tx, &Fields::default(), None).await?, ..Composing::default() };
    Ok(page(view(&state, &mut tx, &manager, &query, incident, form, composing).await?))
}

/// The page of an incident with its composer.
pub(super) async fn view<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
    incident: Incident,
    form: UpdateForm,
    composing: Composing,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let board = board(tx).await?;
    let open = admin_incidents::open(tx, None, SHOWN_BESIDE).await?;
    let Composing { invalid, conflict, aids } = composing;
    Ok(IncidentView { shell, incident, form, invalid, board, open, conflict, aids }.html())
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
    let mut tx = manager.begin(&state).await?;
    let mut incident = find(&mut tx, &id).await?;
    let before = incident.clone();
    if form.version != incident.version {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        let theirs = IncidentDetailsForm::of(&incident, shell.zone);
        let met = Some(conflict_with(&mut tx, &id, theirs).await?);
        form.version = incident.version;
        return Ok(conflict(IncidentEdit { shell, incident, form, invalid: Invalid::new(), conflict: met }.html()));
    }
    if fields.has("preview") {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        return Ok(page(IncidentEdit { shell, incident, form, invalid: Invalid::new(), conflict: None }.html()));
    }
    let applied = form.parse().and_then(|details| details.apply(&mut incident, now));
    if let Err(wrong) = applied {
        let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
        return Ok(invalid(IncidentEdit { shell, incident: before, form, invalid: wrong, conflict: None }.html()));
    }
    if preview::is_asked(&fields) {
        return preview::of_incident(&state, tx, &manager, incident, format!("/admin/incidents/{id}"), &fields).await;
    }
    if incident == before {
        return Ok(done(&format!("/admin/incidents/{id}"), "incident-saved"));
    }
    let entry = actions::incidents::edit(&mut tx, &before, &mut incident, now).await?;
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
    let mut tx = manager.begin(&state).await?;
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
    let entry = actions::incidents::delete(&mut tx, &incident).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done("/admin/incidents", "incident-deleted"))
}

/// The incident of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Incident> {
    let id = IncidentId::parse(id).ok_or(Error::NotFound)?;
    Ok(admin_incidents::find(tx, &id).await?)
}
