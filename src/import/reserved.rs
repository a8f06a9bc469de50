//! Replaces ids that are reserved words in URLs; the new ids are deterministic.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::source::Source;
use crate::domain::IncidentId;
use crate::domain::id::is_reserved;

/// Replaces reserved ids of incidents, maintenances, components, groups and templates, with a remark for each.
pub(super) fn replace_reserved_ids(source: Cow<'_, Source>) -> Cow<'_, Source> {
    if !has_reserved_id(&source) {
        return source;
    }
    let mut source = source.into_owned();
    let mut remarks = Vec::new();
    let mut replace_named = |kind: &str, id: &mut String, name: &str| {
        if let Some(other) = replacement(kind, id) {
            remarks.push(format!("{kind} {id} “{name}”: its ID is reserved for URLs; it gets the ID {other}"));
            *id = other;
        }
    };
    for component in &mut source.components {
        let kind = if component.group { "group" } else { "component" };
        replace_named(kind, &mut component.id, &component.name);
    }
    for incident in &mut source.incidents {
        replace_named("incident", &mut incident.id, &incident.name);
    }
    for maintenance in &mut source.maintenances {
        replace_named("maintenance", &mut maintenance.id, &maintenance.name);
    }
    for template in &mut source.templates {
        replace_named("template", &mut template.id, &template.name);
    }
    source.remarks.extend(remarks);
    replace_references(&mut source);
    Cow::Owned(source)
}

/// Updates references to replaced ids, and replaces ids of updates.
fn replace_references(source: &mut Source) {
    let replace = |kind: &str, id: &mut String| *id = replacement(kind, id).unwrap_or_else(|| std::mem::take(id));
    for component in &mut source.components {
        replace("group", &mut component.group_id);
    }
    for incident in source.incidents.iter_mut().chain(&mut source.maintenances) {
        for component in &mut incident.components {
            replace("component", &mut component.id);
            replace("group", &mut component.group_id);
        }
        for update in &mut incident.incident_updates {
            replace("update", &mut update.id);
            for affected in &mut update.affected_components {
                replace("component", &mut affected.code);
            }
        }
    }
    for component in source.templates.iter_mut().flat_map(|template| &mut template.components) {
        replace("component", &mut component.id);
    }
    source.feed_ids = std::mem::take(&mut source.feed_ids)
        .into_iter()
        .map(|(id, feed_id)| (replacement("incident", &id).unwrap_or(id), feed_id))
        .collect();
}

fn has_reserved_id(source: &Source) -> bool {
    let of_incidents = source.incidents.iter().chain(&source.maintenances).flat_map(|incident| {
        let updates = incident.incident_updates.iter();
        let affected = updates.clone().flat_map(|update| &update.affected_components).map(|affected| &affected.code);
        let components = incident.components.iter().flat_map(|component| [&component.id, &component.group_id]);
        [&incident.id].into_iter().chain(updates.map(|update| &update.id)).chain(affected).chain(components)
    });
    let of_components = source.components.iter().flat_map(|component| [&component.id, &component.group_id]);
    let of_templates = source.templates.iter().flat_map(|template| {
        [&template.id].into_iter().chain(template.components.iter().map(|component| &component.id))
    });
    of_incidents.chain(of_components).chain(of_templates).chain(source.feed_ids.keys()).any(|id| is_reserved(id))
}

/// The replacement for a reserved id. Maintenances and incidents share one id space.
fn replacement(kind: &str, id: &str) -> Option<String> {
    let kind = if kind == "maintenance" { "incident" } else { kind };
    let digest = Sha256::digest(format!("reserved {kind} {id}").as_bytes());
    is_reserved(id).then(|| IncidentId::from_random(std::array::from_fn(|at| digest[at])).to_string())
}
