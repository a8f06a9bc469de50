//! Converts imported items. Pure: no database, no clock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::source::{Source, SourceAffected, SourceComponent, SourceIncident, SourceUpdate};
use super::{ImportOptions, postmortems, sanitize};
use crate::domain::component::{MAX_DESCRIPTION, MAX_NAME};
use crate::domain::incident::MAX_TITLE;
use crate::domain::parse_time::{parse_day, parse_instant};
use crate::domain::{
    AffectedComponent, Component, ComponentId, Group, GroupId, Impact, Incident, IncidentId, Maintenance, Phase,
    Postmortem, Reminder, Status, Update, UpdateId, Visibility,
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

/// Data from the database and from all documents of the import.
#[derive(Clone, Debug, Default)]
pub struct ImportContext {
    groups: BTreeMap<String, String>,
    /// Name and group of components by id.
    components: BTreeMap<String, (String, String)>,
    /// Groups in the documents.
    group_rows: BTreeMap<String, SourceComponent>,
    /// Component statuses in the documents.
    statuses: BTreeMap<String, String>,
    /// Components named by an open incident or an ongoing maintenance.
    explained: BTreeSet<String>,
    /// The origins (scheme and host) of the imported page.
    origins: BTreeSet<String>,
    /// The start of the first incident that names a component.
    first_named: BTreeMap<String, DateTime<Utc>>,
}

impl ImportContext {
    pub fn add_source(&mut self, source: &Source) {
        for row in &source.components {
            self.add_component(&row.id, &row.name, &row.group_id, row.group);
            self.statuses.insert(row.id.clone(), row.status.clone());
            if row.group {
                self.group_rows.insert(row.id.clone(), row.clone());
            }
        }
        if !source.origin.is_empty() {
            self.origins.insert(source.origin.clone());
        }
        for incident in &source.incidents {
            self.add_first_named(incident);
        }
        let open = source.incidents.iter().filter(|incident| incident.is_open());
        for incident in open.chain(source.maintenances.iter().filter(|it| it.is_in_progress())) {
            let updates = incident.incident_updates.iter().flat_map(|update| &update.affected_components);
            self.explained.extend(updates.map(|affected| affected.code.clone()));
            self.explained.extend(incident.components.iter().map(|component| component.id.clone()));
        }
    }

    fn add_first_named(&mut self, incident: &SourceIncident) {
        let times = [&incident.started_at, &incident.created_at];
        let Some(at) = times.into_iter().find_map(|time| parse_instant(time).ok()) else { return };
        let affected = incident.incident_updates.iter().flat_map(|update| &update.affected_components);
        let named = affected.map(|component| &component.code);
        for id in named.chain(incident.components.iter().map(|component| &component.id)) {
            let first = self.first_named.entry(id.clone()).or_insert(at);
            *first = at.min(*first);
        }
    }

    /// Adds the content of the database; documents take precedence.
    pub fn add_stored(
        &mut self,
        groups: &[Group],
        components: &[Component],
        open: &[Incident],
        planned: &[Maintenance],
    ) {
        for group in groups {
            self.groups.entry(group.id.to_string()).or_insert_with(|| group.name.clone());
        }
        for component in components {
            let group = component.group_id.as_ref().map(GroupId::to_string).unwrap_or_default();
            self.components.entry(component.id.to_string()).or_insert_with(|| (component.name.clone(), group));
        }
        self.explained.extend(open.iter().flat_map(Incident::affected_components).map(|(id, _)| id.to_string()));
        self.explained.extend(planned.iter().flat_map(Maintenance::statuses).map(|(id, _)| id.to_string()));
    }

    fn add_component(&mut self, id: &str, name: &str, group_id: &str, is_group: bool) {
        let name = sanitize::sanitize_line(name, MAX_NAME).0;
        if is_group {
            self.groups.insert(id.to_owned(), name);
        } else {
            self.components.insert(id.to_owned(), (name, group_id.to_owned()));
        }
    }

    /// Whether an open incident or maintenance determines the component's status, so that it isn't the manual status.
    pub fn has_open_event(&self, id: &ComponentId) -> bool {
        self.explained.contains(id.as_str())
    }

    /// The groups of components in `source` that are defined in other documents.
    pub fn groups_in_other_documents(&self, source: &Source) -> Vec<&SourceComponent> {
        let here: BTreeSet<&String> = source.components.iter().filter(|row| row.group).map(|row| &row.id).collect();
        let wanted: BTreeSet<&String> = source.components.iter().map(|row| &row.group_id).collect();
        wanted.difference(&here).filter_map(|id| self.group_rows.get(*id)).collect()
    }

    /// Whether `url` is the imported status page itself, not the owner's website.
    pub fn is_own_page(&self, url: &str) -> bool {
        self.origins.contains(url.trim_end_matches('/'))
    }

    fn component_name(&self, id: &str) -> Option<&str> {
        self.components.get(id).map(|(name, _)| name.as_str())
    }

    /// Removes the group name from the front of an update's component name, if it is known to be the group.
    fn bare_name<'a>(&self, id: &str, name: &'a str) -> &'a str {
        let group = self.components.get(id).and_then(|(_, group)| self.groups.get(group));
        let rest = group.and_then(|group| name.strip_prefix(group.as_str())?.strip_prefix(" - "));
        rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
    }
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
    let known_group = group_id.filter(|group| known.groups.contains_key(*group)).and_then(GroupId::parse);
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
    let first_named = || known.first_named.get(id.as_str()).map_or(now, |at| now.min(*at));
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
    let times = [&source.started_at, &source.created_at].into_iter().map(String::as_str);
    let shown = source.incident_updates.iter().rev().map(|update| update.display_at.as_str());
    let started_at = times.chain(shown).find_map(|time| parse_instant(time).ok()).ok_or_else(|| refuse("its start"))?;
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("incident {id} “{}”: {message}", source.name));
    if parse_instant(&source.started_at).is_err() && !source.started_at.is_empty() {
        warn(format!("its start “{}” can't be read; another of its times is used", source.started_at));
    }
    let created_at = parse_instant(&source.created_at).unwrap_or(started_at);
    let (rows, lesson) = postmortems::extract_postmortem(source);
    let mut incident = Incident {
        title: convert_title(&source.name, &mut warn),
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Investigating,
        started_at,
        ended_at: None,
        detected_by: options.detected_by.clone(),
        internal_note: None,
        visibility: if source.is_internal { Visibility::Internal } else { Visibility::Public },
        reminder: Reminder::Usual,
        postmortem_published_at: None,
        created_at,
        updated_at: parse_instant(&source.updated_at).unwrap_or(created_at),
        version: 1,
        updates: convert_updates((source, rows), &id, started_at, known, &mut warn),
        id: id.clone(),
    };
    incident.recompute();
    apply_source_end(&mut incident, source, &mut warn);
    override_impact(&mut incident, source, &mut warn);
    let review = lesson.map(|lesson| postmortems::convert_postmortem(lesson, &incident, &mut warn));
    Ok(Converted { thing: ConvertedIncident { incident, review }, warnings })
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

/// The updates, oldest first; a single update without text if there are none.
fn convert_updates(
    (source, message): (&SourceIncident, Vec<&SourceUpdate>),
    incident: &IncidentId,
    started_at: DateTime<Utc>,
    known: &ImportContext,
    warn: &mut impl FnMut(String),
) -> Vec<Update> {
    let at = |row: &SourceUpdate| parse_instant(&row.display_at).or_else(|_| parse_instant(&row.created_at));
    let mut rows: Vec<(DateTime<Utc>, &SourceUpdate)> = Vec::new();
    // Documents list the newest first.
    for row in message.into_iter().rev() {
        let posted_at = at(row).unwrap_or_else(|_| {
            warn("an update has no readable time; it is put at the start".into());
            started_at
        });
        rows.push((posted_at, row));
    }
    let nothing = SourceUpdate { status: source.status.clone(), ..Default::default() };
    if rows.is_empty() {
        warn("it has no updates; an update without text was added".into());
        rows.push((started_at, &nothing));
    }
    rows.sort_by_key(|(posted_at, _)| *posted_at);
    let mut phase = Phase::Investigating;
    let mut taken = BTreeSet::new();
    let mut updates = Vec::new();
    for (index, (posted_at, row)) in rows.into_iter().enumerate() {
        phase = convert_phase(&row.status, phase, warn);
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
    updates
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
    for row in rows.iter().filter(|row| !row.code.is_empty()) {
        let Some(id) = ComponentId::parse(&row.code) else {
            warn(format!("the id “{}” of a component can't be kept; it is skipped", row.code));
            continue;
        };
        if affected.iter().any(|component| component.id == id) {
            continue;
        }
        let message = if row.new_status.is_empty() { known.statuses.get(&row.code) } else { Some(&row.new_status) };
        let message = message.map(String::as_str).unwrap_or_default();
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

/// Whether and when the incident ended follows from the source's own fields. The end is never before the start.
fn apply_source_end(incident: &mut Incident, source: &SourceIncident, warn: &mut impl FnMut(String)) {
    let known = Phase::from_key(&source.status).is_some() || source.status == "postmortem";
    if !known {
        warn(format!("its status “{}” is unknown; the status of its updates is used", source.status));
    } else if !source.is_open() && incident.is_open() {
        warn(format!("it is {}, but its newest update is not; imported as resolved", source.status));
        if let Some(newest) = incident.updates.last_mut() {
            newest.phase = Phase::Resolved;
        }
        incident.recompute();
    } else if source.is_open() && !incident.is_open() {
        warn(format!("it is {}, but its newest update is resolved; imported as resolved", source.status));
    }
    if incident.is_open() {
        return;
    }
    match parse_instant(&source.resolved_at) {
        Ok(end) if end < incident.started_at => {
            warn("it was resolved before it started; its duration is set to 0".into());
            incident.ended_at = Some(incident.started_at);
        }
        Ok(end) => incident.ended_at = Some(end),
        Err(_) if source.resolved_at.is_empty() => {}
        Err(_) => {
            warn(format!("its end “{}” can't be read; the time of its newest update is used", source.resolved_at));
        }
    }
}

/// Keeps the source's impact if it differs from the computed one.
fn override_impact(incident: &mut Incident, source: &SourceIncident, warn: &mut impl FnMut(String)) {
    let message = match source.impact.as_str() {
        "maintenance" => Some(Impact::None),
        key => Impact::from_key(key),
    };
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
