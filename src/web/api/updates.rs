use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::change::Change;
use super::incident_or_maintenance::{Event, Loaded};
use super::page_context::Standing;
use super::params::Given;
use crate::actions;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::UpdateEditForm;
use crate::domain::{Incident, Invalid, Maintenance, Update};
use crate::web::access::manager::CanPublish;
use crate::web::{Error, Result};

const NAMES: [(&str, &str); 1] = [("posted_at", "display_at")];

/// `PATCH` and `PUT /v1/pages/{page}/incidents/{incident}/incident_updates/{update}`: its text, and the time it shows.
pub async fn update(
    Path((page, id, update)): Path<(String, String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let given = Given::inside(&change.body, "incident_update")?;
    let (event, entries) = match Event::find(&mut change.tx, &id).await? {
        Event::Incident(incident) => edit(&mut change, &standing, given, incident, &update).await?,
        Event::Maintenance(maintenance) => edit_of(&mut change, &standing, given, maintenance, &update).await?,
    };
    let loaded = Loaded::of(&mut change.tx, event).await?;
    let told = loaded.view(&standing.scene()).update(&update).ok_or(Error::NotFound)?;
    change.keep(StatusCode::OK, &told, &entries).await
}

async fn edit(
    change: &mut Change<CanPublish>,
    standing: &Standing,
    mut given: Given,
    before: Incident,
    id: &str,
) -> Result<(Event, Vec<Entry>)> {
    let (mut after, now) = (before.clone(), change.now);
    let stands = find(&mut after.updates, id)?.clone();
    let at = another_time(&mut given, stands.posted_at, standing.zone());
    let rewritten = rewrite(find(&mut after.updates, id)?, &mut given, now);
    let edited = rewritten.and_then(|()| at.map_or(Ok(()), |at| after.redate(&stands.id, at, now).map_err(misplaced)));
    given.judge(edited, &NAMES)?;
    if after == before {
        return Ok((Event::Incident(after), Vec::new()));
    }
    let entry = actions::incidents::edit_update(&mut change.tx, &before, &mut after, now).await?;
    Ok((Event::Incident(after), vec![entry]))
}

async fn edit_of(
    change: &mut Change<CanPublish>,
    standing: &Standing,
    mut given: Given,
    before: Maintenance,
    id: &str,
) -> Result<(Event, Vec<Entry>)> {
    let (mut after, now) = (before.clone(), change.now);
    let stands = find(&mut after.updates, id)?.clone();
    let at = another_time(&mut given, stands.posted_at, standing.zone());
    let rewritten = rewrite(find(&mut after.updates, id)?, &mut given, now);
    let edited = rewritten.and_then(|()| at.map_or(Ok(()), |at| after.redate(&stands.id, at, now).map_err(misplaced)));
    given.judge(edited, &NAMES)?;
    if after == before {
        return Ok((Event::Maintenance(after), Vec::new()));
    }
    let action = Action::MaintenanceEditUpdate;
    let entries = actions::maintenances::save(&mut change.tx, action, &before, &mut after, now).await?;
    Ok((Event::Maintenance(after), entries))
}

fn find<'a, P>(updates: &'a mut [Update<P>], id: &str) -> Result<&'a mut Update<P>> {
    updates.iter_mut().find(|update| update.id.as_str() == id).ok_or(Error::NotFound)
}

/// The time it is to show, where that is another; documents write milliseconds.
fn another_time(given: &mut Given, stands: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    given.instant("display_at", zone).filter(|at| at.timestamp_millis() != stands.timestamp_millis())
}

fn misplaced(sentence: &str) -> Invalid {
    Invalid::field("posted_at", sentence)
}

/// Gives the update the text that was sent, if one was.
fn rewrite<P>(update: &mut Update<P>, given: &mut Given, now: DateTime<Utc>) -> std::result::Result<(), Invalid> {
    let Some(body) = given.text("body") else { return Ok(()) };
    let edit = UpdateEditForm { body, version: update.version }.parse()?;
    if edit.body != update.body {
        update.body = edit.body;
        update.edited_at = Some(now);
        update.version += 1;
    }
    Ok(())
}
