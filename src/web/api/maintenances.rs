//! Writes maintenances: the API treats them as incidents, but they have their own rules.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::change::Change;
use super::incident_or_maintenance::{IncidentOrMaintenance, commit_event, fresh_update_id, merge_client_fields};
use super::incidents::{read_body, read_components, read_statuses};
use super::page_context::{ApiContext, ClientFields};
use super::params::{Params, format_utc};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::api_metadata;
use crate::domain::audit::Action;
use crate::domain::forms::{
    ExtensionForm, MaintenanceForm, MaintenanceUpdateForm, NewMaintenance, PlanForm, ScheduleForm, WindowForm,
};
use crate::domain::maintenance::Automation;
use crate::domain::{Invalid, Maintenance, MaintenanceId, MaintenancePhase};
use crate::web::Result;
use crate::web::access::manager::CanPublish;

/// API names of the forms' fields.
const FIELD_NAMES: [(&str, &str); 4] =
    [("title", "name"), ("phase", "status"), ("until", "scheduled_until"), ("zone", "scheduled_for")];
const FIXED_IMPACT: &str = "The impact of a maintenance is always maintenance.";

/// Schedules a maintenance; with the status in_progress it begins immediately.
pub async fn create(mut change: Change<CanPublish>, context: &ApiContext, mut given: Params) -> Result<Response> {
    let form = MaintenanceForm {
        plan: read_plan_form(PlanForm::default(), &mut given),
        window: read_window(&mut given, context.zone(), (String::new(), String::new())),
        body: read_body(&mut given).unwrap_or_else(|| MaintenancePhase::Scheduled.default_text().to_owned()),
    };
    check_impact(&mut given);
    let said = merge_client_fields(ClientFields::new(), &mut given);
    let status = given.nonempty_text("status").unwrap_or_else(|| MaintenancePhase::Scheduled.key().to_owned());
    let made = form.parse().and_then(|new| build_maintenance(new, &status, context, change.now));
    let made = given.finish(made, &FIELD_NAMES)?;
    let entry = actions::maintenances::schedule(&mut change.tx, &made).await?;
    api_metadata::replace(&mut change.tx, made.id.as_str(), &said).await?;
    commit_event(change, StatusCode::CREATED, IncidentOrMaintenance::Maintenance(made), said, &[entry]).await
}

fn build_maintenance(
    mut new: NewMaintenance,
    status: &str,
    context: &ApiContext,
    now: DateTime<Utc>,
) -> Result<Maintenance, Invalid> {
    // The times were read as UTC; the maintenance is shown in the page's time zone.
    new.window.zone = context.zone();
    let mut made =
        new.plan((MaintenanceId::from_random(random_bytes()), fresh_update_id()), &context.components, now)?;
    match MaintenancePhase::from_key(status) {
        Some(MaintenancePhase::Scheduled) => Ok(made),
        Some(MaintenancePhase::InProgress) => {
            made.begin(fresh_update_id(), now).map_err(|sentence| Invalid::field("phase", sentence))?;
            Ok(made)
        }
        _ => Err(Invalid::field("phase", "A new maintenance is scheduled or in_progress.")),
    }
}

/// Changes a maintenance. `repeats` is set for PUT: sending the newest text again posts no second update.
pub async fn update(
    mut change: Change<CanPublish>,
    context: &ApiContext,
    mut given: Params,
    before: Maintenance,
    repeats: bool,
) -> Result<Response> {
    check_impact(&mut given);
    let said_before = api_metadata::load(&mut change.tx, before.id.as_str()).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let mut after = before.clone();
    let changed = apply_changes(&mut after, &mut given, context, repeats, change.now);
    given.finish(changed, &FIELD_NAMES)?;
    let mut entries = Vec::new();
    if after != before {
        let action = audit_action(&before, &after);
        entries.extend(actions::maintenances::save(&mut change.tx, action, &before, &mut after, change.now).await?);
    }
    if said != said_before {
        api_metadata::replace(&mut change.tx, after.id.as_str(), &said).await?;
        entries.push(actions::maintenances::record_metadata(&after, &said_before, &said));
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
    let begun = it.phase != MaintenancePhase::Scheduled;
    let mut plan = read_plan_form(PlanForm::from_maintenance(it), given);
    if begun {
        plan.components = PlanForm::from_maintenance(it).components;
    }
    plan.parse()?.apply(it, &context.components, now)?;
    let text = read_body(given);
    let moved = reschedule(it, given, context.zone(), text.as_deref(), now)?;
    let phase = given.nonempty_text("status").unwrap_or_else(|| it.phase.key().to_owned());
    let known = MaintenancePhase::from_key(&phase);
    if it.phase == MaintenancePhase::Scheduled
        && matches!(known, Some(MaintenancePhase::Verifying | MaintenancePhase::Completed))
    {
        it.begin(fresh_update_id(), now).map_err(|sentence| Invalid::field("phase", sentence))?;
    }
    let mut form = MaintenanceUpdateForm::from_maintenance(it);
    let stand = form.components.clone();
    if begun {
        form.components.extend(read_statuses(given).unwrap_or_default());
    }
    let another = known != Some(it.phase);
    let newest = it.newest_update().map(|newest| newest.body.trim_end());
    let repeated = newest == text.as_deref().map(str::trim_end);
    let says = text.is_some() && !moved && !(repeats && repeated && !another);
    if says || another || (it.phase.is_active() && form.components != stand) {
        form.phase = phase;
        form.body = text.unwrap_or_else(|| known.map_or("", MaintenancePhase::default_text).to_owned());
        form.parse()?.post(it, fresh_update_id(), now)?;
    }
    Ok(())
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

/// The planned times in UTC; times that were not sent stay as in `stands`.
fn read_window(given: &mut Params, zone: Tz, current: (String, String)) -> WindowForm {
    let mut read = |name, current| given.instant(name, zone).map_or(current, format_utc);
    WindowForm {
        scheduled_for: read("scheduled_for", current.0),
        scheduled_until: read("scheduled_until", current.1),
        zone: Tz::UTC.name().to_owned(),
    }
}

fn read_plan_form(mut form: PlanForm, given: &mut Params) -> PlanForm {
    if let Some(name) = given.text("name") {
        form.title = name;
    }
    if let Some(named) = read_components(given) {
        form.components = named.into_keys().collect();
    }
    let Automation { reminds, starts, completes, marks } = &mut form.switches;
    for (name, switch) in [
        ("scheduled_remind_prior", reminds),
        ("scheduled_auto_completed", completes),
        ("auto_transition_to_maintenance_state", marks),
    ] {
        *switch = given.flag(name).unwrap_or(*switch);
    }
    let starts_itself = given.flag("scheduled_auto_in_progress").or_else(|| given.flag("scheduled_auto_transition"));
    *starts = starts_itself.unwrap_or(*starts);
    form
}

fn check_impact(given: &mut Params) {
    if given.nonempty_text("impact_override").is_some_and(|impact| impact != "maintenance") {
        given.add_error("impact_override", FIXED_IMPACT);
    }
}
