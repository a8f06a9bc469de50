//! Routes of incidents and maintenances.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::incident_or_maintenance::{INCIDENT, IncidentChange, IncidentOrMaintenance, LoadedEvent};
use super::page_context::{ApiContext, list_window};
use super::params::Params;
use super::{incidents, maintenances};
use crate::actions;
use crate::db::maintenances::PlannedKind;
use crate::db::{self, Tx, admin_incidents};
use crate::domain::MaintenancePhase;
use crate::domain::search::IncidentSearch;
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanPublish, CanRead};
use crate::web::form::QueryFields;

/// `GET /v1/pages/{page}/incidents`: incidents and maintenances, newest first.
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let (text, window) = (IncidentSearch::read(&query).text, list_window(&query, "limit", 100));

    let incidents = admin_incidents::incidents_in_page(&mut tx, &text, window).await?;
    let maintenances = db::maintenances::maintenances_in_page(&mut tx, &text, window).await?;
    let mut events: Vec<IncidentOrMaintenance> = incidents.into_iter().map(IncidentOrMaintenance::Incident).collect();
    events.extend(maintenances.into_iter().map(IncidentOrMaintenance::Maintenance));
    events.sort_by(|a, b| (b.created_at(), b.id()).cmp(&(a.created_at(), a.id())));
    list_response(&mut tx, &page, &state, events).await
}

/// `GET /v1/pages/{page}/incidents/unresolved`
pub async fn unresolved(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let open = admin_incidents::list_public_open(&mut tx, list_window(&query, "per_page", 100)).await?;
    list_response(&mut tx, &page, &state, open.into_iter().map(IncidentOrMaintenance::Incident).collect()).await
}

/// `GET /v1/pages/{page}/incidents/scheduled`: upcoming and active maintenances.
pub async fn scheduled(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    list_planned(&state, &page, list_window(&query, "per_page", 100), PlannedKind::All).await
}

/// `GET /v1/pages/{page}/incidents/upcoming`
pub async fn upcoming(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    list_planned(&state, &page, list_window(&query, "per_page", 100), PlannedKind::ToCome).await
}

/// `GET /v1/pages/{page}/incidents/active_maintenance`
pub async fn active_maintenance(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    list_planned(&state, &page, list_window(&query, "per_page", 100), PlannedKind::GoingOn).await
}

async fn list_planned(state: &State, page: &str, window: (i64, i64), which: PlannedKind) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let planned = db::maintenances::planned_in_page(&mut tx, which, window).await?;
    list_response(&mut tx, page, state, planned.into_iter().map(IncidentOrMaintenance::Maintenance).collect()).await
}

async fn list_response(tx: &mut Tx, page: &str, state: &State, events: Vec<IncidentOrMaintenance>) -> Result<Response> {
    let context = ApiContext::load_for(tx, page, state).await?;
    let mut loaded = Vec::with_capacity(events.len());
    for event in events {
        loaded.push(LoadedEvent::load(tx, event).await?);
    }
    let scene = context.page_context();
    Ok(Json(loaded.iter().map(|event| event.view(&context, &scene)).collect::<Vec<_>>()).into_response())
}

/// `GET /v1/pages/{page}/incidents/{incident}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let event = IncidentOrMaintenance::find(&mut tx, &id).await?;
    Ok(Json(LoadedEvent::load(&mut tx, event).await?.view(&context, &context.page_context())).into_response())
}

/// `POST /v1/pages/{page}/incidents`: an incident, or a maintenance if the body has a maintenance status or start.
pub async fn create(Path(page): Path<String>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<IncidentChange>(&change.body)?;
    let status = given.nonempty_text(INCIDENT.status).and_then(|status| MaintenancePhase::from_key(&status));
    if status.is_some() || given.nonempty_text(INCIDENT.scheduled_for).is_some() {
        maintenances::create(change, &context, given).await
    } else {
        incidents::create(change, &context, given).await
    }
}

/// `PATCH` and `PUT /v1/pages/{page}/incidents/{incident}`: a text or another status posts an update.
pub async fn update(
    method: Method,
    Path((page, id)): Path<(String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let given = Params::from_declared::<IncidentChange>(&change.body)?;
    let repeats = method == Method::PUT;
    match IncidentOrMaintenance::find(&mut change.tx, &id).await? {
        IncidentOrMaintenance::Incident(incident) => {
            incidents::update(change, &context, given, incident, repeats).await
        }
        IncidentOrMaintenance::Maintenance(it) => maintenances::update(change, &context, given, it, repeats).await,
    }
}

/// `DELETE /v1/pages/{page}/incidents/{incident}`
pub async fn destroy(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let event = IncidentOrMaintenance::find(&mut change.tx, &id).await?;
    let loaded = LoadedEvent::load(&mut change.tx, event).await?;
    let entries = match &loaded.event {
        IncidentOrMaintenance::Incident(incident) => {
            vec![actions::incidents::delete(&mut change.tx, incident).await?]
        }
        IncidentOrMaintenance::Maintenance(it) => actions::maintenances::delete(&mut change.tx, it, change.now).await?,
    };
    change.commit(StatusCode::OK, &loaded.view(&context, &context.page_context()), &entries).await
}
