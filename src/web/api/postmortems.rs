use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::incident_or_maintenance::Event;
use super::objects::PostmortemView;
use super::page_context::Standing;
use super::params::Given;
use crate::actions;
use crate::db::{Tx, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::ReviewForm;
use crate::domain::postmortem::PublishedReview;
use crate::domain::{Incident, Review};
use crate::state::State;
use crate::web::access::manager::{CanPublish, CanRead, Token};
use crate::web::{Error, Result};

/// `GET /v1/pages/{page}/incidents/{incident}/postmortem`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let incident = reviewed(&mut tx, &id).await?;
    let review = postmortems::find(&mut tx, &incident.id).await?.ok_or(Error::NotFound)?;
    Ok(Json(PostmortemView::of(&standing.scene(), &review)).into_response())
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem`: what is written, which visitors don't read yet.
pub async fn update(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let incident = reviewed(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?;
    let mut given = Given::inside(&change.body, "postmortem")?;
    let mut form = before.as_ref().map(ReviewForm::of).unwrap_or_default();
    if let Some(body) = given.text("body_draft") {
        form.body = body;
    }
    let body = given.judge(form.parse(), &[("body", "body_draft")])?;
    let stands = before.clone().unwrap_or(Review {
        incident: incident.id.clone(),
        body: String::new(),
        published: None,
        updated_at: change.now,
        version: 0,
    });
    let after = Review { body, ..stands };
    keep(change, &standing, &incident, Action::PostmortemEdit, before, after).await
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem/publish`
pub async fn publish(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let incident = reviewed(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let published = match &before.published {
        Some(published) if !before.has_unpublished_words() => published.clone(),
        _ => PublishedReview { body: before.body.clone(), at: change.now },
    };
    let after = Review { published: Some(published), ..before.clone() };
    keep(change, &standing, &incident, Action::PostmortemPublish, Some(before), after).await
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem/revert`: visitors no longer read it; what is written stays.
pub async fn revert(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let incident = reviewed(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let after = Review { published: None, ..before.clone() };
    keep(change, &standing, &incident, Action::PostmortemWithdraw, Some(before), after).await
}

/// `DELETE /v1/pages/{page}/incidents/{incident}/postmortem`
pub async fn destroy(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    Standing::of(&mut change.tx, &page, &change.state).await?;
    let incident = reviewed(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?.ok_or(Error::NotFound)?;
    let entry = actions::postmortems::delete(&mut change.tx, &incident, &before).await?;
    change.keep_silently(&[entry]).await
}

/// Keeps `after` in the place of `before`, if it is another.
async fn keep(
    mut change: Change<CanPublish>,
    standing: &Standing,
    incident: &Incident,
    action: Action,
    before: Option<Review>,
    mut after: Review,
) -> Result<Response> {
    let mut entries = Vec::new();
    if before.as_ref() != Some(&after) {
        let (tx, saved) = (&mut change.tx, (before.as_ref(), &mut after));
        entries.push(actions::postmortems::save(tx, action, incident, saved, change.now).await?);
    }
    change.keep(StatusCode::OK, &PostmortemView::of(&standing.scene(), &after), &entries).await
}

/// The incident of an address; maintenances have no review.
async fn reviewed(tx: &mut Tx, id: &str) -> Result<Incident> {
    match Event::find(tx, id).await? {
        Event::Incident(incident) => Ok(incident),
        Event::Maintenance(_) => Err(Error::NotFound),
    }
}
