use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::change::Change;
use super::incident_or_maintenance::IncidentOrMaintenance;
use super::objects::PostmortemView;
use super::page_context::{ApiContext, ClientFields, POSTMORTEM_FIELDS};
use super::params::Params;
use super::request_body::{Flag, Place, Text, request_body};
use crate::actions;
use crate::db::{Tx, api_metadata, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::{PostmortemForm, parse_lines};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::update::MAX_BODY;
use crate::domain::{Incident, Invalid, Postmortem};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanPublish, CanRead};
use crate::web::{Error, Result};

/// In characters.
const MAX_TWEET: usize = 1000;

request_body! {
    /// The draft of a postmortem in a request.
    POSTMORTEM: PostmortemChange = Place::Object("postmortem") => {
        body_draft: Text<MAX_BODY>,
    }
}

request_body! {
    /// What is sent with the publication of a postmortem.
    PUBLICATION: PostmortemPublication = Place::OptionalObject("postmortem") => {
        notify_subscribers: Option<Flag>,
        notify_twitter: Option<Flag>,
        custom_tweet: Option<Text<MAX_TWEET>>,
    }
}

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
    let fields = api_metadata::load(&mut tx, incident.id.as_str()).await?;
    Ok(Json(PostmortemView::new(&context.page_context(), &postmortem, &fields)).into_response())
}

/// `PUT /v1/pages/{page}/incidents/{incident}/postmortem`: saves the draft, which is not public.
pub async fn update(Path((page, id)): Path<(String, String)>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let incident = find_incident(&mut change.tx, &id).await?;
    let before = postmortems::find(&mut change.tx, &incident.id).await?;
    let mut given = Params::from_declared::<PostmortemChange>(&change.body)?;
    let mut form = before.as_ref().map(PostmortemForm::from_postmortem).unwrap_or_default();
    given.replace_text(POSTMORTEM.body_draft, &mut form.body);
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
    store_publish_fields(&mut change, &incident).await?;
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

/// Stores the notification fields as the client sent them; `notify_subscribers` decides whether there is a notice.
async fn store_publish_fields(change: &mut Change<CanPublish>, incident: &Incident) -> Result<()> {
    if change.body.get(POSTMORTEM_FIELDS).is_none_or(Value::is_null) {
        return Ok(());
    }
    let mut given = Params::from_declared::<PostmortemPublication>(&change.body)?;
    let flags = [PUBLICATION.notify_subscribers, PUBLICATION.notify_twitter];
    let flags = flags.map(|field| (field.name, given.flag(field).map(Value::Bool)));
    let tweet = given.nonempty_text(PUBLICATION.custom_tweet).map(|tweet| parse_lines(&tweet, MAX_TWEET)).transpose();
    let tweet = tweet.map_err(|message| Invalid::field("custom_tweet", message));
    let tweet = (PUBLICATION.custom_tweet.name, given.finish(tweet, &[])?.map(Value::String));
    let sent = flags.into_iter().chain([tweet]);
    let own: ClientFields = sent.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let mut fields = api_metadata::load(&mut change.tx, incident.id.as_str()).await?;
    fields.insert(POSTMORTEM_FIELDS.to_owned(), own.into());
    Ok(api_metadata::replace(&mut change.tx, incident.id.as_str(), &fields).await?)
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
    let fields = api_metadata::load(&mut change.tx, incident.id.as_str()).await?;
    change.commit(StatusCode::OK, &PostmortemView::new(&context.page_context(), &after, &fields), &entries).await
}

/// Maintenances have no postmortem.
async fn find_incident(tx: &mut Tx, id: &str) -> Result<Incident> {
    match IncidentOrMaintenance::find(tx, id).await? {
        IncidentOrMaintenance::Incident(incident) => Ok(incident),
        IncidentOrMaintenance::Maintenance(_) => Err(Error::NotFound),
    }
}
