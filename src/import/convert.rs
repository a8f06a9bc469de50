//! Converts imported items. Pure: no database, no clock.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::context::ImportContext;
use super::source::{SourceAffected, SourceComponent, SourceIncident, SourceUpdate};
use super::times::{self, displayed_at};
use super::{ImportOptions, postmortems, sanitize};
use crate::domain::component::{MAX_DESCRIPTION, MAX_NAME};
use crate::domain::incident::MAX_TITLE;
use crate::domain::parse_time::{parse_day, parse_instant};
use crate::domain::{
    AffectedComponent, Component, ComponentId, Group, GroupId, Impact, Incident, IncidentId, Phase, Postmortem,
    Reminder, Status, Update, UpdateId, Visibility,
};

/// A text counts as edited from this difference on, because sources store both times slightly apart.
const EDIT_TOLERANCE: TimeDelta = TimeDelta::seconds(1);
/// The maximum position of a component.
const MAX_POSITION: i64 = 10_000;

/// A converted item, and warnings about what was changed.
#[derive(Clone, Debug)]
pub struct Converted<T> {
    pub thing: T,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ConvertedIncident {
    pub incident: Incident,
    pub review: Option<Postmortem>,
}

pub fn convert_group(source: &SourceComponent, now: DateTime<Utc>) -> Result<Converted<Group>, String> {
    let id =
        GroupId::parse(&source.id).ok_or_else(|| rejection_message("group", &source.id, &source.name, "its id"))?;
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("group {id}: {message}"));
    let group = Group {
        name: name(&source.name, &mut warn),
        description: sanitize::report_changes(
            "the description was ",
            sanitize::sanitize_line(&source.description, MAX_DESCRIPTION),
            &mut warn,
        ),
        position: source.position.clamp(1, MAX_POSITION),
        created_at: parse_instant(&source.created_at).unwrap_or(now),
        updated_at: parse_changed_at(&source.updated_at, now),
        version: 1,
        id: id.clone(),
    };
    Ok(Converted { thing: group, warnings })
}

/// Converts a component, or returns the reason for rejecting it.
///
/// Its status becomes the manual status only if no open incident names it. Otherwise the status comes from that
/// incident and would remain after the incident is resolved.
pub fn convert_component(
    source: &SourceComponent,
    known: &ImportContext,
    now: DateTime<Utc>,
) -> Result<Converted<Component>, String> {
    let id = ComponentId::parse(&source.id)
        .ok_or_else(|| rejection_message("component", &source.id, &source.name, "its id"))?;
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("component {id} “{}”: {message}", source.name));
    let group_id = Some(source.group_id.as_str()).filter(|group| !group.is_empty());
    let known_group = group_id.filter(|group| known.has_group(group)).and_then(GroupId::parse);
    if group_id.is_some() && known_group.is_none() {
        warn("its group is not in the files; it is imported without a group".into());
    }
    let status = match Status::from_key(&source.status) {
        _ if known.has_open_event(&id) => Status::Operational,
        Some(status) => status,
        None => {
            warn(format!("its status “{}” is unknown; imported as operational", source.status));
            Status::Operational
        }
    };
    // A source that doesn't tell the creation still has a history: from the first incident on.
    let first_named = || known.first_named_at(&id).map_or(now, |at| now.min(at));
    let created_at = parse_instant(&source.created_at).unwrap_or_else(|_| first_named());
    let component = Component {
        name: name(&source.name, &mut warn),
        description: sanitize::report_changes(
            "the description was ",
            sanitize::sanitize_line(&source.description, MAX_DESCRIPTION),
            &mut warn,
        ),
        group_id: known_group,
        status,
        position: source.position.clamp(1, MAX_POSITION),
        start_date: convert_start_date(&source.start_date, &mut warn),
        only_show_if_degraded: source.only_show_if_degraded,
        created_at,
        updated_at: parse_changed_at(&source.updated_at, now),
        version: 1,
        id: id.clone(),
    };
    Ok(Converted { thing: component, warnings })
}

/// The time of the last change; at most `now`.
pub fn parse_changed_at(source: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    parse_instant(source).map_or(now, |at| at.min(now))
}

pub fn convert_incident(
    source: &SourceIncident,
    known: &ImportContext,
    options: &ImportOptions,
) -> Result<Converted<ConvertedIncident>, String> {
    let refuse = |what: &str| rejection_message("incident", &source.id, &source.name, what);
    let id = IncidentId::parse(&source.id).ok_or_else(|| refuse("its id"))?;
    let (rows, lesson) = postmortems::extract_postmortem(source);
    let rows = times::oldest_first(rows);
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("incident {id} “{}”: {message}", source.name));
    let is_over = is_over(source, rows.last().copied(), &mut warn);
    let times = times::incident_times(source, &rows, is_over).ok_or_else(|| refuse("its start"))?;
    times.warnings.iter().cloned().for_each(&mut warn);
    let created_at = parse_instant(&source.created_at).unwrap_or(times.begin);
    let mut incident = Incident {
        title: convert_title(&source.name, &mut warn),
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Investigating,
        started_at: times.begin,
        ended_at: times.end,
        detected_by: options.detected_by.clone(),
        internal_note: None,
        visibility: if source.is_internal { Visibility::Internal } else { Visibility::Public },
        reminder: Reminder::Usual,
        next_update_at: parse_instant(&source.next_update_at).ok(),
        postmortem_published_at: None,
        created_at,
        updated_at: parse_instant(&source.updated_at).unwrap_or(created_at),
        version: 1,
        updates: convert_updates((source, rows), &id, (times.begin, times.end), known, &mut warn),
        id: id.clone(),
    };
    raise_statuses(&mut incident, known, &mut warn);
    incident.recompute();
    override_impact(&mut incident, source, &mut warn);
    let review = lesson.map(|lesson| postmortems::convert_postmortem(lesson, &incident, &mut warn));
    Ok(Converted { thing: ConvertedIncident { incident, review }, warnings })
}

/// Whether the incident is resolved, by its own status or its newest update.
fn is_over(source: &SourceIncident, newest: Option<&SourceUpdate>, warn: &mut impl FnMut(String)) -> bool {
    let has_resolving_update = newest.is_some_and(|row| matches!(row.status.as_str(), "resolved" | "postmortem"));
    if Phase::from_key(&source.status).is_none() && source.status != "postmortem" {
        let has_end = newest.is_none() && times::read_time(&source.resolved_at).is_some();
        let used = if has_end { "it has an end; imported as resolved" } else { "the status of its updates is used" };
        warn(format!("its status “{}” is unknown; {used}", source.status));
        return has_resolving_update || has_end;
    }
    if source.is_open() && has_resolving_update {
        warn(format!("it is {}, but its newest update is resolved; imported as resolved", source.status));
    } else if !source.is_open() && newest.is_some() && !has_resolving_update {
        warn(format!("it is {}, but its newest update is not; an update without text was added", source.status));
    }
    !source.is_open() || has_resolving_update
}

/// Documents may say that a component is worse than its open incident says: the incident then has that status.
fn raise_statuses(incident: &mut Incident, known: &ImportContext, warn: &mut impl FnMut(String)) {
    if incident.ended_at.is_some() {
        return;
    }
    for (id, status) in known.raised_statuses(incident.id.as_str()) {
        let named = incident.updates.iter_mut().rev().flat_map(|update| &mut update.components);
        if let Some(component) = named.into_iter().find(|component| component.id.as_str() == id) {
            warn(format!("{} is {} in a document; the incident says so too", component.name, status.key()));
            component.status = status;
        }
    }
}

/// The title, or a placeholder if it is empty.
pub fn convert_title(source: &str, warn: &mut impl FnMut(String)) -> String {
    let title = sanitize::report_changes("the title was ", sanitize::sanitize_line(source, MAX_TITLE), warn);
    if title.is_empty() {
        warn("it has no title".into());
        return "(no title)".into();
    }
    title
}

/// The updates, oldest first; a single update without text if there are none. A resolved incident ends with a resolved
/// update.
fn convert_updates(
    (source, rows): (&SourceIncident, Vec<&SourceUpdate>),
    incident: &IncidentId,
    (begin, end): (DateTime<Utc>, Option<DateTime<Utc>>),
    known: &ImportContext,
    warn: &mut impl FnMut(String),
) -> Vec<Update> {
    let nothing = SourceUpdate { status: source.status.clone(), ..Default::default() };
    let is_empty = rows.is_empty();
    let rows = if is_empty { vec![&nothing] } else { rows };
    let mut phase = Phase::Investigating;
    let mut taken = BTreeSet::new();
    let mut updates: Vec<Update> = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        phase = convert_phase(&row.status, phase, warn);
        let posted_at = displayed_at(row).unwrap_or_else(|| {
            warn(if is_empty {
                "it has no updates; an update without text was added".into()
            } else {
                "an update has no readable time; it is put at the start".into()
            });
            if is_empty { end.unwrap_or(begin) } else { begin }
        });
        updates.push(Update {
            id: update_id(row, incident.as_str(), index, &mut taken, warn),
            phase,
            body: sanitize::convert_body(&row.body, warn),
            posted_at,
            created_at: parse_instant(&row.created_at).unwrap_or(posted_at),
            edited_at: edited_at(row),
            version: 1,
            components: convert_affected(&row.affected_components, known, warn),
        });
    }
    attach_unnamed(&mut updates, source, known);
    if let Some(end) = end {
        resolve(&mut updates, incident, end);
    }
    separate_ties(&mut updates);
    updates
}

/// Makes the newest update a resolved one.
fn resolve(updates: &mut Vec<Update>, incident: &IncidentId, end: DateTime<Utc>) {
    let count = updates.len();
    let Some(newest) = updates.last_mut().filter(|newest| newest.phase != Phase::Resolved) else { return };
    if newest.body == sanitize::NO_TEXT && count == 1 {
        newest.phase = Phase::Resolved;
        return;
    }
    let at = end.max(newest.posted_at);
    updates.push(Update {
        id: derived_update_id(incident.as_str(), count),
        phase: Phase::Resolved,
        body: sanitize::NO_TEXT.to_owned(),
        posted_at: at,
        created_at: at,
        edited_at: None,
        version: 1,
        components: Vec::new(),
    });
}

/// Updates are sorted by display time, time of entry and id. In a tie, the order of the document decides: each time of
/// entry becomes a microsecond later than the one before.
pub fn separate_ties<P>(updates: &mut [Update<P>]) {
    for index in 1..updates.len() {
        let (before, rest) = updates.split_at_mut(index);
        if let (Some(before), Some(update)) = (before.last(), rest.first_mut())
            && before.posted_at == update.posted_at
            && update.created_at <= before.created_at
        {
            update.created_at = before.created_at + TimeDelta::microseconds(1);
        }
    }
}

/// The time of the last edit, if the text was edited.
pub fn edited_at(row: &SourceUpdate) -> Option<DateTime<Utc>> {
    let (written, changed) = (parse_instant(&row.created_at).ok()?, parse_instant(&row.updated_at).ok()?);
    (changed - written >= EDIT_TOLERANCE).then_some(changed)
}

/// Components named by the incident but by no update were attached without a status change.
fn attach_unnamed(updates: &mut [Update], source: &SourceIncident, known: &ImportContext) {
    let named: BTreeSet<ComponentId> =
        updates.iter().flat_map(|update| &update.components).map(|component| component.id.clone()).collect();
    let unnamed = attached_components(source, known).into_iter().filter(|component| !named.contains(&component.id));
    if let Some(first) = updates.first_mut() {
        first.components.extend(unnamed);
    }
}

/// The components listed beside the updates, without a status.
pub fn attached_components(source: &SourceIncident, known: &ImportContext) -> Vec<AffectedComponent> {
    let rows = source.components.iter().map(|row| SourceAffected {
        code: row.id.clone(),
        name: row.name.clone(),
        new_status: Status::Operational.key().to_owned(),
    });
    convert_affected(&rows.collect::<Vec<_>>(), known, &mut |_| {})
}

/// The phase for `key`; the previous phase if unknown.
fn convert_phase(key: &str, before: Phase, warn: &mut impl FnMut(String)) -> Phase {
    match key {
        "postmortem" => {
            warn("a postmortem was imported as an update of a resolved incident".into());
            Phase::Resolved
        }
        // Some programs leave the status out if it did not change.
        "" => before,
        key => Phase::from_key(key).unwrap_or_else(|| {
            warn(format!("the status “{key}” of an update is unknown; imported as {}", before.key()));
            before
        }),
    }
}

/// The update's id. If it is missing or taken, the id is derived from stable data, so that the next import finds the
/// update again.
pub fn update_id(
    row: &SourceUpdate,
    owner: &str,
    index: usize,
    taken: &mut BTreeSet<UpdateId>,
    warn: &mut impl FnMut(String),
) -> UpdateId {
    let id = UpdateId::parse(&row.id).filter(|id| !taken.contains(id)).unwrap_or_else(|| {
        if !row.id.is_empty() {
            warn(format!("the id “{}” of an update can't be kept", row.id));
        }
        derived_update_id(owner, index)
    });
    taken.insert(id.clone());
    id
}

/// A deterministic id for the update at `index` of the incident or maintenance `owner`.
pub fn derived_update_id(owner: &str, index: usize) -> UpdateId {
    let digest = Sha256::digest(format!("update {index} of {owner}").as_bytes());
    UpdateId::from_random(std::array::from_fn(|at| digest[at]))
}

/// The components of an update. Some sources write "none affected" as a component without an id.
pub fn convert_affected(
    rows: &[SourceAffected],
    known: &ImportContext,
    warn: &mut impl FnMut(String),
) -> Vec<AffectedComponent> {
    let mut affected: Vec<AffectedComponent> = Vec::new();
    for row in rows.iter().filter(|row| !row.code.is_empty() && !known.is_hidden(&row.code)) {
        let Some(id) = ComponentId::parse(&row.code) else {
            warn(format!("the id “{}” of a component can't be kept; it is skipped", row.code));
            continue;
        };
        if affected.iter().any(|component| component.id == id) {
            continue;
        }
        let message = if row.new_status.is_empty() { known.status(&row.code) } else { &row.new_status };
        let status = Status::from_key(message).unwrap_or_else(|| {
            warn(format!("the status “{message}” of {} is unknown; imported as operational", row.name));
            Status::Operational
        });
        let name = sanitize::sanitize_line(known.bare_name(&row.code, &row.name), MAX_NAME).0;
        let name = if name.is_empty() { known.component_name(&row.code).unwrap_or(&row.code).to_owned() } else { name };
        affected.push(AffectedComponent { id, name, status });
    }
    affected
}

/// Keeps the source's impact if it differs from the computed one.
fn override_impact(incident: &mut Incident, source: &SourceIncident, warn: &mut impl FnMut(String)) {
    let message = Impact::from_key(&source.impact);
    if message.is_none() && !source.impact.is_empty() {
        warn(format!("its impact “{}” is unknown; computed from its components", source.impact));
    }
    let set = Impact::from_key(&source.impact_override);
    incident.impact_override = set.or(message.filter(|impact| *impact != incident.api_impact()));
}

fn convert_start_date(source: &str, warn: &mut impl FnMut(String)) -> Option<NaiveDate> {
    // A midnight in some documents, a date in others.
    let day = source.get(..10).unwrap_or(source);
    let parsed = parse_day(day).ok();
    if parsed.is_none() && !source.is_empty() {
        warn(format!("its start date “{source}” can't be read"));
    }
    parsed
}

fn name(source: &str, warn: &mut impl FnMut(String)) -> String {
    let name = sanitize::report_changes("the name was ", sanitize::sanitize_line(source, MAX_NAME), warn);
    if name.is_empty() {
        warn("it has no name".into());
        return "(no name)".to_owned();
    }
    name
}

pub fn rejection_message(kind: &str, id: &str, name: &str, what: &str) -> String {
    format!("{kind} {id} “{name}”: {what} can't be read")
}
