use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::incident_or_maintenance::IncidentOrMaintenance;
use super::objects::PostmortemView;
use super::page_context::ApiContext;
use super::params::Params;
use crate::actions;
use crate::db::{Tx, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::PostmortemForm;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Incident, Postmortem};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanPublish, CanRead};
use crate::web::{Error, Result};

/// `GET /v1/pages/{page}/incidents/{incident}/postmortem`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let incident = find_incident(&mut tx, &id).await?;
    let postmortem = postmortems::find(&mut tx, &incident.id).await?.ok_or(Error::NotFound)?;
    Ok(Json(PostmortemView::new(&context.page_context(), &postmortem)).into_response())
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem`: saves the draft, which is not public.
pub async fn update(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let incident = find_incident(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?;
    let mut given = Params::from_object(&change.body, "postmortem")?;
    let mut form = before.as_ref().map(PostmortemForm::from_postmortem).unwrap_or_default();
    if let Some(body) = given.text("body_draft") {
        form.body = body;
    }
    let body = given.finish(form.parse(), &[("body", "body_draft")])?;
    let current = before.clone().unwrap_or(Postmortem {
        incident: incident.id.clone(),
        body: String::new(),
        published: None,
        updated_at: change.now,
        version: 0,
    });
    let after = Postmortem { body, ..current };
    commit_postmortem(change, &context, &incident, Action::PostmortemEdit, before, after).await
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem/publish`
pub async fn publish(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let incident = find_incident(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let published = match &before.published {
        Some(published) if !before.has_unpublished_changes() => published.clone(),
        _ => PublishedPostmortem { body: before.body.clone(), at: change.now, update_id: None },
    };
    let after = Postmortem { published: Some(published), ..before.clone() };
    commit_postmortem(change, &context, &incident, Action::PostmortemPublish, Some(before), after).await
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem/revert`: unpublishes the postmortem; the draft stays.
pub async fn revert(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let incident = find_incident(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let after = Postmortem { published: None, ..before.clone() };
    commit_postmortem(change, &context, &incident, Action::PostmortemWithdraw, Some(before), after).await
}

/// `DELETE /v1/pages/{page}/incidents/{incident}/postmortem`
pub async fn destroy(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let incident = find_incident(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let entry = actions::postmortems::delete(&mut change.tx, &incident, &before).await?;
    change.commit_without_body(&[entry]).await
}

/// Saves `after` if it differs from `before`.
async fn commit_postmortem(
    mut change: Change<CanPublish>,
    context: &ApiContext,
    incident: &Incident,
    action: Action,
    before: Option<Postmortem>,
    mut after: Postmortem,
) -> Result<Response> {
    let mut entries = Vec::new();
    if before.as_ref() != Some(&after) {
        let (tx, saved) = (&mut change.tx, (before.as_ref(), &mut after));
        entries.push(actions::postmortems::save(tx, action, incident, saved, change.now).await?);
    }
    change.commit(StatusCode::OK, &PostmortemView::new(&context.page_context(), &after), &entries).await
}

/// Maintenances have no postmortem.
async fn find_incident(tx: &mut Tx, id: &str) -> Result<Incident> {
    match IncidentOrMaintenance::find(tx, id).await? {
        IncidentOrMaintenance::Incident(incident) => Ok(incident),
        IncidentOrMaintenance::Maintenance(_) => Err(Error::NotFound),
    }
}
