//! Subscribers of one incident. A subscription ends when the incident is resolved.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::response::{IntoResponse as _, Response};

use super::change::Change;
use super::incident_or_maintenance::IncidentOrMaintenance;
use super::page_context::ApiContext;
use super::params::Params;
use super::subscribers::{SubscriberCreation, SubscriberView, add, find, list, remove, resend_to};
use crate::db::Tx;
use crate::domain::subscriber::Scope;
use crate::domain::{IncidentId, Subscriber};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanPublish};
use crate::web::form::QueryFields;
use crate::web::{Error, Result};

/// `GET /v1/pages/{page}/incidents/{incident}/subscribers`
pub async fn index(
    _program: Token<CanPublish>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    match IncidentOrMaintenance::find(&mut tx, &id).await? {
        IncidentOrMaintenance::Incident(incident) => list(&mut tx, &state, &query, Some(incident.id)).await,
        IncidentOrMaintenance::Maintenance(_) => Ok(Json([(); 0]).into_response()),
    }
}

/// `POST /v1/pages/{page}/incidents/{incident}/subscribers`
pub async fn create(Path((page, id)): Path<(String, String)>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let event = IncidentOrMaintenance::find(&mut change.tx, &id).await?;
    let mut given = Params::from_declared::<SubscriberCreation>(&change.body)?;
    let scope = match event {
        IncidentOrMaintenance::Incident(incident) if incident.is_open() => Scope::Incident(incident.id),
        IncidentOrMaintenance::Incident(incident) => {
            given.add_error("incident", "The incident is resolved.");
            Scope::Incident(incident.id)
        }
        IncidentOrMaintenance::Maintenance(_) => {
            given.add_error("incident", "Only incidents have subscribers of their own. Subscribe to the page.");
            Scope::Page
        }
    };
    add(change, given, scope).await
}

/// `GET /v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}`
pub async fn show(
    _program: Token<CanPublish>,
    FromState(state): FromState<State>,
    Path((page, id, subscriber)): Path<(String, String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let subscriber = find_of_incident(&mut tx, &id, &subscriber).await?;
    Ok(Json(SubscriberView::load(&mut tx, &state, &subscriber).await?).into_response())
}

/// `DELETE /v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}`
pub async fn destroy(
    Path((page, id, subscriber)): Path<(String, String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let subscriber = find_of_incident(&mut change.tx, &id, &subscriber).await?;
    remove(change, subscriber).await
}

/// `POST /v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation`
pub async fn resend(
    Path((page, id, subscriber)): Path<(String, String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let subscriber = find_of_incident(&mut change.tx, &id, &subscriber).await?;
    resend_to(change, &[subscriber], "/subscriber").await
}

/// A subscriber of an incident that visitors can see.
async fn find_of_incident(tx: &mut Tx, id: &str, subscriber: &str) -> Result<Subscriber> {
    IncidentOrMaintenance::find(tx, id).await?;
    let id = IncidentId::parse(id).ok_or(Error::NotFound)?;
    find(tx, subscriber, Some(&id)).await
}
