//! Writes incidents: the body becomes the admin's forms, which validate it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use chrono_tz::Tz;
use serde_json::Value;

use super::change::Change;
use super::incident_or_maintenance::{
    INCIDENT, IncidentOrMaintenance, UpdateFlags, commit_event, fresh_update_id, merge_client_fields,
    merge_update_flags,
};
use super::page_context::{ApiContext, ClientFields};
use super::params::{Params, format_utc};
use super::request_body::{ComponentStatuses, Field, IdsOrText, ListKind};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{api_metadata, components};
use crate::domain::audit::Entry;
use crate::domain::forms::{IncidentDetailsForm, IncidentForm, NextUpdateForm, UpdateForm};
use crate::domain::{Component, ComponentId, Incident, IncidentId, Invalid, Phase, Reminder, Status};
use crate::web::Result;
use crate::web::access::manager::CanPublish;

const WRONG_REMINDER: &str = "Send one number of hours like \"4\", a list of increasing hours from 1 to 24 like \"[1, 5]\", \
                              \"[]\" for none, or null for the usual ones.";

/// API names of the forms' fields.
const FIELD_NAMES: [(&str, &str); 6] = [
    ("title", "name"),
    ("phase", "status"),
    ("impact", "impact_override"),
    ("ended_at", "resolved_at"),
    ("reminder", "reminder_intervals"),
    ("next_update", "next_update_at"),
];

/// Opens an incident, or records a past one.
pub async fn create(mut change: Change<CanPublish>, context: &ApiContext, mut given: Params) -> Result<Response> {
    let backfilled =
        given.flag(INCIDENT.backfilled) == Some(true) || given.nonempty_text(INCIDENT.backfill_date).is_some();
    let (form, said) = read_incident_form(&mut given, context.zone(), backfilled);
    let (id, first, now) = (IncidentId::from_random(random_bytes()), fresh_update_id(), change.now);
    let said = merge_update_flags(said, &mut given, UpdateFlags::OF_INCIDENT, Some(first.as_str()));
    let opened = form.parse().and_then(|new| new.open(id, || first.clone(), &context.components, now));
    let opened = opened.and_then(|mut incident| {
        // The update of a past incident shows the time at which the incident ended.
        if let Some(end) = incident.ended_at.filter(|_| backfilled) {
            incident.change_time(&first, end, now).map_err(|sentence| Invalid::field("ended_at", sentence))?;
        }
        Ok(incident)
    });
    // A past incident records what was; one that is resolved now says how its components are.
    let is_past = backfilled || given.has(INCIDENT.started_at) || given.has(INCIDENT.resolved_at);
    let statuses = read_statuses(&mut given).filter(|_| !is_past).unwrap_or_default();
    let asks_to_notify = given.flag(INCIDENT.deliver_notifications) == Some(true);
    let incident = given.finish(opened, &FIELD_NAMES)?;
    // Before the incident, because its notice reads the flags.
    api_metadata::replace(&mut change.tx, incident.id.as_str(), &said).await?;
    if asks_to_notify && incident.is_backfilled() {
        actions::notices::set_notification(&mut change.tx, incident.id.as_str(), &first, true).await?;
    }
    let mut entries = vec![actions::incidents::open(&mut change.tx, &incident, None).await?];
    if !incident.is_open() {
        entries.extend(set_own_statuses(&mut change, &statuses).await?);
    }
    commit_event(change, StatusCode::CREATED, IncidentOrMaintenance::Incident(incident), said, &entries).await
}

fn read_incident_form(given: &mut Params, zone: Tz, backfilled: bool) -> (IncidentForm, ClientFields) {
    let mut details = IncidentDetailsForm { zone: Tz::UTC.name().to_owned(), ..IncidentDetailsForm::default() };
    fill_details(&mut details, given, zone);
    let usual = if backfilled { Phase::Resolved } else { Phase::Investigating };
    let phase = given.nonempty_text(INCIDENT.status).unwrap_or_else(|| usual.key().to_owned());
    // A past incident without an end time ended when it started, because nothing more is known.
    if backfilled && details.ended_at.is_empty() {
        details.ended_at.clone_from(&details.started_at);
    }
    let said = merge_client_fields(ClientFields::new(), given);
    let title = details.title.clone();
    let body = read_body(given).unwrap_or_else(|| Phase::from_key(&phase).unwrap_or(usual).default_text().to_owned());
    (
        IncidentForm {
            id: String::new(),
            title,
            phase,
            body,
            past: Vec::new(),
            components: read_components(given, &COMPONENT_FIELDS).unwrap_or_default(),
            next_update: read_next_update(given, zone),
            notify_backfill: false,
            details,
        },
        said,
    )
}

/// Applies the fields that are not part of an update.
fn fill_details(details: &mut IncidentDetailsForm, given: &mut Params, zone: Tz) {
    given.replace_text(INCIDENT.name, &mut details.title);
    given.replace_text(INCIDENT.impact_override, &mut details.impact);
    if given.has(INCIDENT.reminder_intervals) {
        details.reminder = read_reminder(given).unwrap_or_default();
    }
    let started = given.instant(INCIDENT.started_at, zone).or_else(|| given.instant(INCIDENT.backfill_date, zone));
    if let Some(at) = started {
        details.started_at = format_utc(at);
    }
    if let Some(at) = given.instant(INCIDENT.resolved_at, zone) {
        details.ended_at = format_utc(at);
    }
}

/// The reminder as the form has it: `"4"` is every four hours, `"[1, 5]"` after one and five, `"[]"` never. A list may
/// also be a JSON array.
fn read_reminder(given: &mut Params) -> Option<String> {
    let text = match given.value(INCIDENT.reminder_intervals) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text == "null" => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if Reminder::from_text(&text).is_none() {
        given.add_error(INCIDENT.reminder_intervals, WRONG_REMINDER);
        return None;
    }
    Some(text)
}

/// The promised time of the next update, empty for none.
fn read_next_update(given: &mut Params, zone: Tz) -> NextUpdateForm {
    let text = given.instant(INCIDENT.next_update_at, zone).map(|at| at.to_rfc3339());
    NextUpdateForm::from_text(text.as_deref(), Tz::UTC)
}

/// The text of an update; older clients call it `message`.
pub fn read_body(given: &mut Params) -> Option<String> {
    given.nonempty_text(INCIDENT.body).or_else(|| given.nonempty_text(INCIDENT.message))
}

/// The fields of a request that name components: a map or a list, and a list of ids.
pub struct ComponentFields<K> {
    pub statuses: Field<Option<ComponentStatuses>>,
    pub ids: Field<K>,
}

pub const COMPONENT_FIELDS: ComponentFields<Option<IdsOrText>> =
    ComponentFields { statuses: INCIDENT.components, ids: INCIDENT.component_ids };

/// Older clients send a list of ids as `components`, not a map.
fn are_components_listed(given: &Params, field: Field<Option<ComponentStatuses>>) -> bool {
    matches!(given.value(field), Some(Value::Array(_) | Value::String(_)))
}

/// The status of each component that has one.
pub fn read_statuses(given: &mut Params) -> Option<BTreeMap<String, String>> {
    read_statuses_of(given, INCIDENT.components)
}

fn read_statuses_of(given: &mut Params, field: Field<Option<ComponentStatuses>>) -> Option<BTreeMap<String, String>> {
    if are_components_listed(given, field) {
        return None;
    }
    let statuses = given.map(field)?.into_iter();
    Some(statuses.filter(|(_, status)| !status.is_empty()).collect())
}

/// Whether the body lists components, which replaces those of an upcoming maintenance.
pub fn lists_components(given: &Params) -> bool {
    are_components_listed(given, INCIDENT.components)
        || given.value(INCIDENT.component_ids).is_some_and(|ids| !ids.is_null())
}

/// The components without a status: `component_ids`, a list as `components`, and empty statuses.
fn read_attached_components<K: ListKind>(given: &mut Params, fields: &ComponentFields<K>) -> Option<Vec<String>> {
    let named = given.list(fields.ids);
    if are_components_listed(given, fields.statuses) {
        let listed = given.list(fields.statuses);
        return Some(named.into_iter().chain(listed).flatten().collect());
    }
    let is_blank = |status: &Value| status.is_null() || status.as_str() == Some("");
    let statuses = given.value(fields.statuses).and_then(Value::as_object).into_iter().flatten();
    let blank: Vec<String> = statuses.filter(|(_, status)| is_blank(status)).map(|(id, _)| id.clone()).collect();
    if named.is_none() && blank.is_empty() { None } else { Some(named.into_iter().flatten().chain(blank).collect()) }
}

/// Rejects statuses of components that neither exist nor are `known`, and unknown statuses.
pub fn check_statuses(
    given: &mut Params,
    context: &ApiContext,
    statuses: &BTreeMap<String, String>,
    known: impl Fn(&str) -> bool,
) {
    for (id, status) in statuses {
        if !known(id) && !context.components.iter().any(|component| component.id.as_str() == id) {
            given.add_error(INCIDENT.components, format!("Unknown component {id}."));
        }
        if Status::from_key(status).is_none() {
            given.add_error(format!("{}/{id}", INCIDENT.components.name), "Send the status of a component.");
        }
    }
}

/// Sets the own statuses of components, where they differ.
pub async fn set_own_statuses(
    change: &mut Change<CanPublish>,
    statuses: &BTreeMap<String, String>,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if statuses.is_empty() {
        return Ok(entries);
    }
    for before in components::list(&mut change.tx).await? {
        let status = statuses.get(before.id.as_str()).and_then(|status| Status::from_key(status));
        let Some(status) = status.filter(|status| *status != before.status) else { continue };
        let mut after = Component { status, ..before.clone() };
        entries.push(actions::components::save_status(&mut change.tx, &before, &mut after, change.now).await?);
    }
    Ok(entries)
}

/// All components of the body; those without a status are operational.
pub fn read_components<K: ListKind>(
    given: &mut Params,
    fields: &ComponentFields<K>,
) -> Option<BTreeMap<String, String>> {
    let statuses = read_statuses_of(given, fields.statuses);
    let attached = read_attached_components(given, fields);
    if statuses.is_none() && attached.is_none() {
        return None;
    }
    let in_order = |id| (id, Status::Operational.key().to_owned());
    let mut all: BTreeMap<String, String> = attached.into_iter().flatten().map(in_order).collect();
    all.extend(statuses.into_iter().flatten());
    Some(all)
}

/// Changes an incident. `repeats` is set for PUT: sending the newest text again posts no second update.
pub async fn update(
    mut change: Change<CanPublish>,
    context: &ApiContext,
    mut given: Params,
    before: Incident,
    repeats: bool,
) -> Result<Response> {
    if given.nonempty_text(INCIDENT.scheduled_for).is_some() {
        given.add_error(INCIDENT.scheduled_for, "An incident can't become a maintenance. Schedule a new one.");
    }
    let said_before = api_metadata::load(&mut change.tx, before.id.as_str()).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let mut details = IncidentDetailsForm::from_incident(&before, Tz::UTC);
    fill_details(&mut details, &mut given, context.zone());
    let promises = given.has(INCIDENT.next_update_at);
    let next_update = read_next_update(&mut given, context.zone());
    let mut posted = read_update_form(&mut given, &before, repeats);
    if let Some(form) = &mut posted {
        form.next_update = next_update.clone();
    }
    let reopens = posted.as_ref().and_then(|form| Phase::from_key(&form.phase)).is_some_and(Phase::is_open);
    if reopens && given.nonempty_text(INCIDENT.resolved_at).is_none() {
        details.ended_at.clear();
    }
    let statuses = read_statuses(&mut given).unwrap_or_default();
    check_statuses(&mut given, context, &statuses, |_| false);
    let mut after = before.clone();
    let changed = apply_changes(&mut after, posted.as_ref(), &details, context, change.now);
    let changed = changed.and_then(|()| match posted.is_none() && promises && after.is_open() {
        true => promise_next_update(&mut after, &next_update, change.now),
        false => Ok(()),
    });
    let newest = after.newest_update().filter(|_| after.updates.len() > before.updates.len());
    let said = merge_update_flags(said, &mut given, UpdateFlags::OF_INCIDENT, newest.map(|update| update.id.as_str()));
    given.finish(changed, &FIELD_NAMES)?;
    let mut entries = Vec::new();
    // Before the update, because its notice reads the flags.
    if said != said_before {
        api_metadata::replace(&mut change.tx, after.id.as_str(), &said).await?;
        entries.push(actions::incidents::record_metadata(&after, &said_before, &said));
    }
    if after != before {
        let (tx, now) = (&mut change.tx, change.now);
        entries.push(match posted {
            Some(_) => actions::incidents::post_update(tx, &before, &mut after, None, now).await?,
            None => actions::incidents::edit(tx, &before, &mut after, now).await?,
        });
    }
    if !after.is_open() {
        entries.extend(set_own_statuses(&mut change, &statuses).await?);
    }
    commit_event(change, StatusCode::OK, IncidentOrMaintenance::Incident(after), said, &entries).await
}

/// Posts the update first, because its phase decides whether the incident may have an end.
fn apply_changes(
    incident: &mut Incident,
    posted: Option<&UpdateForm>,
    details: &IncidentDetailsForm,
    context: &ApiContext,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Invalid> {
    let details = details.parse();
    if let Some(form) = posted {
        form.parse()?.post(incident, fresh_update_id(), &context.components, now)?;
    }
    let mut details = details?;
    if details.ended_at.is_none() {
        details.ended_at = incident.ended_at;
    }
    details.apply(incident, now)
}

/// Changes the promise of the newest update.
fn promise_next_update(
    incident: &mut Incident,
    form: &NextUpdateForm,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Invalid> {
    let wrong = |sentence: String| Invalid::field("next_update", sentence);
    let promise = form.parse().map_err(wrong)?;
    incident.next_update_at = promise.resolve(now).map_err(|sentence| wrong(sentence.to_owned()))?;
    Ok(())
}

/// The update to post, if the body has a new text, another phase or another component status.
fn read_update_form(given: &mut Params, incident: &Incident, repeats: bool) -> Option<UpdateForm> {
    let (current, newest) = (incident.phase.key(), incident.newest_update());
    // `postmortem` is what the API returns for a reviewed incident; it is no phase.
    let status = given.nonempty_text(INCIDENT.status).filter(|status| status != "postmortem" || incident.is_open());
    let phase = status.unwrap_or_else(|| current.to_owned());
    let text = read_body(given);
    let components = named_components(given, incident);
    let said = text.as_ref().is_some_and(|text| {
        let repeated = phase == current && newest.is_some_and(|newest| newest.body.trim_end() == text.trim_end());
        !(repeats && repeated)
    });
    let known = Phase::from_key(&phase);
    let moved = known != Some(incident.phase);
    let open = known.is_none_or(Phase::is_open);
    let changed = open && changes_components(&components, incident);
    if !said && !moved && !changed {
        return None;
    }
    let usual = known.map_or("", |phase| if moved { phase.default_text() } else { phase.default_text_repeated() });
    let body = text.unwrap_or_else(|| usual.to_owned());
    Some(UpdateForm { phase, body, components, version: incident.version, ..UpdateForm::default() })
}

/// The components of an update: those with a status, and those new to the incident.
fn named_components(given: &mut Params, incident: &Incident) -> BTreeMap<String, String> {
    let affected = incident.affected_components();
    let is_new = |id: &String| !affected.iter().any(|(other, _)| other.as_str() == id);
    let attached = read_attached_components(given, &COMPONENT_FIELDS).unwrap_or_default().into_iter().filter(is_new);
    let mut named: BTreeMap<_, _> = attached.map(|id| (id, Status::Operational.key().to_owned())).collect();
    named.extend(read_statuses(given).unwrap_or_default());
    named
}

/// Whether a component has another status than in the incident, or is new to it.
fn changes_components(named: &BTreeMap<String, String>, incident: &Incident) -> bool {
    let (stand, affected) = (incident.statuses(), incident.affected_components());
    named.iter().any(|(id, status)| {
        let Some(id) = ComponentId::parse(id) else { return true };
        let current = stand.get(&id).copied().unwrap_or_default();
        current.key() != status || !affected.iter().any(|(other, _)| **other == id)
    })
}
