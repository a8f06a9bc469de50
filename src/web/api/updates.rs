use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::change::Change;
use super::incident_or_maintenance::{IncidentOrMaintenance, LoadedEvent, UpdateFlags, merge_update_flags};
use super::page_context::ApiContext;
use super::params::Params;
use super::request_body::{Flag, Instant, Place, Text, request_body};
use crate::actions;
use crate::db::api_metadata;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::UpdateEditForm;
use crate::domain::update::MAX_BODY;
use crate::domain::{Incident, Invalid, Maintenance, Update};
use crate::web::access::manager::CanPublish;
use crate::web::{Error, Result};

request_body! {
    /// An update of an incident or a maintenance in a request.
    UPDATE: UpdateChange = Place::Object("incident_update") => {
        body: Text<MAX_BODY>,
        display_at: Instant,
        deliver_notifications: Option<Flag>,
        wants_twitter_update: Option<Flag>,
    }
}

const UPDATE_FLAGS: UpdateFlags =
    UpdateFlags { delivers: UPDATE.deliver_notifications, tweets: UPDATE.wants_twitter_update };
const FIELD_NAMES: [(&str, &str); 1] = [("posted_at", "display_at")];

/// `PATCH` and `PUT /v1/pages/{page}/incidents/{incident}/incident_updates/{update}`: its text and display time.
pub async fn update(
    Path((page, id, update)): Path<(String, String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<UpdateChange>(&change.body)?;
    let before = IncidentOrMaintenance::find(&mut change.tx, &id).await?;
    let said_before = api_metadata::load(&mut change.tx, &id).await?;
    let said = merge_update_flags(said_before.clone(), &mut given, UPDATE_FLAGS, Some(&update));
    let (event, mut entries) = match before {
        IncidentOrMaintenance::Incident(incident) => {
            edit_incident_update(&mut change, &context, given, incident, &update).await?
        }
        IncidentOrMaintenance::Maintenance(maintenance) => {
            edit_maintenance_update(&mut change, &context, given, maintenance, &update).await?
        }
    };
    if said != said_before {
        api_metadata::replace(&mut change.tx, &id, &said).await?;
        entries.push(match &event {
            IncidentOrMaintenance::Incident(it) => actions::incidents::record_metadata(it, &said_before, &said),
            IncidentOrMaintenance::Maintenance(it) => actions::maintenances::record_metadata(it, &said_before, &said),
        });
    }
    let loaded = LoadedEvent::load(&mut change.tx, event).await?;
    let response = loaded.view(&context, &context.page_context()).find_update(&update).ok_or(Error::NotFound)?;
    change.commit(StatusCode::OK, &response, &entries).await
}

async fn edit_incident_update(
    change: &mut Change<CanPublish>,
    context: &ApiContext,
    mut given: Params,
    before: Incident,
    id: &str,
) -> Result<(IncidentOrMaintenance, Vec<Entry>)> {
    let (mut after, now) = (before.clone(), change.now);
    let current = find_update(&mut after.updates, id)?.clone();
    let at = changed_time(&mut given, current.posted_at, context.zone());
    let rewritten = change_text(find_update(&mut after.updates, id)?, &mut given, now);
    let edited =
        rewritten.and_then(|()| at.map_or(Ok(()), |at| after.change_time(&current.id, at, now).map_err(invalid_time)));
    given.finish(edited, &FIELD_NAMES)?;
    if after == before {
        return Ok((IncidentOrMaintenance::Incident(after), Vec::new()));
    }
    let entry = actions::incidents::edit_update(&mut change.tx, &before, &mut after, now).await?;
    Ok((IncidentOrMaintenance::Incident(after), vec![entry]))
}

async fn edit_maintenance_update(
    change: &mut Change<CanPublish>,
    context: &ApiContext,
    mut given: Params,
    before: Maintenance,
    id: &str,
) -> Result<(IncidentOrMaintenance, Vec<Entry>)> {
    let (mut after, now) = (before.clone(), change.now);
    let current = find_update(&mut after.updates, id)?.clone();
    let at = changed_time(&mut given, current.posted_at, context.zone());
    let rewritten = change_text(find_update(&mut after.updates, id)?, &mut given, now);
    let edited =
        rewritten.and_then(|()| at.map_or(Ok(()), |at| after.change_time(&current.id, at, now).map_err(invalid_time)));
    given.finish(edited, &FIELD_NAMES)?;
    if after == before {
        return Ok((IncidentOrMaintenance::Maintenance(after), Vec::new()));
    }
    let action = Action::MaintenanceEditUpdate;
    let entries = actions::maintenances::save(&mut change.tx, action, &before, &mut after, now).await?;
    Ok((IncidentOrMaintenance::Maintenance(after), entries))
}

fn find_update<'a, P>(updates: &'a mut [Update<P>], id: &str) -> Result<&'a mut Update<P>> {
    updates.iter_mut().find(|update| update.id.as_str() == id).ok_or(Error::NotFound)
}

/// The display time, if it changed; responses have milliseconds only.
fn changed_time(given: &mut Params, current: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    given.instant(UPDATE.display_at, zone).filter(|at| at.timestamp_millis() != current.timestamp_millis())
}

fn invalid_time(sentence: &str) -> Invalid {
    Invalid::field("posted_at", sentence)
}

fn change_text<P>(update: &mut Update<P>, given: &mut Params, now: DateTime<Utc>) -> std::result::Result<(), Invalid> {
    let Some(body) = given.text(UPDATE.body) else { return Ok(()) };
    let edit = UpdateEditForm { body, version: update.version }.parse()?;
    if edit.body != update.body {
        update.body = edit.body;
        update.edited_at = Some(now);
        update.version += 1;
    }
    Ok(())
}
