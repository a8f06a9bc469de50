//! Compares converted items with the database and writes the differences.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::convert::{self, Converted, ConvertedIncident, ImportContext};
use super::postmortems::{self, Existing};
use super::progress::{Import, is_changed_locally, skipped_message};
use super::source::{Source, SourcePage};
use super::{ImportOptions, ImportReport, maintenances, sanitize};
use crate::actions::imported;
use crate::db::{self, Result, WriteTx, admin_incidents, components, page_settings};
use crate::domain::audit::Entry;
use crate::domain::forms::PageSettings;
use crate::domain::id::is_id;
use crate::domain::page::MAX_PAGE_TEXT;
use crate::domain::parse_time::parse_zone;
use crate::domain::{Component, ComponentId, Group, GroupId, Incident, MaintenanceId, Page, Postmortem};
use crate::format::url::is_safe_url;

/// The name of an unconfigured page.
const DEFAULT_PAGE_NAME: &str = "Status";

/// Writes the differences between `source` and the database into `tx`. The caller commits with the returned audit
/// entries, or rolls back for a dry run. Problems with single items are in the report.
pub async fn write_source(
    tx: &mut WriteTx,
    source: &Source,
    known: &ImportContext,
    options: &ImportOptions,
    now: DateTime<Utc>,
    step: impl Fn(),
) -> Result<(ImportReport, Vec<Entry>)> {
    let mut import = Import { known, options, now, report: ImportReport::default(), entries: Vec::new() };
    if let Some(page) = &source.page {
        import.page(tx, page).await?;
    }
    import.groups(tx, source).await?;
    import.components(tx, source).await?;
    let mut seen = BTreeSet::new();
    for row in &source.incidents {
        if seen.insert(row.id.as_str()) {
            import.incident(tx, convert::convert_incident(row, known, options)).await?;
        } else {
            import.report.incidents.refused += 1;
            import.report.refusals.push(format!("incident {} “{}”: it occurs twice in the file", row.id, row.name));
        }
        step();
    }
    let zone = page_settings::load(tx).await?.time_zone;
    for row in &source.maintenances {
        if seen.insert(row.id.as_str()) {
            import.maintenance(tx, maintenances::convert_maintenance(row, known, zone, now)).await?;
        } else {
            import.report.maintenances.refused += 1;
            let refusal = format!("maintenance {} “{}”: it occurs twice in the file", row.id, row.name);
            import.report.refusals.push(refusal);
        }
        step();
    }
    import.templates(tx, source).await?;
    import.feed_ids(tx, source).await?;
    import.reject_broken_items(source);
    Ok((import.report, import.entries))
}

impl Import<'_> {
    async fn page(&mut self, tx: &mut WriteTx, source: &SourcePage) -> Result<()> {
        let existing = page_settings::load(tx).await?;
        let (settings, warnings) = page_settings(&existing, source, self.known);
        if existing.name != DEFAULT_PAGE_NAME {
            let same = existing.name == settings.name && existing.url == settings.url;
            let same = same && existing.time_zone == settings.time_zone;
            if same {
                self.report.page.unchanged += 1;
            } else {
                self.report.page.refused += 1;
                let refusal = format!("page “{}”: the page is called “{}” already", settings.name, existing.name);
                self.report.refusals.push(refusal);
            }
            return Ok(());
        }
        if settings.name == DEFAULT_PAGE_NAME
            && settings.url == existing.url
            && settings.time_zone == existing.time_zone
        {
            self.report.page.unchanged += 1;
            return Ok(());
        }
        let (id, changed_at) =
            (Some(source.id.as_str()).filter(|id| is_id(id)), convert::parse_changed_at(&source.updated_at, self.now));
        self.entries.push(imported::page(tx, &existing, &settings, id, changed_at).await?);
        self.report.page.changed += 1;
        self.report.warnings.extend(warnings);
        Ok(())
    }

    async fn groups(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        let stored = components::list_groups(tx).await?;
        let stored_ids: BTreeSet<String> = stored.iter().map(|group| group.id.to_string()).collect();
        let mut stored: BTreeMap<GroupId, Group> = stored.into_iter().map(|group| (group.id.clone(), group)).collect();
        let here = source.components.iter().filter(|row| row.group);
        // A component's group may be in a later document and is then imported here.
        let elsewhere = self.known.groups_in_other_documents(source).into_iter();
        for row in here.chain(elsewhere.filter(|row| !stored_ids.contains(&row.id))) {
            let Some(Converted { mut thing, warnings }) =
                self.or_reject(convert::convert_group(row, self.now), |r| &mut r.groups)
            else {
                continue;
            };
            match stored.get(&thing.id) {
                None => {
                    self.entries.push(imported::group(tx, None, &mut thing, self.now).await?);
                    self.report.groups.created += 1;
                    self.report.warnings.extend(warnings);
                }
                Some(before) if same_group(before, &thing) => self.report.groups.unchanged += 1,
                Some(before) if is_changed_locally(tx, before.id.as_str()).await? => {
                    let refusal = skipped_message("group", before.id.as_str(), &before.name);
                    self.report.groups.refused += 1;
                    self.report.refusals.push(refusal);
                }
                Some(before) => {
                    let mut after = Group { version: before.version, created_at: before.created_at, ..thing.clone() };
                    self.entries.push(imported::group(tx, Some(before), &mut after, self.now).await?);
                    self.report.groups.changed += 1;
                    self.report.warnings.extend(warnings);
                }
            }
            stored.insert(thing.id.clone(), thing);
        }
        Ok(())
    }

    async fn components(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        let groups: BTreeSet<GroupId> = components::list_groups(tx).await?.into_iter().map(|group| group.id).collect();
        let stored = components::list(tx).await?;
        let mut stored: BTreeMap<ComponentId, Component> =
            stored.into_iter().map(|component| (component.id.clone(), component)).collect();
        for row in source.components.iter().filter(|row| !row.group) {
            let planned = convert::convert_component(row, self.known, self.now);
            let Some(Converted { mut thing, warnings }) = self.or_reject(planned, |r| &mut r.components) else {
                continue;
            };
            // The group may have been rejected.
            thing.group_id = thing.group_id.filter(|group| groups.contains(group));
            match stored.get(&thing.id) {
                None => {
                    self.entries.push(imported::component(tx, None, &mut thing, self.now).await?);
                    self.report.components.created += 1;
                    self.report.warnings.extend(warnings);
                }
                Some(before) => {
                    if self.known.has_open_event(&thing.id) {
                        thing.status = before.status;
                    }
                    if same_component(before, &thing) {
                        self.report.components.unchanged += 1;
                    } else if is_changed_locally(tx, before.id.as_str()).await? {
                        let refusal = skipped_message("component", before.id.as_str(), &before.name);
                        self.report.components.refused += 1;
                        self.report.refusals.push(refusal);
                        continue;
                    } else {
                        thing.version = before.version;
                        thing.created_at = before.created_at;
                        self.entries.push(imported::component(tx, Some(before), &mut thing, self.now).await?);
                        self.report.components.changed += 1;
                        self.report.warnings.extend(warnings);
                    }
                }
            }
            stored.insert(thing.id.clone(), thing);
        }
        Ok(())
    }

    async fn incident(
        &mut self,
        tx: &mut WriteTx,
        planned: std::result::Result<Converted<ConvertedIncident>, String>,
    ) -> Result<()> {
        let Some(Converted { thing: story, mut warnings }) = self.or_reject(planned, |r| &mut r.incidents) else {
            return Ok(());
        };
        let ConvertedIncident { incident: mut thing, review } = story;
        if let Some(id) = MaintenanceId::parse(thing.id.as_str())
            && db::maintenances::exists(tx, &id).await?
        {
            self.report.incidents.refused += 1;
            self.report.refusals.push(format!("incident {id} “{}”: a maintenance has this id", thing.title));
            return Ok(());
        }
        ensure_unique_update_ids(tx, &mut thing, &mut warnings).await?;
        if !admin_incidents::exists(tx, &thing.id).await? {
            self.entries.push(imported::incident(tx, None, &mut thing, self.now).await?);
            if let Some(review) = review {
                self.review(tx, review, &thing.title, 0).await?;
            }
            self.report.incidents.created += 1;
            self.report.warnings.extend(warnings);
            return Ok(());
        }
        let before = admin_incidents::find(tx, &thing.id).await?;
        thing.detected_by = self.options.detected_by.clone().or_else(|| before.detected_by.clone());
        (thing.visibility, thing.reminder) = (before.visibility, before.reminder);
        thing.postmortem_published_at = before.postmortem_published_at;
        let existing = postmortems::compare_postmortem(tx, review.as_ref()).await?;
        let is_same = same_incident(&before, &thing);
        if is_same && matches!(existing, Existing::Same) {
            self.report.incidents.unchanged += 1;
            return Ok(());
        }
        if is_changed_locally(tx, before.id.as_str()).await? {
            self.report.incidents.refused += 1;
            self.report.refusals.push(skipped_message("incident", before.id.as_str(), &before.title));
            return Ok(());
        }
        if !is_same {
            thing.version = before.version;
            self.entries.push(imported::incident(tx, Some(&before), &mut thing, self.now).await?);
        }
        if let (Some(review), Existing::Other(version)) = (review, existing) {
            self.review(tx, review, &thing.title, version).await?;
        }
        self.report.incidents.changed += 1;
        self.report.warnings.extend(warnings);
        Ok(())
    }

    /// Replaces the stored postmortem of this version.
    async fn review(&mut self, tx: &mut WriteTx, review: Postmortem, title: &str, version: i64) -> Result<()> {
        let mut review = Postmortem { version, ..review };
        self.entries.push(imported::postmortem(tx, title, &mut review).await?);
        Ok(())
    }

    fn reject_broken_items(&mut self, source: &Source) {
        self.report.warnings.extend(source.remarks.iter().cloned());
        for broken in &source.broken {
            let kind = match broken.split(' ').next() {
                Some("incident") => &mut self.report.incidents,
                Some("maintenance") => &mut self.report.maintenances,
                Some("template") => &mut self.report.templates,
                _ => &mut self.report.components,
            };
            kind.refused += 1;
            self.report.refusals.push(broken.clone());
        }
    }
}

/// Replaces update ids that belong to another incident.
async fn ensure_unique_update_ids(tx: &mut WriteTx, incident: &mut Incident, warnings: &mut Vec<String>) -> Result<()> {
    for (index, update) in incident.updates.iter_mut().enumerate() {
        let owner = admin_incidents::find_incident_of_update(tx, &update.id).await?;
        if owner.is_some_and(|owner| owner != incident.id) {
            warnings.push(format!(
                "incident {} “{}”: the id “{}” of an update belongs to another incident",
                incident.id, incident.title, update.id
            ));
            update.id = convert::derived_update_id(incident.id.as_str(), index);
        }
    }
    Ok(())
}

fn page_settings(existing: &Page, source: &SourcePage, known: &ImportContext) -> (PageSettings, Vec<String>) {
    let mut warnings = Vec::new();
    let (name, cut) = sanitize::sanitize_line(&source.name, MAX_PAGE_TEXT);
    warnings.extend(cut.into_iter().map(|message| format!("page: the name was {message}")));
    let is_linked = source.url.len() <= MAX_PAGE_TEXT && is_safe_url(&source.url) && !known.is_own_page(&source.url);
    let url = if is_linked { source.url.clone() } else { String::new() };
    if url != source.url && !known.is_own_page(&source.url) {
        warnings.push(format!("page: the address “{}” can't be linked; it is skipped", source.url));
    }
    let time_zone = parse_zone(&source.time_zone).unwrap_or_else(|_| {
        if !source.time_zone.is_empty() {
            warnings.push(format!(
                "page: the time zone “{}” is unknown; it stays {}",
                source.time_zone, existing.time_zone
            ));
        }
        existing.time_zone
    });
    let name = if name.is_empty() { existing.name.clone() } else { name };
    let (logo_text, links, embedders) =
        (existing.logo_text.clone(), existing.links.clone(), existing.embedders.clone());
    let settings = PageSettings { name, url, time_zone, logo_text, links, embedders };
    (settings, warnings)
}

fn same_group(a: &Group, b: &Group) -> bool {
    (&a.name, &a.description, a.position) == (&b.name, &b.description, b.position)
}

fn same_component(a: &Component, b: &Component) -> bool {
    let shown = |c: &Component| (c.status, c.position, c.start_date, c.only_show_if_degraded);
    (&a.name, &a.description, &a.group_id) == (&b.name, &b.description, &b.group_id) && shown(a) == shown(b)
}

/// Compares two incidents without versions, row times and internal note.
fn same_incident(a: &Incident, b: &Incident) -> bool {
    let said = |incident: &Incident| {
        let mut said = incident.clone();
        said.version = 0;
        said.created_at = DateTime::UNIX_EPOCH;
        said.updated_at = DateTime::UNIX_EPOCH;
        said.internal_note = None;
        said
    };
    said(a) == said(b)
}
