//! Writes maintenances: the API treats them as incidents, but they have their own rules.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::change::Change;
use super::incident_or_maintenance::{
    INCIDENT, IncidentOrMaintenance, UpdateFlags, commit_event, fresh_update_id, merge_client_fields,
    merge_update_flags,
};
use super::incidents::{
    COMPONENT_FIELDS, check_statuses, lists_components, read_body, read_components, read_statuses, set_own_statuses,
};
use super::page_context::{ApiContext, ClientFields, RELEASE_FIELD};
use super::params::{Params, format_utc};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::api_metadata;
use crate::domain::audit::Action;
use crate::domain::forms::{
    ExtensionForm, MaintenanceForm, MaintenanceUpdateForm, NewMaintenance, PlanForm, ScheduleForm, WindowForm,
};
use crate::domain::maintenance::{Automation, PlannedComponent};
use crate::domain::{Impact, Invalid, Maintenance, MaintenanceId, MaintenancePhase, Status};
use crate::web::Result;
use crate::web::access::manager::CanPublish;

/// API names of the forms' fields.
const FIELD_NAMES: [(&str, &str); 4] =
    [("title", "name"), ("phase", "status"), ("until", "scheduled_until"), ("zone", "scheduled_for")];

/// Schedules a maintenance, or records one that is in progress or completed.
pub async fn create(mut change: Change<CanPublish>, context: &ApiContext, mut given: Params) -> Result<Response> {
    let phase = read_phase(&mut given).unwrap_or_default();
    let form = MaintenanceForm {
        plan: read_plan_form(PlanForm::default(), &mut given),
        window: read_window(&mut given, context.zone(), (String::new(), String::new())),
        body: read_body(&mut given).unwrap_or_else(|| phase.default_text().to_owned()),
    };
    let impact = read_impact(&mut given, None);
    let statuses = read_statuses(&mut given).unwrap_or_default();
    check_statuses(&mut given, context, &statuses, |_| false);
    let said = merge_client_fields(ClientFields::new(), &mut given);
    let said = merge_release(said, &mut given, form.plan.switches.marks);
    let made = form.parse().and_then(|new| build_maintenance(new, phase, &statuses, context, change.now));
    let first = made.as_ref().ok().and_then(Maintenance::newest_update).map(|first| first.id.to_string());
    let said = merge_update_flags(said, &mut given, UpdateFlags::OF_INCIDENT, first.as_deref());
    let made = given.finish(made, &FIELD_NAMES)?;
    let made = Maintenance { impact_override: impact, ..made };
    // Before the maintenance, because its notice reads the flags.
    api_metadata::replace(&mut change.tx, made.id.as_str(), &said).await?;
    let mut entries = vec![actions::maintenances::schedule(&mut change.tx, &made).await?];
    if !made.phase.is_active() {
        entries.extend(set_own_statuses(&mut change, &statuses).await?);
    }
    commit_event(change, StatusCode::CREATED, IncidentOrMaintenance::Maintenance(made), said, &entries).await
}

/// The status, if one was sent.
fn read_phase(given: &mut Params) -> Option<MaintenancePhase> {
    let key = given.nonempty_text(INCIDENT.status)?;
    let phase = MaintenancePhase::from_key(&key).filter(|phase| *phase != MaintenancePhase::Cancelled);
    if phase.is_none() {
        given.add_error(INCIDENT.status, "Send scheduled, in_progress, verifying or completed.");
    }
    phase
}

/// The `statuses` count for a maintenance in progress.
fn build_maintenance(
    mut new: NewMaintenance,
    phase: MaintenancePhase,
    statuses: &BTreeMap<String, String>,
    context: &ApiContext,
    now: DateTime<Utc>,
) -> Result<Maintenance, Invalid> {
    // The times were read as UTC; the maintenance is shown in the page's time zone.
    new.window.zone = context.zone();
    let ids = (MaintenanceId::from_random(random_bytes()), fresh_update_id());
    let mut made = new.record(ids, &context.components, phase, now)?;
    let named = made.updates.iter_mut().filter(|_| phase.is_active()).flat_map(|update| &mut update.components);
    for component in named {
        let status = statuses.get(component.id.as_str()).and_then(|status| Status::from_key(status));
        component.status = status.unwrap_or(component.status);
    }
    Ok(made)
}

/// Changes a maintenance. `repeats` is set for PUT: sending the newest text again posts no second update.
pub async fn update(
    mut change: Change<CanPublish>,
    context: &ApiContext,
    mut given: Params,
    before: Maintenance,
    repeats: bool,
) -> Result<Response> {
    let said_before = api_metadata::load(&mut change.tx, before.id.as_str()).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let statuses = read_statuses(&mut given).unwrap_or_default();
    check_statuses(&mut given, context, &statuses, |id| before.components.iter().any(|it| it.id.as_str() == id));
    let mut after = before.clone();
    after.impact_override = read_impact(&mut given, before.impact_override);
    let changed = apply_changes(&mut after, &mut given, context, repeats, change.now);
    let said = merge_release(said, &mut given, after.switches.marks);
    let posted = after.newest_update().filter(|_| after.updates.len() > before.updates.len());
    let posted = posted.map(|update| update.id.as_str());
    let said = merge_update_flags(said, &mut given, UpdateFlags::OF_INCIDENT, posted);
    given.finish(changed, &FIELD_NAMES)?;
    let mut entries = Vec::new();
    // Before the update, because its notice reads the flags.
    if said != said_before {
        api_metadata::replace(&mut change.tx, after.id.as_str(), &said).await?;
        entries.push(actions::maintenances::record_metadata(&after, &said_before, &said));
    }
    if after != before {
        let action = audit_action(&before, &after);
        entries.extend(actions::maintenances::save(&mut change.tx, action, &before, &mut after, change.now).await?);
    }
    if !after.phase.is_active() {
        entries.extend(set_own_statuses(&mut change, &statuses).await?);
    }
    commit_event(change, StatusCode::OK, IncidentOrMaintenance::Maintenance(after), said, &entries).await
}

fn audit_action(before: &Maintenance, after: &Maintenance) -> Action {
    if after.scheduled_for != before.scheduled_for {
        Action::MaintenanceReschedule
    } else if after.scheduled_until != before.scheduled_until {
        Action::MaintenanceExtend
    } else if after.updates.len() > before.updates.len() {
        Action::MaintenanceUpdate
    } else {
        Action::MaintenanceEdit
    }
}

fn apply_changes(
    it: &mut Maintenance,
    given: &mut Params,
    context: &ApiContext,
    repeats: bool,
    now: DateTime<Utc>,
) -> Result<(), Invalid> {
    let mut plan = read_plan_form(PlanForm::from_maintenance(it), given);
    let current = MaintenanceUpdateForm::from_maintenance(it).components;
    if it.phase != MaintenancePhase::Scheduled {
        attach_components(it, &plan, context);
        plan.components = PlanForm::from_maintenance(it).components;
    }
    plan.parse()?.apply(it, &context.components, now)?;
    let text = read_body(given);
    let moved = reschedule(it, given, context.zone(), text.as_deref(), now)?;
    let phase = read_phase(given).unwrap_or(it.phase);
    if it.phase == MaintenancePhase::Scheduled
        && matches!(phase, MaintenancePhase::Verifying | MaintenancePhase::Completed)
    {
        it.begin(fresh_update_id(), now).map_err(|sentence| Invalid::field("phase", sentence))?;
    }
    let mut form = MaintenanceUpdateForm::from_maintenance(it);
    if phase.is_active() {
        form.components.extend(read_statuses(given).unwrap_or_default());
    }
    let moves_on = phase != it.phase;
    let newest = it.newest_update().map(|newest| newest.body.trim_end());
    let repeated = newest == text.as_deref().map(str::trim_end);
    let says = text.is_some() && !moved && !(repeats && repeated && !moves_on);
    if says || moves_on || (it.phase.is_active() && form.components != current) {
        form.phase = phase.key().to_owned();
        form.body = text.unwrap_or_else(|| phase.default_text().to_owned());
        form.parse()?.post_any_status(it, fresh_update_id(), now)?;
    }
    Ok(())
}

/// Adds the components of `plan` that a maintenance, once started, does not have yet. Those it has stay.
fn attach_components(it: &mut Maintenance, plan: &PlanForm, context: &ApiContext) {
    let is_new = |id: &str| !it.components.iter().any(|component| component.id.as_str() == id);
    let new = context.components.iter().filter(|component| plan.components.contains(component.id.as_str()));
    let new: Vec<PlannedComponent> = new
        .filter(|component| is_new(component.id.as_str()))
        .map(|component| PlannedComponent { id: component.id.clone(), name: component.name.clone() })
        .collect();
    it.components.extend(new);
}

/// Reschedules the maintenance, or extends an active one; returns whether it did.
fn reschedule(
    it: &mut Maintenance,
    given: &mut Params,
    zone: Tz,
    text: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Invalid> {
    let current = (format_utc(it.scheduled_for), format_utc(it.scheduled_until));
    let form = read_window(given, zone, current.clone());
    if (&form.scheduled_for, &form.scheduled_until) == (&current.0, &current.1) {
        return Ok(false);
    }
    let (own, body, version) = (it.zone, text.unwrap_or_default().to_owned(), it.version);
    if it.phase.is_active() && form.scheduled_for == current.0 {
        let form = ExtensionForm { until: form.scheduled_until, zone: form.zone, body, version };
        form.apply(it, fresh_update_id(), now)?;
    } else {
        ScheduleForm { window: form, body, version }.apply(it, fresh_update_id(), now)?;
    }
    it.zone = own;
    Ok(true)
}

/// The planned times in UTC; times that were not sent stay as in `current`.
fn read_window(given: &mut Params, zone: Tz, current: (String, String)) -> WindowForm {
    let mut read = |field, current| given.instant(field, zone).map_or(current, format_utc);
    WindowForm {
        scheduled_for: read(INCIDENT.scheduled_for, current.0),
        scheduled_until: read(INCIDENT.scheduled_until, current.1),
        zone: Tz::UTC.name().to_owned(),
    }
}

fn read_plan_form(mut form: PlanForm, given: &mut Params) -> PlanForm {
    given.replace_text(INCIDENT.name, &mut form.title);
    let replaces = lists_components(given);
    if let Some(named) = read_components(given, &COMPONENT_FIELDS) {
        if replaces {
            form.components.clear();
        }
        form.components.extend(named.into_keys());
    }
    let Automation { reminds, starts, completes, marks } = &mut form.switches;
    for (field, switch) in [
        (INCIDENT.scheduled_remind_prior, reminds),
        (INCIDENT.scheduled_auto_completed, completes),
        (INCIDENT.auto_transition_to_maintenance_state, marks),
    ] {
        *switch = given.flag(field).unwrap_or(*switch);
    }
    let starts_itself = given.flag(INCIDENT.scheduled_auto_in_progress);
    let starts_itself = starts_itself.or_else(|| given.flag(INCIDENT.scheduled_auto_transition));
    *starts = starts_itself.unwrap_or(*starts);
    form
}

fn read_impact(given: &mut Params, current: Option<Impact>) -> Option<Impact> {
    let Some(key) = given.text(INCIDENT.impact_override) else { return current };
    let impact = Impact::from_key(&key);
    if impact.is_none() && !key.is_empty() {
        given.add_error(INCIDENT.impact_override, "Send none, maintenance, minor, major or critical.");
    }
    impact
}

/// Stores `auto_transition_to_operational_state` where it differs from `auto_transition_to_maintenance_state`; the end
/// of a maintenance releases its components in any case.
fn merge_release(mut said: ClientFields, given: &mut Params, marks: bool) -> ClientFields {
    if let Some(flag) = given.flag(INCIDENT.auto_transition_to_operational_state) {
        said.insert(RELEASE_FIELD.into(), Value::Bool(flag));
    }
    if said.get(RELEASE_FIELD).and_then(Value::as_bool) == Some(marks) {
        said.remove(RELEASE_FIELD);
    }
    said
}
