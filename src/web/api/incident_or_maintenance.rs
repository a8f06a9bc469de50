//! Incidents and scheduled maintenances: two things with one kind of address. Only what visitors see is here: what
//! is hidden from them is for the admin alone.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::objects::EventView;
use super::page_context::{Echoes, Standing, window};
use super::params::Given;
use super::{incidents, maintenances};
use crate::actions;
use crate::credentials::random;
use crate::db::maintenances::Planned;
use crate::db::{self, Tx, admin_incidents, api_metadata, postmortems};
use crate::domain::audit::Entry;
use crate::domain::postmortem::PublishedReview;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, UpdateId};
use crate::publish::api::Scene;
use crate::state::State;
use crate::web::access::manager::{CanPublish, CanRead, Token};
use crate::web::form::Search;
use crate::web::{Error, Result};

/// An incident or a maintenance.
pub enum Event {
    Incident(Incident),
    Maintenance(Maintenance),
}

/// An event with what is told of it besides.
pub struct Loaded {
    event: Event,
    review: Option<PublishedReview>,
    said: Echoes,
}

impl Event {
    /// The event of an address.
    ///
    /// # Errors
    /// `NotFound` where there is none, or none that visitors see.
    pub async fn find(tx: &mut Tx, id: &str) -> Result<Self> {
        let (incident, maintenance) =
            (IncidentId::parse(id).ok_or(Error::NotFound)?, MaintenanceId::parse(id).ok_or(Error::NotFound)?);
        match admin_incidents::find(tx, &incident).await {
            Ok(incident) if incident.visibility.is_public() => Ok(Self::Incident(incident)),
            Ok(_) => Err(Error::NotFound),
            Err(db::Error::NotFound) => Ok(Self::Maintenance(db::maintenances::find(tx, &maintenance).await?)),
            Err(error) => Err(error.into()),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Incident(incident) => incident.id.as_str(),
            Self::Maintenance(maintenance) => maintenance.id.as_str(),
        }
    }

    /// By which lists are sorted.
    fn created_at(&self) -> chrono::DateTime<chrono::Utc> {
        match self {
            Self::Incident(incident) => incident.created_at,
            Self::Maintenance(maintenance) => maintenance.created_at,
        }
    }
}

impl Loaded {
    /// `event` with what is told of it besides.
    ///
    /// # Errors
    /// Where the database can't be read.
    pub async fn of(tx: &mut Tx, event: Event) -> Result<Self> {
        let review = match &event {
            Event::Incident(incident) if incident.reviewed_at.is_some() => {
                postmortems::published(tx, &incident.id).await?
            }
            _ => None,
        };
        let said = api_metadata::of(tx, event.id()).await?;
        Ok(Self { event, review, said })
    }

    /// The object that is answered.
    pub fn view<'a>(&'a self, scene: &Scene<'a>) -> EventView<'a> {
        match &self.event {
            Event::Incident(incident) => EventView::incident(scene, incident, self.review.as_ref(), &self.said),
            Event::Maintenance(maintenance) => EventView::maintenance(scene, maintenance, &self.said),
        }
    }
}

/// `GET /v1/pages/{page}/incidents`: incidents and maintenances, the newest first.
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let (text, window) = (IncidentSearch::read(&query).text, window(&query, "limit", 100));

    let incidents = admin_incidents::among_events(&mut tx, &text, window).await?;
    let maintenances = db::maintenances::among_events(&mut tx, &text, window).await?;
    let mut events: Vec<Event> = incidents.into_iter().map(Event::Incident).collect();
    events.extend(maintenances.into_iter().map(Event::Maintenance));
    events.sort_by(|a, b| (b.created_at(), b.id()).cmp(&(a.created_at(), a.id())));
    list(&mut tx, &page, &state, events).await
}

/// `GET /v1/pages/{page}/incidents/unresolved`
pub async fn unresolved(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let open = admin_incidents::open_to_visitors(&mut tx, window(&query, "per_page", 100)).await?;
    list(&mut tx, &page, &state, open.into_iter().map(Event::Incident).collect()).await
}

/// `GET /v1/pages/{page}/incidents/scheduled`: maintenances to come and going on.
pub async fn scheduled(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    planned(&state, &page, window(&query, "per_page", 100), Planned::All).await
}

/// `GET /v1/pages/{page}/incidents/upcoming`
pub async fn upcoming(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    planned(&state, &page, window(&query, "per_page", 100), Planned::ToCome).await
}

/// `GET /v1/pages/{page}/incidents/active_maintenance`
pub async fn active_maintenance(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    planned(&state, &page, window(&query, "per_page", 100), Planned::GoingOn).await
}

async fn planned(state: &State, page: &str, window: (i64, i64), which: Planned) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let planned = db::maintenances::among_planned(&mut tx, which, window).await?;
    list(&mut tx, page, state, planned.into_iter().map(Event::Maintenance).collect()).await
}

async fn list(tx: &mut Tx, page: &str, state: &State, events: Vec<Event>) -> Result<Response> {
    let standing = Standing::of(tx, page, state).await?;
    let mut loaded = Vec::with_capacity(events.len());
    for event in events {
        loaded.push(Loaded::of(tx, event).await?);
    }
    let scene = standing.scene();
    Ok(Json(loaded.iter().map(|event| event.view(&scene)).collect::<Vec<_>>()).into_response())
}

/// `GET /v1/pages/{page}/incidents/{incident}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let event = Event::find(&mut tx, &id).await?;
    Ok(Json(Loaded::of(&mut tx, event).await?.view(&standing.scene())).into_response())
}

/// `POST /v1/pages/{page}/incidents`: an incident, or with a planned time a maintenance.
pub async fn create(Path(page): Path<String>, mut change: Change<CanPublish>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let mut given = Given::inside(&change.body, "incident")?;
    let status = given.filled("status").and_then(|status| MaintenancePhase::from_key(&status));
    if status.is_some() || given.filled("scheduled_for").is_some() {
        maintenances::create(change, &standing, given).await
    } else {
        incidents::create(change, &standing, given).await
    }
}

/// `PATCH` and `PUT /v1/pages/{page}/incidents/{incident}`: a text or another status is a new update.
pub async fn update(
    method: Method,
    Path((page, id)): Path<(String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let given = Given::inside(&change.body, "incident")?;
    let repeats = method == Method::PUT;
    match Event::find(&mut change.tx, &id).await? {
        Event::Incident(incident) => incidents::update(change, &standing, given, incident, repeats).await,
        Event::Maintenance(it) => maintenances::update(change, &standing, given, it, repeats).await,
    }
}

/// `DELETE /v1/pages/{page}/incidents/{incident}`
pub async fn destroy(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let event = Event::find(&mut change.tx, &id).await?;
    let loaded = Loaded::of(&mut change.tx, event).await?;
    let entries = match &loaded.event {
        Event::Incident(incident) => {
            vec![actions::incidents::delete(&mut change.tx, incident).await?]
        }
        Event::Maintenance(it) => actions::maintenances::delete(&mut change.tx, it, change.now).await?,
    };
    change.keep(StatusCode::OK, &loaded.view(&standing.scene()), &entries).await
}

/// Answers with the event as it stands after the change.
///
/// # Errors
/// Where it can't be kept.
pub async fn answer<P>(
    mut change: Change<P>,
    status: StatusCode,
    event: Event,
    said: Echoes,
    entries: &[Entry],
) -> Result<Response> {
    let standing = Standing::load(&mut change.tx, &change.state).await?;
    let loaded = Loaded { said, ..Loaded::of(&mut change.tx, event).await? };
    change.keep(status, &loaded.view(&standing.scene()), entries).await
}

/// The id of a new update.
pub fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(random())
}

/// What the program wants to read again: an object of objects.
pub fn said(mut before: Echoes, given: &mut Given) -> Echoes {
    match given.value("metadata") {
        None => {}
        Some(serde_json::Value::Null) => drop(before.remove("metadata")),
        Some(serde_json::Value::Object(fields)) if fields.is_empty() => drop(before.remove("metadata")),
        Some(serde_json::Value::Object(fields))
            if fields.values().all(serde_json::Value::is_object) && given.size_of("metadata") <= MAX_METADATA =>
        {
            before.insert("metadata".into(), fields.clone().into());
        }
        Some(_) => given.wrong("metadata", "Send an object whose values are objects, of at most 10000 characters."),
    }
    before
}

/// The longest metadata of an event, in characters of its JSON.
const MAX_METADATA: usize = 10_000;
