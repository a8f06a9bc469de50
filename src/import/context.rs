//! What all documents of an import and the database say together: names, statuses, and which document is the newest.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::sanitize;
use super::source::{Source, SourceComponent, SourceIncident};
use super::times::{oldest_first, read_time};
use crate::domain::component::MAX_NAME;
use crate::domain::{Component, ComponentId, Group, GroupId, Incident, Maintenance, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    Component,
    Group,
    /// Incidents and maintenances, which share one id space.
    Event,
}

/// Whether an item of a document is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    Imported,
    /// Another document has a newer or equal version.
    Elsewhere,
    /// The same document has a newer or equal version.
    Repeated,
}

/// Data from the database and from all documents of the import.
#[derive(Clone, Debug, Default)]
pub struct ImportContext {
    groups: BTreeMap<String, String>,
    /// Name and group of components by id.
    components: BTreeMap<String, (String, String)>,
    /// Groups in the documents.
    group_rows: BTreeMap<String, SourceComponent>,
    /// Component statuses in the newest documents.
    statuses: BTreeMap<String, String>,
    /// The worst status of each component in any document.
    worst: BTreeMap<String, Status>,
    newest: BTreeMap<(ItemKind, String), ItemVersion>,
    /// Open incidents and maintenances in progress, by id.
    open: BTreeMap<String, OpenEvent>,
    /// Components named by any incident, with what it says of them.
    named: BTreeMap<String, SourceComponent>,
    /// Whether any document lists components.
    has_component_list: bool,
    /// When the first incident began that names a component, or its history begins.
    first_named: BTreeMap<String, DateTime<Utc>>,
    /// Ids of items that visitors of the source don't see.
    hidden: BTreeSet<String>,
    /// Components named by an open incident or an ongoing maintenance.
    explained: BTreeSet<String>,
    /// Statuses by incident and component that are worse than the incident says.
    raised: BTreeMap<(String, String), Status>,
    stored: BTreeSet<String>,
    /// The origins (scheme and host) of the imported page.
    origins: BTreeSet<String>,
}

/// One version of an item in a document.
#[derive(Clone, Copy, Debug)]
struct ItemVersion {
    document: usize,
    position: usize,
    /// When the page last changed before the document was recorded.
    page_changed_at: Option<DateTime<Utc>>,
    changed_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
struct OpenEvent {
    is_incident: bool,
    began: String,
    /// The newest status of each component that it names, if it says one.
    components: BTreeMap<String, Option<Status>>,
}

impl ImportContext {
    /// Adds the document with this index.
    pub fn add_source(&mut self, document: usize, source: &Source) {
        let page_changed_at = source.page.as_ref().and_then(|page| read_time(&page.updated_at));
        let version = |position: usize, updated_at: &str| ItemVersion {
            document,
            position,
            page_changed_at,
            changed_at: read_time(updated_at),
        };
        for (position, row) in source.components.iter().enumerate() {
            self.add_component(row, version(position, &row.updated_at));
        }
        if !source.origin.is_empty() {
            self.origins.insert(source.origin.clone());
        }
        self.hidden.extend(source.hidden.iter().cloned());
        self.has_component_list |= source.components.iter().any(|row| !row.group);
        for (id, at) in &source.history_starts {
            self.add_history_start(id, read_time(at));
        }
        let incidents = source.incidents.iter().enumerate().map(|(position, it)| (position, it, true));
        let maintenances = source.maintenances.iter().enumerate().map(|(position, it)| (position, it, false));
        for (position, event, is_incident) in incidents.chain(maintenances) {
            self.add_event(event, is_incident, version(position, &event.updated_at));
        }
    }

    fn add_component(&mut self, row: &SourceComponent, version: ItemVersion) {
        let kind = if row.group { ItemKind::Group } else { ItemKind::Component };
        if let Some(status) = Status::from_key(&row.status).filter(|_| !row.group) {
            let worst = self.worst.entry(row.id.clone()).or_default();
            *worst = status.max(*worst);
        }
        if !self.take_newest(kind, &row.id, version) {
            return;
        }
        let name = sanitize::sanitize_line(&row.name, MAX_NAME).0;
        if row.group {
            self.groups.insert(row.id.clone(), name);
            self.group_rows.insert(row.id.clone(), row.clone());
        } else {
            self.components.insert(row.id.clone(), (name, row.group_id.clone()));
            self.statuses.insert(row.id.clone(), row.status.clone());
        }
    }

    fn add_event(&mut self, event: &SourceIncident, is_incident: bool, version: ItemVersion) {
        if !self.take_newest(ItemKind::Event, &event.id, version) {
            return;
        }
        let mut components = BTreeMap::new();
        for row in &event.components {
            components.insert(row.id.clone(), None);
            self.named.insert(row.id.clone(), row.clone());
        }
        let updates = oldest_first(event.incident_updates.iter().collect());
        for affected in updates.iter().flat_map(|update| &update.affected_components) {
            components.insert(affected.code.clone(), Status::from_key(&affected.new_status));
            let row = || SourceComponent { id: affected.code.clone(), ..SourceComponent::default() };
            let named = self.named.entry(affected.code.clone()).or_insert_with(row);
            if !affected.name.is_empty() && named.name.is_empty() {
                named.name.clone_from(&affected.name);
            }
        }
        components.remove("");
        let began = [&event.started_at, &event.created_at].into_iter().find_map(|time| read_time(time));
        for id in components.keys().filter(|_| is_incident) {
            self.add_history_start(id, began);
        }
        let is_open = if is_incident { event.is_open() } else { event.is_in_progress() };
        if is_open {
            let began = event.started_at.clone() + &event.created_at;
            self.open.insert(event.id.clone(), OpenEvent { is_incident, began, components });
        } else {
            self.open.remove(&event.id);
        }
    }

    fn add_history_start(&mut self, id: &str, at: Option<DateTime<Utc>>) {
        let Some(at) = at else { return };
        let first = self.first_named.entry(id.to_owned()).or_insert(at);
        *first = at.min(*first);
    }

    /// When the first incident of the documents began that names the component, or its history began.
    pub fn first_named_at(&self, component: &ComponentId) -> Option<DateTime<Utc>> {
        self.first_named.get(component.as_str()).copied()
    }

    /// Records the version if it is newer than the known one.
    fn take_newest(&mut self, kind: ItemKind, id: &str, version: ItemVersion) -> bool {
        let is_newest = self.newest.get(&(kind, id.to_owned())).is_none_or(|known| version.is_newer_than(known));
        if is_newest {
            self.newest.insert((kind, id.to_owned()), version);
        }
        is_newest
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
            self.stored.insert(component.id.to_string());
        }
        self.explained.extend(open.iter().flat_map(Incident::affected_components).map(|(id, _)| id.to_string()));
        self.explained.extend(planned.iter().flat_map(Maintenance::statuses).map(|(id, _)| id.to_string()));
        self.compare_statuses();
    }

    /// Finds components that a document shows worse than the open incidents and maintenances that name them.
    fn compare_statuses(&mut self) {
        let named: BTreeSet<String> = self.open.values().flat_map(|event| event.components.keys().cloned()).collect();
        for id in named {
            let worst = self.worst.get(&id).copied().unwrap_or_default();
            let events: Vec<(&String, &OpenEvent)> =
                self.open.iter().filter(|(_, event)| event.components.contains_key(&id)).collect();
            let status = |event: &OpenEvent| match event.components.get(&id).copied().flatten() {
                Some(status) => status,
                None if event.is_incident => Status::Operational,
                None => Status::UnderMaintenance,
            };
            let given = events.iter().map(|(_, event)| status(event)).max().unwrap_or_default();
            let newest = events.iter().filter(|(_, event)| event.is_incident).max_by_key(|(_, event)| &event.began);
            match newest {
                _ if worst <= given => {}
                Some((incident, _)) => drop(self.raised.insert(((*incident).clone(), id.clone()), worst)),
                // A maintenance does not explain an outage.
                None => continue,
            }
            self.explained.insert(id);
        }
    }

    pub fn precedence(&self, kind: ItemKind, id: &str, document: usize, position: usize) -> Precedence {
        match self.newest.get(&(kind, id.to_owned())) {
            Some(newest) if newest.document != document => Precedence::Elsewhere,
            Some(newest) if newest.position != position => Precedence::Repeated,
            _ => Precedence::Imported,
        }
    }

    /// The components of this open incident that a document shows worse than the incident does.
    pub fn raised_statuses(&self, incident: &str) -> Vec<(&str, Status)> {
        let raised = self.raised.iter().filter(|((id, _), _)| id == incident);
        raised.map(|((_, component), status)| (component.as_str(), *status)).collect()
    }

    /// Whether an open incident or maintenance determines the component's status, so that it isn't the manual status.
    pub fn has_open_event(&self, id: &ComponentId) -> bool {
        self.explained.contains(id.as_str())
    }

    /// Whether the source shows the item to logged-in users only.
    pub fn is_hidden(&self, id: &str) -> bool {
        self.hidden.contains(id)
            || self.components.get(id).is_some_and(|(_, group)| !group.is_empty() && self.hidden.contains(group))
    }

    /// The groups of components in `source` that are defined in other documents.
    pub fn groups_in_other_documents(&self, source: &Source) -> Vec<&SourceComponent> {
        let here: BTreeSet<&String> = source.components.iter().filter(|row| row.group).map(|row| &row.id).collect();
        let wanted: BTreeSet<&String> = source.components.iter().map(|row| &row.group_id).collect();
        wanted.difference(&here).filter_map(|id| self.group_rows.get(*id)).collect()
    }

    /// Components that only incidents and maintenances name. If no document lists components, these are all there are;
    /// otherwise they may have been deleted in the source.
    pub fn components_of_events(&self) -> Vec<SourceComponent> {
        let is_missing =
            |id: &String| !self.components.contains_key(id) && !self.stored.contains(id) && !self.is_hidden(id);
        let named = self.named.iter().filter(|(id, _)| !id.is_empty() && is_missing(id));
        (1..).zip(named.map(|(_, row)| row)).map(|(position, row)| self.component_of_events(row, position)).collect()
    }

    fn component_of_events(&self, row: &SourceComponent, position: i64) -> SourceComponent {
        let name = if row.name.is_empty() { &row.id } else { &row.name };
        let status = if row.status.is_empty() { Status::Operational.key() } else { &row.status };
        SourceComponent {
            name: self.bare_name(&row.id, name).to_owned(),
            status: status.to_owned(),
            group_id: Some(row.group_id.clone()).filter(|group| self.has_group(group)).unwrap_or_default(),
            position: if row.position > 0 { row.position } else { position },
            ..row.clone()
        }
    }

    /// Whether any document lists components.
    pub fn has_component_list(&self) -> bool {
        self.has_component_list
    }

    /// Whether `url` is the imported status page itself, not the owner's website.
    pub fn is_own_page(&self, url: &str) -> bool {
        self.origins.contains(url.trim_end_matches('/'))
    }

    pub fn has_group(&self, id: &str) -> bool {
        self.groups.contains_key(id)
    }

    /// The component's status in the newest document; empty if unknown.
    pub fn status(&self, id: &str) -> &str {
        self.statuses.get(id).map_or("", String::as_str)
    }

    pub fn component_name(&self, id: &str) -> Option<&str> {
        self.components.get(id).map(|(name, _)| name.as_str())
    }

    /// Removes the group name from the front of an update's component name, if it is known to be the group.
    pub fn bare_name<'a>(&self, id: &str, name: &'a str) -> &'a str {
        let group = self.components.get(id).and_then(|(_, group)| self.groups.get(group));
        let rest = group.and_then(|group| name.strip_prefix(group.as_str())?.strip_prefix(" - "));
        rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
    }
}

impl ItemVersion {
    /// The document recorded later wins, then the item changed later, then the first.
    fn is_newer_than(&self, known: &ItemVersion) -> bool {
        let compare = |a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>| match (a, b) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        };
        let recorded = compare(self.page_changed_at, known.page_changed_at);
        recorded.then(compare(self.changed_at, known.changed_at)).is_gt()
    }
}
