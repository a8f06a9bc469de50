//! Subscribers: the responses have the right shape, but subscriptions are not supported.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::response::Response;
use serde_json::{Value, json};

use super::change::Change;
use super::incident_or_maintenance::IncidentOrMaintenance;
use super::page_context::ApiContext;
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanPublish, CanRead};
use crate::web::{Error, Result};

const NOT_SUPPORTED: &str = "Subscriptions are not supported.";

/// `GET /v1/pages/{page}/subscribers` and `/unsubscribed`: always empty.
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<[Value; 0]>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    Ok(Json([]))
}

/// `GET /v1/pages/{page}/incidents/{incident}/subscribers`: always empty.
pub async fn index_for_incident(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Json<[Value; 0]>> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    IncidentOrMaintenance::find(&mut tx, &id).await?;
    Ok(Json([]))
}

/// `GET /v1/pages/{page}/subscribers/count`
pub async fn count(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Value>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    Ok(Json(json!({ "email": 0, "sms": 0, "webhook": 0, "integration_partner": 0, "slack": 0, "teams": 0 })))
}

/// `GET /v1/pages/{page}/subscribers/histogram_by_state`
pub async fn histogram(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Value>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    let nobody = json!({ "active": 0, "unconfirmed": 0, "quarantined": 0, "total": 0 });
    let kinds = ["email", "sms", "webhook", "integration_partner", "slack", "teams"];
    Ok(Json(kinds.into_iter().map(|kind| (kind.to_owned(), nobody.clone())).collect()))
}

/// `GET /v1/pages/{page}/subscribers/{subscriber}`: always 404.
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    Err(Error::NotFound)
}

/// `POST /v1/pages/{page}/subscribers`: always 422.
pub async fn create(Path(page): Path<String>, mut change: Change<CanPublish>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    Err(Error::Unprocessable(vec![("/subscriber".into(), NOT_SUPPORTED.into())]))
}
